//! Deciding again.

use actix_web::{HttpResponse, post, web};
use painreg_domain::policy::Action;
use painreg_tenants::store::decisions::{self, Step};
use serde::Serialize;

use crate::auth::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::IdempotencyKey;

/// What deciding again did.
#[derive(Serialize, utoipa::ToSchema)]
pub struct FollowUpRun {
    /// How many patients were decided.
    #[schema(minimum = 0)]
    decided: usize,
    /// How many decisions are other than before.
    #[schema(minimum = 0)]
    changed: usize,
}

/// Decide now whatever the plan, a list or the day asks to be decided again.
///
/// The registry does so by itself every minute; this is for those who do not want to wait. Each stretch of patients is
/// stored by itself, so that it can be broken off and repeated.
#[utoipa::path(operation_id = "runFollowUp", tag = "Follow-up", extensions(("x-action" = json!("RunFollowUp"))),
    params(("tenant" = String, Path, description = "The registry's slug.", max_length = 40),
        ("Idempotency-Key" = Option<String>, Header, description = "Accepted and not needed: repeating this changes nothing.", max_length = 200)),
    responses((status = 200, description = "What it did.", body = FollowUpRun), Problems))]
#[post("/v1/tenants/{tenant}/follow-up-runs")]
pub async fn run_follow_up(
    caller: Caller,
    _key: IdempotencyKey,
    _path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let Step { decided, changed, .. } = to_the_end(&caller).await?;
    Ok(HttpResponse::Ok().json(FollowUpRun { decided, changed }))
}

/// Goes on until there is nothing more to decide.
pub async fn to_the_end(caller: &Caller) -> Result<Step, Problem> {
    let mut all = Step::default();
    loop {
        let step = caller.clone().run(Action::RunFollowUp, |tx| Ok(decisions::step(tx)?)).await?;
        all.decided += step.decided;
        all.changed += step.changed;
        if !step.more {
            return Ok(all);
        }
    }
}
