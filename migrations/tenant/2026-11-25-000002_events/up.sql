-- Events (hendelser) without content, in an order that never changes once shown, and webhook subscriptions.

-- Written in the transaction of the event. A transaction that commits late has a low txid: readers therefore see only
-- transactions older than every open one, in the order (txid, position).
CREATE TABLE event (
    position   bigint GENERATED ALWAYS AS IDENTITY,
    txid       bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    id         uuid NOT NULL CONSTRAINT event_id_unique UNIQUE,
    at         timestamptz NOT NULL,
    kind       text NOT NULL,
    patient_id uuid CONSTRAINT event_patient_fk REFERENCES patient,
    -- The object of the event, as in the access log: diagnosis/<id>; and its version after the event.
    object     text NOT NULL,
    version    bigint,
    CONSTRAINT event_pkey PRIMARY KEY (txid, position)
);
CREATE INDEX event_by_patient ON event (patient_id, txid, position) WHERE patient_id IS NOT NULL;

-- Webhook subscriptions.
CREATE TABLE webhook (
    id                uuid PRIMARY KEY,
    url               text NOT NULL,
    description       text,
    -- The kinds of events; empty: every kind.
    kinds             text[] NOT NULL,
    enabled           boolean NOT NULL,
    disabled_because  text CONSTRAINT webhook_disabled_because_known CHECK (disabled_because IN ('asked', 'failing', 'gone')),
    failing_since     timestamptz,
    -- Both secrets are sealed. Deliveries are signed with both until old_secret_until.
    secret            bytea NOT NULL,
    old_secret        bytea,
    old_secret_until  timestamptz,
    -- The position in the order of events up to which deliveries have been created.
    txid              bigint NOT NULL,
    position          bigint NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    updated_by        text NOT NULL,
    version           bigint NOT NULL,
    CONSTRAINT webhook_disabled_for_a_reason CHECK (enabled = (disabled_because IS NULL)),
    CONSTRAINT webhook_old_secret_ends CHECK ((old_secret IS NULL) = (old_secret_until IS NULL))
);

-- One delivery of one event to one webhook, with its attempts.
CREATE TABLE webhook_delivery (
    id           uuid PRIMARY KEY,
    webhook_id   uuid NOT NULL CONSTRAINT webhook_delivery_webhook_fk REFERENCES webhook ON DELETE CASCADE,
    event_id     uuid NOT NULL CONSTRAINT webhook_delivery_event_fk REFERENCES event (id),
    -- Deliveries with the same value are sent one after another: the patient's id, else the event's.
    ordered_by   uuid NOT NULL,
    txid         bigint NOT NULL,
    position     bigint NOT NULL,
    state        text NOT NULL CONSTRAINT webhook_delivery_state_known CHECK (state IN ('pending', 'delivered', 'given_up')),
    attempts     integer NOT NULL CONSTRAINT webhook_delivery_attempts_count CHECK (attempts >= 0),
    next_at      timestamptz NOT NULL,
    lease_until  timestamptz,
    attempted_at timestamptz,
    -- The last response status, or the reason of failure.
    status       integer,
    failure      text CONSTRAINT webhook_delivery_failure_known CHECK (failure IN ('refused_address', 'timeout', 'unreachable', 'status')),
    created_at   timestamptz NOT NULL,
    CONSTRAINT webhook_delivery_once UNIQUE (webhook_id, event_id)
);
CREATE INDEX webhook_delivery_pending ON webhook_delivery (webhook_id, ordered_by, txid, position) WHERE state = 'pending';
CREATE INDEX webhook_delivery_next ON webhook_delivery (next_at) WHERE state = 'pending';
CREATE INDEX webhook_delivery_by_webhook ON webhook_delivery (webhook_id, txid DESC, position DESC);
