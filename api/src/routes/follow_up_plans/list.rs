//! Lists the versions of the plan.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_tenants::store::plans;

use super::PlanView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, page_answer};

/// List the versions of the follow-up plan, the newest first. The newest is in force.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ReadFollowUpPlans"))),
    params(PageParams),
    responses((status = 200, description = "A page of versions.", body = Page<PlanView>), Problems))]
#[get("")]
pub async fn list_follow_up_plans(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let page = caller
        .run(move |tx| {
            let list = "follow-up-plans";
            let before = tx.open_cursor(list, cursor)?;
            let found = plans::versions(tx, before, limit)?;
            Ok(wire::page::<_, PlanView>(found, |last| tx.seal_cursor(list, &last.version)))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
