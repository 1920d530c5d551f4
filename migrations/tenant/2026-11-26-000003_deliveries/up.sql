-- What is to be told next is asked for webhook by webhook: one that fails does not hold up the others.
DROP INDEX webhook_delivery_next;
CREATE INDEX webhook_delivery_next ON webhook_delivery (webhook_id, next_at, txid, position) WHERE state = 'pending';
