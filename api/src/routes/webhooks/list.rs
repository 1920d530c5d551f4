//! Lists the registry's webhooks.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_tenants::store::webhooks;

use super::WebhookView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, page_answer};

/// List the registry's webhooks.
#[utoipa::path(tag = "Events", extensions(("x-action" = json!("ManageWebhooks"))),
    params(PageParams),
    responses((status = 200, description = "A page of webhooks.", body = Page<WebhookView>), Problems))]
#[get("")]
pub async fn list_webhooks(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let page = caller
        .run(move |tx| {
            let after = tx.open_cursor("webhooks", cursor)?;
            let found = webhooks::list(tx, after, limit)?;
            Ok(wire::page::<_, WebhookView>(found, |last| tx.seal_cursor("webhooks", &last.id)))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
