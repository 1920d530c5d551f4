//! Lists the recorded calls.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_domain::ids::DecisionId;
use painreg_tenants::Keyset;
use painreg_tenants::store::calls;
use serde::Deserialize;

use super::CallView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, page_answer};

/// The query of the list of calls.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CallParams {
    /// Only calls about this decision.
    decision_id: Option<DecisionId>,
    /// Maximum number of items in the page, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// The `next_cursor` of the previous page; absent: the first page.
    #[param(max_length = 1000)]
    cursor: Option<String>,
}

/// List the recorded calls, the latest first.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ReadCallList"))),
    params(CallParams),
    responses((status = 200, description = "A page of calls.", body = Page<CallView>), Problems))]
#[get("/v1/tenants/{tenant}/follow-up-calls")]
pub async fn list_follow_up_calls(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    params: web::Query<CallParams>,
) -> Result<HttpResponse, Problem> {
    let CallParams { decision_id, limit, cursor } = params.into_inner();
    let page = PageParams { limit, cursor };
    let (limit, cursor) = (page.limit()?, page.cursor());
    let page = caller
        .run(move |tx| {
            let list = format!("follow-up-calls {decision_id:?}");
            let after = tx.open_cursor(&list, cursor)?;
            let found = calls::list(tx, decision_id, after, limit)?;
            Ok(wire::page::<_, CallView>(found, |last| tx.seal_cursor(&list, &Keyset(last.called_at, last.id))))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
