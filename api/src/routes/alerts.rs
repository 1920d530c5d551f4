//! Alerts (varsler) that answers raised.

pub mod acknowledge;
pub mod list;
pub mod read;

use painreg_domain::ids::{AlertId, PatientId, SubmissionId};
use painreg_tenants::store::alerts::RaisedAlert;
use serde::Serialize;

/// An answer that the clinic must see. What was answered stands in the submission.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Alert)]
pub struct AlertView {
    /// Its id.
    id: AlertId,
    /// About whom.
    patient_id: PatientId,
    /// In which submission.
    submission_id: SubmissionId,
    /// By which instrument.
    #[schema(max_length = 40, example = "hscl25")]
    instrument: String,
    /// What it is about.
    #[schema(max_length = 40, example = "suicidal_thoughts")]
    code: String,
    /// When the answer arrived.
    raised_at: jiff::Timestamp,
    /// When somebody took it on; null while it is open.
    acknowledged_at: Option<jiff::Timestamp>,
    /// Who took it on.
    #[schema(max_length = 200)]
    acknowledged_by: Option<String>,
    /// Its version; also the ETag.
    #[schema(minimum = 1)]
    version: i64,
}

impl From<RaisedAlert> for AlertView {
    fn from(it: RaisedAlert) -> Self {
        Self {
            id: it.id,
            patient_id: it.patient,
            submission_id: it.submission,
            instrument: it.instrument,
            code: it.code,
            raised_at: it.raised_at,
            acknowledged_at: it.acknowledged_at,
            acknowledged_by: it.acknowledged_by,
            version: it.version,
        }
    }
}
