//! Publishes the draft of a form.

use actix_web::{HttpResponse, post, web};
use painreg_domain::fault::Fault;
use painreg_domain::questionnaire::Form;
use painreg_tenants::store::forms;

use super::FormView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{IdempotencyKey, IfMatch, reply};

/// Publish a form's draft as a version.
///
/// A published version never changes, and no other version of the form can have the same name. The draft is removed.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ManageForms"))),
    params(IfMatch,
        IdempotencyKey),
    responses((status = 201, description = "The version.", body = FormView), Problems))]
#[post("/{form}/versions")]
pub async fn publish_form(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<(String, String)>,
    version: IfMatch,
) -> Result<HttpResponse, Problem> {
    let (tenant, code) = path.into_inner();
    let place = format!("/v1/tenants/{tenant}/forms/{code}/versions");
    let location = place.clone();
    // The precondition is part of the request.
    let asked = version.to_bytes();
    caller
        .run_once(key, asked, &place, move |tx| {
            let draft = forms::draft(tx, &code)?;
            let version = version.against(draft.version)?;
            let under = |faults: Vec<Fault>| faults.into_iter().map(|fault| fault.under("/definition"));
            let form = Form::new(draft.definition).map_err(|faults| Problem::invalid(under(faults).collect()))?;
            forms::publish(tx, version, &form)?;
            let location = format!("{location}/{}", form.version());
            Ok(reply(201, Some(location), None, &FormView::from(form)))
        })
        .await
}
