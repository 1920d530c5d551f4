//! Publishing the draft.

use actix_web::{HttpResponse, post, web};
use painreg_tenants::StoreError;
use painreg_tenants::store::plans;

use super::PlanView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{IdempotencyKey, IfMatch, reply};

/// Publish the draft as the plan in force.
///
/// It is in force at once: nothing is claimed but by it. Everybody is decided again, in stretches, by the registry itself or
/// whoever asks for it (`…/follow-up-runs`); `…/follow-up-counts` tells when everybody is up to date. What is pending follows
/// the new plan, what was sent stays. A simulation run before tells who is added, dropped and moved.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ManageFollowUpPlans"))),
    params(IfMatch,
        IdempotencyKey),
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
    caller
        .run_once(key, asked, &place, move |tx| {
            let draft = plans::draft(tx)?;
            if draft.version != version.0 {
                return Err(StoreError::Stale.into());
            }
            let plan = plans::check(tx, draft.definition).map_err(super::of_definition)?;
            let published = plans::publish(tx, version.0, &plan)?;
            let location = format!("{location}/{}", published.version);
            Ok(reply(201, Some(location), None, &PlanView::from(published)))
        })
        .await
}
