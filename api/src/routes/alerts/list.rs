//! Lists the registry's alerts.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_tenants::Keyset;
use painreg_tenants::store::alerts;
use serde::Deserialize;

use super::AlertView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, page_answer};

/// The query of the list of alerts.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AlertParams {
    /// true: only alerts without an acknowledgement.
    #[param(default = false)]
    open: Option<bool>,
    /// Maximum number of items in the page, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// The `next_cursor` of the previous page; absent: the first page.
    #[param(max_length = 1000)]
    cursor: Option<String>,
}

/// List the alerts that answers raised, the newest first.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadAlerts"))),
    params(AlertParams),
    responses((status = 200, description = "A page of alerts.", body = Page<AlertView>), Problems))]
#[get("/v1/tenants/{tenant}/alerts")]
pub async fn list_alerts(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    params: web::Query<AlertParams>,
) -> Result<HttpResponse, Problem> {
    let AlertParams { open, limit, cursor } = params.into_inner();
    let page = PageParams { limit, cursor };
    let (open, limit, cursor) = (open.unwrap_or(false), page.limit()?, page.cursor());
    let page = caller
        .run(move |tx| {
            let list = format!("alerts/{open}");
            let after = tx.open_cursor(&list, cursor)?;
            let found = alerts::list(tx, open, after, limit)?;
            Ok(wire::page::<_, AlertView>(found, |last| tx.seal_cursor(&list, &Keyset(last.raised_at, last.id))))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
