//! Reads one published form.

use actix_web::{HttpResponse, get, web};
use painreg_tenants::store::forms;

use super::FormView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};

/// Read the newest published version of a form.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadForms"))),
    responses((status = 200, description = "The form.", body = FormView), Problems))]
#[get("/{form}")]
pub async fn read_form(caller: Caller, path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (_, code) = path.into_inner();
    let form = caller.run(move |tx| Ok(FormView::from(forms::newest(tx, &code)?))).await?;
    Ok(HttpResponse::Ok().json(form))
}
