//! Stores an answered questionnaire in the registry's own format.

use actix_web::{HttpResponse, post, web};
use painreg_tenants::app::intake::{hash, take_one};

use crate::caller::Caller;
use crate::intake::answers::SubmitAnswers;
use crate::problem::{Problem, Problems};
use crate::state::State;
use crate::views::submission::{ReceiptView, stored_reply};
use crate::wire::{Body, IdempotencyKey};

/// Submit an answered questionnaire.
///
/// The answers are checked against the form, scored and stored, once: a repeated delivery of the same source returns
/// 200 and changes nothing; changed answers of the same source become a new revision beside the old one.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("SubmitAnswers"))),
    params(IdempotencyKey),
    request_body = SubmitAnswers,
    responses((status = 201, description = "Stored and scored.", body = ReceiptView),
        (status = 200, description = "Already stored; nothing has changed.", body = ReceiptView), Problems))]
#[post("/v1/tenants/{tenant}/submissions")]
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
            let ready = value.into_domain(tx, acceptance)?;
            Ok(stored_reply(&tenant, take_one(tx, ready, payload_hash)?))
        })
        .await
}
