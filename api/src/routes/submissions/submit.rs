//! Submitting an answered questionnaire in the registry's own words.

use actix_web::{HttpResponse, post, web};
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::PatientId;
use painreg_domain::policy::Action;
use painreg_tenants::store::forms;
use painreg_tenants::store::submissions::Source;
use painreg_tenants::{Principal, StoreError};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use validator::Validate;

use super::{Checked, ReceiptView, SourceBody, plausible, score_and_place};
use crate::auth::Caller;
use crate::problem::{Code, Problem, Problems};
use crate::server::State;
use crate::wire::{Body, IdempotencyKey, NationalIdBody};

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
    /// Item codes -> answers; null and absent mean unanswered.
    #[schema(value_type = Object, example = json!({"eq5d_mo": 3, "eq5d_sc": 1, "eq5d_ua": 3, "eq5d_pd": 4, "eq5d_ad": 2, "eq5d_vas": 45}))]
    answers: Map<String, Value>,
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

/// A patient, by id or by number.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WhoseAnswers {
    /// The patient's id in this registry.
    Id(PatientId),
    /// A number that identifies the person.
    NationalId(NationalIdBody),
}

/// Submit an answered questionnaire.
///
/// It is checked against its form, scored and stored, once: the same source again answers 200 and changes nothing;
/// changed answers of the same source become a new revision beside the old one.
#[utoipa::path(operation_id = "submitAnswers", tag = "Questionnaires", extensions(("x-action" = json!("SubmitAnswers"))),
    params(("tenant" = String, Path, description = "The registry's slug.", max_length = 40),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe; required of machine clients.", max_length = 200)),
    request_body = SubmitAnswers,
    responses((status = 201, description = "Stored and scored.", body = ReceiptView),
        (status = 200, description = "Known already; nothing has changed.", body = ReceiptView), Problems))]
#[post("/v1/tenants/{tenant}/submissions")]
pub async fn submit_answers(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    state: web::Data<State>,
    body: Body<SubmitAnswers>,
) -> Result<HttpResponse, Problem> {
    let tenant = path.into_inner();
    let Body { value, bytes } = body;
    let place = format!("/v1/tenants/{tenant}/submissions");
    let payload_hash: [u8; 32] = Sha256::digest(&bytes).into();
    let acceptance = state.acceptance;
    caller
        .run_once(Action::SubmitAnswers, key, bytes, &place, move |tx| {
            let form = match &value.form_version {
                Some(version) => forms::version(tx, &value.form, version),
                None => forms::newest(tx, &value.form),
            };
            let form = form.map_err(|error| match error {
                StoreError::NotFound => {
                    let member = if value.form_version.is_some() { "form_version" } else { "form" };
                    Problem::invalid(vec![Fault::at(member, FaultCode::UnknownReference)])
                }
                other => other.into(),
            })?;
            plausible(value.submitted_at, tx.now(), "/submitted_at")?;
            let under =
                |faults: Vec<Fault>| faults.into_iter().map(|fault| fault.under("/answers")).collect::<Vec<_>>();
            let answers = form.parse(&value.answers).map_err(under)?;
            let access = match &value.patient {
                WhoseAnswers::Id(id) => tx.open_to_collect(*id),
                WhoseAnswers::NationalId(number) => {
                    tx.open_to_collect_by_national_id(&number.meaning("/patient/national_id", acceptance)?)
                }
            };
            let access = access.map_err(|error| match error {
                StoreError::NotFound => {
                    Problem::with(Code::NotFound, vec![Fault::at("patient", FaultCode::UnknownReference)])
                }
                other => other.into(),
            })?;
            let checked = Checked {
                form: &form,
                answers: &answers,
                source: source_of(tx.principal(), value.source)?,
                answered_by: "patient",
                submitted_at: value.submitted_at,
                payload_hash,
            };
            score_and_place(tx, &access, &tenant, checked)
        })
        .await
}
