//! Quarantine (karantene): deliveries that could not be placed, sealed as delivered, with the faults. A delivery is placed later,
//! superseded by a newer one of the same source, or set aside; its row is kept.

mod keep;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bytea, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::fault::FaultCode;
use painreg_domain::ids::{QuarantineId, SubmissionId};
use painreg_domain::quarantine::{Command, Event, Quarantine, QuarantineState};
use painreg_domain::workflow::{self, By, Refused};
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::cursor::Keyset;
use crate::error::StoreError;
use crate::error::unreadable;
use crate::place::TenantDatabase;
use crate::schema::tenant::quarantine;
use crate::statement::statement;
use crate::store::submissions::Source;
use crate::store::{Listing, parse_stored, unreadable_value};
use crate::tx::Tx;

pub use keep::{Unplaced, keep};

/// One delivery in quarantine, without its payload.
#[derive(Clone, Debug)]
pub struct Quarantined {
    /// The item's id.
    pub id: QuarantineId,
    /// The Nettskjema form's number; `None` for submissions in the registry's own format.
    pub nettskjema_id: Option<String>,
    /// The payload's media type.
    pub media_type: String,
    /// The source submission, if it could be read.
    pub source: Option<Source>,
    /// The faults of the last attempt to place it.
    pub reasons: Value,
    /// The state of the item.
    pub state: QuarantineState,
    /// The number of equal deliveries.
    pub deliveries: i32,
    /// The instant of the first delivery.
    pub received_at: Timestamp,
    /// The submission it was placed as.
    pub submission: Option<SubmissionId>,
    /// The instant of the last change.
    pub updated_at: Timestamp,
    /// The version, from 1; every change adds 1.
    pub version: i64,
}

/// A delivery in quarantine with its payload.
pub struct Opened {
    /// The item without its payload.
    pub about: Quarantined,
    /// The delivered bytes.
    pub payload: Zeroizing<Vec<u8>>,
    /// SHA-256 of the payload.
    pub payload_hash: [u8; 32],
    /// The corrections made by staff; `Null` where there are none.
    pub corrections: Value,
}

/// The filter of the list.
#[derive(Clone, Debug, Default)]
pub struct QuarantineFilter {
    /// The state of the delivery.
    pub state: Option<QuarantineState>,
    /// The Nettskjema form's number.
    pub nettskjema_id: Option<String>,
    /// The code of one of the faults.
    pub code: Option<FaultCode>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = quarantine)]
struct Row {
    id: Uuid,
    nettskjema_id: Option<String>,
    media_type: String,
    source_system: Option<String>,
    source_form_id: Option<String>,
    source_submission_id: Option<String>,
    reasons: Value,
    state: String,
    deliveries: i32,
    received_at: jiff_diesel::Timestamp,
    submission_id: Option<Uuid>,
    updated_at: jiff_diesel::Timestamp,
    version: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = quarantine)]
struct SealedRow {
    #[diesel(embed)]
    about: Row,
    sealed: Vec<u8>,
    payload_hash: Vec<u8>,
    corrections: Option<Vec<u8>>,
}

#[derive(QueryableByName)]
struct ClosedRow {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    patient_id: Option<Uuid>,
}

impl TryFrom<Row> for Quarantined {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let source = match (row.source_system, row.source_form_id, row.source_submission_id) {
            (Some(system), Some(form_id), Some(submission_id)) => Some(Source { system, form_id, submission_id }),
            _ => None,
        };
        Ok(Self {
            id: QuarantineId::existing(row.id),
            nettskjema_id: row.nettskjema_id,
            media_type: row.media_type,
            source,
            reasons: row.reasons,
            state: parse_stored(&row.state)?,
            deliveries: row.deliveries,
            received_at: row.received_at.to_jiff(),
            submission: row.submission_id.map(SubmissionId::existing),
            updated_at: row.updated_at.to_jiff(),
            version: row.version,
        })
    }
}

