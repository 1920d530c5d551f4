//! Reading one version of a form.

use actix_web::{HttpResponse, get, web};
use painreg_domain::policy::Action;
use painreg_tenants::store::forms;

use super::FormView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};

/// Read one published version of a form.
#[utoipa::path(operation_id = "readFormVersion", tag = "Questionnaires", extensions(("x-action" = json!("ReadForms"))),
    params(("tenant" = String, Path, description = "The registry's slug.", max_length = 40),
        ("form" = String, Path, description = "The form's code.", max_length = 64),
        ("version" = String, Path, description = "The version.", max_length = 32)),
    responses((status = 200, description = "The form.", body = FormView), Problems))]
#[get("/v1/tenants/{tenant}/forms/{form}/versions/{version}")]
pub async fn read_form_version(
    caller: Caller,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (_, code, version) = path.into_inner();
    let form =
        caller.run(Action::ReadForms, move |tx| Ok(FormView::from(forms::version(tx, &code, &version)?))).await?;
    Ok(HttpResponse::Ok().json(form))
}
