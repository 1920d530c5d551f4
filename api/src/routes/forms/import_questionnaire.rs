//! Imports a FHIR Questionnaire.

use actix_web::{HttpResponse, post, web};
use painreg_domain::questionnaire::Definition;

use super::{ImportedForm, take_in};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IdempotencyKey, Resource};

/// Import a FHIR R4 Questionnaire as a draft.
///
/// Every part that a form cannot represent is refused with its place; nothing is dropped. Parts that a form requires
/// and the resource lacks, such as words in bokmål and English, are among the draft's faults.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ManageForms"))),
    params(IdempotencyKey),
    request_body = Resource,
    responses((status = 201, description = "The form is now a draft.", body = ImportedForm),
        (status = 200, description = "The same version is already published in this registry.", body = ImportedForm), Problems))]
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
