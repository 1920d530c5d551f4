-- Licences of instruments (lisensregister), the wording that licence holders gave, and what the registry decides for itself.
-- Nothing here is overwritten: every version is a row, and the highest counts.

CREATE TABLE licence (
    id         uuid NOT NULL,
    version    bigint NOT NULL CONSTRAINT licence_version_counts CHECK (version > 0),
    -- NULL: it was withdrawn.
    content    jsonb,
    -- Invoices and note: for those who manage licences only.
    accounts   jsonb,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    PRIMARY KEY (id, version),
    CONSTRAINT licence_accounts_of_content CHECK ((content IS NULL) = (accounts IS NULL))
);

CREATE TABLE item_text (
    instrument text NOT NULL,
    language   text NOT NULL,
    version    bigint NOT NULL CONSTRAINT item_text_version_counts CHECK (version > 0),
    wording    jsonb NOT NULL,
    loaded_at  timestamptz NOT NULL,
    -- Who, as the access log shows them.
    loaded_by  text NOT NULL,
    PRIMARY KEY (instrument, language, version)
);

CREATE TABLE registry_setting (
    version    bigint PRIMARY KEY CONSTRAINT registry_setting_version_counts CHECK (version > 0),
    content    jsonb NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL
);
-- Nothing has been decided yet.
INSERT INTO registry_setting (version, content, changed_at, changed_by) VALUES (1, '{}', now(), 'CreateTenant');
