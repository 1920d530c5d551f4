//! Stores an answered questionnaire in the registry's own format.

use actix_web::{HttpResponse, post, web};
use painreg_tenants::app::intake::{hash, recognise, take_one};

use crate::caller::Caller;
use crate::intake::answers::SubmitAnswers;
use crate::problem::{Problem, Problems};
use crate::state::State;
use crate::views::submission::{ReceiptView, stored_reply};
use crate::wire::{Body, IdempotencyKey};

/// Submit an answered questionnaire.
///
/// The answers are checked against the form, scored and stored, once: what any revision of the same source says already
/// returns 200 and changes nothing. Answers that the source changed (`modified_at`, by default `submitted_at`) become
/// the current revision, or, where the source has changed them since, a revision beside the current one. Answers of a
/// form for a project may be empty, unless a visible item is required; answers of other forms may not.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("SubmitAnswers"))),
    params(IdempotencyKey),
    request_body = SubmitAnswers,
    responses((status = 201, description = "Stored and scored.", body = ReceiptView),
        (status = 200, description = "The current revision has not changed.", body = ReceiptView), Problems))]
#[post("")]
pub async fn submit_answers(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    state: web::Data<State>,
    body: Body<SubmitAnswers>,
) -> Result<HttpResponse, Problem> {
    let tenant = path.into_inner();
    let Body { value, bytes } = body;
    let place = format!("/v1/tenants/{tenant}/submissions");
    let payload_hash = hash(&bytes);
    let acceptance = state.acceptance;
    caller
        .run_once(key, bytes, &place, move |tx| {
            let source = value.source(tx)?;
            let stored = match value.into_domain(tx, acceptance) {
                Ok(ready) => take_one(tx, ready, payload_hash)?,
                // What is stored is known, also where the newest version of the form would refuse it.
                Err(refused) => recognise(tx, None, Some(&source), payload_hash)?.ok_or(refused)??,
            };
            Ok(stored_reply(&tenant, stored))
        })
        .await
}
