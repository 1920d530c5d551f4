//! Reads the draft of the plan.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_tenants::store::plans;

use super::PlanDraftView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::etag;

/// Read the draft of the follow-up plan, with all its faults.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ManageFollowUpPlans"))),
    responses((status = 200, description = "The draft.", body = PlanDraftView), Problems))]
#[get("/follow-up-plan-draft")]
pub async fn read_follow_up_plan_draft(caller: Caller, _path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let view = caller
        .run(move |tx| {
            let draft = plans::draft(tx)?;
            super::shown(tx, draft)
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(view.version))).json(view))
}
