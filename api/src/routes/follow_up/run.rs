//! Deciding again.

use actix_web::{HttpResponse, post, web};
use painreg_tenants::store::decisions::{self, Step};
use serde::Serialize;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{IdempotencyKey, reply};

/// What deciding a stretch of patients again did.
#[derive(Serialize, utoipa::ToSchema)]
pub struct FollowUpRun {
    /// How many patients were decided.
    #[schema(minimum = 0, maximum = 500)]
    decided: usize,
    /// How many decisions are other than before.
    #[schema(minimum = 0, maximum = 1_000_000)]
    changed: usize,
    /// Whether there is more to decide: ask again.
    more: bool,
}

/// Decide now what the plan, a list or the day asks to be decided again: a stretch of 500 patients.
///
/// The registry does so by itself all the time; this is for those who do not want to wait. Each stretch is stored by
/// itself, so that it can be broken off and repeated; `…/follow-up-counts` tells when everybody is up to date.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("RunFollowUp"))),
    params(IdempotencyKey),
    responses((status = 200, description = "What it did.", body = FollowUpRun), Problems))]
#[post("/v1/tenants/{tenant}/follow-up-runs")]
pub async fn run_follow_up(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let place = format!("/v1/tenants/{path}/follow-up-runs");
    caller
        .run_once(key, web::Bytes::new(), &place, |tx| {
            let Step { decided, changed, more } = decisions::step(tx)?;
            Ok(reply(200, None, None, &FollowUpRun { decided, changed, more }))
        })
        .await
}
