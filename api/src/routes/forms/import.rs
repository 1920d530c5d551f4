//! Imports the file of a form.

use actix_web::{HttpResponse, post, web};
use painreg_domain::questionnaire::FormFile;

use super::{ImportedForm, take_in};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Document, IdempotencyKey};

/// Import the file of a form, from this registry or another, as a draft.
///
/// An identical published version or draft returns 200 and changes nothing; a different one with the same name is
/// refused.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ManageForms"))),
    params(IdempotencyKey),
    request_body = FormFile,
    responses((status = 201, description = "The form is now a draft.", body = ImportedForm),
        (status = 200, description = "The same version is already published in this registry.", body = ImportedForm), Problems))]
#[post("/form-files")]
pub async fn import_form(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    body: Document<FormFile>,
) -> Result<HttpResponse, Problem> {
    let tenant = path.into_inner();
    let Document { value: file, bytes } = body;
    let place = format!("/v1/tenants/{tenant}/form-files");
    caller.run_once(key, bytes, &place, move |tx| take_in(tx, &tenant, file.definition()?, Vec::new())).await
}
