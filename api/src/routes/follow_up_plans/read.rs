//! Reads a version of the plan.

use actix_web::{HttpResponse, get, web};
use painreg_tenants::store::plans;

use super::PlanView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};

/// Read a version of the follow-up plan.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ReadFollowUpPlans"))),
    params(("version" = i64, Path, description = "The version.", minimum = 1)),
    responses((status = 200, description = "The version.", body = PlanView), Problems))]
#[get("/{version}")]
pub async fn read_follow_up_plan(caller: Caller, path: web::Path<(String, i64)>) -> Result<HttpResponse, Problem> {
    let (_, version) = path.into_inner();
    let view = caller.run(move |tx| Ok(PlanView::from(plans::version(tx, version)?))).await?;
    Ok(HttpResponse::Ok().json(view))
}
