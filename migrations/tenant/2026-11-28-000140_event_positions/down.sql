ALTER TABLE webhook_delivery ADD COLUMN txid bigint NOT NULL DEFAULT 0;
ALTER TABLE webhook ADD COLUMN txid bigint NOT NULL DEFAULT 0;
ALTER TABLE event ADD COLUMN txid bigint NOT NULL DEFAULT 0;
DROP TABLE event_inbox;
DROP TABLE log_head;
