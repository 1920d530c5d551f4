//! Who is told what happens, and how telling them went. Each event goes to each webhook at least once, under one id; of one
//! patient's only the first that is pending is told, so that order holds whatever fails. Must not know how telling is done.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Bytea, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use jiff_diesel::ToDiesel as _;
use painreg_domain::event::Kind;
use painreg_domain::ids::WebhookId;
use painreg_domain::webhook::{PATIENCE, ROTATION, wait_after};
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::events::{Event, EventRow, Place, SETTLED, shown};
use crate::crypt::random;
use crate::error::StoreError;
use crate::statement::{Statement, statement};
use crate::store::Listing;
use crate::tx::{Tx, UnauditedTx};

/// How many events are given to a webhook, and how many deliveries are taken on, at a time.
const STRETCH: i64 = 500;
/// For how long a delivery that was taken on is nobody else's.
const LEASE: SignedDuration = SignedDuration::from_mins(2);

/// A webhook.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// What may be changed.
    pub wish: Wish,
    /// Why it is told nothing: `asked`, `failing`, `gone`.
    pub disabled_because: Option<String>,
    /// Since when everything has failed.
    pub failing_since: Option<Timestamp>,
    /// Until when the secret before this one is signed with as well.
    pub old_secret_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Its version.
    pub version: i64,
}

/// What somebody wants of a webhook.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Where to.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// Which kinds of events; none: all.
    pub kinds: Vec<Kind>,
    /// Whether it is told anything.
    pub enabled: bool,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    url: String,
    #[diesel(sql_type = Nullable<Text>)]
    description: Option<String>,
    #[diesel(sql_type = Array<Text>)]
    kinds: Vec<String>,
    #[diesel(sql_type = Bool)]
    enabled: bool,
    #[diesel(sql_type = Nullable<Text>)]
    disabled_because: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    failing_since: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    old_secret_until: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Timestamptz)]
    created_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

impl From<Row> for Webhook {
    fn from(row: Row) -> Self {
        let Row { id, url, description, kinds, enabled, disabled_because, version, .. } = row;
        let kinds = kinds.iter().filter_map(|kind| kind.parse().ok()).collect();
        Self {
            id: WebhookId::existing(id),
            wish: Wish { url, description, kinds, enabled },
            disabled_because,
            failing_since: row.failing_since.map(jiff_diesel::Timestamp::to_jiff),
            old_secret_until: row.old_secret_until.map(jiff_diesel::Timestamp::to_jiff),
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
            version,
        }
    }
}

const WEBHOOKS: &str = "SELECT id, url, description, kinds, enabled, disabled_because, failing_since, old_secret_until, \
     created_at, updated_at, version FROM webhook WHERE ";

/// A secret as it is shown, once: `whsec_` and base 64.
fn written(secret: &[u8]) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

/// A fresh secret: as it is stored, and as it is shown.
fn fresh(tx: &Tx<'_>, id: WebhookId) -> (Vec<u8>, String) {
    let secret = Zeroizing::new(random::<32>());
    let place = tx.place();
    (place.keys.webhooks.seal(secret.as_slice(), &secret_place(&place.id, id.uuid())), written(secret.as_slice()))
}

fn secret_place(tenant: &[u8], id: Uuid) -> [Vec<u8>; 4] {
    [tenant.to_vec(), b"webhook".to_vec(), b"secret".to_vec(), id.into_bytes().to_vec()]
}

