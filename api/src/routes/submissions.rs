//! Answered questionnaires (besvarelser).

pub mod differences;
pub mod list;
pub mod read;
pub mod respond;
pub mod response;
pub mod scores;
pub mod submit;
pub mod submit_many;

use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::{InvitationId, PatientId, QuarantineId, SubmissionId};
use painreg_domain::instrument::{ScaleScore, Status};
use painreg_domain::licence::LicenceWarning;
use painreg_domain::national_id::Acceptance;
use painreg_tenants::store::forms;
use painreg_tenants::store::submissions::{AnsweredBy, Delivered, Source, StoredScore, Submission};
use painreg_tenants::{PatientRef, Principal, Reply, StoreError, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use validator::Validate;

use super::quarantine::Corrections;
use crate::batch::DeliveryOutcome;
use crate::intake::{Ready, Reason, Stored, Unfit, plausible};
use crate::problem::Problem;
use crate::wire::{ListedCode, NationalIdBody, deserialize, document, reply, validation_faults};

/// Where a submission came from: the same source is stored once.
#[derive(Clone, Deserialize, Serialize, Validate, utoipa::ToSchema)]
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
    /// The invitation that it answers, by its token or its source's own reference; null where neither names one to this
    /// patient: then form and day tell what it answers.
    invitation_id: Option<InvitationId>,
    /// `created`, `unchanged` (the same bytes were here already) or `revised` (the source changed it).
    delivered: DeliveryOutcome,
    /// One result an instrument.
    #[schema(max_items = 100)]
    scores: Vec<ScoreView>,
    /// What in the answers the clinic must see.
    #[schema(max_items = 100)]
    alerts: Vec<AlertNote>,
    /// Instruments of the form that the registry has no licence for on the day of the answer.
    #[schema(max_items = 100)]
    warnings: Vec<LicenceWarning>,
    /// A signed receipt (JWS, compact): proof that this was delivered here. Checked with the registry's receipt keys.
    #[schema(max_length = 2000)]
    receipt: String,
}

/// An answer that the clinic must see.
#[derive(Serialize, utoipa::ToSchema)]
pub struct AlertNote {
    /// By which instrument.
    #[schema(max_length = 40, example = "hscl25")]
    instrument: &'static str,
    /// What it is about.
    #[schema(max_length = 40, example = "suicidal_thoughts")]
    code: &'static str,
}

impl From<(&'static str, &'static str)> for AlertNote {
    fn from((instrument, code): (&'static str, &'static str)) -> Self {
        Self { instrument, code }
    }
}

/// An answered questionnaire.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitAnswers {
    /// Where it came from.
    #[validate(nested)]
    source: SourceBody,
    /// Whose answers.
    patient: WhoseAnswers,
    /// The form's code.
    #[validate(length(min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64, example = "opr-baseline")]
    form: String,
    /// The form's version; absent: the newest.
    #[serde(default)]
    #[validate(length(min = 1, max = 32))]
    #[schema(min_length = 1, max_length = 32)]
    form_version: Option<String>,
    /// When it was answered.
    submitted_at: jiff::Timestamp,
    /// Who answered; absent: the patient.
    #[serde(default)]
    answered_by: Answerer,
    /// A representative's relation to the patient, in the source's own word.
    #[serde(default)]
    #[validate(length(min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_]{1,64}$", example = "PARENT")]
    representation: Option<String>,
    /// The token of the invitation that is answered, as its link brought it. One that is not known is no fault: the answer is
    /// stored, and found by its form and day.
    #[serde(default)]
    #[validate(length(min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64, example = "mfrggzdfmztwq2lknnwg23tpoa")]
    invitation: Option<String>,
    /// Item codes -> answers; null and absent mean unanswered.
    #[schema(value_type = Object, example = json!({"eq5d_mo": 3, "eq5d_sc": 1, "eq5d_ua": 3, "eq5d_pd": 4, "eq5d_ad": 2, "eq5d_vas": 45}))]
    answers: Map<String, Value>,
}

/// Who answered.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answerer {
    /// The patient.
    #[default]
    Patient,
    /// Somebody on the patient's behalf.
    Representative,
}

/// A patient, by id or by number.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WhoseAnswers {
    /// The patient's id in this registry.
    Id(PatientId),
    /// A number that identifies the person.
    NationalId(NationalIdBody),
}

