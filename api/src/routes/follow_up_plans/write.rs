//! Writing the draft.

use actix_web::http::header;
use actix_web::{HttpResponse, put, web};
use painreg_domain::followup::FollowUpPlanDefinition;
use painreg_tenants::store::plans;
use serde::Deserialize;
use validator::Validate;

use super::PlanDraftView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IfMatch, etag};

/// What the draft is to say.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteFollowUpPlan {
    /// The whole plan.
    definition: FollowUpPlanDefinition,
}

/// Write the draft of the plan of follow-up.
///
/// There is one draft at a time; begin with the version in force. `If-Match` names the draft that was read, `"v0"` where
/// there is none yet. What is wrong with it is told and blocks simulating and publishing only.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ManageFollowUpPlans"))),
    params(("If-Match" = String, Header, description = "The ETag of the draft as read; `\"v0\"` where there is none yet.", max_length = 50)),
    request_body = WriteFollowUpPlan,
    responses((status = 200, description = "The draft as it is now.", body = PlanDraftView), Problems))]
#[put("/v1/tenants/{tenant}/follow-up-plan-draft")]
pub async fn write_follow_up_plan_draft(
    caller: Caller,
    _path: web::Path<String>,
    read: IfMatch,
    body: Body<WriteFollowUpPlan>,
) -> Result<HttpResponse, Problem> {
    let definition = body.value.definition;
    let view = caller
        .run(move |tx| {
            let draft = plans::write(tx, Some(read.0).filter(|version| *version > 0), &definition)?;
            super::shown(tx, draft)
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(view.version))).json(view))
}
