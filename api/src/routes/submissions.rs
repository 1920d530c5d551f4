//! Answered questionnaires (besvarelser).

pub mod differences;
pub mod list;
pub mod read;
pub mod respond;
pub mod response;
pub mod scores;
pub mod submit;
pub mod submit_many;

use painreg_domain::ids::{PatientId, SubmissionId};
use painreg_tenants::Tx;
use painreg_tenants::store::forms;
use painreg_tenants::store::submissions::Submission;
use serde::Serialize;
use serde_json::Value;

use crate::views::submission::{ScoreView, SourceBody};

use crate::problem::Problem;
use crate::wire::ListedCode;

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
    /// A representative's relation to the patient, in the source's own word.
    #[schema(max_length = 64)]
    representation: Option<String>,
    /// When it was answered.
    submitted_at: jiff::Timestamp,
    /// When it arrived.
    received_at: jiff::Timestamp,
    /// Item codes -> answers; unanswered items are left out. A box that was shown and not ticked is false.
    #[schema(value_type = Object)]
    answers: Value,
    /// Items that the other answers hid: nobody was asked.
    #[schema(value_type = Option<Vec<ListedCode>>, max_items = 2000)]
    hidden: Option<Vec<String>>,
    /// Items that were shown and not answered.
    #[schema(value_type = Option<Vec<ListedCode>>, max_items = 2000)]
    unanswered: Option<Vec<String>>,
    /// One result an instrument.
    #[schema(max_items = 100)]
    scores: Vec<ScoreView>,
}

impl SubmissionView {
    fn of(tx: &mut Tx<'_>, it: Submission) -> Result<Self, Problem> {
        let form = forms::version(tx, &it.form, &it.form_version)?;
        // Answers that the form takes no more tell nothing of what was shown.
        let answers = form.joined(it.answers.clone(), None).ok();
        let codes = |codes: Vec<&str>| codes.into_iter().map(str::to_owned).collect();
        let hidden = answers.as_ref().map(|answers| codes(answers.hidden().collect()));
        let unanswered = answers.as_ref().map(|answers| codes(answers.unanswered().collect()));
        Ok(Self {
            id: it.id,
            version: it.revision,
            supersedes: it.supersedes,
            patient_id: it.patient,
            form: it.form,
            form_version: it.form_version,
            wave: it.wave,
            source: it.source.into(),
            answered_by: it.answered_by,
            representation: it.representation,
            submitted_at: it.submitted_at,
            received_at: it.received_at,
            answers: it.answers,
            hidden,
            unanswered,
            scores: it.scores.into_iter().map(ScoreView::from).collect(),
        })
    }
}
