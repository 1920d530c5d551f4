//! Publishes the draft of the plan.

use actix_web::{HttpResponse, post, web};
use painreg_tenants::store::plans;

use super::PlanView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{IdempotencyKey, IfMatch, reply};

/// Publish the draft as the follow-up plan in force.
///
/// The plan is in force at once: all claims follow it. Every patient is decided again, in batches, by the registry or
/// on request (`…/follow-up-runs`); `…/follow-up-counts` shows when every patient is up to date. Pending decisions
/// follow the new plan, sent invitations stay. A simulation beforehand shows the patients added, dropped and moved.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ManageFollowUpPlans"))),
    params(IfMatch,
        IdempotencyKey),
    responses((status = 201, description = "The version.", body = PlanView), Problems))]
#[post("")]
pub async fn publish_follow_up_plan(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    version: IfMatch,
) -> Result<HttpResponse, Problem> {
    let place = format!("/v1/tenants/{path}/follow-up-plans");
    let location = place.clone();
    // The precondition is part of the request.
    let asked = version.to_bytes();
    caller
        .run_once(key, asked, &place, move |tx| {
            let draft = plans::draft(tx)?;
            let version = version.against(draft.version)?;
            let plan = plans::check(tx, draft.definition).map_err(super::of_definition)?;
            let published = plans::publish(tx, version, &plan)?;
            let location = format!("{location}/{}", published.version);
            Ok(reply(201, Some(location), None, &PlanView::from(published)))
        })
        .await
}
