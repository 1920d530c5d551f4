-- One hospital's registry. Names are unqualified: the set runs once in every tenant's schema.
-- Every constraint is named; tenants/src/error.rs maps each to an error.

CREATE TABLE patient (
    id                   uuid PRIMARY KEY,
    -- Sequential number shown to staff; never reused.
    registry_number      bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT patient_registry_number_unique UNIQUE,
    unit                 text NOT NULL CONSTRAINT patient_unit_length CHECK (length(unit) BETWEEN 1 AND 100),
    -- Stored separately: national identity numbers issued from 2032 contain neither sex nor century.
    sex                  text NOT NULL CONSTRAINT patient_sex_known CHECK (sex IN ('female', 'male', 'unknown')),
    birth_date           date NOT NULL,
    language             text NOT NULL CONSTRAINT patient_language_form CHECK (language ~ '^[a-z]{2,3}$'),
    interpreter_needed   boolean NOT NULL,
    cognitive_impairment boolean NOT NULL,
    protected_address    boolean NOT NULL,
    deceased_on          date,
    -- Mobile number and e-mail address, sealed under the patient's key.
    contact              bytea,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    updated_by           text NOT NULL,
    version              bigint NOT NULL DEFAULT 1,
    CONSTRAINT patient_death_after_birth CHECK (deceased_on >= birth_date)
);
CREATE INDEX patient_by_unit ON patient (unit, registry_number);

-- The patient's key, wrapped under the tenant's. Deleting the row makes the data sealed under it unreadable.
CREATE TABLE patient_key (
    patient_id uuid PRIMARY KEY CONSTRAINT patient_key_patient_fk REFERENCES patient,
    wrapped    bytea NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE patient_identifier (
    id          uuid PRIMARY KEY,
    patient_id  uuid NOT NULL CONSTRAINT patient_identifier_patient_fk REFERENCES patient,
    kind        text NOT NULL CONSTRAINT patient_identifier_kind_known CHECK (kind IN ('fnr', 'dnr', 'hnr', 'fhn', 'duf')),
    -- HMAC-SHA-256 of type, assigner and number, under a key that is not in the database.
    blind_index bytea NOT NULL CONSTRAINT patient_identifier_unique UNIQUE,
    sealed      bytea NOT NULL,
    created_at  timestamptz NOT NULL
);
CREATE INDEX patient_identifier_by_patient ON patient_identifier (patient_id);

-- Published versions of forms. Rows are immutable.
CREATE TABLE form_version (
    code         text NOT NULL,
    version      text NOT NULL,
    wave         text NOT NULL CONSTRAINT form_version_wave_known
                 CHECK (wave IN ('baseline', 'baseline_short', 'follow_up_short', 'follow_up_full', 'project')),
    definition   jsonb NOT NULL,
    published_at timestamptz NOT NULL,
    PRIMARY KEY (code, version)
);

-- The form that each Nettskjema form delivers to.
CREATE TABLE nettskjema_form (
    nettskjema_id text PRIMARY KEY CONSTRAINT nettskjema_form_id_form CHECK (nettskjema_id ~ '^[0-9]{1,12}$'),
    form          text NOT NULL,
    form_version  text NOT NULL,
    CONSTRAINT nettskjema_form_form_fk FOREIGN KEY (form, form_version) REFERENCES form_version
);

-- Submitted answers. Rows are immutable: another delivery of the same source submission is a new revision.
CREATE TABLE submission (
    id                   uuid PRIMARY KEY,
    patient_id           uuid NOT NULL CONSTRAINT submission_patient_fk REFERENCES patient,
    form                 text NOT NULL,
    form_version         text NOT NULL,
    wave                 text NOT NULL,
    source_system        text NOT NULL,
    source_form_id       text NOT NULL,
    source_submission_id text NOT NULL,
    revision             integer NOT NULL,
    supersedes           uuid CONSTRAINT submission_supersedes_fk REFERENCES submission,
    answered_by          text NOT NULL CONSTRAINT submission_answered_by_known CHECK (answered_by IN ('patient', 'representative')),
    submitted_at         timestamptz NOT NULL,
    received_at          timestamptz NOT NULL,
    received_by          text NOT NULL,
    answers              jsonb NOT NULL,
    -- SHA-256 of the delivered bytes: delivering the same bytes again changes nothing.
    payload_hash         bytea NOT NULL,
    CONSTRAINT submission_form_fk FOREIGN KEY (form, form_version) REFERENCES form_version,
    CONSTRAINT submission_source_unique UNIQUE (source_submission_id, source_form_id, source_system, revision)
);
CREATE INDEX submission_by_patient ON submission (patient_id, submitted_at DESC, id DESC);
CREATE INDEX submission_by_superseded ON submission (supersedes) WHERE supersedes IS NOT NULL;

-- The result of one instrument, as the API shows it. Scoring with another algorithm adds a row.
CREATE TABLE score (
    submission_id uuid NOT NULL CONSTRAINT score_submission_fk REFERENCES submission,
    instrument    text NOT NULL,
    algorithm     text NOT NULL,
    status        text NOT NULL CONSTRAINT score_status_known CHECK (status IN ('scored', 'prorated', 'partial', 'incomplete')),
    scales        jsonb NOT NULL,
    flags         jsonb NOT NULL,
    PRIMARY KEY (submission_id, instrument, algorithm)
);

-- The access log, written in the transaction of the access. No role has UPDATE or DELETE.
CREATE TABLE audit_event (
    id           uuid PRIMARY KEY,
    at           timestamptz NOT NULL,
    actor_kind   text NOT NULL CONSTRAINT audit_event_actor_kind_known CHECK (actor_kind IN ('person', 'machine', 'system')),
    actor        text NOT NULL,
    hpr          text,
    role         text NOT NULL,
    organisation text,
    client       text,
    patient_id   uuid,
    action       text NOT NULL,
    purpose      text NOT NULL,
    categories   text[] NOT NULL,
    origin       text,
    object       text,
    outcome      text NOT NULL,
    request_id   text NOT NULL
);
CREATE INDEX audit_event_by_patient ON audit_event (patient_id, at DESC, id DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX audit_event_by_time ON audit_event (at DESC, id DESC);

-- Stored replies by idempotency key. Bodies are sealed under the tenant's key.
CREATE TABLE idempotency_key (
    principal    text NOT NULL,
    key          text NOT NULL,
    request_hash bytea NOT NULL,
    status       smallint NOT NULL,
    location     text,
    etag         text,
    body         bytea NOT NULL,
    patient_id   uuid,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (principal, key)
);
CREATE INDEX idempotency_key_by_age ON idempotency_key (created_at);
