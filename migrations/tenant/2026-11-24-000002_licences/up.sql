-- Licences of instruments (lisensregister), wordings that licence holders supplied, and settings of the registry.
-- Rows are immutable: every change is a new version, and the highest is current.

CREATE TABLE licence (
    id         uuid NOT NULL,
    version    bigint NOT NULL CONSTRAINT licence_version_counts CHECK (version > 0),
    -- NULL in the version that withdraws the licence.
    content    jsonb,
    -- Invoices and note, readable by callers who may manage licences.
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
    -- The actor, as shown in the access log.
    loaded_by  text NOT NULL,
    PRIMARY KEY (instrument, language, version)
);

CREATE TABLE registry_setting (
    version    bigint PRIMARY KEY CONSTRAINT registry_setting_version_counts CHECK (version > 0),
    content    jsonb NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL
);
-- The first version of the settings is empty.
INSERT INTO registry_setting (version, content, changed_at, changed_by) VALUES (1, '{}', now(), 'CreateTenant');
