-- Long operations. The worker does one stretch in each transaction and locks the row, so that no other worker does the same
-- stretch; after a crash the stretch is done again. `position` is the start of the next stretch, in the terms of the kind.
CREATE TABLE operation (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    state text NOT NULL,
    input jsonb NOT NULL,
    position jsonb,
    done bigint NOT NULL,
    total bigint,
    result jsonb,
    failure text,
    attempts integer NOT NULL,
    next_at timestamptz,
    requested_by text NOT NULL,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    updated_at timestamptz NOT NULL,
    updated_by text NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT operation_kind_known CHECK (kind = ANY (ARRAY['rescoring'::text])),
    CONSTRAINT operation_state_known CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    CONSTRAINT operation_failure_known CHECK (failure IN ('no_longer_valid', 'attempts_exhausted')),
    CONSTRAINT operation_failure_when_failed CHECK ((failure IS NULL) = (state <> 'failed')),
    CONSTRAINT operation_finished_or_due CHECK ((finished_at IS NULL) = (next_at IS NOT NULL)),
    CONSTRAINT operation_progress_form CHECK (done >= 0 AND total >= done)
);
CREATE INDEX operation_due ON operation (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX operation_newest ON operation (created_at DESC, id DESC);
