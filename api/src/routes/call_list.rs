//! Whom to ring about an unanswered invitation, and what came of it.

pub mod calls;
pub mod read;
pub mod record;

use jiff::Timestamp;
use painreg_domain::followup::CallOutcome;
use painreg_domain::ids::{CallId, DecisionId, PatientId};
use painreg_tenants::store::calls::Call;
use serde::Serialize;

/// A call that was made.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FollowUpCall)]
pub struct CallView {
    /// Its id.
    id: CallId,
    /// Whom it was to.
    patient_id: PatientId,
    /// About which decision.
    decision_id: DecisionId,
    /// When.
    called_at: Timestamp,
    /// By whom, as the access log shows them.
    #[schema(max_length = 200)]
    called_by: String,
    /// `reached`, `no_reply`, `wrong_number`, `declined`, `will_answer` or `unable`.
    #[schema(value_type = String, max_length = 20, example = "no_reply")]
    outcome: CallOutcome,
}

impl From<Call> for CallView {
    fn from(it: Call) -> Self {
        let Call { id, patient, decision, called_at, called_by, outcome } = it;
        Self { id, patient_id: patient, decision_id: decision, called_at, called_by, outcome }
    }
}
