//! Replaces the draft of a form.

use actix_web::http::header;
use actix_web::{HttpResponse, put, web};
use painreg_domain::fault::{Fault, FaultCode};
use painreg_tenants::store::forms;

use super::{DraftView, FormDraft};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IfMatch, etag};

/// Replace the definition of a draft. Its code stays.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ManageForms"))),
    params(IfMatch),
    request_body = FormDraft,
    responses((status = 200, description = "The draft after the change.", body = DraftView), Problems))]
#[put("/{form}/draft")]
pub async fn replace_form_draft(
    caller: Caller,
    path: web::Path<(String, String)>,
    version: IfMatch,
    body: Body<FormDraft>,
) -> Result<HttpResponse, Problem> {
    let (_, code) = path.into_inner();
    let definition = body.value.definition;
    let view = caller
        .run(move |tx| {
            let stored = forms::draft(tx, &code)?.version;
            if definition.code != code {
                return Err(Problem::invalid(vec![Fault::new("/definition/code", FaultCode::Contradiction)]));
            }
            let version = version.against(stored)?;
            Ok(DraftView::from(forms::replace(tx, version, &definition)?))
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(view.version))).json(view))
}
