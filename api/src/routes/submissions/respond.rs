//! Stores a FHIR `QuestionnaireResponse`.

use actix_web::{HttpResponse, post, web};
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::PatientId;
use painreg_tenants::app::intake::{Ready, hash, plausible, source_for, take_one};
use painreg_tenants::store::forms;
use painreg_tenants::store::submissions::AnsweredBy;
use painreg_tenants::{PatientRef, StoreError};
use serde::Deserialize;
use serde_json::Value;

use super::response::SOURCE;
use crate::caller::Caller;
use crate::problem::{Code, Problem, Problems};
use crate::state::State;
use crate::views::submission::{ReceiptView, SourceBody, stored_reply};
use crate::wire::{Body, IdempotencyKey, Resource, deserialize};

/// The FHIR resource around the answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Response {
    resource_type: ResourceType,
    /// The sender's id; the registry assigns a different one.
    #[serde(default, rename = "id")]
    _id: Option<String>,
    identifier: Identifier,
    questionnaire: String,
    status: Status,
    subject: Subject,
    authored: jiff::Timestamp,
    #[serde(default)]
    source: Option<Answerer>,
    #[serde(default, rename = "basedOn")]
    based_on: Vec<BasedOn>,
    #[serde(default)]
    item: Vec<Value>,
}

#[derive(Deserialize)]
enum ResourceType {
    QuestionnaireResponse,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Completed,
    Amended,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identifier {
    system: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BasedOn {
    identifier: Identifier,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    reference: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answerer {
    r#type: Who,
}

#[derive(Deserialize)]
enum Who {
    Patient,
    RelatedPerson,
}

/// The identifier system of the tokens of invitations.
const INVITATION: &str = "urn:painreg:invitation-token";

impl Response {
    /// Returns the token of the invitation named in the resource: at most one.
    fn invitation(&self) -> Result<Option<String>, Problem> {
        match self.based_on.as_slice() {
            [] => Ok(None),
            [BasedOn { identifier }] if identifier.system == INVITATION && identifier.value.len() <= 64 => {
                Ok(Some(identifier.value.clone()))
            }
            _ => Err(fault("/basedOn", FaultCode::UnknownReference)),
        }
    }

    fn source(&self) -> Option<SourceBody> {
        let (system, form_id) = self.identifier.system.strip_prefix(SOURCE)?.split_once(':')?;
        let sound = |text: &str, most| !text.is_empty() && text.chars().count() <= most;
        let whole = sound(system, 40) && sound(form_id, 64) && sound(&self.identifier.value, 64);
        whole.then(|| SourceBody {
            system: system.to_owned(),
            form_id: form_id.to_owned(),
            submission_id: self.identifier.value.clone(),
        })
    }
}

fn fault(pointer: &str, code: FaultCode) -> Problem {
    Problem::invalid(vec![Fault::new(pointer, code)])
}

/// Submit a FHIR R4 `QuestionnaireResponse`.
///
/// The resource answers a published version (`questionnaire`: its address, `|`, the version), is about a patient of
/// this registry (`subject`: `Patient/` and the id) and names its source (`identifier`: `urn:painreg:source:`, the
/// system, `:`, its form; and the submission there). It may name the invitation that it answers (`basedOn`: one
/// `identifier` of the system `urn:painreg:invitation-token`). Checked, scored and stored as any submission, once.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("SubmitAnswers"))),
    params(IdempotencyKey),
    request_body = Resource,
    responses((status = 201, description = "Stored and scored.", body = ReceiptView),
        (status = 200, description = "The current revision has not changed.", body = ReceiptView), Problems))]
#[post("/v1/tenants/{tenant}/fhir-questionnaire-responses")]
pub async fn submit_fhir_response(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    state: web::Data<State>,
    body: Body<Resource>,
) -> Result<HttpResponse, Problem> {
    let tenant = path.into_inner();
    let Body { value: Resource(resource), bytes } = body;
    let response: Response = deserialize(resource.into())?;
    let place = format!("/v1/tenants/{tenant}/fhir-questionnaire-responses");
    let payload_hash = hash(&bytes);
    let base = state.forms_address(&tenant);
    caller
        .run_once(key, bytes, &place, move |tx| {
            let ResourceType::QuestionnaireResponse = response.resource_type;
            let (Status::Completed | Status::Amended) = response.status;
            let source = response.source().ok_or_else(|| fault("/identifier", FaultCode::InvalidFormat))?;
            let unknown = || fault("/questionnaire", FaultCode::UnknownReference);
            let named = response.questionnaire.strip_prefix(&base).and_then(|rest| rest.strip_prefix('/'));
            let (code, version) = named.and_then(|named| named.split_once('|')).ok_or_else(unknown)?;
            let form = forms::version(tx, code, version).map_err(|error| match error {
                StoreError::NotFound => unknown(),
                other => other.into(),
            })?;
            plausible(response.authored, tx.now(), "/authored")?;
            let answers = form.parse_response_items(&response.item)?.submitted("/item")?;
            let subject = response.subject.reference.strip_prefix("Patient/").and_then(|id| id.parse().ok());
            let patient_at = "/subject/reference".to_owned();
            let nobody = || Problem::with(Code::NotFound, vec![Fault::new(&patient_at, FaultCode::UnknownReference)]);
            let ready = Ready {
                patient: PatientRef::Id(PatientId::existing(subject.ok_or_else(nobody)?)),
                patient_at,
                source: source_for(tx.principal(), source.into())?,
                answered_by: match response.source {
                    None | Some(Answerer { r#type: Who::Patient }) => AnsweredBy::Patient,
                    Some(Answerer { r#type: Who::RelatedPerson }) => AnsweredBy::Representative(String::new()),
                },
                submitted_at: response.authored,
                changed_at: response.authored,
                invitation: response.invitation()?,
                form,
                answers,
            };
            Ok(stored_reply(&tenant, take_one(tx, ready, payload_hash)?))
        })
        .await
}