impl SubmitAnswers {
    /// The answers, checked against their form, and whose they are.
    fn into_domain(self, tx: &mut Tx<'_>, acceptance: Acceptance) -> Result<Ready, Problem> {
        let form = match &self.form_version {
            Some(version) => forms::version(tx, &self.form, version),
            None => forms::newest(tx, &self.form),
        };
        let form = form.map_err(|error| match error {
            StoreError::NotFound => {
                let member = if self.form_version.is_some() { "form_version" } else { "form" };
                Problem::invalid(vec![Fault::at(member, FaultCode::UnknownReference)])
            }
            other => other.into(),
        })?;
        plausible(self.submitted_at, tx.now(), "/submitted_at")?;
        let under = |faults: Vec<Fault>| faults.into_iter().map(|fault| fault.under("/answers")).collect::<Vec<_>>();
        let answers = form.parse(&self.answers).map_err(under)?;
        let whose = match self.patient {
            WhoseAnswers::Id(id) => Whose::Id(id),
            WhoseAnswers::NationalId(number) => {
                Whose::NationalId(number.into_domain("/patient/national_id", acceptance)?)
            }
        };
        let answered_by = match (self.answered_by, self.representation) {
            (Answerer::Patient, None) => AnsweredBy::Patient,
            (Answerer::Patient, Some(_)) => {
                return Err(Problem::invalid(vec![Fault::at("representation", FaultCode::Contradiction)]));
            }
            (Answerer::Representative, kind) => {
                let kind = kind.unwrap_or_default();
                if !kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                    return Err(Problem::invalid(vec![Fault::at("representation", FaultCode::InvalidFormat)]));
                }
                AnsweredBy::Representative(kind)
            }
        };
        let source = source_of(tx.principal(), self.source)?;
        let whose_at = "/patient".to_owned();
        let Self { submitted_at, invitation, .. } = self;
        Ok(Ready { form, answers, whose, whose_at, source, answered_by, submitted_at, invitation })
    }
}

/// What a line in the registry's own words holds.
pub fn examine(
    tx: &mut Tx<'_>,
    payload: &[u8],
    corrections: &Corrections,
    acceptance: Acceptance,
) -> Result<Result<Ready, Unfit>, Problem> {
    let mut source = None;
    let mut read = || {
        let mut document = document(payload)?;
        // Said even where the rest cannot be read, so that it is known again.
        source = document.get("source").and_then(|source| serde_json::from_value::<SourceBody>(source.clone()).ok());
        if let Some(unknown) = corrections.apply(&mut document).first() {
            return Err(Problem::invalid(vec![Fault::new(unknown.pointer.clone(), FaultCode::UnknownItem)]));
        }
        let mut submitted: SubmitAnswers = deserialize(document)?;
        submitted.validate().map_err(|errors| Problem::invalid(validation_faults(&errors)))?;
        if let Some(id) = corrections.patient_id {
            submitted.patient = WhoseAnswers::Id(id);
        }
        submitted.into_domain(tx, acceptance)
    };
    match read() {
        Ok(ready) => Ok(Ok(ready)),
        Err(problem) => {
            let source = source.filter(|source| source.validate().is_ok()).map(Source::from);
            Ok(Err(Unfit { source, reasons: Reason::of(problem)? }))
        }
    }
}

/// What was delivered and cannot be placed.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = QuarantineReceipt)]
pub struct KeptView {
    /// Its id in quarantine.
    pub quarantine_id: QuarantineId,
    /// Why it cannot be placed.
    #[schema(max_items = 2000)]
    pub reasons: Vec<Reason>,
    /// A signed receipt (JWS, compact): proof that this was delivered here.
    #[schema(max_length = 2000)]
    pub receipt: String,
}

/// People have sources of their own: nobody but an importer can take, or supersede, what another system delivers.
fn source_of(principal: &Principal, given: SourceBody) -> Result<Source, Vec<Fault>> {
    let mut source = Source::from(given);
    if principal.role.is_machine() {
        return Ok(source);
    }
    if source.system == "nettskjema" {
        return Err(vec![Fault::new("/source/system", FaultCode::UnknownOption)]);
    }
    source.system = format!("{}:{}", source.system, principal.key);
    Ok(source)
}

/// The answer to a questionnaire that is stored.
pub fn stored_reply(tenant: &str, stored: Stored) -> Reply {
    let Stored { placed, patient, wave, scores, alerts, warnings, receipt, .. } = stored;
    let status = if placed.delivered == Delivered::Unchanged { 200 } else { 201 };
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
        receipt,
    };
    let location = format!("/v1/tenants/{tenant}/submissions/{}", placed.id);
    let mut reply = reply(status, Some(location), Some(placed.revision.into()), &view);
    reply.patient = Some(patient);
    reply
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
