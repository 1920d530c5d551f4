-- The media type of a stored reply, which need not be JSON.
ALTER TABLE idempotency_key ADD COLUMN media_type text NOT NULL DEFAULT 'application/json';
