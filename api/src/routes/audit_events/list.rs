//! Lists the audit events of the registry.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_tenants::Keyset;
use painreg_tenants::audit::read;

use super::EventView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, page_answer};

/// List the audit events of the whole registry, newest first.
///
/// For the data protection officer: actor and action, refusals included, without clinical data.
#[utoipa::path(tag = "Oversight", extensions(("x-action" = json!("ReadAuditEvents"))),
    params(PageParams),
    responses((status = 200, description = "A page of entries.", body = Page<EventView>), Problems))]
#[get("/audit-events")]
pub async fn list_audit_events(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    const LIST: &str = "audit-events";
    let page = caller
        .run(move |tx| {
            let after = tx.open_cursor(LIST, cursor)?.map(|Keyset(at, id)| (at, id));
            let found = read::of_registry(tx, after, limit)?;
            Ok(wire::page::<_, EventView>(found, |last| tx.seal_cursor(LIST, &Keyset(last.at, last.id))))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
