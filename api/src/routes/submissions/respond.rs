//! Stores a FHIR `QuestionnaireResponse`.

use actix_web::{HttpResponse, post, web};
use jiff::Timestamp;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::PatientId;
use painreg_domain::questionnaire::fhir::{INVITATION, ignored_of_response};
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
use crate::views::submission::{ReceiptView, SourceBody, fhir_reply};
use crate::wire::{Body, IdempotencyKey, Resource, deserialize};

/// The FHIR resource around the answers: what is read of it. The domain has the table of all elements.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    resource_type: ResourceType,
    identifier: Identifier,
    questionnaire: String,
    status: Status,
    subject: Reference,
    authored: Timestamp,
    #[serde(default)]
    source: Option<Reference>,
    #[serde(default)]
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
struct Identifier {
    /// A modifier: an identifier that is no longer in use (`old`) does not name the source.
    #[serde(default, rename = "use")]
    _use: Option<IdentifierUse>,
    system: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum IdentifierUse {
    Usual,
    Official,
    Temp,
    Secondary,
}

#[derive(Deserialize)]
struct BasedOn {
    #[serde(default)]
    identifier: Option<NamedIdentifier>,
}

/// An identifier of which only those of an invitation must be complete.
#[derive(Deserialize)]
struct NamedIdentifier {
    #[serde(default)]
    system: Option<String>,
    #[serde(default)]
    value: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    reference: Option<String>,
    #[serde(default)]
    r#type: Option<String>,
}

impl Reference {
    /// Returns the type of the referenced resource, by its own word or by the reference.
    fn kind(&self) -> Option<&str> {
        let named = || self.reference.as_deref()?.split('/').next();
        self.r#type.as_deref().or_else(named)
    }
}

impl Response {
    /// Returns the token of the invitation named in the resource: at most one. What else the answers are based on is
    /// ignored, but not a system that only the registry could define.
    fn invitation(&self) -> Result<Option<String>, Problem> {
        let ours = |identifier: &&NamedIdentifier| {
            identifier.system.as_deref().is_some_and(|system| system.starts_with("urn:painreg:"))
        };
        let mut named = self.based_on.iter().filter_map(|based_on| based_on.identifier.as_ref()).filter(ours);
        match (named.next(), named.next()) {
            (None, _) => Ok(None),
            (Some(NamedIdentifier { system: Some(system), value: Some(token) }), None)
                if system == INVITATION && token.len() <= 64 =>
            {
                Ok(Some(token.clone()))
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

    /// Returns the patient whom the answers are about.
    fn patient(&self) -> Result<PatientId, Problem> {
        let reference = self.subject.reference.as_deref();
        let reference = reference.ok_or_else(|| fault("/subject/reference", FaultCode::Required))?;
        if self.subject.r#type.as_deref().is_some_and(|kind| kind != "Patient") {
            return Err(fault("/subject/type", FaultCode::Contradiction));
        }
        let id = reference.strip_prefix("Patient/").and_then(|id| id.parse().ok()).ok_or_else(|| {
            Problem::with(Code::NotFound, vec![Fault::new("/subject/reference", FaultCode::UnknownReference)])
        })?;
        Ok(PatientId::existing(id))
    }

    /// Returns who gave the answers: the patient, or a related person.
    fn answered_by(&self) -> Result<AnsweredBy, Problem> {
        let Some(source) = &self.source else { return Ok(AnsweredBy::Patient) };
        match source.kind() {
            Some("Patient") if source.reference.is_some() && source.reference != self.subject.reference => {
                Err(fault("/source/reference", FaultCode::Contradiction))
            }
            None | Some("Patient") => Ok(AnsweredBy::Patient),
            Some("RelatedPerson") => Ok(AnsweredBy::Representative(String::new())),
            Some(_) => {
                let place = if source.r#type.is_some() { "/source/type" } else { "/source/reference" };
                Err(fault(place, FaultCode::UnknownOption))
            }
        }
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
///
/// Answers may be nested in items and in answers. `authored` needs a time with an offset, as every instant here: a date
/// alone is refused, because it does not order the answers of a day. Elements of R4 that the registry has no use for
/// (`meta`, `text`, `extension`, `display` and others) are accepted, and listed in `ignored`. Refused with their place are
/// `modifierExtension` and `implicitRules`, which a receiver must not ignore, and members that R4 does not have. A body
/// may have 2 MiB, because resources hold the texts of all questions.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("SubmitAnswers"))),
    params(IdempotencyKey),
    request_body = Resource,
    responses((status = 201, description = "Stored and scored.", body = ReceiptView),
        (status = 200, description = "The current revision has not changed.", body = ReceiptView), Problems))]
#[post("/fhir-questionnaire-responses")]
pub async fn submit_fhir_response(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    state: web::Data<State>,
    body: Body<Resource>,
) -> Result<HttpResponse, Problem> {
    let tenant = path.into_inner();
    let Body { value: Resource(resource), bytes } = body;
    let ignored = ignored_of_response(&resource)?;
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
            let ready = Ready {
                patient: PatientRef::Id(response.patient()?),
                patient_at: "/subject/reference".to_owned(),
                source: source_for(tx.principal(), source.into())?,
                answered_by: response.answered_by()?,
                submitted_at: response.authored,
                changed_at: response.authored,
                invitation: response.invitation()?,
                form,
                answers,
            };
            Ok(fhir_reply(&tenant, take_one(tx, ready, payload_hash)?, ignored))
        })
        .await
}
