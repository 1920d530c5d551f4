//! Alerts (varsler): answers that the clinic must see. The answers themselves are not in this table.

use diesel::prelude::*;
use diesel::sql_types::{Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::ids::{AlertId, PatientId, SubmissionId};
use uuid::Uuid;

use crate::cursor::Keyset;
use crate::error::StoreError;
use crate::reach::join_survivor;
use crate::schema::tenant::alert;
use crate::statement::{Statement, statement};
use crate::store::{Listing, version};
use crate::tx::Tx;

/// An alert that an answer raised.
#[derive(Clone, Debug)]
pub struct RaisedAlert {
    /// The alert's id.
    pub id: AlertId,
    /// The patient; of a merged record the survivor.
    pub patient: PatientId,
    /// The submission that raised it.
    pub submission: SubmissionId,
    /// The code of the instrument.
    pub instrument: String,
    /// The code of the alert.
    pub code: String,
    /// The instant the answer was stored.
    pub raised_at: Timestamp,
    /// The instant of acknowledgement.
    pub acknowledged_at: Option<Timestamp>,
    /// The actor who acknowledged it.
    pub acknowledged_by: Option<String>,
    /// The version, from 1; every change adds 1.
    pub version: i64,
}

#[derive(QueryableByName)]
#[diesel(table_name = alert)]
struct Row {
    id: Uuid,
    patient_id: Uuid,
    submission_id: Uuid,
    instrument: String,
    code: String,
    raised_at: jiff_diesel::Timestamp,
    acknowledged_at: Option<jiff_diesel::Timestamp>,
    acknowledged_by: Option<String>,
    version: i64,
}

impl From<Row> for RaisedAlert {
    fn from(row: Row) -> Self {
        Self {
            id: AlertId::existing(row.id),
            patient: PatientId::existing(row.patient_id),
            submission: SubmissionId::existing(row.submission_id),
            instrument: row.instrument,
            code: row.code,
            raised_at: row.raised_at.to_jiff(),
            acknowledged_at: row.acknowledged_at.map(jiff_diesel::Timestamp::to_jiff),
            acknowledged_by: row.acknowledged_by,
            version: row.version,
        }
    }
}

/// Starts a query of the alerts within the caller's reach; a merged patient is shown as the survivor.
fn within_reach<'t>(tx: &Tx<'t>) -> Statement<'t> {
    let query = statement(
        "SELECT alert.id, patient.id AS patient_id, submission_id, instrument, code, raised_at, acknowledged_at, \
         acknowledged_by, alert.version FROM alert",
    );
    tx.within_patient(join_survivor(query, "alert.patient_id").then(" WHERE true"))
}

/// Returns alerts, newest first. Logs every patient shown. Two round trips.
pub fn list(
    tx: &mut Tx<'_>,
    open_only: bool,
    after: Option<Keyset<Timestamp, AlertId>>,
    limit: i64,
) -> Result<Listing<RaisedAlert>, StoreError> {
    let mut query = within_reach(tx);
    if open_only {
        query = query.then(" AND acknowledged_at IS NULL");
    }
    if let Some(Keyset(at, id)) = after {
        query = query
            .then(" AND (raised_at, alert.id) < (?, ?)")
            .bind::<Timestamptz, _>(at.to_diesel())
            .bind::<SqlUuid, _>(id.uuid());
    }
    let query = query.then(" ORDER BY raised_at DESC, alert.id DESC");
    Ok(tx.list(query, limit, |row: &Row| [row.patient_id])?.map(RaisedAlert::from))
}

/// Returns one alert. Opens the patient's record.
pub fn read(tx: &mut Tx<'_>, id: AlertId) -> Result<RaisedAlert, StoreError> {
    let found: Row = within_reach(tx).then(" AND alert.id = ?").bind::<SqlUuid, _>(id.uuid()).get_result(tx.conn)?;
    let found = RaisedAlert::from(found);
    tx.about(format!("alert/{id}"));
    tx.open_patient(found.patient)?;
    Ok(found)
}

/// Acknowledges an alert and opens the patient's record. The first acknowledgement is kept.
pub fn acknowledge(tx: &mut Tx<'_>, id: AlertId, version: i64) -> Result<RaisedAlert, StoreError> {
    let mut found = read(tx, id)?;
    version::expect(found.version, version)?;
    let now = tx.now();
    let by = tx.principal().actor.clone();
    let changed = diesel::update(alert::table.find(id.uuid()).filter(alert::acknowledged_at.is_null()))
        .set((
            alert::acknowledged_at.eq(now.to_diesel()),
            alert::acknowledged_by.eq(&by),
            alert::version.eq(alert::version + 1),
        ))
        .execute(tx.conn)?;
    match (changed, found.acknowledged_at) {
        (1, _) => {
            found.acknowledged_at = Some(now);
            found.acknowledged_by = Some(by);
            found.version += 1;
            Ok(found)
        }
        (_, Some(_)) => Ok(found),
        // Another transaction acknowledged the alert between the two statements.
        (_, None) => Err(StoreError::Stale),
    }
}
