//! Events (hendelser), in the order of their commits. Events are never changed or deleted: a new subscriber reads from
//! the start.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::event::EventType;
use painreg_domain::ids::PatientId;
use strum::IntoEnumIterator as _;
use uuid::Uuid;

use crate::error::StoreError;
use crate::schema::tenant::event;
use crate::statement::statement;
use crate::store::sequencer::{self, Log, Position};
use crate::store::{Listing, parse_stored};
use crate::tx::Tx;

/// A stored event.
#[derive(Clone, Debug)]
pub struct Event {
    /// The event's id, which is the same for every receiver.
    pub id: Uuid,
    /// The kind of event.
    pub kind: EventType,
    /// The instant of the event.
    pub at: Timestamp,
    /// The patient that the event is about.
    pub patient: Option<PatientId>,
    /// The object that the event is about.
    pub object: String,
    /// The object's version after the event.
    pub version: Option<i64>,
    /// The position in the feed.
    pub position: i64,
}

#[derive(QueryableByName)]
#[diesel(table_name = event)]
pub(crate) struct EventRow {
    position: i64,
    id: Uuid,
    at: jiff_diesel::Timestamp,
    kind: String,
    patient_id: Option<Uuid>,
    object: String,
    version: Option<i64>,
}

impl EventRow {
    pub(crate) fn event(self) -> Result<Event, StoreError> {
        let Self { position, id, at, kind, patient_id, object, version } = self;
        Ok(Event {
            id,
            kind: parse_stored(&kind)?,
            at: at.to_jiff(),
            patient: patient_id.map(PatientId::existing),
            object,
            version,
            position,
        })
    }
}

/// The feed. An entry moves from the inbox to its position and is never changed.
pub(crate) const LOG: Log = Log {
    name: "event",
    waiting: "EXISTS (SELECT written FROM event_inbox)",
    number: "WITH taken AS (DELETE FROM event_inbox WHERE written IN (SELECT written FROM event_inbox ORDER BY written LIMIT ?) \
         RETURNING written, id, at, kind, patient_id, object, version) \
         INSERT INTO event (position, id, at, kind, patient_id, object, version) \
         SELECT ? + row_number() OVER (ORDER BY written), id, at, kind, patient_id, object, version FROM taken",
};

/// Writes the events of this transaction in one round trip, if there are any. They get their positions after the commit.
pub(crate) fn write(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let events = std::mem::take(&mut tx.events);
    if events.is_empty() {
        return Ok(());
    }
    tx.has_news = true;
    statement(
        "INSERT INTO event_inbox (at, id, kind, patient_id, object, version) \
         SELECT ?, new.* FROM unnest(?, ?, ?, ?, ?) AS new (id, kind, patient_id, object, version)",
    )
    .bind::<Timestamptz, _>(tx.now().to_diesel())
    .bind::<Array<SqlUuid>, _>(events.iter().map(|_| tx.ordered_id()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(events.iter().map(|it| <&'static str>::from(it.kind)).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(events.iter().map(|it| it.patient).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(events.iter().map(|it| it.object.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<BigInt>>, _>(events.iter().map(|it| it.version).collect::<Vec<_>>())
    .execute(tx.conn)?;
    Ok(())
}

/// The filter of the list of events.
#[derive(Clone, Copy, Debug)]
pub struct EventFilter {
    /// The kind of event.
    pub kind: Option<EventType>,
    /// The patient, also under the ids of merged duplicates.
    pub patient: Option<PatientId>,
}

/// Returns events within the caller's reach in their order, after a position, and the position to continue from. A caller whose
/// reach is a unit reads events of its patients only; events about answers and alerts need the right to read those. Logs every
/// patient shown.
pub fn list(
    tx: &mut Tx<'_>,
    search: EventFilter,
    after: Option<Position>,
    limit: i64,
) -> Result<(Listing<Event>, Position), StoreError> {
    // Before the list: every event up to the head is in the list or is filtered out of it.
    let head = sequencer::catch_up(tx, &LOG)?;
    let after = head.resume(after)?;
    let mut query =
        statement("SELECT position, id, at, kind, patient_id, object, version FROM event WHERE position > ?")
            .bind::<BigInt, _>(after);
    query = tx.within(query, "event.patient_id");
    let kept: Vec<&'static str> = EventType::iter()
        .filter(|kind| kind.asks_for().is_some_and(|action| !tx.may(action)))
        .map(Into::into)
        .collect();
    if !kept.is_empty() {
        query = query.then(" AND kind <> ALL (?)").bind::<Array<Text>, _>(kept);
    }
    if let Some(kind) = search.kind {
        query = query.then(" AND kind = ?").bind::<Text, _>(<&'static str>::from(kind));
    }
    if let Some(patient) = search.patient {
        query = query
            .then(
                " AND patient_id = ANY (ARRAY(SELECT same.id FROM patient named JOIN patient same \
                 ON coalesce(same.merged_into, same.id) = coalesce(named.merged_into, named.id) WHERE named.id = ?))",
            )
            .bind::<SqlUuid, _>(patient.uuid());
    }
    let query = query.then(" ORDER BY position");
    let mut found = tx.list(query, limit, |row: &EventRow| row.patient_id)?.try_map(EventRow::event)?;
    let last = found.items.last().map_or(after, |last| last.position);
    let next = if found.more { last } else { head.last.max(last) };
    found.more |= head.behind;
    Ok((found, head.at(next)))
}

/// Logs every patient these events are about.
pub(crate) fn log_shown(tx: &mut Tx<'_>, events: &[Event]) -> Result<(), StoreError> {
    tx.log_shown(events.iter().filter_map(|event| event.patient).map(PatientId::uuid))
}
