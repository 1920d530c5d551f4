//! Alerts (varsler): answers that the clinic must see. What was answered is not here.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::ids::{AlertId, PatientId, SubmissionId};
use uuid::Uuid;

use crate::cursor::Keyset;
use crate::error::StoreError;
use crate::reach::join_survivor;
use crate::statement::{Statement, statement};
use crate::store::{Listing, version};
use crate::tx::Tx;

/// An alert that an answer raised.
#[derive(Clone, Debug)]
pub struct RaisedAlert {
    /// The alert's id.
    pub id: AlertId,
    /// The patient.
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
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    patient_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    submission_id: Uuid,
    #[diesel(sql_type = Text)]
    instrument: String,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Timestamptz)]
    raised_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    acknowledged_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    acknowledged_by: Option<String>,
    #[diesel(sql_type = BigInt)]
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
    let alert = RaisedAlert::from(found);
    tx.about(format!("alert/{id}"));
    tx.open_patient(alert.patient)?;
    Ok(alert)
}

/// Acknowledges an alert and opens the patient's record. The first acknowledgement is kept.
pub fn acknowledge(tx: &mut Tx<'_>, id: AlertId, version: i64) -> Result<RaisedAlert, StoreError> {
    let mut alert = read(tx, id)?;
    version::expect(alert.version, version)?;
    let now = tx.now();
    let by = tx.principal().actor.clone();
    let changed = statement(
        "UPDATE alert SET acknowledged_at = ?, acknowledged_by = ?, version = version + 1 \
         WHERE id = ? AND acknowledged_at IS NULL",
    )
    .bind::<Timestamptz, _>(now.to_diesel())
    .bind::<Text, _>(by.as_str())
    .bind::<SqlUuid, _>(id.uuid())
    .execute(tx.conn)?;
    match (changed, alert.acknowledged_at) {
        (1, _) => {
            alert.acknowledged_at = Some(now);
            alert.acknowledged_by = Some(by);
            alert.version += 1;
            Ok(alert)
        }
        (_, Some(_)) => Ok(alert),
        // Somebody else took it on between the two statements.
        (_, None) => Err(StoreError::Stale),
    }
}
