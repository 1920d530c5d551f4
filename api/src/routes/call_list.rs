//! The call list (ringeliste) for unanswered invitations, and the calls that were made.

pub mod calls;
pub mod read;
pub mod record;

use jiff::Timestamp;
use painreg_domain::followup::CallOutcome;
use painreg_domain::ids::{CallId, DecisionId, PatientId};
use painreg_tenants::store::calls::Call;
use serde::Serialize;

/// A recorded call.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FollowUpCall)]
pub struct CallView {
    /// The id of the call.
    id: CallId,
    /// The patient who was called.
    patient_id: PatientId,
    /// The follow-up decision that the call was about.
    decision_id: DecisionId,
    /// The time of the call.
    called_at: Timestamp,
    /// The actor who called, as in the access log.
    #[schema(max_length = 200)]
    called_by: String,
    /// The outcome: `reached`, `no_reply`, `wrong_number`, `declined`, `will_answer` or `unable`.
    #[schema(value_type = String, max_length = 20, example = "no_reply")]
    outcome: CallOutcome,
}

impl From<Call> for CallView {
    fn from(it: Call) -> Self {
        let Call { id, patient, decision, called_at, called_by, outcome } = it;
        Self { id, patient_id: patient, decision_id: decision, called_at, called_by, outcome }
    }
}
