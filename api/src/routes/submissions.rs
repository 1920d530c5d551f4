//! Answered questionnaires (besvarelser).

pub mod deliver;
pub mod list;
pub mod read;
pub mod submit;

use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::{PatientId, SubmissionId};
use painreg_domain::instrument::{ScaleScore, Status};
use painreg_domain::questionnaire::{Answers, Form};
use painreg_tenants::store::submissions::{self, Delivered, NewSubmission, Source, StoredScore, Submission};
use painreg_tenants::{PatientAccess, Reply, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use validator::Validate;

use crate::problem::Problem;
use crate::wire::reply;

/// Where a submission came from: the same source is stored once.
#[derive(Deserialize, Serialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Source)]
pub struct SourceBody {
    /// The system, such as `nettskjema`.
    #[validate(length(min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40, example = "nettskjema")]
    pub(super) system: String,
    /// The form's id there.
    #[validate(length(min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64, example = "1000001")]
    pub(super) form_id: String,
    /// The submission's id there.
    #[validate(length(min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64, example = "27685292")]
    pub(super) submission_id: String,
}

impl From<Source> for SourceBody {
    fn from(it: Source) -> Self {
        // People's sources carry their owner behind a colon, for us alone.
        let system = it.system.split(':').next().unwrap_or_default().to_owned();
        Self { system, form_id: it.form_id, submission_id: it.submission_id }
    }
}

impl From<SourceBody> for Source {
    fn from(it: SourceBody) -> Self {
        Self { system: it.system, form_id: it.form_id, submission_id: it.submission_id }
    }
}

/// One instrument's stored result: the same shape as scoring without storing.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StoredScore)]
pub struct ScoreView {
    /// The instrument.
    #[schema(max_length = 40, example = "isi")]
    instrument: String,
    /// The scoring algorithm and its version.
    #[schema(max_length = 40, example = "isi/1")]
    algorithm: String,
    /// How complete the result is.
    #[schema(value_type = Status)]
    status: String,
    /// The scales.
    #[schema(value_type = Vec<ScaleScore>, max_items = 100)]
    scales: Value,
    /// Cut-offs that are reached or not.
    #[schema(value_type = Object)]
    flags: Value,
}

impl From<StoredScore> for ScoreView {
    fn from(it: StoredScore) -> Self {
        Self {
            instrument: it.instrument,
            algorithm: it.algorithm,
            status: it.status,
            scales: it.scales,
            flags: it.flags,
        }
    }
}

/// What became of a delivery, with the scores of its answers.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = SubmissionReceipt)]
pub struct ReceiptView {
    /// The stored revision.
    id: SubmissionId,
    /// Which revision of the source's submission it is; also the ETag.
    #[schema(minimum = 1)]
    version: i32,
    /// Whose answers.
    patient_id: PatientId,
    /// When in the course the form is asked for.
    #[schema(max_length = 40, example = "baseline")]
    wave: String,
    /// `created`, `unchanged` (the same bytes were here already) or `revised` (the source changed it).
    #[schema(max_length = 20, example = "created")]
    delivered: &'static str,
    /// One result an instrument.
    #[schema(max_items = 100)]
    scores: Vec<ScoreView>,
}

/// Nobody answers in the future, or before there were registries; PostgreSQL does not even know every instant that can be
/// written.
fn plausible(at: jiff::Timestamp, now: jiff::Timestamp, pointer: &str) -> Result<(), Vec<Fault>> {
    const FIRST: jiff::Timestamp = jiff::Timestamp::constant(631_152_000, 0);
    let last = now.checked_add(jiff::SignedDuration::from_hours(24)).unwrap_or(now);
    if (FIRST..=last).contains(&at) { Ok(()) } else { Err(vec![Fault::new(pointer, FaultCode::InvalidDate)]) }
}

/// What was delivered, checked against its form.
struct Checked<'a> {
    form: &'a Form,
    answers: &'a Answers,
    source: Source,
    answered_by: &'static str,
    submitted_at: jiff::Timestamp,
    /// The bytes of the delivery, hashed.
    payload_hash: [u8; 32],
}

/// Scores and stores a delivery for the patient whose record is open, and says what became of it.
fn score_and_place<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    tenant: &str,
    checked: Checked<'_>,
) -> Result<Reply, Problem> {
    let Checked { form, answers, source, answered_by, submitted_at, payload_hash } = checked;
    let fresh: Vec<StoredScore> = form.score(answers).iter().map(StoredScore::from).collect();
    let new = NewSubmission { form, source, answered_by, submitted_at, answers, scores: &fresh, payload_hash };
    let placed = submissions::place(tx, access, &new)?;
    let (status, delivered) = match placed.delivered {
        Delivered::Created => (201, "created"),
        Delivered::Unchanged => (200, "unchanged"),
        Delivered::Revised => (201, "revised"),
    };
    let wave: &'static str = form.wave().into();
    let view = ReceiptView {
        id: placed.id,
        version: placed.revision,
        patient_id: access.id(),
        wave: wave.to_owned(),
        delivered,
        scores: fresh.into_iter().map(ScoreView::from).collect(),
    };
    let location = format!("/v1/tenants/{tenant}/submissions/{}", placed.id);
    let mut reply = reply(status, Some(location), Some(placed.revision.into()), &view);
    reply.patient = Some(access.id());
    Ok(reply)
}

/// A stored submission with its scores.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Submission)]
pub struct SubmissionView {
    /// Its id.
    id: SubmissionId,
    /// Which revision of the source's submission it is; also the ETag.
    #[schema(minimum = 1)]
    version: i32,
    /// The revision it replaces.
    supersedes: Option<SubmissionId>,
    /// Whose answers.
    patient_id: PatientId,
    /// The form's code.
    #[schema(max_length = 64)]
    form: String,
    /// The form's version.
    #[schema(max_length = 32)]
    form_version: String,
    /// When in the course the form is asked for.
    #[schema(max_length = 40)]
    wave: String,
    /// Where it came from.
    source: SourceBody,
    /// `patient` or `representative`.
    #[schema(max_length = 40)]
    answered_by: String,
    /// When it was answered.
    submitted_at: jiff::Timestamp,
    /// When it arrived.
    received_at: jiff::Timestamp,
    /// Item codes -> answers; unanswered items are left out.
    #[schema(value_type = Object)]
    answers: Value,
    /// One result an instrument.
    #[schema(max_items = 100)]
    scores: Vec<ScoreView>,
}

impl From<Submission> for SubmissionView {
    fn from(it: Submission) -> Self {
        Self {
            id: it.id,
            version: it.revision,
            supersedes: it.supersedes,
            patient_id: it.patient,
            form: it.form,
            form_version: it.form_version,
            wave: it.wave,
            source: it.source.into(),
            answered_by: it.answered_by,
            submitted_at: it.submitted_at,
            received_at: it.received_at,
            answers: it.answers,
            scores: it.scores.into_iter().map(ScoreView::from).collect(),
        }
    }
}
