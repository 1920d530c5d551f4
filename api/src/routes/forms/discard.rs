//! Discards the draft of a form.

use actix_web::{HttpResponse, delete, web};
use painreg_tenants::store::forms;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::IfMatch;

/// Discard the draft of a form. Published versions stay.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ManageForms"))),
    params(IfMatch),
    responses((status = 204, description = "The draft was discarded."), Problems))]
#[delete("/{form}/draft")]
pub async fn discard_form_draft(
    caller: Caller,
    path: web::Path<(String, String)>,
    version: IfMatch,
) -> Result<HttpResponse, Problem> {
    let (_, code) = path.into_inner();
    caller
        .run(move |tx| {
            let version = version.version(|| forms::draft(tx, &code).map(|it| it.version))?;
            Ok(forms::discard(tx, &code, version)?)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
