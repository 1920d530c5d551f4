//! Dispatch of events to webhooks: each event goes to each webhook at least once, under one id. Of the events of one patient
//! only the first pending one is sent, so that order holds whatever fails. Must not know how a delivery is sent.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Bytea, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::{SignedDuration, Timestamp};
use jiff_diesel::ToDiesel as _;
use painreg_domain::event::EventType;
use painreg_domain::ids::WebhookId;
use painreg_domain::webhook::{PATIENCE, wait_after};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::super::events::{Event, EventRow, log_shown};
use super::secret::{secret_aad, signature};
use super::subscription::later;
use crate::crypt::random;
use crate::error::StoreError;
use crate::statement::statement;
use crate::tx::{Tx, UnauditedTx};

/// The number of events that are enqueued for a webhook at a time.
const BATCH: i64 = 500;

/// The lease of a claimed delivery.
const LEASE: SignedDuration = SignedDuration::from_mins(2);

/// `FROM` the due deliveries `delivery` of enabled webhooks `webhook`, only the first of each order. Binds the instant twice.
const NEXT: &str = "FROM webhook_delivery delivery JOIN webhook ON webhook.id = delivery.webhook_id WHERE enabled \
     AND delivery.state = 'pending' AND delivery.next_at <= ? AND (delivery.lease_until IS NULL OR delivery.lease_until <= ?) \
     AND NOT EXISTS (SELECT FROM webhook_delivery earlier WHERE earlier.state = 'pending' \
     AND earlier.webhook_id = delivery.webhook_id AND earlier.ordered_by = delivery.ordered_by \
     AND earlier.position < delivery.position)";

/// Returns whether there are events to enqueue or deliveries to send.
pub fn is_waiting(tx: &mut UnauditedTx<'_>) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Waiting {
        #[diesel(sql_type = Bool)]
        waiting: bool,
    }
    let row: Waiting = statement(
        "SELECT EXISTS (SELECT FROM webhook WHERE enabled AND EXISTS (SELECT FROM event \
         WHERE event.position > webhook.position)) OR EXISTS (SELECT ",
    )
    .then(NEXT)
    .then(") AS waiting")
    .bind::<Timestamptz, _>(tx.now.to_diesel())
    .bind::<Timestamptz, _>(tx.now.to_diesel())
    .get_result(tx.conn)?;
    Ok(row.waiting)
}

#[derive(QueryableByName)]
struct SubscriberRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Array<Text>)]
    kinds: Vec<String>,
    #[diesel(sql_type = BigInt)]
    position: i64,
}

#[derive(QueryableByName)]
struct NewEventRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    patient_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    object: String,
}

/// Creates the deliveries of each webhook's next events and returns whether there are more. An event that was delivered
/// before becomes pending again.
pub fn enqueue_deliveries(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    let subscribers: Vec<SubscriberRow> =
        statement("SELECT id, kinds, position FROM webhook WHERE enabled ORDER BY id FOR UPDATE SKIP LOCKED")
            .load(tx.conn)?;
    let mut more = false;
    for subscriber in subscribers {
        let rows: Vec<NewEventRow> = statement(
            "SELECT position, id, kind, patient_id, object FROM event WHERE position > ? ORDER BY position LIMIT ?",
        )
        .bind::<BigInt, _>(subscriber.position)
        .bind::<BigInt, _>(BATCH)
        .load(tx.conn)?;
        let Some(last) = rows.last().map(|row| row.position) else { continue };
        more |= i64::try_from(rows.len()) == Ok(BATCH);
        let own = format!("webhook/{}", subscriber.id);
        let test_kind: &'static str = EventType::WebhookTest.into();
        let wanted = |row: &&NewEventRow| {
            if row.kind == test_kind {
                row.object == own
            } else {
                subscriber.kinds.is_empty() || subscriber.kinds.contains(&row.kind)
            }
        };
        let rows: Vec<&NewEventRow> = rows.iter().filter(wanted).collect();
        statement(
            "INSERT INTO webhook_delivery (id, event_id, ordered_by, position, webhook_id, state, attempts, next_at, \
             created_at) SELECT new.*, ?, 'pending', 0, ?, ? FROM unnest(?, ?, ?, ?) AS new \
             ON CONFLICT ON CONSTRAINT webhook_delivery_once DO UPDATE SET state = 'pending', attempts = 0, \
             next_at = EXCLUDED.next_at WHERE webhook_delivery.state <> 'pending'",
        )
        .bind::<SqlUuid, _>(subscriber.id)
        .bind::<Timestamptz, _>(tx.now().to_diesel())
        .bind::<Timestamptz, _>(tx.now().to_diesel())
        .bind::<Array<SqlUuid>, _>(rows.iter().map(|_| tx.ordered_id()).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.patient_id.unwrap_or(row.id)).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(rows.iter().map(|row| row.position).collect::<Vec<_>>())
        .execute(tx.conn)?;
        statement("UPDATE webhook SET position = ? WHERE id = ?")
            .bind::<BigInt, _>(last)
            .bind::<SqlUuid, _>(subscriber.id)
            .execute(tx.conn)?;
    }
    Ok(more)
}

