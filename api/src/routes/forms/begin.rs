//! Creates a draft of a form.

use actix_web::{HttpResponse, post, web};
use painreg_tenants::store::forms;

use super::{DraftView, FormDraft};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IdempotencyKey, reply};

/// Create a draft of a form, or of a new version of it.
///
/// A form has one draft at a time. Faults of the definition are returned and block publication only; a body that is no
/// definition at all is refused.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ManageForms"))),
    params(IdempotencyKey),
    request_body = FormDraft,
    responses((status = 201, description = "The draft.", body = DraftView), Problems))]
#[post("")]
pub async fn begin_form(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    body: Body<FormDraft>,
) -> Result<HttpResponse, Problem> {
    let Body { value: FormDraft { definition }, bytes } = body;
    let place = format!("/v1/tenants/{path}/forms");
    let location = format!("{place}/{}/draft", definition.code);
    caller
        .run_once(key, bytes, &place, move |tx| {
            let draft = forms::begin(tx, &definition)?;
            Ok(reply(201, Some(location), Some(draft.version), &DraftView::from(draft)))
        })
        .await
}
