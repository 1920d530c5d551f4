//! Imports a FHIR Questionnaire.

use actix_web::{HttpResponse, post, web};
use painreg_domain::questionnaire::Definition;

use super::{ImportedForm, take_in};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IdempotencyKey, Resource};

/// Import a FHIR R4 Questionnaire as a draft.
///
/// Every part that a form cannot represent is refused with its place. Parts that a form requires and the resource lacks,
/// such as words in bokmål and English, are among the draft's faults.
///
/// Elements of R4 without an effect on the answers (`meta`, `publisher`, `prefix`, unknown extensions, `display` items
/// without the item control `help`, and others) are accepted, and listed in `ignored`. Refused with their place are
/// `modifierExtension` and `implicitRules`, which a receiver must not ignore, and members that R4 does not have. The
/// languages `no` and `nb-NO` are read as `nb`, `nn-NO` as `nn`, and English of any region as `en`. The options of a choice
/// may be in a contained value set that lists them. A body may have 2 MiB: published questionnaires with value sets,
/// translations and narrative are larger than other bodies.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ManageForms"))),
    params(IdempotencyKey),
    request_body = Resource,
    responses((status = 201, description = "The form is now a draft.", body = ImportedForm),
        (status = 200, description = "The same version is already published in this registry.", body = ImportedForm), Problems))]
#[post("/fhir-questionnaires")]
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
        .run_once(key, bytes, &place, move |tx| {
            let (definition, ignored) = Definition::from_questionnaire(&resource)?;
            take_in(tx, &tenant, definition, ignored)
        })
        .await
}