/// The signature of a message, as Standard Webhooks has it: `v1,` and base 64 of HMAC-SHA-256.
fn signature(secret: &[u8], id: &str, second: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    for part in [id.as_bytes(), b".", second.to_string().as_bytes(), b".", body] {
        mac.update(part);
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Adds a webhook, which is told what happens from now on; its secret is shown this once.
pub fn create(tx: &mut Tx<'_>, wish: &Wish) -> Result<(Webhook, String), StoreError> {
    let id = WebhookId::existing(tx.random_id());
    tx.about(format!("webhook/{id}"));
    let (sealed, secret) = fresh(tx, id);
    let now = tx.now().to_diesel();
    statement(
        "INSERT INTO webhook (id, url, description, kinds, enabled, disabled_because, secret, txid, position, created_at, \
         updated_at, updated_by, version) SELECT ?, ?, ?, ?, ?, ?, ?, pg_snapshot_xmin(pg_current_snapshot())::text::bigint, \
         0, ?, ?, ?, 1",
    )
    .bind::<SqlUuid, _>(id.uuid())
    .bind::<Text, _>(wish.url.as_str())
    .bind::<Nullable<Text>, _>(wish.description.as_deref())
    .bind::<Array<Text>, _>(words(wish))
    .bind::<Bool, _>(wish.enabled)
    .bind::<Nullable<Text>, _>((!wish.enabled).then_some("asked"))
    .bind::<Bytea, _>(sealed)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now)
    .bind::<Text, _>(tx.trace.action())
    .execute(tx.conn)?;
    Ok((find(tx, id)?, secret))
}

fn words(wish: &Wish) -> Vec<&'static str> {
    wish.kinds.iter().map(Into::into).collect()
}

/// One webhook.
pub fn find(tx: &mut Tx<'_>, id: WebhookId) -> Result<Webhook, StoreError> {
    tx.about(format!("webhook/{id}"));
    let row: Row = statement(WEBHOOKS).then("id = ?").bind::<SqlUuid, _>(id.uuid()).get_result(tx.conn)?;
    Ok(row.into())
}

/// The webhooks, by id, after `after`.
pub fn list(tx: &mut Tx<'_>, after: Option<Uuid>, limit: i64) -> Result<Listing<Webhook>, StoreError> {
    let rows: Vec<Row> = statement(WEBHOOKS)
        .then("id > ? ORDER BY id LIMIT ?")
        .bind::<SqlUuid, _>(after.unwrap_or_default())
        .bind::<BigInt, _>(limit + 1)
        .load(tx.conn)?;
    Ok(Listing::cut(rows.into_iter().map(Webhook::from).collect(), limit))
}

/// Finishes a change of a webhook, unless somebody changed it since `version` was read.
fn changed(tx: &mut Tx<'_>, query: Statement<'_>, id: WebhookId, version: i64) -> Result<Webhook, StoreError> {
    let changed = query
        .then(", updated_at = ?, updated_by = ?, version = version + 1 WHERE id = ? AND version = ?")
        .bind::<Timestamptz, _>(tx.now().to_diesel())
        .bind::<Text, _>(tx.trace.action())
        .bind::<SqlUuid, _>(id.uuid())
        .bind::<BigInt, _>(version)
        .execute(tx.conn)?;
    let found = find(tx, id)?;
    if changed == 1 { Ok(found) } else { Err(StoreError::Stale) }
}

/// Changes a webhook. One that is enabled again goes on where it was, what was given up while it failed included: nothing is
/// left out.
pub fn change(tx: &mut Tx<'_>, id: WebhookId, version: i64, wish: &Wish) -> Result<Webhook, StoreError> {
    let query = statement(
        "UPDATE webhook SET url = ?, description = ?, kinds = ?, failing_since = CASE WHEN ? AND NOT enabled THEN NULL ELSE \
         failing_since END, disabled_because = CASE WHEN ? THEN NULL ELSE coalesce(disabled_because, 'asked') END, enabled = ?",
    )
    .bind::<Text, _>(wish.url.as_str())
    .bind::<Nullable<Text>, _>(wish.description.as_deref())
    .bind::<Array<Text>, _>(words(wish))
    .bind::<Bool, _>(wish.enabled)
    .bind::<Bool, _>(wish.enabled)
    .bind::<Bool, _>(wish.enabled);
    let before = find(tx, id)?;
    if let (true, false, Some(since)) = (wish.enabled, before.wish.enabled, before.failing_since) {
        statement(
            "UPDATE webhook_delivery SET state = 'pending', attempts = 0, next_at = ? WHERE webhook_id = ? \
             AND state = 'given_up' AND attempted_at >= ?",
        )
        .bind::<Timestamptz, _>(tx.now().to_diesel())
        .bind::<SqlUuid, _>(id.uuid())
        .bind::<Timestamptz, _>(since.to_diesel())
        .execute(tx.conn)?;
    }
    changed(tx, query, id, version)
}

