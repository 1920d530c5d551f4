//! Views of submissions: source, answers, scores, alerts, receipt.

use painreg_domain::ids::{InvitationId, PatientId, SubmissionId};
use painreg_domain::instrument::{ScaleScore, Status};
use painreg_domain::licence::LicenceWarning;
use painreg_domain::questionnaire::fhir::IgnoredElement;
use painreg_domain::remark::DeliveryRemark;
use painreg_tenants::app::intake::Stored;
use painreg_tenants::store::forms;
use painreg_tenants::store::submissions::{Delivered, Source, StoredScore, Submission};
use painreg_tenants::{Reply, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::problem::Problem;
use crate::wire::{ListedCode, reply};

/// The source of a submission: the same source is stored once.
#[derive(Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Source)]
pub struct SourceBody {
    /// The system, such as `nettskjema`.
    #[schema(min_length = 1, max_length = 40, example = "nettskjema")]
    pub system: String,
    /// The id of the form in the system.
    #[schema(min_length = 1, max_length = 64, example = "1000001")]
    pub form_id: String,
    /// The id of the submission in the system.
    #[schema(min_length = 1, max_length = 64, example = "27685292")]
    pub submission_id: String,
}

impl From<Source> for SourceBody {
    fn from(it: Source) -> Self {
        // The source of a person contains the owner behind a colon, for internal use only.
        let system = it.system.split(':').next().unwrap_or_default().to_owned();
        Self { system, form_id: it.form_id, submission_id: it.submission_id }
    }
}

impl From<SourceBody> for Source {
    fn from(it: SourceBody) -> Self {
        Self { system: it.system, form_id: it.form_id, submission_id: it.submission_id }
    }
}

/// The stored result of one instrument, in the structure of scoring without storing.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StoredScore)]
pub struct ScoreView {
    /// The code of the instrument.
    #[schema(max_length = 40, example = "isi")]
    instrument: String,
    /// The scoring algorithm and its version.
    #[schema(max_length = 40, example = "isi/1")]
    algorithm: String,
    /// The completeness of the result.
    #[schema(value_type = Status)]
    status: String,
    /// The value of each scale.
    #[schema(value_type = Vec<ScaleScore>, max_items = 100)]
    scales: Value,
    /// The cut-offs, with whether each is reached.
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

/// A stored submission with its scores.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Submission)]
pub struct SubmissionView {
    /// The id of the submission.
    pub id: SubmissionId,
    /// The revision of the source's submission, from 1; also the ETag.
    #[schema(minimum = 1)]
    pub version: i32,
    /// The revision it replaces.
    supersedes: Option<SubmissionId>,
    /// The revision that was current when this one arrived, because the source had changed that one later; null
    /// otherwise.
    superseded_by: Option<SubmissionId>,
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
    pub submitted_at: jiff::Timestamp,
    /// The time of the source's last change: of the revisions of one source, the one changed last is current.
    modified_at: jiff::Timestamp,
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
    /// Shows a submission, with what its form says about it.
    pub fn of(tx: &mut Tx<'_>, it: Submission) -> Result<Self, Problem> {
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
            superseded_by: it.superseded_by,
            patient_id: it.patient,
            form: it.form,
            form_version: it.form_version,
            wave: it.wave,
            source: it.source.into(),
            answered_by: it.answered_by,
            representation: it.representation,
            submitted_at: it.submitted_at,
            modified_at: it.changed_at,
            received_at: it.received_at,
            answers: it.answers,
            hidden,
            unanswered,
            scores: it.scores.into_iter().map(ScoreView::from).collect(),
        })
    }
}

