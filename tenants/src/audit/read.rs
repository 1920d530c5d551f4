//! Reading the access log (innsynslogg).

use diesel::prelude::*;
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::ids::{EventId, PatientId};
use uuid::Uuid;

use crate::access::PatientAccess;
use crate::error::StoreError;
use crate::listing::Listing;
use crate::schema::tenant::audit_event;
use crate::tx::Tx;

/// One event of the access log.
#[derive(Clone, Debug)]
pub struct Event {
    /// The entry's id.
    pub id: EventId,
    /// The instant of the event.
    pub at: Timestamp,
    /// `person`, `machine` or `system`.
    pub actor_kind: String,
    /// The token's `sub`.
    pub actor: String,
    /// Health personnel number.
    pub hpr: Option<String>,
    /// The role the actor acted in.
    pub role: String,
    /// The organisation number that the actor acted for; `None` where the token has none.
    pub organisation: Option<String>,
    /// The client the token was issued to.
    pub client: Option<String>,
    /// The patient whose record was touched; `None` where no record was.
    pub patient: Option<PatientId>,
    /// The action: the `x-action` of the operation.
    pub action: String,
    /// Why the role opens patient data, such as `treatment`.
    pub purpose: String,
    /// The categories of data.
    pub categories: Vec<String>,
    /// The peer's address.
    pub origin: Option<String>,
    /// The object of the action, such as `diagnosis/<id>`, or `replayed`.
    pub object: Option<String>,
    /// `ok`, `forbidden` or `not_found`.
    pub outcome: String,
    /// The request's id.
    pub request_id: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_event)]
struct Row {
    id: Uuid,
    at: jiff_diesel::Timestamp,
    actor_kind: String,
    actor: String,
    hpr: Option<String>,
    role: String,
    organisation: Option<String>,
    client: Option<String>,
    patient_id: Option<Uuid>,
    action: String,
    purpose: String,
    categories: Vec<String>,
    origin: Option<String>,
    object: Option<String>,
    outcome: String,
    request_id: String,
}

impl From<Row> for Event {
    fn from(row: Row) -> Self {
        Self {
            id: EventId::existing(row.id),
            at: row.at.to_jiff(),
            actor_kind: row.actor_kind,
            actor: row.actor,
            hpr: row.hpr,
            role: row.role,
            organisation: row.organisation,
            client: row.client,
            patient: row.patient_id.map(PatientId::existing),
            action: row.action,
            purpose: row.purpose,
            categories: row.categories,
            origin: row.origin,
            object: row.object,
            outcome: row.outcome,
            request_id: row.request_id,
        }
    }
}

/// A place in the log: newest first.
pub type After = (Timestamp, EventId);

/// The events of the open record, newest first. This reading is the newest event of the next one.
pub fn of_patient<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    after: Option<After>,
    limit: i64,
) -> Result<Listing<Event>, StoreError> {
    read(tx, Some(access.rows()), after, limit)
}

/// The events of the whole registry, newest first.
pub fn of_registry(tx: &mut Tx<'_>, after: Option<After>, limit: i64) -> Result<Listing<Event>, StoreError> {
    read(tx, None, after, limit)
}

fn read(
    tx: &mut Tx<'_>,
    patients: Option<Vec<Uuid>>,
    after: Option<After>,
    limit: i64,
) -> Result<Listing<Event>, StoreError> {
    let mut query = audit_event::table
        .order((audit_event::at.desc(), audit_event::id.desc()))
        .limit(limit + 1)
        .select(Row::as_select())
        .into_boxed();
    if let Some(patients) = patients {
        query = query.filter(audit_event::patient_id.eq_any(patients));
    }
    if let Some((at, id)) = after {
        let at = at.to_diesel();
        query = query.filter(audit_event::at.lt(at).or(audit_event::at.eq(at).and(audit_event::id.lt(id.uuid()))));
    }
    let events = query.load::<Row>(tx.conn)?.into_iter().map(Event::from).collect();
    Ok(Listing::cut(events, limit))
}
