//! Webhook subscriptions: created, read, changed, deleted, tested and replayed.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Bytea, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::{SignedDuration, Timestamp};
use jiff_diesel::ToDiesel as _;
use painreg_domain::event::EventType;
use painreg_domain::ids::WebhookId;
use painreg_domain::webhook::ROTATION;
use uuid::Uuid;

use super::secret::new_secret;
use crate::error::StoreError;
use crate::statement::{Statement, statement};
use crate::store::sequencer::{self, Position};
use crate::store::{Listing, events, parse_stored, version};
use crate::tx::Tx;

/// A webhook subscription.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The webhook's id.
    pub id: WebhookId,
    /// The settings that clients may change.
    pub settings: WebhookSettings,
    /// The reason why it is disabled: `asked`, `failing` or `gone`.
    pub disabled_because: Option<String>,
    /// The instant since which every delivery has failed.
    pub failing_since: Option<Timestamp>,
    /// The instant until which messages are also signed with the previous secret.
    pub old_secret_until: Option<Timestamp>,
    /// The instant of creation.
    pub created_at: Timestamp,
    /// The instant of the last change.
    pub updated_at: Timestamp,
    /// The version, from 1; every change adds 1.
    pub version: i64,
}

/// The settings of a webhook that clients may change.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// The URL that events are sent to.
    pub url: String,
    /// A note on its purpose.
    pub description: Option<String>,
    /// The kinds of events to send; all where empty.
    pub kinds: Vec<EventType>,
    /// Whether events are sent.
    pub enabled: bool,
}

#[derive(QueryableByName)]
struct WebhookRow {
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

impl TryFrom<WebhookRow> for Webhook {
    type Error = StoreError;

    fn try_from(row: WebhookRow) -> Result<Self, StoreError> {
        let WebhookRow { id, url, description, kinds, enabled, disabled_because, version, .. } = row;
        // An empty list means every kind, so that a kind must not get lost here.
        let kinds = kinds.iter().map(|kind| parse_stored(kind)).collect::<Result<_, _>>()?;
        Ok(Self {
            id: WebhookId::existing(id),
            settings: WebhookSettings { url, description, kinds, enabled },
            disabled_because,
            failing_since: row.failing_since.map(jiff_diesel::Timestamp::to_jiff),
            old_secret_until: row.old_secret_until.map(jiff_diesel::Timestamp::to_jiff),
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
            version,
        })
    }
}

const WEBHOOKS: &str = "SELECT id, url, description, kinds, enabled, disabled_because, failing_since, old_secret_until, \
     created_at, updated_at, version FROM webhook WHERE ";

/// Creates a webhook for events from now on. Returns it with its secret, which is shown only here.
pub fn create(tx: &mut Tx<'_>, settings: &WebhookSettings) -> Result<(Webhook, String), StoreError> {
    let id = WebhookId::existing(tx.random_id());
    tx.about(format!("webhook/{id}"));
    let (sealed, secret) = new_secret(tx, id);
    let now = tx.now().to_diesel();
    let head = sequencer::catch_up(tx, &events::LOG)?;
    statement(
        "INSERT INTO webhook (id, url, description, kinds, enabled, disabled_because, secret, position, created_at, \
         updated_at, updated_by, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
    )
    .bind::<SqlUuid, _>(id.uuid())
    .bind::<Text, _>(settings.url.as_str())
    .bind::<Nullable<Text>, _>(settings.description.as_deref())
    .bind::<Array<Text>, _>(kind_names(settings))
    .bind::<Bool, _>(settings.enabled)
    .bind::<Nullable<Text>, _>((!settings.enabled).then_some("asked"))
    .bind::<Bytea, _>(sealed)
    .bind::<BigInt, _>(head.last)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now)
    .bind::<Text, _>(tx.trace.action())
    .execute(tx.conn)?;
    Ok((find(tx, id)?, secret))
}

fn kind_names(settings: &WebhookSettings) -> Vec<&'static str> {
    settings.kinds.iter().map(Into::into).collect()
}

/// Returns one webhook.
pub fn find(tx: &mut Tx<'_>, id: WebhookId) -> Result<Webhook, StoreError> {
    tx.about(format!("webhook/{id}"));
    let row: WebhookRow = statement(WEBHOOKS).then("id = ?").bind::<SqlUuid, _>(id.uuid()).get_result(tx.conn)?;
    row.try_into()
}

/// Returns the webhooks by id.
pub fn list(tx: &mut Tx<'_>, after: Option<WebhookId>, limit: i64) -> Result<Listing<Webhook>, StoreError> {
    let query =
        statement(WEBHOOKS).then("id > ? ORDER BY id").bind::<SqlUuid, _>(after.map_or(Uuid::nil(), WebhookId::uuid));
    Listing::<WebhookRow>::load(tx.conn, query, limit)?.try_map(Webhook::try_from)
}