/// The outcome of a delivery, with the scores of its answers.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = SubmissionReceipt)]
pub struct ReceiptView {
    /// The id of the current revision.
    id: SubmissionId,
    /// The number of the current revision of the source's submission, from 1; also the ETag.
    #[schema(minimum = 1)]
    version: i32,
    /// The patient who answered.
    patient_id: PatientId,
    /// The wave of the course in which the form is asked for.
    #[schema(max_length = 40, example = "baseline")]
    wave: String,
    /// The invitation that it answers, by its token or its source's own reference; null where neither names one to
    /// this patient: then form and day decide which occurrence it answers.
    invitation_id: Option<InvitationId>,
    /// The outcome: `created`, `unchanged` (a revision with these answers was already stored), `revised` (the source
    /// changed it) or `superseded` (the source has changed it since: stored beside the current revision).
    delivered: DeliveryOutcome,
    /// One result per instrument; none where the delivered answers are not those of the current revision.
    #[schema(max_items = 100)]
    scores: Vec<ScoreView>,
    /// The alerts that the answers raised.
    #[schema(max_items = 100)]
    alerts: Vec<AlertNote>,
    /// The instruments of the form without a licence of the registry on the day of the answer.
    #[schema(max_items = 100)]
    warnings: Vec<LicenceWarning>,
    /// What is stored and yet not as the sender may have meant it. Clients must tolerate unknown remarks.
    #[schema(max_items = 10)]
    remarks: Vec<DeliveryRemark>,
    /// The elements of a FHIR resource that were accepted and not read; empty for other formats.
    #[schema(max_items = 200)]
    ignored: Vec<IgnoredElement>,
    /// A signed receipt (JWS, compact): proof of the delivery, verified with the registry's receipt keys.
    #[schema(max_length = 2000)]
    receipt: String,
}

/// An answer that the clinic must see.
#[derive(Serialize, utoipa::ToSchema)]
pub struct AlertNote {
    /// The code of the instrument.
    #[schema(max_length = 40, example = "hscl25")]
    instrument: &'static str,
    /// The code of the alert within the instrument.
    #[schema(max_length = 40, example = "suicidal_thoughts")]
    code: &'static str,
}

impl From<(&'static str, &'static str)> for AlertNote {
    fn from((instrument, code): (&'static str, &'static str)) -> Self {
        Self { instrument, code }
    }
}

/// Returns the response to a stored questionnaire.
pub fn stored_reply(tenant: &str, stored: Stored) -> Reply {
    fhir_reply(tenant, stored, Vec::new())
}

/// Returns the response to a stored FHIR resource, of which the registry did not read some elements.
pub fn fhir_reply(tenant: &str, stored: Stored, ignored: Vec<IgnoredElement>) -> Reply {
    let Stored { placed, patient, wave, scores, alerts, warnings, remarks, receipt, .. } = stored;
    let is_new = matches!(placed.delivered, Delivered::Created | Delivered::Revised);
    let status = if is_new { 201 } else { 200 };
    let view = ReceiptView {
        id: placed.id,
        version: placed.revision,
        patient_id: patient,
        wave: wave.to_owned(),
        invitation_id: placed.invitation,
        delivered: placed.delivered.into(),
        scores: scores.into_iter().map(ScoreView::from).collect(),
        alerts: alerts.into_iter().map(AlertNote::from).collect(),
        warnings,
        remarks,
        ignored,
        receipt,
    };
    let location = format!("/v1/tenants/{tenant}/submissions/{}", placed.id);
    let mut reply = reply(status, Some(location), Some(placed.revision.into()), &view);
    reply.patient = Some(patient);
    reply
}

/// The outcome of one questionnaire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryOutcome {
    /// The questionnaire was stored.
    Created,
    /// The source changed it: a new revision was stored beside the old one.
    Revised,
    /// The questionnaire was already stored; nothing was done.
    Unchanged,
    /// The source has changed the questionnaire since: it was stored beside the current revision.
    Superseded,
    /// The delivery is kept in quarantine until it can be placed.
    Quarantined,
    /// Dry run: the questionnaire would be stored.
    Acceptable,
    /// Nothing of the delivery is stored.
    Refused,
}

impl From<Delivered> for DeliveryOutcome {
    fn from(it: Delivered) -> Self {
        match it {
            Delivered::Created => Self::Created,
            Delivered::Revised => Self::Revised,
            Delivered::Unchanged => Self::Unchanged,
            Delivered::Superseded => Self::Superseded,
        }
    }
}
