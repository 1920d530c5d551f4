//! Deliveries that could not be placed (karantene).

pub mod list;
pub mod read;
pub mod replay;
pub mod replay_many;
pub mod set_aside;

use painreg_domain::ids::PatientId;
use painreg_domain::ids::{QuarantineId, SubmissionId};
use painreg_domain::national_id::Acceptance;
use painreg_domain::quarantine::{Command, QuarantineState};
use painreg_tenants::Tx;
use painreg_tenants::app::intake::nettskjema::examine;
use painreg_tenants::app::intake::{Corrections, Reason, take_one};
use painreg_tenants::store::quarantine::{self, Quarantined};
use serde::Serialize;
use serde_json::Value;

use crate::intake;
use crate::problem::Problem;
use crate::views::quarantine::ReasonView;
use crate::views::submission::{DeliveryOutcome, SourceBody};

/// A delivery in quarantine, without its payload.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Quarantined)]
pub struct QuarantinedView {
    /// The id of the delivery.
    id: QuarantineId,
    /// The number of the Nettskjema form; null for submissions in the registry's own format.
    #[schema(max_length = 20)]
    nettskjema_form_id: Option<String>,
    /// The media type of the payload.
    #[schema(max_length = 40, example = "application/json")]
    media_type: String,
    /// The source of the delivery, as far as it could be read; null otherwise.
    source: Option<SourceBody>,
    /// Why it could not be placed when it was last tried.
    #[schema(value_type = Vec<ReasonView>, max_items = 2000)]
    reasons: Value,
    /// The state: `open`, `placed`, `superseded` (the source delivered a new payload) or `set_aside`.
    #[schema(value_type = String, max_length = 20, example = "open")]
    state: QuarantineState,
    /// The number of times the same payload was delivered.
    #[schema(minimum = 1)]
    deliveries: i32,
    /// The time of the first delivery.
    received_at: jiff::Timestamp,
    /// The submission that it was placed as; null while in quarantine.
    submission_id: Option<SubmissionId>,
    /// The time of the last change.
    updated_at: jiff::Timestamp,
    /// The version of the delivery's state; also the ETag.
    #[schema(minimum = 1)]
    version: i64,
}

impl From<Quarantined> for QuarantinedView {
    fn from(it: Quarantined) -> Self {
        Self {
            id: it.id,
            nettskjema_form_id: it.nettskjema_id,
            media_type: it.media_type,
            source: it.source.map(SourceBody::from),
            reasons: it.reasons,
            state: it.state,
            deliveries: it.deliveries,
            received_at: it.received_at,
            submission_id: it.submission,
            updated_at: it.updated_at,
            version: it.version,
        }
    }
}

/// The result of replaying a delivery.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Replayed)]
pub struct ReplayedView {
    /// The id of the delivery in quarantine.
    id: QuarantineId,
    /// The outcome of the attempt.
    outcome: DeliveryOutcome,
    /// The submission that it was placed as; null for a delivery that is still in quarantine.
    submission_id: Option<SubmissionId>,
    /// The reasons for which it stays in quarantine.
    #[schema(max_items = 2000)]
    reasons: Vec<ReasonView>,
}

/// Replays a delivery; returns the patient, if it was placed.
fn replay(
    tx: &mut Tx<'_>,
    id: QuarantineId,
    corrections: Corrections,
    acceptance: Acceptance,
) -> Result<(ReplayedView, Option<PatientId>), Problem> {
    let opened = quarantine::open(tx, id)?;
    quarantine::decide(tx, &opened.about, Command::Retry)?;
    let corrections = corrections.after(opened.corrections);
    let examined = match &opened.about.nettskjema_id {
        Some(form_id) => {
            let known = painreg_tenants::store::nettskjema::known(tx, form_id)?;
            let payload = intake::nettskjema::payload(&opened.about.media_type, &opened.payload)?;
            examine(tx, &known, form_id, payload, &corrections, acceptance)
        }
        None => intake::answers::examine(tx, &opened.payload, &corrections, acceptance)?,
    };
    let kept = serde_json::to_value(&corrections).unwrap_or_default();
    let reasons: Vec<Reason> = match examined {
        Ok(ready) => match take_one(tx, ready, opened.payload_hash) {
            Ok(stored) => {
                quarantine::close(tx, &opened.about, Command::Place(stored.placed.id), &kept)?;
                let (outcome, submission_id) = (stored.placed.delivered.into(), Some(stored.placed.id));
                return Ok((ReplayedView { id, outcome, submission_id, reasons: Vec::new() }, Some(stored.patient)));
            }
            Err(error) => intake::faults_of(error.into())?.into_iter().map(Reason::from).collect(),
        },
        Err(unfit) => unfit.reasons,
    };
    quarantine::retried(tx, &opened.about, &kept, &serde_json::to_value(&reasons).unwrap_or_default())?;
    let reasons = reasons.into_iter().map(ReasonView::from).collect();
    Ok((ReplayedView { id, outcome: DeliveryOutcome::Quarantined, submission_id: None, reasons }, None))
}
