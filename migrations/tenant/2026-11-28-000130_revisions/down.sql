ALTER TABLE quarantine DROP COLUMN changed_at;
ALTER TABLE submission DROP COLUMN superseded_by, DROP COLUMN changed_at;