/// Draws a new secret, shown this once; the one before is signed with as well for a day.
pub fn rotate(tx: &mut Tx<'_>, id: WebhookId, version: i64) -> Result<(Webhook, String), StoreError> {
    let (sealed, secret) = fresh(tx, id);
    let until = later(tx.now(), ROTATION);
    let query = statement("UPDATE webhook SET old_secret = secret, secret = ?, old_secret_until = ?")
        .bind::<Bytea, _>(sealed)
        .bind::<Timestamptz, _>(until.to_diesel());
    Ok((changed(tx, query, id, version)?, secret))
}

/// Removes a webhook and what is known of its deliveries.
pub fn remove(tx: &mut Tx<'_>, id: WebhookId, version: i64) -> Result<(), StoreError> {
    find(tx, id)?;
    let gone = statement("DELETE FROM webhook WHERE id = ? AND version = ?")
        .bind::<SqlUuid, _>(id.uuid())
        .bind::<BigInt, _>(version)
        .execute(tx.conn)?;
    if gone == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

/// Has this webhook, and nobody else, told of an event that says nothing.
pub fn test(tx: &mut Tx<'_>, id: WebhookId) -> Result<Webhook, StoreError> {
    let found = find(tx, id)?;
    tx.emit(Kind::WebhookTest, None, format!("webhook/{id}"), Some(found.version));
    Ok(found)
}

/// Has everything after a place told again, under the same ids.
pub fn replay(tx: &mut Tx<'_>, id: WebhookId, after: Place) -> Result<Webhook, StoreError> {
    let found = find(tx, id)?;
    // Never forward: nothing is left out.
    let query = statement(
        "UPDATE webhook SET (txid, position) = (SELECT place.txid, place.position FROM (VALUES (?, ?), (webhook.txid, \
         webhook.position)) AS place (txid, position) ORDER BY place.txid, place.position LIMIT 1)",
    )
    .bind::<BigInt, _>(after.txid)
    .bind::<BigInt, _>(after.position);
    changed(tx, query, id, found.version)
}

/// One event for one webhook, and how telling it went.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The event's id: the message's, wherever it is told.
    pub event: Uuid,
    /// What happened.
    pub kind: String,
    /// `pending`, `delivered` or `given_up`.
    pub state: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried next, at the earliest.
    pub next_at: Option<Timestamp>,
    /// When it was last tried.
    pub attempted_at: Option<Timestamp>,
    /// What the receiver answered last.
    pub status: Option<i32>,
    /// Why it failed.
    pub failure: Option<String>,
    /// Its place in the order.
    pub place: Place,
}

#[derive(QueryableByName)]
struct DeliveryRow {
    #[diesel(sql_type = SqlUuid)]
    event_id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Timestamptz)]
    next_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    attempted_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Integer>)]
    status: Option<i32>,
    #[diesel(sql_type = Nullable<Text>)]
    failure: Option<String>,
    #[diesel(sql_type = BigInt)]
    txid: i64,
    #[diesel(sql_type = BigInt)]
    position: i64,
}

