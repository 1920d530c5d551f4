//! Runs the decisions again.

use actix_web::{HttpResponse, post, web};
use painreg_tenants::store::sweep::{self, Step};
use serde::Serialize;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{IdempotencyKey, reply};

/// The result of deciding a batch of patients again.
#[derive(Serialize, utoipa::ToSchema)]
pub struct FollowUpRun {
    /// The number of patients that were decided.
    #[schema(minimum = 0, maximum = 500)]
    decided: usize,
    /// The number of decisions that changed.
    #[schema(minimum = 0, maximum = 1_000_000)]
    changed: usize,
    /// Whether more patients are due: repeat the request.
    more: bool,
}

/// Run the due follow-up decisions now: a batch of 500 patients.
///
/// The registry runs them continuously; this operation is for clients that do not want to wait. Each batch is stored
/// separately, so a run can be interrupted and repeated; `…/follow-up-counts` shows when every patient is up to date.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("RunFollowUp"))),
    params(IdempotencyKey),
    responses((status = 200, description = "The result of the batch.", body = FollowUpRun), Problems))]
#[post("/follow-up-runs")]
pub async fn run_follow_up(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let place = format!("/v1/tenants/{path}/follow-up-runs");
    caller
        .run_once(key, web::Bytes::new(), &place, |tx| {
            let Step { decided, changed, more } = sweep::step(tx)?;
            Ok(reply(200, None, None, &FollowUpRun { decided, changed, more }))
        })
        .await
}
