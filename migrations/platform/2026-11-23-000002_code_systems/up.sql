-- Code systems (kodeverk), shared by every registry and cached by servers. No foreign key refers to them.

CREATE TABLE code (
    system     text NOT NULL
               CONSTRAINT code_system_known CHECK (system IN ('icd10', 'icd11', 'ncsp', 'ncmp', 'ncrp', 'atc')),
    code       text NOT NULL CONSTRAINT code_length CHECK (length(code) BETWEEN 1 AND 16),
    valid_from date NOT NULL,
    -- NULL: valid until further notice. Codes that have ended are kept.
    valid_to   date CONSTRAINT code_ends_after_it_begins CHECK (valid_to >= valid_from),
    title      text NOT NULL CONSTRAINT code_title_length CHECK (length(title) BETWEEN 1 AND 500),
    title_en   text CONSTRAINT code_title_en_length CHECK (length(title_en) BETWEEN 1 AND 500),
    -- The edition that introduced the code with this title.
    edition    text NOT NULL CONSTRAINT code_edition_length CHECK (length(edition) BETWEEN 1 AND 40),
    CONSTRAINT code_key PRIMARY KEY (system, code, valid_from),
    -- One title for each day. The range of the code's hash, because GiST supports text only with an extension.
    CONSTRAINT code_no_overlap EXCLUDE USING gist (
        int8range(hashtextextended(system || ' ' || code, 0), hashtextextended(system || ' ' || code, 0), '[]') WITH =,
        daterange(valid_from, valid_to, '[]') WITH &&
    )
);

-- The journal of imports: one row for each import. Rows are immutable.
CREATE TABLE code_import (
    id          uuid PRIMARY KEY,
    system      text NOT NULL
                CONSTRAINT code_import_system_known CHECK (system IN ('icd10', 'icd11', 'ncsp', 'ncmp', 'ncrp', 'atc')),
    edition     text NOT NULL CONSTRAINT code_import_edition_length CHECK (length(edition) BETWEEN 1 AND 40),
    valid_from  date NOT NULL,
    -- Whether codes that the edition does not list end on the day before it.
    complete    boolean NOT NULL,
    -- The name of the file, without its folder, and SHA-256 of its bytes.
    source      text NOT NULL CONSTRAINT code_import_source_length CHECK (length(source) BETWEEN 1 AND 255),
    source_hash bytea NOT NULL CONSTRAINT code_import_source_hash_length CHECK (octet_length(source_hash) = 32),
    codes       bigint NOT NULL,
    added       bigint NOT NULL,
    retitled    bigint NOT NULL,
    ended       bigint NOT NULL,
    redated     bigint NOT NULL,
    unchanged   bigint NOT NULL,
    refused     bigint NOT NULL,
    imported_at timestamptz NOT NULL,
    imported_by text NOT NULL
);
CREATE INDEX code_import_by_system ON code_import (system, imported_at);
