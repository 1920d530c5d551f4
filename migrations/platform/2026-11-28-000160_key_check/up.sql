-- The key-encryption key of this database, as a value from which the key cannot be computed: another key is refused.
CREATE TABLE key_check (
    only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT key_check_one_row CHECK (only_row),
    -- HMAC-SHA-256 of a constant under a key that is derived from the key-encryption key.
    value    bytea NOT NULL CONSTRAINT key_check_value_length CHECK (octet_length(value) = 32)
);
