//! Alerts (varsler) that answers raised.

pub mod acknowledge;
pub mod list;
pub mod read;

use painreg_domain::ids::{AlertId, PatientId, SubmissionId};
use painreg_tenants::store::alerts::RaisedAlert;
use serde::Serialize;

/// An answer that the clinic must see (varsel). The answer itself is in the submission.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Alert)]
pub struct AlertView {
    /// The id of the alert.
    id: AlertId,
    /// The patient who answered.
    patient_id: PatientId,
    /// The submission with the answer.
    submission_id: SubmissionId,
    /// The instrument of the alert.
    #[schema(max_length = 40, example = "hscl25")]
    instrument: String,
    /// The code of the alert within the instrument.
    #[schema(max_length = 40, example = "suicidal_thoughts")]
    code: String,
    /// The time when the answer arrived.
    raised_at: jiff::Timestamp,
    /// The time of the acknowledgement; null while the alert is open.
    acknowledged_at: Option<jiff::Timestamp>,
    /// The actor who acknowledged the alert, as in the access log; null while the alert is open.
    #[schema(max_length = 200)]
    acknowledged_by: Option<String>,
    /// The version of the alert; also the ETag.
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
