-- How answers arrive: free text sealed, scores in versions, codebooks and their mappings, what could not be placed, alerts.

ALTER TABLE submission
    -- The words that the patient wrote: a JSON object sealed under the patient's key. No other member of answers is free.
    ADD COLUMN free_text bytea,
    -- The source's own word for the relation of whoever answered on the patient's behalf.
    ADD COLUMN representation text,
    -- SHA-256 of what the answers say, so that the same answers in another wrapping change nothing.
    ADD COLUMN content_hash bytea,
    ADD CONSTRAINT submission_representation_of_representative CHECK (representation IS NULL OR answered_by = 'representative');

-- Scoring again adds a version beside the one before; the highest counts.
ALTER TABLE score
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    -- NULL: when the submission arrived.
    ADD COLUMN scored_at timestamptz,
    DROP CONSTRAINT score_pkey,
    ADD PRIMARY KEY (submission_id, instrument, version);

-- Which form a Nettskjema form delivers to, and how its codebook leads to the items: every version, the highest counts.
ALTER TABLE nettskjema_form
    ADD COLUMN version bigint NOT NULL DEFAULT 1,
    ADD COLUMN keys jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN updated_by text NOT NULL DEFAULT 'CreateTenant',
    DROP CONSTRAINT nettskjema_form_pkey,
    ADD PRIMARY KEY (nettskjema_id, version);
-- Until now it stood in the form's own document.
UPDATE nettskjema_form SET keys = coalesce(mapping -> 'keys', '{}')
    FROM form_version, jsonb_array_elements(form_version.definition -> 'nettskjema') AS mapping
    WHERE form_version.code = nettskjema_form.form AND form_version.version = nettskjema_form.form_version AND mapping ->> 'form_id' = nettskjema_id;

-- What a Nettskjema form looks like (metadata), in every version that was delivered.
CREATE TABLE nettskjema_definition (
    nettskjema_id text NOT NULL CONSTRAINT nettskjema_definition_id_form CHECK (nettskjema_id ~ '^[0-9]{1,12}$'),
    version       bigint NOT NULL,
    -- SHA-256 of what it says, whatever shape it came in.
    digest        bytea NOT NULL,
    document      jsonb NOT NULL,
    generated_at  timestamptz,
    received_at   timestamptz NOT NULL,
    received_by   text NOT NULL,
    PRIMARY KEY (nettskjema_id, version),
    CONSTRAINT nettskjema_definition_once UNIQUE (nettskjema_id, digest)
);

-- What was delivered and could not be placed: sealed as it came, with the reasons. Nothing leaves this table.
CREATE TABLE quarantine (
    id                   uuid PRIMARY KEY,
    -- The operation's shape: a Nettskjema form's number, or NULL for submissions in the registry's own words.
    nettskjema_id        text,
    media_type           text NOT NULL,
    -- Whose, as far as could be read.
    source_system        text,
    source_form_id       text,
    source_submission_id text,
    payload_hash         bytea NOT NULL,
    -- Under the registry's key for quarantine: nobody knows yet whose answers these are.
    sealed               bytea NOT NULL,
    -- What a person corrected, sealed alike; the payload stays as it came.
    corrections          bytea,
    reasons              jsonb NOT NULL,
    state                text NOT NULL CONSTRAINT quarantine_state_known
                         CHECK (state IN ('open', 'placed', 'superseded', 'set_aside')),
    deliveries           integer NOT NULL,
    received_at          timestamptz NOT NULL,
    received_by          text NOT NULL,
    submission_id        uuid CONSTRAINT quarantine_submission_fk REFERENCES submission,
    updated_at           timestamptz NOT NULL,
    updated_by           text NOT NULL,
    version              bigint NOT NULL,
    CONSTRAINT quarantine_placed_somewhere CHECK ((state = 'placed') = (submission_id IS NOT NULL))
);
CREATE UNIQUE INDEX quarantine_open_once ON quarantine (payload_hash) WHERE state = 'open';
CREATE INDEX quarantine_open_by_source ON quarantine (source_submission_id, source_form_id, source_system) WHERE state = 'open';
CREATE INDEX quarantine_by_time ON quarantine (received_at DESC, id DESC);
CREATE INDEX quarantine_by_submission ON quarantine (submission_id) WHERE submission_id IS NOT NULL;

-- An answer that the clinic must see, such as item 20 of the HSCL-25. The answer itself is not here.
CREATE TABLE alert (
    id              uuid PRIMARY KEY,
    patient_id      uuid NOT NULL CONSTRAINT alert_patient_fk REFERENCES patient,
    submission_id   uuid NOT NULL CONSTRAINT alert_submission_fk REFERENCES submission,
    instrument      text NOT NULL,
    code            text NOT NULL,
    raised_at       timestamptz NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by text,
    version         bigint NOT NULL,
    CONSTRAINT alert_once UNIQUE (submission_id, instrument, code),
    CONSTRAINT alert_acknowledged_by_somebody CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL))
);
CREATE INDEX alert_by_time ON alert (raised_at DESC, id DESC);
CREATE INDEX alert_open ON alert (raised_at DESC, id DESC) WHERE acknowledged_at IS NULL;
CREATE INDEX alert_by_patient ON alert (patient_id);

-- The registry as of an instant asks for what was valid then, of one kind.
CREATE INDEX row_history_by_period ON row_history (entity, valid_to, valid_from);
