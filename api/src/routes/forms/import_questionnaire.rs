//! Taking in a FHIR Questionnaire.

use actix_web::{HttpResponse, post, web};
use painreg_domain::questionnaire::Definition;

use super::{ImportedForm, take_in};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IdempotencyKey, Resource};

/// Take in a FHIR R4 Questionnaire as a draft.
///
/// Every part that a form cannot hold is refused with its place; nothing is dropped. What a form needs and the resource
/// lacks, such as words in bokmål and English, is among the draft's faults.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ManageForms"))),
    params(IdempotencyKey),
    request_body = Resource,
    responses((status = 201, description = "It is a draft now.", body = ImportedForm),
        (status = 200, description = "The same is here already.", body = ImportedForm), Problems))]
#[post("/v1/tenants/{tenant}/fhir-questionnaires")]
pub async fn import_fhir_questionnaire(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    body: Body<Resource>,
) -> Result<HttpResponse, Problem> {
    let tenant = path.into_inner();
    let Body { value: Resource(resource), bytes } = body;
    let place = format!("/v1/tenants/{tenant}/fhir-questionnaires");
    caller
        .run_once(key, bytes, &place, move |tx| take_in(tx, &tenant, Definition::from_questionnaire(&resource.into())?))
        .await
}
