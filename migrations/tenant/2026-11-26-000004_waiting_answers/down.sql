ALTER TABLE quarantine DROP COLUMN invitation_id;
