-- Due deliveries are read webhook by webhook: a failing webhook does not delay the others.
DROP INDEX webhook_delivery_next;
CREATE INDEX webhook_delivery_next ON webhook_delivery (webhook_id, next_at, txid, position) WHERE state = 'pending';
