//! Reads one version of a form.

use actix_web::{HttpResponse, get, web};
use painreg_tenants::store::forms;

use super::FormView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};

/// Read one published version of a form.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadForms"))),
    responses((status = 200, description = "The form.", body = FormView), Problems))]
#[get("/{form}/versions/{version}")]
pub async fn read_form_version(
    caller: Caller,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (_, code, version) = path.into_inner();
    let form = caller.run(move |tx| Ok(FormView::from(forms::version(tx, &code, &version)?))).await?;
    Ok(HttpResponse::Ok().json(form))
}
