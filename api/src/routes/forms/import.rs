//! Taking in a form's file.

use actix_web::{HttpResponse, post, web};
use painreg_domain::questionnaire::FormFile;
use serde::Deserialize;
use validator::{Validate, ValidationErrors};

use super::{ImportedForm, take_in};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IdempotencyKey};

/// A form's file.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct FormFileBody(FormFile);

impl Validate for FormFileBody {
    /// The domain says what is wrong with it.
    fn validate(&self) -> Result<(), ValidationErrors> {
        Ok(())
    }
}

/// Take in a form's file, from this registry or another, as a draft.
///
/// A version that is published here already and the same, or a draft that is the same, answers 200 and changes nothing;
/// another one of the same name is refused.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ManageForms"))),
    params(IdempotencyKey),
    request_body = FormFile,
    responses((status = 201, description = "It is a draft now.", body = ImportedForm),
        (status = 200, description = "The same is here already.", body = ImportedForm), Problems))]
#[post("/v1/tenants/{tenant}/form-files")]
pub async fn import_form(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    body: Body<FormFileBody>,
) -> Result<HttpResponse, Problem> {
    let tenant = path.into_inner();
    let Body { value: FormFileBody(file), bytes } = body;
    let place = format!("/v1/tenants/{tenant}/form-files");
    caller.run_once(key, bytes, &place, move |tx| take_in(tx, &tenant, file.definition()?)).await
}