/// What a webhook was or is to be told, the last first, after `after`.
pub fn deliveries(
    tx: &mut Tx<'_>,
    id: WebhookId,
    after: Option<Place>,
    limit: i64,
) -> Result<Listing<Delivery>, StoreError> {
    find(tx, id)?;
    let after = after.unwrap_or(Place { txid: i64::MAX, position: i64::MAX });
    let rows: Vec<DeliveryRow> = statement(
        "SELECT event_id, kind, state, attempts, next_at, attempted_at, status, failure, delivery.txid, delivery.position \
         FROM webhook_delivery delivery JOIN event ON event.id = event_id WHERE webhook_id = ? \
         AND (delivery.txid, delivery.position) < (?, ?) ORDER BY delivery.txid DESC, delivery.position DESC LIMIT ?",
    )
    .bind::<SqlUuid, _>(id.uuid())
    .bind::<BigInt, _>(after.txid)
    .bind::<BigInt, _>(after.position)
    .bind::<BigInt, _>(limit + 1)
    .load(tx.conn)?;
    let delivery = |row: DeliveryRow| {
        let DeliveryRow { event_id, kind, state, attempts, next_at, attempted_at, status, failure, txid, position } =
            row;
        let next_at = (state == "pending").then(|| next_at.to_jiff());
        let attempted_at = attempted_at.map(jiff_diesel::Timestamp::to_jiff);
        let place = Place { txid, position };
        Delivery { event: event_id, kind, state, attempts, next_at, attempted_at, status, failure, place }
    };
    Ok(Listing::cut(rows.into_iter().map(delivery).collect(), limit))
}

/// The first of those that are to be told in order, where the webhook is told anything: `delivery`, `webhook`; binds the
/// instant twice.
const NEXT: &str = "FROM webhook_delivery delivery JOIN webhook ON webhook.id = delivery.webhook_id WHERE enabled \
     AND delivery.state = 'pending' AND delivery.next_at <= ? AND (delivery.lease_until IS NULL OR delivery.lease_until <= ?) \
     AND NOT EXISTS (SELECT FROM webhook_delivery earlier WHERE earlier.state = 'pending' \
     AND earlier.webhook_id = delivery.webhook_id AND earlier.ordered_by = delivery.ordered_by \
     AND (earlier.txid, earlier.position) < (delivery.txid, delivery.position))";

/// Whether there is anybody to tell anything.
pub fn is_waiting(tx: &mut UnauditedTx<'_>) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Waiting {
        #[diesel(sql_type = Bool)]
        waiting: bool,
    }
    let row: Waiting = statement(
        "SELECT EXISTS (SELECT FROM webhook WHERE enabled AND EXISTS (SELECT FROM event WHERE (event.txid, \
         event.position) > (webhook.txid, webhook.position) AND event.",
    )
    .then(SETTLED)
    .then(")) OR EXISTS (SELECT ")
    .then(NEXT)
    .then(") AS waiting")
    .bind::<Timestamptz, _>(tx.now.to_diesel())
    .bind::<Timestamptz, _>(tx.now.to_diesel())
    .get_result(tx.conn)?;
    Ok(row.waiting)
}

#[derive(QueryableByName)]
struct TurnRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Array<Text>)]
    kinds: Vec<String>,
    #[diesel(sql_type = BigInt)]
    txid: i64,
    #[diesel(sql_type = BigInt)]
    position: i64,
}

