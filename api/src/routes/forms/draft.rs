//! Reads the draft of a form.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_tenants::store::forms;

use super::DraftView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::etag;

/// Read the draft of a form, with all its faults.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ManageForms"))),
    responses((status = 200, description = "The draft.", body = DraftView), Problems))]
#[get("/{form}/draft")]
pub async fn read_form_draft(caller: Caller, path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (_, code) = path.into_inner();
    let view = caller.run(move |tx| Ok(DraftView::from(forms::draft(tx, &code)?))).await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(view.version))).json(view))
}
