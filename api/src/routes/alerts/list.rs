//! Lists the registry's alerts.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_tenants::Keyset;
use painreg_tenants::store::alerts;
use serde::Deserialize;

use super::AlertView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, Query, page_answer};

/// The query of the list of alerts.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AlertParams {
    /// true: only alerts without an acknowledgement.
    #[param(default = false)]
    open: Option<bool>,
}

/// List the alerts that answers raised, the newest first.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadAlerts"))),
    params(AlertParams, PageParams),
    responses((status = 200, description = "A page of alerts.", body = Page<AlertView>), Problems))]
#[get("")]
pub async fn list_alerts(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    Query(AlertParams { open }): Query<AlertParams>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let open = open.unwrap_or(false);
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
