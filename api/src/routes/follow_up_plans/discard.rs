//! Discards the draft of the plan.

use actix_web::{HttpResponse, delete, web};
use painreg_tenants::store::plans;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::IfMatch;

/// Discard the draft of the follow-up plan. Published versions stay.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ManageFollowUpPlans"))),
    params(IfMatch),
    responses((status = 204, description = "The draft was discarded."), Problems))]
#[delete("/follow-up-plan-draft")]
pub async fn discard_follow_up_plan_draft(
    caller: Caller,
    _path: web::Path<String>,
    version: IfMatch,
) -> Result<HttpResponse, Problem> {
    caller
        .run(move |tx| {
            let version = version.version(|| plans::draft(tx).map(|it| it.version))?;
            Ok(plans::discard(tx, version)?)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
