//! Events (hendelser), in the order in which they became known. Events are never changed or deleted: a new subscriber reads from
//! the start.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::event::EventType;
use painreg_domain::ids::PatientId;
use strum::IntoEnumIterator as _;
use uuid::Uuid;

use crate::cursor::Keyset;
use crate::error::StoreError;
use crate::schema::tenant::event;
use crate::statement::statement;
use crate::store::{Listing, parse_stored};
use crate::tx::Tx;

/// A position in the order of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
#[diesel(table_name = event)]
pub struct EventPosition {
    /// The transaction's number.
    pub(crate) txid: i64,
    /// The position within the transaction.
    pub(crate) position: i64,
}

impl std::fmt::Display for EventPosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Keyset(self.txid, self.position).fmt(f)
    }
}

impl std::str::FromStr for EventPosition {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let Keyset(txid, position) = text.parse()?;
        Ok(Self { txid, position })
    }
}

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
    /// The position in the order of events.
    pub place: EventPosition,
}

#[derive(QueryableByName)]
#[diesel(table_name = event)]
pub(crate) struct EventRow {
    txid: i64,
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
        let Self { txid, position, id, at, kind, patient_id, object, version } = self;
        Ok(Event {
            id,
            kind: parse_stored(&kind)?,
            at: at.to_jiff(),
            patient: patient_id.map(PatientId::existing),
            object,
            version,
            place: EventPosition { txid, position },
        })
    }
}

/// The condition of events older than every open transaction: no event can appear before them any more.
pub(crate) const SETTLED: &str = "txid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint";

/// Writes the events of this transaction in one round trip, if there are any. An event of a patient is ordered after the
/// patient's earlier events, even where their transaction began later.
pub(crate) fn write(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let events = std::mem::take(&mut tx.events);
    if events.is_empty() {
        return Ok(());
    }
    statement(
        "INSERT INTO event (txid, at, id, kind, patient_id, object, version) \
         SELECT greatest(pg_current_xact_id()::text::bigint, (SELECT max(txid) FROM event earlier \
         WHERE earlier.patient_id = new.patient_id)), ?, new.* \
         FROM unnest(?, ?, ?, ?, ?) AS new (id, kind, patient_id, object, version)",
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
    after: EventPosition,
    limit: i64,
) -> Result<(Listing<Event>, EventPosition), StoreError> {
    // Read before the list: every event up to this position is in the list or is filtered out of it.
    let horizon: Option<EventPosition> = statement("SELECT txid, position FROM event WHERE ")
        .then(SETTLED)
        .then(" ORDER BY txid DESC, position DESC LIMIT 1")
        .get_result(tx.conn)
        .optional()?;
    let mut query = statement("SELECT txid, position, id, at, kind, patient_id, object, version FROM event WHERE ")
        .then(SETTLED)
        .then(" AND (txid, position) > (?, ?)")
        .bind::<BigInt, _>(after.txid)
        .bind::<BigInt, _>(after.position);
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
    let query = query.then(" ORDER BY txid, position");
    let found = tx.list(query, limit, |row: &EventRow| row.patient_id)?.try_map(EventRow::event)?;
    let last = found.items.last().map_or(after, |last| last.place);
    let next = if found.more { last } else { horizon.map_or(last, |horizon| horizon.max(last)) };
    Ok((found, next))
}

/// Logs every patient these events are about.
pub(crate) fn log_shown(tx: &mut Tx<'_>, events: &[Event]) -> Result<(), StoreError> {
    tx.log_shown(events.iter().filter_map(|event| event.patient).map(PatientId::uuid))
}
