//! Publishing the draft.

use actix_web::{HttpResponse, post, web};
use painreg_domain::policy::Action;
use painreg_tenants::StoreError;
use painreg_tenants::store::plans;

use super::PlanView;
use crate::auth::Caller;
use crate::problem::{Problem, Problems};
use crate::routes::follow_up;
use crate::wire::{IdempotencyKey, IfMatch, reply};

/// Publish the draft as the plan in force.
///
/// Everybody is decided again, in stretches, before this answers; where it is broken off the registry goes on by itself
/// (`…/follow-up-counts` says how far it is). What is pending follows the new plan, what was sent stays. A simulation run
/// before tells who is added, dropped and moved.
#[utoipa::path(operation_id = "publishFollowUpPlan", tag = "Follow-up", extensions(("x-action" = json!("ManageFollowUpPlans"))),
    params(("tenant" = String, Path, description = "The registry's slug.", max_length = 40),
        ("If-Match" = String, Header, description = "The ETag of the draft as read.", max_length = 50),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe; required of machine clients.", max_length = 200)),
    responses((status = 201, description = "The version.", body = PlanView), Problems))]
#[post("/v1/tenants/{tenant}/follow-up-plans")]
pub async fn publish_follow_up_plan(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    version: IfMatch,
) -> Result<HttpResponse, Problem> {
    let place = format!("/v1/tenants/{path}/follow-up-plans");
    let location = place.clone();
    // The precondition is part of what is asked for.
    let asked = version.0.to_be_bytes().to_vec().into();
    let answer = caller
        .clone()
        .run_once(Action::ManageFollowUpPlans, key, asked, &place, move |tx| {
            let draft = plans::draft(tx)?;
            if draft.version != version.0 {
                return Err(StoreError::Stale.into());
            }
            let plan = plans::check(tx, draft.definition).map_err(super::of_definition)?;
            let published = plans::publish(tx, version.0, &plan)?;
            let location = format!("{location}/{}", published.version);
            Ok(reply(201, Some(location), None, &PlanView::from(published)))
        })
        .await?;
    // It is published, whatever becomes of this: the worker goes on where it stops.
    if let Err(problem) = follow_up::run::to_the_end(&caller).await {
        tracing::warn!(%problem, "deciding anew was broken off");
    }
    Ok(answer)
}
