DROP INDEX webhook_delivery_next;
CREATE INDEX webhook_delivery_next ON webhook_delivery (next_at) WHERE state = 'pending';
