//! Lists the recorded calls.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_domain::ids::DecisionId;
use painreg_tenants::Keyset;
use painreg_tenants::store::calls;
use serde::Deserialize;

use super::CallView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, Query, page_answer};

/// The query of the list of calls.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CallParams {
    /// Only calls about this decision.
    decision_id: Option<DecisionId>,
}

/// List the recorded calls, the latest first.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ReadCallList"))),
    params(CallParams, PageParams),
    responses((status = 200, description = "A page of calls.", body = Page<CallView>), Problems))]
#[get("/follow-up-calls")]
pub async fn list_follow_up_calls(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    Query(params): Query<CallParams>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let CallParams { decision_id } = params;
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