/// A claimed delivery: the event, its receiver, and the secrets that sign it.
pub struct Dispatch {
    delivery: Uuid,
    webhook: WebhookId,
    attempts: i32,
    /// The event to send.
    pub event: Event,
    /// The receiver's URL.
    pub url: String,
    secrets: Vec<Zeroizing<Vec<u8>>>,
}

impl Dispatch {
    /// Returns the signatures of a message sent at this second, one for each valid secret.
    pub fn signatures(&self, second: i64, body: &[u8]) -> String {
        let id = self.event.id.to_string();
        let each = |secret: &Zeroizing<Vec<u8>>| signature(secret, &id, second, body);
        self.secrets.iter().map(each).collect::<Vec<_>>().join(" ")
    }
}

#[derive(QueryableByName)]
struct DispatchRow {
    #[diesel(sql_type = SqlUuid)]
    delivery: Uuid,
    #[diesel(sql_type = SqlUuid)]
    webhook: Uuid,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Text)]
    url: String,
    #[diesel(sql_type = Bytea)]
    secret: Vec<u8>,
    #[diesel(sql_type = Nullable<Bytea>)]
    old_secret: Option<Vec<u8>>,
    #[diesel(embed)]
    event: EventRow,
}

/// Claims due deliveries under a lease. One webhook gets at most half of `limit`, and one delivery while it fails, so that the
/// others are served. Logs every patient the events are about.
pub fn claim_due_deliveries(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Dispatch>, StoreError> {
    let now = tx.now().to_diesel();
    let rows: Vec<DispatchRow> = statement(
        "WITH due AS (SELECT next.id FROM webhook each CROSS JOIN LATERAL (SELECT delivery.id, delivery.next_at ",
    )
        .then(NEXT)
        .then(" AND delivery.webhook_id = each.id ORDER BY delivery.next_at, delivery.position \
             LIMIT CASE WHEN each.failing_since IS NULL THEN ?::bigint ELSE 1 END) next ORDER BY next.next_at LIMIT ?), \
             next AS (SELECT delivery.id FROM webhook_delivery delivery JOIN due USING (id) WHERE delivery.state = 'pending' \
             AND (delivery.lease_until IS NULL OR delivery.lease_until <= ?) FOR UPDATE OF delivery SKIP LOCKED) \
             UPDATE webhook_delivery delivery SET lease_until = ?, attempts = attempts + 1, attempted_at = ? \
             FROM next, webhook, event WHERE next.id = delivery.id AND webhook.id = delivery.webhook_id \
             AND event.id = delivery.event_id RETURNING delivery.id AS delivery, webhook.id AS webhook, attempts, url, secret, \
             CASE WHEN old_secret_until > ? THEN old_secret END AS old_secret, event.position, event.id, event.at, \
             event.kind, event.patient_id, event.object, event.version")
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>((limit / 2).max(1))
        .bind::<BigInt, _>(limit)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(tx.now().saturating_add(LEASE).unwrap_or(tx.now()).to_diesel())
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(now)
        .load(tx.conn)?;
    let place = tx.place();
    let dispatch = |row: DispatchRow| {
        let DispatchRow { delivery, webhook, attempts, url, secret, old_secret, event } = row;
        let open = |sealed: Vec<u8>| place.keys.webhooks.open(&sealed, &secret_aad(&place.id, webhook));
        let secrets = [Some(secret), old_secret].into_iter().flatten().map(open).collect::<Result<_, _>>()?;
        let webhook = WebhookId::existing(webhook);
        Ok(Dispatch { delivery, webhook, attempts, event: event.event()?, url, secrets })
    };
    let mut dispatches = rows.into_iter().map(dispatch).collect::<Result<Vec<_>, StoreError>>()?;
    // Outcomes are recorded in this order by every worker: it is the order in which webhooks are locked.
    dispatches.sort_by_key(|it| it.webhook.uuid());
    let events: Vec<Event> = dispatches.iter().map(|it| it.event.clone()).collect();
    log_shown(tx, &events)?;
    Ok(dispatches)
}

/// The outcome of an attempt to deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The receiver accepted it, with this HTTP status.
    Delivered(u16),
    /// The receiver rejected it with this HTTP status, or did not answer, for this reason.
    Failed(Option<u16>, &'static str),
}

/// Records the outcome of an attempt. A failed delivery is retried later or given up; a webhook that answers 410 or has failed
/// for days is disabled.
pub fn record_outcome(tx: &mut Tx<'_>, dispatch: &Dispatch, outcome: DeliveryOutcome) -> Result<(), StoreError> {
    let now = tx.now();
    let [jitter] = random::<1>();
    let wait = wait_after(dispatch.attempts, jitter);
    let (state, status, failure) = match (outcome, wait) {
        (DeliveryOutcome::Delivered(status), _) => ("delivered", Some(status), None),
        (DeliveryOutcome::Failed(status, why), Some(_)) => ("pending", status, Some(why)),
        (DeliveryOutcome::Failed(status, why), None) => ("given_up", status, Some(why)),
    };
    statement(
        "UPDATE webhook_delivery SET state = ?, status = ?, failure = ?, next_at = ?, lease_until = NULL WHERE id = ? \
         AND state = 'pending' AND attempts = ?",
    )
    .bind::<Text, _>(state)
    .bind::<Nullable<Integer>, _>(status.map(i32::from))
    .bind::<Nullable<Text>, _>(failure)
    .bind::<Timestamptz, _>(later(now, wait.unwrap_or_default()).to_diesel())
    .bind::<SqlUuid, _>(dispatch.delivery)
    .bind::<Integer, _>(dispatch.attempts)
    .execute(tx.conn)?;
    if failure.is_none() {
        statement("UPDATE webhook SET failing_since = NULL WHERE id = ? AND failing_since IS NOT NULL")
            .bind::<SqlUuid, _>(dispatch.webhook.uuid())
            .execute(tx.conn)?;
        return Ok(());
    }
    let gone = status == Some(410);
    let patience = SignedDuration::try_from(PATIENCE).unwrap_or(SignedDuration::MAX);
    let ended = statement(
        "UPDATE webhook SET enabled = false, disabled_because = ?, updated_at = ?, updated_by = ?, version = version + 1 \
         WHERE id = ? AND enabled AND (? OR failing_since < ?)",
    )
    .bind::<Text, _>(if gone { "gone" } else { "failing" })
    .bind::<Timestamptz, _>(now.to_diesel())
    .bind::<Text, _>(tx.trace.action())
    .bind::<SqlUuid, _>(dispatch.webhook.uuid())
    .bind::<Bool, _>(gone)
    .bind::<Timestamptz, _>(now.saturating_sub(patience).unwrap_or(Timestamp::UNIX_EPOCH).to_diesel())
    .execute(tx.conn)?;
    statement("UPDATE webhook SET failing_since = ? WHERE id = ? AND failing_since IS NULL")
        .bind::<Timestamptz, _>(now.to_diesel())
        .bind::<SqlUuid, _>(dispatch.webhook.uuid())
        .execute(tx.conn)?;
    if ended == 1 {
        tx.emit(EventType::WebhookDisabled, None, format!("webhook/{}", dispatch.webhook), None);
    }
    Ok(())
}