/// Starts the query of the deliveries that match a filter.
fn matching(search: &QuarantineFilter) -> quarantine::BoxedQuery<'_, Pg> {
    let mut query = quarantine::table.into_boxed();
    if let Some(state) = search.state {
        query = query.filter(quarantine::state.eq(<&'static str>::from(state)));
    }
    if let Some(id) = &search.nettskjema_id {
        query = query.filter(quarantine::nettskjema_id.eq(id));
    }
    if let Some(code) = search.code {
        query = query.filter(quarantine::reasons.contains(json!([{ "code": <&'static str>::from(code) }])));
    }
    query
}

/// Returns deliveries in quarantine, newest first.
pub fn list(
    tx: &mut Tx<'_>,
    search: &QuarantineFilter,
    after: Option<Keyset<Timestamp, QuarantineId>>,
    limit: i64,
) -> Result<Listing<Quarantined>, StoreError> {
    let mut query =
        matching(search).order((quarantine::received_at.desc(), quarantine::id.desc())).select(Row::as_select());
    if let Some(Keyset(at, id)) = after {
        let at = at.to_diesel();
        query = query
            .filter(quarantine::received_at.le(at))
            .filter(quarantine::received_at.lt(at).or(quarantine::id.lt(id.uuid())));
    }
    Listing::<Row>::load(tx.conn, query, limit)?.try_map(Quarantined::try_from)
}

/// Returns the ids of open deliveries to retry, oldest first.
pub fn waiting(
    tx: &mut Tx<'_>,
    search: &QuarantineFilter,
    after: Option<QuarantineId>,
    limit: i64,
) -> Result<Vec<QuarantineId>, StoreError> {
    tx.about("quarantine".to_owned());
    let open: &'static str = QuarantineState::Open.into();
    let mut query = matching(search).filter(quarantine::state.eq(open));
    if let Some(id) = after {
        query = query.filter(quarantine::id.gt(id.uuid()));
    }
    let ids: Vec<Uuid> = query.order(quarantine::id).limit(limit).select(quarantine::id).load(tx.conn)?;
    Ok(ids.into_iter().map(QuarantineId::existing).collect())
}

/// Returns a delivery in quarantine with its payload, locked until the transaction ends.
pub fn open(tx: &mut Tx<'_>, id: QuarantineId) -> Result<Opened, StoreError> {
    tx.about(format!("quarantine/{id}"));
    let SealedRow { about, sealed, payload_hash, corrections } =
        quarantine::table.find(id.uuid()).select(SealedRow::as_select()).for_update().first(tx.conn)?;
    let place = tx.place();
    let key = &place.keys.quarantine;
    let payload = key.open(&sealed, &sealed_aad(place, b"sealed", id.uuid()))?;
    let corrections = match corrections {
        Some(sealed) => {
            let plain = key.open(&sealed, &sealed_aad(place, b"corrections", id.uuid()))?;
            serde_json::from_slice(&plain).map_err(unreadable)?
        }
        None => Value::Null,
    };
    let payload_hash = payload_hash.try_into().map_err(|_| unreadable_value::<[u8; 32]>())?;
    Ok(Opened { about: about.try_into()?, payload, payload_hash, corrections })
}

/// Decides a command to a delivery that this transaction has opened, and thereby locked.
pub fn decide(tx: &Tx<'_>, about: &Quarantined, command: Command) -> Result<Event, StoreError> {
    let principal = tx.principal();
    let by = By { role: principal.role, principal: &principal.key };
    workflow::decide::<Quarantine>(&about.state, &command, by, tx.now()).map_err(|refused| match refused {
        Refused::Forbidden => StoreError::Forbidden,
        Refused::WrongState => StoreError::WrongState,
        Refused::Faults(faults) => StoreError::Invalid(faults),
    })
}

/// Stores the corrections and the reasons of a replay that could not place the delivery.
pub fn retried(tx: &mut Tx<'_>, about: &Quarantined, corrections: &Value, reasons: &Value) -> Result<(), StoreError> {
    decide(tx, about, Command::Retry)?;
    let sealed = sealed_corrections(tx, about.id, corrections);
    diesel::update(quarantine::table.find(about.id.uuid()))
        .set((
            sealed.map(|sealed| quarantine::corrections.eq(sealed)),
            quarantine::reasons.eq(reasons),
            quarantine::updated_at.eq(tx.now().to_diesel()),
            quarantine::updated_by.eq(tx.trace.action()),
            quarantine::version.eq(quarantine::version + 1),
        ))
        .execute(tx.conn)?;
    Ok(())
}

fn sealed_corrections(tx: &Tx<'_>, id: QuarantineId, corrections: &Value) -> Option<Vec<u8>> {
    let place = tx.place();
    let sealed_at = sealed_aad(place, b"corrections", id.uuid());
    (!corrections.is_null()).then(|| place.keys.quarantine.seal(corrections.to_string().as_bytes(), &sealed_at))
}

/// Closes a delivery: placed as a submission with these corrections, or set aside.
pub fn close(tx: &mut Tx<'_>, about: &Quarantined, command: Command, corrections: &Value) -> Result<(), StoreError> {
    let event = decide(tx, about, command)?;
    let submission = match event {
        Event::Placed(submission) => Some(submission.uuid()),
        Event::SetAside => None,
        Event::Unchanged | Event::Redelivered | Event::Retried | Event::Superseded => return Ok(()),
    };
    let state = <Quarantine as workflow::Workflow>::apply(about.state, &event);
    let sealed = sealed_corrections(tx, about.id, corrections);
    let closed: Vec<ClosedRow> = statement(
        "WITH closed AS (UPDATE quarantine SET corrections = coalesce(?, corrections), state = ?, submission_id = ?, \
         updated_at = ?, updated_by = ?, version = version + 1 WHERE id = ? RETURNING invitation_id) \
         SELECT patient_id FROM closed LEFT JOIN invitation ON invitation.id = invitation_id",
    )
    .bind::<Nullable<Bytea>, _>(sealed)
    .bind::<Text, _>(<&'static str>::from(state))
    .bind::<Nullable<SqlUuid>, _>(submission)
    .bind::<Timestamptz, _>(tx.now().to_diesel())
    .bind::<Text, _>(tx.trace.action())
    .bind::<SqlUuid, _>(about.id.uuid())
    .load(tx.conn)?;
    for patient in closed.iter().filter_map(|row| row.patient_id) {
        tx.mark_follow_up_stale(patient);
    }
    Ok(())
}

fn sealed_aad(place: &TenantDatabase, column: &[u8], id: Uuid) -> [Vec<u8>; 4] {
    [place.id.clone(), b"quarantine".to_vec(), column.to_vec(), id.into_bytes().to_vec()]
}
