-- The platform's tables: tenants, issuers and journals. They hold no patient data.

CREATE TABLE tenant (
    id                  uuid PRIMARY KEY,
    slug                text NOT NULL CONSTRAINT tenant_slug_unique UNIQUE
                        CONSTRAINT tenant_slug_form CHECK (slug ~ '^[a-z][a-z0-9-]{1,38}[a-z0-9]$'),
    name                text NOT NULL CONSTRAINT tenant_name_length CHECK (length(name) BETWEEN 1 AND 200),
    organisation_number text CONSTRAINT tenant_organisation_number_form CHECK (organisation_number ~ '^[0-9]{9}$'),
    -- Opaque: 't_' and 128 random bits, never derived from input, so that similar slugs cannot collide.
    schema_name         text NOT NULL CONSTRAINT tenant_schema_name_unique UNIQUE
                        CONSTRAINT tenant_schema_name_form CHECK (schema_name ~ '^t_[0-9a-f]{32}$'),
    placement           text NOT NULL CONSTRAINT tenant_placement_known CHECK (placement IN ('login', 'dsn')),
    -- The administrator's address of the tenant's database (placement dsn), sealed under the key-encryption key.
    dsn                 bytea CONSTRAINT tenant_dsn_fits_placement CHECK ((dsn IS NOT NULL) = (placement = 'dsn')),
    -- The password of the tenant's login role, sealed under the key-encryption key.
    login_password      bytea NOT NULL,
    -- The tenant's key, from which its other keys are derived, sealed under the key-encryption key.
    tenant_key          bytea NOT NULL,
    state               text NOT NULL CONSTRAINT tenant_state_known CHECK (state IN ('active', 'suspended')),
    template            text NOT NULL,
    -- The newest tenant migration applied. A tenant at another version than the server's gets 503.
    schema_version      text NOT NULL,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    updated_by          text NOT NULL,
    version             bigint NOT NULL DEFAULT 1
);

CREATE TABLE issuer (
    id         uuid PRIMARY KEY,
    -- NULL: an issuer of operators' tokens.
    tenant_id  uuid CONSTRAINT issuer_tenant_fk REFERENCES tenant ON DELETE CASCADE,
    issuer     text NOT NULL CONSTRAINT issuer_length CHECK (length(issuer) BETWEEN 1 AND 500),
    -- Key source, algorithms and the mapping from claims to roles: IssuerSettings as JSON.
    settings   jsonb NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX issuer_by_name ON issuer (issuer);

-- The cache generation: every change of tenants and issuers increments it, and other processes read them again.
CREATE TABLE generation (
    only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT generation_one_row CHECK (only_row),
    value    bigint NOT NULL
);
INSERT INTO generation (value) VALUES (1);

-- The journal of `painreg migrate`: one row for each attempt.
CREATE TABLE migration_run (
    id          uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL CONSTRAINT migration_run_tenant_fk REFERENCES tenant ON DELETE CASCADE,
    from_version text NOT NULL,
    to_version  text NOT NULL,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    outcome     text NOT NULL CONSTRAINT migration_run_outcome_known CHECK (outcome IN ('migrated', 'current', 'failed')),
    error       text
);

-- Unauthenticated requests, counted by minute: rows for each request could fill the disk.
CREATE TABLE refusal (
    minute    timestamptz NOT NULL,
    code      text NOT NULL,
    operation text NOT NULL,
    origin    text NOT NULL,
    count     bigint NOT NULL,
    PRIMARY KEY (minute, code, operation, origin)
);

-- Used proofs of possession, by hash. Shared, so that no server accepts a proof that another one has accepted.
CREATE TABLE used_proof (
    id         bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX used_proof_by_expiry ON used_proof (expires_at);

-- Operators' access log and stored replies, with the same columns as in a tenant's schema.
CREATE TABLE audit_event (
    id           uuid PRIMARY KEY,
    at           timestamptz NOT NULL,
    actor_kind   text NOT NULL CONSTRAINT audit_event_actor_kind_known CHECK (actor_kind IN ('person', 'machine', 'system')),
    actor        text NOT NULL,
    hpr          text,
    role         text NOT NULL,
    organisation text,
    client       text,
    patient_id   uuid CONSTRAINT audit_event_no_patient CHECK (patient_id IS NULL),
    action       text NOT NULL,
    purpose      text NOT NULL,
    categories   text[] NOT NULL,
    origin       text,
    object       text,
    outcome      text NOT NULL,
    request_id   text NOT NULL
);
CREATE INDEX audit_event_by_time ON audit_event (at, id);

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
