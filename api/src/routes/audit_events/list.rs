//! What happened in the whole registry.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_domain::ids::EventId;
use painreg_tenants::store::access_log;

use super::EventView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, page_answer};

/// Read what happened in the whole registry, newest first.
///
/// For the data protection officer: who did what, refusals included, and no clinical data.
#[utoipa::path(tag = "Oversight", extensions(("x-action" = json!("ReadAuditEvents"))),
    params(PageParams),
    responses((status = 200, description = "A page of entries.", body = Page<EventView>), Problems))]
#[get("/v1/tenants/{tenant}/audit-events")]
pub async fn list_audit_events(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    page: web::Query<PageParams>,
) -> Result<HttpResponse, Problem> {
    const LIST: &str = "audit-events";
    let (limit, cursor) = (page.limit()?, page.cursor());
    let page = caller
        .run(move |tx| {
            let after = wire::after(tx, LIST, cursor, EventId::existing)?;
            let found = access_log::of_registry(tx, after, limit)?;
            Ok(wire::page::<_, EventView>(found, |last| tx.seal_cursor(LIST, &wire::position(last.at, last.id))))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
