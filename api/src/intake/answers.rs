//! Answered questionnaires in the registry's own structure: the body of a submission and its conversion.

use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::PatientId;
use painreg_domain::national_id::Acceptance;
use painreg_tenants::app::intake::{Corrections, Ready, Unfit, plausible, source_for};
use painreg_tenants::store::forms;
use painreg_tenants::store::submissions::{AnsweredBy, Source};
use painreg_tenants::{PatientRef, StoreError, Tx};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::faults_of;
use crate::problem::Problem;
use crate::views::submission::SourceBody;
use crate::wire::{Extent, NationalIdBody, deserialize_checked, document};

/// An answered questionnaire.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitAnswers {
    /// The source: system, form and submission.
    source: SourceBody,
    /// The patient who answered.
    patient: WhoseAnswers,
    /// The form's code.
    #[schema(min_length = 1, max_length = 64, example = "opr-baseline")]
    form: String,
    /// The form's version; by default the newest.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 32)]
    form_version: Option<String>,
    /// The instant at which it was answered.
    submitted_at: jiff::Timestamp,
    /// The instant of the source's last change; by default that of answering. Of the revisions of one source, the one
    /// changed last is current, whatever the order of arrival.
    #[serde(default)]
    modified_at: Option<jiff::Timestamp>,
    /// The person who answered; by default the patient.
    #[serde(default)]
    answered_by: Answerer,
    /// A representative's relation to the patient, in the source's own word.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_]+$", example = "PARENT")]
    representation: Option<String>,
    /// The token from the link of the invitation. An unknown token, or one of another patient's
    /// invitation, refuses nothing: the answer is matched by form and day, and `remarks` says so.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64, example = "mfrggzdfmztwq2lknnwg23tpoa")]
    invitation: Option<String>,
    /// Answers by item code; null and absent mean unanswered.
    #[schema(value_type = Object, example = json!({"eq5d_mo": 3, "eq5d_sc": 1, "eq5d_ua": 3, "eq5d_pd": 4, "eq5d_ad": 2, "eq5d_vas": 45}))]
    answers: Map<String, Value>,
}

/// The person who answered.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answerer {
    /// The patient answered.
    #[default]
    Patient,
    /// A representative answered on the patient's behalf.
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
    /// Returns the source under which the answers are stored.
    pub fn source(&self, tx: &Tx<'_>) -> Result<Source, Problem> {
        Ok(source_for(tx.principal(), self.source.clone().into())?)
    }

    /// Checks the answers against their form.
    pub fn into_domain(self, tx: &mut Tx<'_>, acceptance: Acceptance) -> Result<Ready, Problem> {
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
        let changed_at = self.modified_at.unwrap_or(self.submitted_at);
        plausible(changed_at, tx.now(), "/modified_at")?;
        let under = |faults: Vec<Fault>| faults.into_iter().map(|fault| fault.under("/answers")).collect::<Vec<_>>();
        let answers = form.parse(&self.answers).map_err(under)?.submitted("/answers")?;
        let source = self.source(tx)?;
        let patient = match self.patient {
            WhoseAnswers::Id(id) => PatientRef::Id(id),
            WhoseAnswers::NationalId(number) => {
                PatientRef::NationalId(number.to_domain("/patient/national_id", acceptance)?)
            }
        };
        let answered_by = match (self.answered_by, self.representation) {
            (Answerer::Patient, None) => AnsweredBy::Patient,
            (Answerer::Patient, Some(_)) => {
                return Err(Problem::invalid(vec![Fault::at("representation", FaultCode::Contradiction)]));
            }
            (Answerer::Representative, kind) => AnsweredBy::Representative(kind.unwrap_or_default()),
        };
        let patient_at = "/patient".to_owned();
        let Self { submitted_at, invitation, .. } = self;
        Ok(Ready { form, answers, patient, patient_at, source, answered_by, submitted_at, changed_at, invitation })
    }
}

/// Examines a submission in the registry's own structure.
pub fn examine(
    tx: &mut Tx<'_>,
    payload: &[u8],
    corrections: &Corrections,
    acceptance: Acceptance,
) -> Result<Result<Ready, Unfit>, Problem> {
    let (mut source, mut changed_at) = (None, None);
    let mut read = || {
        let mut document = document(payload)?;
        // The source is read first, so that a redelivery of a submission that cannot be read is recognised.
        source = document
            .get("source")
            .and_then(|source| deserialize_checked::<SourceBody>(source.clone(), Extent::Limits).ok());
        let instant = |member| document.get(member).and_then(Value::as_str)?.parse::<jiff::Timestamp>().ok();
        changed_at = instant("modified_at").or_else(|| instant("submitted_at"));
        if let Some(unknown) = corrections.apply(&mut document).first() {
            return Err(Problem::invalid(vec![Fault::new(unknown.pointer.clone(), FaultCode::UnknownItem)]));
        }
        let mut submitted: SubmitAnswers = deserialize_checked(document, Extent::Limits)?;
        if let Some(id) = corrections.patient_id {
            submitted.patient = WhoseAnswers::Id(id);
        }
        submitted.into_domain(tx, acceptance)
    };
    match read() {
        Ok(ready) => Ok(Ok(ready)),
        Err(problem) => {
            let source = source.map(Source::from);
            let source = source.and_then(|source| source_for(tx.principal(), source).ok());
            let changed_at = changed_at.filter(|at| plausible(*at, tx.now(), "").is_ok());
            let reasons = faults_of(problem)?.into_iter().map(Into::into).collect();
            Ok(Err(Unfit { source, changed_at, reasons }))
        }
    }
}
