-- What happened (hendelser): thin, in an order that never changes once shown; and who is told by webhook.

-- Written in the transaction of what happened. A transaction that commits late has a low number and high positions: readers
-- see only transactions older than every one that is still open, in the order (txid, position).
CREATE TABLE event (
    position   bigint GENERATED ALWAYS AS IDENTITY,
    txid       bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    id         uuid NOT NULL CONSTRAINT event_id_unique UNIQUE,
    at         timestamptz NOT NULL,
    kind       text NOT NULL,
    patient_id uuid CONSTRAINT event_patient_fk REFERENCES patient,
    -- What it happened to, as the access log names it: diagnosis/<id>; and its version then.
    object     text NOT NULL,
    version    bigint,
    CONSTRAINT event_pkey PRIMARY KEY (txid, position)
);
CREATE INDEX event_by_patient ON event (patient_id, txid, position) WHERE patient_id IS NOT NULL;

-- Who is told.
CREATE TABLE webhook (
    id                uuid PRIMARY KEY,
    url               text NOT NULL,
    description       text,
    -- Which kinds of events; none: all of them.
    kinds             text[] NOT NULL,
    enabled           boolean NOT NULL,
    disabled_because  text CONSTRAINT webhook_disabled_because_known CHECK (disabled_because IN ('asked', 'failing', 'gone')),
    failing_since     timestamptz,
    -- Sealed, as is the one before it while both are signed with.
    secret            bytea NOT NULL,
    old_secret        bytea,
    old_secret_until  timestamptz,
    -- How far events have been given to it.
    txid              bigint NOT NULL,
    position          bigint NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    updated_by        text NOT NULL,
    version           bigint NOT NULL,
    CONSTRAINT webhook_disabled_for_a_reason CHECK (enabled = (disabled_because IS NULL)),
    CONSTRAINT webhook_old_secret_ends CHECK ((old_secret IS NULL) = (old_secret_until IS NULL))
);

-- One event for one webhook, and how telling it went.
CREATE TABLE webhook_delivery (
    id           uuid PRIMARY KEY,
    webhook_id   uuid NOT NULL CONSTRAINT webhook_delivery_webhook_fk REFERENCES webhook ON DELETE CASCADE,
    event_id     uuid NOT NULL CONSTRAINT webhook_delivery_event_fk REFERENCES event (id),
    -- Of these only the first that is pending is told: the patient, else the event itself.
    ordered_by   uuid NOT NULL,
    txid         bigint NOT NULL,
    position     bigint NOT NULL,
    state        text NOT NULL CONSTRAINT webhook_delivery_state_known CHECK (state IN ('pending', 'delivered', 'given_up')),
    attempts     integer NOT NULL CONSTRAINT webhook_delivery_attempts_count CHECK (attempts >= 0),
    next_at      timestamptz NOT NULL,
    lease_until  timestamptz,
    attempted_at timestamptz,
    -- What the receiver answered last, or why it could not.
    status       integer,
    failure      text CONSTRAINT webhook_delivery_failure_known CHECK (failure IN ('refused_address', 'timeout', 'unreachable', 'status')),
    created_at   timestamptz NOT NULL,
    CONSTRAINT webhook_delivery_once UNIQUE (webhook_id, event_id)
);
CREATE INDEX webhook_delivery_pending ON webhook_delivery (webhook_id, ordered_by, txid, position) WHERE state = 'pending';
CREATE INDEX webhook_delivery_next ON webhook_delivery (next_at) WHERE state = 'pending';
CREATE INDEX webhook_delivery_by_webhook ON webhook_delivery (webhook_id, txid DESC, position DESC);
