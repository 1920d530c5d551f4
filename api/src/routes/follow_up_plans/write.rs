//! Saves the draft of the plan.

use actix_web::http::header;
use actix_web::{HttpResponse, put, web};
use painreg_domain::followup::FollowUpPlanDefinition;
use painreg_tenants::store::plans;
use serde::Deserialize;

use super::PlanDraftView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Document, IfMatch, etag};

/// The new content of the draft.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteFollowUpPlan {
    /// The complete plan.
    definition: FollowUpPlanDefinition,
}

/// Save the draft of the follow-up plan.
///
/// There is one draft at a time; begin with the version in force. `If-Match` names the draft that was read, `"v0"`
/// where there is none yet. Faults of the draft are returned and block simulation and publication only.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ManageFollowUpPlans"))),
    params(("If-Match" = String, Header, description = "The ETag of the draft from the last read; `\"v0\"` where there is none yet.", max_length = 50)),
    request_body = WriteFollowUpPlan,
    responses((status = 200, description = "The draft after the change.", body = PlanDraftView), Problems))]
#[put("/follow-up-plan-draft")]
pub async fn write_follow_up_plan_draft(
    caller: Caller,
    _path: web::Path<String>,
    read: IfMatch,
    body: Document<WriteFollowUpPlan>,
) -> Result<HttpResponse, Problem> {
    let definition = body.value.definition;
    let view = caller
        .run(move |tx| {
            let version = read.version_if_any(|| plans::draft(tx).map(|it| it.version))?;
            let draft = plans::write(tx, Some(version).filter(|version| *version != 0), &definition)?;
            super::shown(tx, draft)
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(view.version))).json(view))
}
