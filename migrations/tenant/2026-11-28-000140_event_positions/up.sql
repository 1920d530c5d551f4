-- Positions of a registry's own instead of the cluster's transaction numbers: gapless, given after the commit.

-- The head of each numbered log. A sequencer locks the row, numbers what is committed and not numbered yet, and advances it.
CREATE TABLE log_head (
    log      text CONSTRAINT log_head_pkey PRIMARY KEY,
    -- Positions of another epoch mean nothing here.
    epoch    uuid NOT NULL,
    last     bigint NOT NULL CONSTRAINT log_head_last_from_zero CHECK (last >= 0),
    -- The cluster, its timeline, the database and this table when the epoch began; another one begins a new epoch.
    identity text NOT NULL DEFAULT ''
);

-- Events of committed transactions that have no position yet. A patient's later event is written later.
CREATE TABLE event_inbox (
    written    bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT event_inbox_pkey PRIMARY KEY,
    id         uuid NOT NULL,
    at         timestamptz NOT NULL,
    kind       text NOT NULL,
    patient_id uuid CONSTRAINT event_inbox_patient_fk REFERENCES patient,
    object     text NOT NULL,
    version    bigint
);

-- Present events keep their order.
ALTER TABLE event ADD COLUMN place bigint;
UPDATE event SET place = numbered.place
    FROM (SELECT id, row_number() OVER (ORDER BY txid, position) AS place FROM event) numbered WHERE numbered.id = event.id;
INSERT INTO log_head (log, epoch, last) SELECT 'event', gen_random_uuid(), count(*) FROM event;
ALTER TABLE webhook ADD COLUMN place bigint;
UPDATE webhook SET place = (SELECT coalesce(max(place), 0) FROM event
    WHERE (event.txid, event.position) <= (webhook.txid, webhook.position));
ALTER TABLE webhook_delivery ADD COLUMN place bigint;
UPDATE webhook_delivery delivery SET place = event.place FROM event WHERE event.id = delivery.event_id;

-- The indexes that contain a dropped column are dropped with it.
ALTER TABLE event DROP COLUMN txid, DROP COLUMN position;
ALTER TABLE event RENAME COLUMN place TO position;
ALTER TABLE event ADD CONSTRAINT event_pkey PRIMARY KEY (position);
CREATE INDEX event_by_patient ON event (patient_id, position) WHERE patient_id IS NOT NULL;

ALTER TABLE webhook DROP COLUMN txid, DROP COLUMN position;
ALTER TABLE webhook RENAME COLUMN place TO position;
ALTER TABLE webhook ALTER COLUMN position SET NOT NULL;

ALTER TABLE webhook_delivery DROP COLUMN txid, DROP COLUMN position;
ALTER TABLE webhook_delivery RENAME COLUMN place TO position;
ALTER TABLE webhook_delivery ALTER COLUMN position SET NOT NULL;
CREATE INDEX webhook_delivery_pending ON webhook_delivery (webhook_id, ordered_by, position) WHERE state = 'pending';
CREATE INDEX webhook_delivery_next ON webhook_delivery (webhook_id, next_at, position) WHERE state = 'pending';
CREATE INDEX webhook_delivery_by_webhook ON webhook_delivery (webhook_id, position DESC);