#[derive(QueryableByName)]
struct SpreadRow {
    #[diesel(sql_type = BigInt)]
    txid: i64,
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

/// Gives each webhook the next events it is to be told; whether there are more. What was told before is told again.
pub fn spread(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    let turns: Vec<TurnRow> =
        statement("SELECT id, kinds, txid, position FROM webhook WHERE enabled ORDER BY id FOR UPDATE SKIP LOCKED")
            .load(tx.conn)?;
    let mut more = false;
    for turn in turns {
        let rows: Vec<SpreadRow> = statement("SELECT txid, position, id, kind, patient_id, object FROM event WHERE ")
            .then(SETTLED)
            .then(" AND (txid, position) > (?, ?) ORDER BY txid, position LIMIT ?")
            .bind::<BigInt, _>(turn.txid)
            .bind::<BigInt, _>(turn.position)
            .bind::<BigInt, _>(STRETCH)
            .load(tx.conn)?;
        let Some(last) = rows.last().map(|row| (row.txid, row.position)) else { continue };
        more |= i64::try_from(rows.len()) == Ok(STRETCH);
        let own = format!("webhook/{}", turn.id);
        let test: &'static str = Kind::WebhookTest.into();
        let wanted = |row: &&SpreadRow| {
            if row.kind == test { row.object == own } else { turn.kinds.is_empty() || turn.kinds.contains(&row.kind) }
        };
        let rows: Vec<&SpreadRow> = rows.iter().filter(wanted).collect();
        statement(
            "INSERT INTO webhook_delivery (id, event_id, ordered_by, txid, position, webhook_id, state, attempts, next_at, \
             created_at) SELECT new.*, ?, 'pending', 0, ?, ? FROM unnest(?, ?, ?, ?, ?) AS new \
             ON CONFLICT ON CONSTRAINT webhook_delivery_once DO UPDATE SET state = 'pending', attempts = 0, \
             next_at = EXCLUDED.next_at WHERE webhook_delivery.state <> 'pending'",
        )
        .bind::<SqlUuid, _>(turn.id)
        .bind::<Timestamptz, _>(tx.now().to_diesel())
        .bind::<Timestamptz, _>(tx.now().to_diesel())
        .bind::<Array<SqlUuid>, _>(rows.iter().map(|_| tx.ordered_id()).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.patient_id.unwrap_or(row.id)).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(rows.iter().map(|row| row.txid).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(rows.iter().map(|row| row.position).collect::<Vec<_>>())
        .execute(tx.conn)?;
        statement("UPDATE webhook SET txid = ?, position = ? WHERE id = ?")
            .bind::<BigInt, _>(last.0)
            .bind::<BigInt, _>(last.1)
            .bind::<SqlUuid, _>(turn.id)
            .execute(tx.conn)?;
    }
    Ok(more)
}

/// An event to be told, to whom, and what it is signed with.
pub struct Parcel {
    delivery: Uuid,
    webhook: WebhookId,
    attempts: i32,
    /// What happened.
    pub event: Event,
    /// Where to.
    pub url: String,
    secrets: Vec<Zeroizing<Vec<u8>>>,
}

impl Parcel {
    /// The signatures of what is told at this second: one a secret that counts.
    pub fn signatures(&self, second: i64, body: &[u8]) -> String {
        let id = self.event.id.to_string();
        let each = |secret: &Zeroizing<Vec<u8>>| signature(secret, &id, second, body);
        self.secrets.iter().map(each).collect::<Vec<_>>().join(" ")
    }
}

#[derive(QueryableByName)]
struct ParcelRow {
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

/// Takes on what is to be told now: nobody else tells it while the lease lasts. A webhook is given half of the places at the
/// most, and one where it fails, so that the others are told. Everybody told of is logged.
pub fn take(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Parcel>, StoreError> {
    let now = tx.now().to_diesel();
    let rows: Vec<ParcelRow> = statement(
        "WITH due AS (SELECT next.id FROM webhook each CROSS JOIN LATERAL (SELECT delivery.id, delivery.next_at ",
    )
        .then(NEXT)
        .then(" AND delivery.webhook_id = each.id ORDER BY delivery.next_at, delivery.txid, delivery.position \
             LIMIT CASE WHEN each.failing_since IS NULL THEN ?::bigint ELSE 1 END) next ORDER BY next.next_at LIMIT ?), \
             next AS (SELECT delivery.id FROM webhook_delivery delivery JOIN due USING (id) WHERE delivery.state = 'pending' \
             AND (delivery.lease_until IS NULL OR delivery.lease_until <= ?) FOR UPDATE OF delivery SKIP LOCKED) \
             UPDATE webhook_delivery delivery SET lease_until = ?, attempts = attempts + 1, attempted_at = ? \
             FROM next, webhook, event WHERE next.id = delivery.id AND webhook.id = delivery.webhook_id \
             AND event.id = delivery.event_id RETURNING delivery.id AS delivery, webhook.id AS webhook, attempts, url, secret, \
             CASE WHEN old_secret_until > ? THEN old_secret END AS old_secret, event.txid, event.position, event.id, event.at, \
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
    let parcel = |row: ParcelRow| {
        let ParcelRow { delivery, webhook, attempts, url, secret, old_secret, event } = row;
        let open = |sealed: Vec<u8>| place.keys.webhooks.open(&sealed, &secret_place(&place.id, webhook));
        let secrets = [Some(secret), old_secret].into_iter().flatten().map(open).collect::<Result<_, _>>()?;
        let webhook = WebhookId::existing(webhook);
        Ok(Parcel { delivery, webhook, attempts, event: event.event()?, url, secrets })
    };
    let mut parcels = rows.into_iter().map(parcel).collect::<Result<Vec<_>, StoreError>>()?;
    // How telling went is noted in the same order by everybody: webhooks are locked in it.
    parcels.sort_by_key(|it| it.webhook.uuid());
    let events: Vec<Event> = parcels.iter().map(|it| it.event.clone()).collect();
    shown(tx, &events)?;
    Ok(parcels)
}

/// How telling went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered(u16),
    /// The receiver answered something else, or nothing, for this reason.
    Failed(Option<u16>, &'static str),
}

/// Notes how telling went: what failed is tried again later or given up; who is gone, or has failed for days, is told
/// nothing more until somebody enables it again.
pub fn told(tx: &mut Tx<'_>, parcel: &Parcel, outcome: Outcome) -> Result<(), StoreError> {
    let now = tx.now();
    let [jitter] = random::<1>();
    let wait = wait_after(parcel.attempts, jitter);
    let (state, status, failure) = match (outcome, wait) {
        (Outcome::Delivered(status), _) => ("delivered", Some(status), None),
        (Outcome::Failed(status, why), Some(_)) => ("pending", status, Some(why)),
        (Outcome::Failed(status, why), None) => ("given_up", status, Some(why)),
    };
    statement(
        "UPDATE webhook_delivery SET state = ?, status = ?, failure = ?, next_at = ?, lease_until = NULL WHERE id = ? \
         AND state = 'pending' AND attempts = ?",
    )
    .bind::<Text, _>(state)
    .bind::<Nullable<Integer>, _>(status.map(i32::from))
    .bind::<Nullable<Text>, _>(failure)
    .bind::<Timestamptz, _>(later(now, wait.unwrap_or_default()).to_diesel())
    .bind::<SqlUuid, _>(parcel.delivery)
    .bind::<Integer, _>(parcel.attempts)
    .execute(tx.conn)?;
    if failure.is_none() {
        statement("UPDATE webhook SET failing_since = NULL WHERE id = ? AND failing_since IS NOT NULL")
            .bind::<SqlUuid, _>(parcel.webhook.uuid())
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
    .bind::<SqlUuid, _>(parcel.webhook.uuid())
    .bind::<Bool, _>(gone)
    .bind::<Timestamptz, _>(now.saturating_sub(patience).unwrap_or(Timestamp::UNIX_EPOCH).to_diesel())
    .execute(tx.conn)?;
    statement("UPDATE webhook SET failing_since = ? WHERE id = ? AND failing_since IS NULL")
        .bind::<Timestamptz, _>(now.to_diesel())
        .bind::<SqlUuid, _>(parcel.webhook.uuid())
        .execute(tx.conn)?;
    if ended == 1 {
        tx.emit(Kind::WebhookDisabled, None, format!("webhook/{}", parcel.webhook), None);
    }
    Ok(())
}

fn later(now: Timestamp, wait: std::time::Duration) -> Timestamp {
    now.saturating_add(SignedDuration::try_from(wait).unwrap_or(SignedDuration::ZERO)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn it_signs_as_standard_webhooks_does() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base 64");
        let signed = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
