//! Exports a version of a form as one file.

use actix_web::{HttpResponse, get, web};
use painreg_domain::questionnaire::FormFile;
use painreg_tenants::store::forms;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};

/// Export a published version of a form as one file, for import into another registry.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ManageForms"))),
    responses((status = 200, description = "The file.", body = FormFile), Problems))]
#[get("/{form}/versions/{version}/file")]
pub async fn export_form(caller: Caller, path: web::Path<(String, String, String)>) -> Result<HttpResponse, Problem> {
    let (_, code, version) = path.into_inner();
    let form = caller.run(move |tx| Ok(forms::version(tx, &code, &version)?)).await?;
    Ok(HttpResponse::Ok().json(FormFile::from(&form)))
}
