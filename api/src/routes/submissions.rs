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
    /// The id of the submission.
    id: SubmissionId,
    /// The revision of the source's submission, from 1; also the ETag.
    #[schema(minimum = 1)]
    version: i32,
    /// The revision it replaces.
    supersedes: Option<SubmissionId>,
    /// The patient who answered or was represented.
    patient_id: PatientId,
    /// The code of the form.
    #[schema(max_length = 64)]
    form: String,
    /// The version of the form.
    #[schema(max_length = 32)]
    form_version: String,
    /// The wave of the course in which the form is asked for.
    #[schema(max_length = 40)]
    wave: String,
    /// The source of the submission.
    source: SourceBody,
    /// The respondent: `patient` or `representative`.
    #[schema(max_length = 40)]
    answered_by: String,
    /// The representative's relation to the patient, as given by the source.
    #[schema(max_length = 64)]
    representation: Option<String>,
    /// The time of answering.
    submitted_at: jiff::Timestamp,
    /// The time of arrival.
    received_at: jiff::Timestamp,
    /// Item code -> answer; unanswered items are omitted. A box that was shown and not ticked is false.
    #[schema(value_type = Object)]
    answers: Value,
    /// The items that other answers hid: they were not asked.
    #[schema(value_type = Option<Vec<ListedCode>>, max_items = 2000)]
    hidden: Option<Vec<String>>,
    /// Items that were shown and not answered.
    #[schema(value_type = Option<Vec<ListedCode>>, max_items = 2000)]
    unanswered: Option<Vec<String>>,
    /// One result per instrument.
    #[schema(max_items = 100)]
    scores: Vec<ScoreView>,
}

impl SubmissionView {
    fn of(tx: &mut Tx<'_>, it: Submission) -> Result<Self, Problem> {
        let form = forms::version(tx, &it.form, &it.form_version)?;
        // Answers that the form no longer accepts do not show which items were visible.
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
