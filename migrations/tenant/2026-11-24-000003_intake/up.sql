-- Intake of answers: sealed free text, versions of scores, mappings of codebooks, quarantine and alerts.

ALTER TABLE submission
    -- Free text of the patient: a JSON object sealed under the patient's key. The other members of answers hold no free text.
    ADD COLUMN free_text bytea,
    -- The source's word for the relation of a representative who answered for the patient.
    ADD COLUMN representation text,
    -- SHA-256 of the content of the answers: the same answers in another format change nothing.
    ADD COLUMN content_hash bytea,
    ADD CONSTRAINT submission_representation_of_representative CHECK (representation IS NULL OR answered_by = 'representative');

-- Scoring again adds a version; the highest is current.
ALTER TABLE score
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    -- NULL: scored when the submission arrived.
    ADD COLUMN scored_at timestamptz,
    DROP CONSTRAINT score_pkey,
    ADD PRIMARY KEY (submission_id, instrument, version);

-- Mappings from the codebooks of Nettskjema forms to forms and their items. Every version is kept; the highest is current.
ALTER TABLE nettskjema_form
    ADD COLUMN version bigint NOT NULL DEFAULT 1,
    ADD COLUMN keys jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN updated_by text NOT NULL DEFAULT 'CreateTenant',
    DROP CONSTRAINT nettskjema_form_pkey,
    ADD PRIMARY KEY (nettskjema_id, version);
-- Mappings were part of the form's document before this migration.
UPDATE nettskjema_form SET keys = coalesce(mapping -> 'keys', '{}')
    FROM form_version, jsonb_array_elements(form_version.definition -> 'nettskjema') AS mapping
    WHERE form_version.code = nettskjema_form.form AND form_version.version = nettskjema_form.form_version AND mapping ->> 'form_id' = nettskjema_id;

-- Definitions (metadata) of Nettskjema forms, in every delivered version.
CREATE TABLE nettskjema_definition (
    nettskjema_id text NOT NULL CONSTRAINT nettskjema_definition_id_form CHECK (nettskjema_id ~ '^[0-9]{1,12}$'),
    version       bigint NOT NULL,
    -- SHA-256 of the content, independent of its format.
    digest        bytea NOT NULL,
    document      jsonb NOT NULL,
    generated_at  timestamptz,
    received_at   timestamptz NOT NULL,
    received_by   text NOT NULL,
    PRIMARY KEY (nettskjema_id, version),
    CONSTRAINT nettskjema_definition_once UNIQUE (nettskjema_id, digest)
);

-- Quarantine: deliveries that could not be placed, sealed as delivered, with the faults. Rows are never deleted.
CREATE TABLE quarantine (
    id                   uuid PRIMARY KEY,
    -- The Nettskjema form's number, or NULL for submissions in the registry's own format.
    nettskjema_id        text,
    media_type           text NOT NULL,
    -- The source submission, as far as it could be read.
    source_system        text,
    source_form_id       text,
    source_submission_id text,
    payload_hash         bytea NOT NULL,
    -- Sealed under the registry's quarantine key, because the patient is not known yet.
    sealed               bytea NOT NULL,
    -- Corrections by staff, sealed under the same key; the payload is not changed.
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

-- Alerts: answers that the clinic must see, such as item 20 of the HSCL-25. The answer itself is not in this table.
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

-- For reading the entries of one kind as of an instant.
CREATE INDEX row_history_by_period ON row_history (entity, valid_to, valid_from);
