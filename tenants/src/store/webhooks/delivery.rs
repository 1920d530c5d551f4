//! The list of a webhook's deliveries.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use painreg_domain::ids::WebhookId;
use uuid::Uuid;

use super::subscription::find;
use crate::error::StoreError;
use crate::statement::statement;
use crate::store::Listing;
use crate::tx::Tx;

/// The delivery of one event to one webhook.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The event's id, which is the message's id at every receiver.
    pub event: Uuid,
    /// The kind of event.
    pub kind: String,
    /// The state: `pending`, `delivered` or `given_up`.
    pub state: String,
    /// The number of attempts.
    pub attempts: i32,
    /// The earliest instant of the next attempt, while pending.
    pub next_at: Option<Timestamp>,
    /// The instant of the last attempt.
    pub attempted_at: Option<Timestamp>,
    /// The HTTP status of the last attempt.
    pub status: Option<i32>,
    /// The reason of the last failure.
    pub failure: Option<String>,
    /// The event's position in the feed.
    pub position: i64,
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
    position: i64,
}

/// Returns the deliveries of a webhook, latest event first.
pub fn deliveries(
    tx: &mut Tx<'_>,
    id: WebhookId,
    after: Option<i64>,
    limit: i64,
) -> Result<Listing<Delivery>, StoreError> {
    find(tx, id)?;
    let query = statement(
        "SELECT event_id, kind, state, attempts, next_at, attempted_at, status, failure, delivery.position \
         FROM webhook_delivery delivery JOIN event ON event.id = event_id WHERE webhook_id = ? \
         AND delivery.position < ? ORDER BY delivery.position DESC",
    )
    .bind::<SqlUuid, _>(id.uuid())
    .bind::<BigInt, _>(after.unwrap_or(i64::MAX));
    let delivery = |row: DeliveryRow| {
        let DeliveryRow { event_id, kind, state, attempts, next_at, attempted_at, status, failure, position } = row;
        let next_at = (state == "pending").then(|| next_at.to_jiff());
        let attempted_at = attempted_at.map(jiff_diesel::Timestamp::to_jiff);
        Delivery { event: event_id, kind, state, attempts, next_at, attempted_at, status, failure, position }
    };
    Ok(Listing::load(tx.conn, query, limit)?.map(delivery))
}
