-- Drafts of forms, at most one for each code. A draft may have faults; it is published as a version or discarded.
CREATE TABLE form_draft (
    code       text PRIMARY KEY CONSTRAINT form_draft_code_form CHECK (code ~ '^[a-z][a-z0-9-]{0,63}$'),
    definition jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by text NOT NULL,
    version    bigint NOT NULL DEFAULT 1
);