/// Completes and runs an `UPDATE` of one webhook; [`StoreError::Stale`] if it no longer has `version`.
fn finish_change(tx: &mut Tx<'_>, query: Statement<'_>, id: WebhookId, version: i64) -> Result<Webhook, StoreError> {
    let changed = query
        .then(", updated_at = ?, updated_by = ?, version = version + 1 WHERE id = ? AND version = ?")
        .bind::<Timestamptz, _>(tx.now().to_diesel())
        .bind::<Text, _>(tx.trace.action())
        .bind::<SqlUuid, _>(id.uuid())
        .bind::<BigInt, _>(version)
        .execute(tx.conn)?;
    let found = find(tx, id)?;
    version::one_changed(changed).map(|()| found)
}

/// Changes a webhook. When enabled again it continues where it was, including what was given up while it failed.
pub fn change(tx: &mut Tx<'_>, id: WebhookId, version: i64, settings: &WebhookSettings) -> Result<Webhook, StoreError> {
    let query = statement(
        "UPDATE webhook SET url = ?, description = ?, kinds = ?, failing_since = CASE WHEN ? AND NOT enabled THEN NULL ELSE \
         failing_since END, disabled_because = CASE WHEN ? THEN NULL ELSE coalesce(disabled_because, 'asked') END, enabled = ?",
    )
    .bind::<Text, _>(settings.url.as_str())
    .bind::<Nullable<Text>, _>(settings.description.as_deref())
    .bind::<Array<Text>, _>(kind_names(settings))
    .bind::<Bool, _>(settings.enabled)
    .bind::<Bool, _>(settings.enabled)
    .bind::<Bool, _>(settings.enabled);
    let before = find(tx, id)?;
    if let (true, false, Some(since)) = (settings.enabled, before.settings.enabled, before.failing_since) {
        statement(
            "UPDATE webhook_delivery SET state = 'pending', attempts = 0, next_at = ? WHERE webhook_id = ? \
             AND state = 'given_up' AND attempted_at >= ?",
        )
        .bind::<Timestamptz, _>(tx.now().to_diesel())
        .bind::<SqlUuid, _>(id.uuid())
        .bind::<Timestamptz, _>(since.to_diesel())
        .execute(tx.conn)?;
    }
    finish_change(tx, query, id, version)
}

/// Generates a new secret, shown only here. Messages are also signed with the previous one for a day.
pub fn rotate(tx: &mut Tx<'_>, id: WebhookId, version: i64) -> Result<(Webhook, String), StoreError> {
    let (sealed, secret) = new_secret(tx, id);
    let until = later(tx.now(), ROTATION);
    let query = statement("UPDATE webhook SET old_secret = secret, secret = ?, old_secret_until = ?")
        .bind::<Bytea, _>(sealed)
        .bind::<Timestamptz, _>(until.to_diesel());
    Ok((finish_change(tx, query, id, version)?, secret))
}

/// Deletes a webhook and its deliveries.
pub fn remove(tx: &mut Tx<'_>, id: WebhookId, version: i64) -> Result<(), StoreError> {
    find(tx, id)?;
    let gone = statement("DELETE FROM webhook WHERE id = ? AND version = ?")
        .bind::<SqlUuid, _>(id.uuid())
        .bind::<BigInt, _>(version)
        .execute(tx.conn)?;
    version::one_changed(gone)
}

/// Emits a test event for this webhook only.
pub fn test(tx: &mut Tx<'_>, id: WebhookId) -> Result<Webhook, StoreError> {
    let found = find(tx, id)?;
    tx.emit(EventType::WebhookTest, None, format!("webhook/{id}"), Some(found.version));
    Ok(found)
}

/// Sends every event after a position again, under the same ids.
pub fn replay(tx: &mut Tx<'_>, id: WebhookId, after: Option<Position>) -> Result<Webhook, StoreError> {
    let found = find(tx, id)?;
    let after = sequencer::catch_up(tx, &events::LOG)?.resume(after)?;
    // The position only moves back, so that no event is skipped.
    let query = statement("UPDATE webhook SET position = least(position, ?)").bind::<BigInt, _>(after);
    finish_change(tx, query, id, found.version)
}

/// Returns the instant after `wait`.
pub(super) fn later(now: Timestamp, wait: std::time::Duration) -> Timestamp {
    now.saturating_add(SignedDuration::try_from(wait).unwrap_or(SignedDuration::ZERO)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(kinds: &[&str]) -> WebhookRow {
        let at = Timestamp::UNIX_EPOCH.to_diesel();
        WebhookRow {
            id: Uuid::nil(),
            url: "https://example.org".to_owned(),
            description: None,
            kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            enabled: true,
            disabled_because: None,
            failing_since: None,
            old_secret_until: None,
            created_at: at,
            updated_at: at,
            version: 1,
        }
    }

    #[test]
    fn webhook_with_an_unknown_kind_is_an_error_and_not_a_webhook_for_every_kind() {
        let read = |kinds: &[&str]| Webhook::try_from(stored(kinds)).map(|it| it.settings.kinds);
        assert!(matches!(read(&["entry.recorded.later"]), Err(StoreError::Database(_))));
        assert!(matches!(read(&[EventType::WebhookTest.into()]).as_deref(), Ok([EventType::WebhookTest])));
    }
}
