ALTER TABLE idempotency_key DROP COLUMN media_type;
