//! Reads one webhook.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_domain::ids::WebhookId;
use painreg_tenants::store::webhooks;

use super::WebhookView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::etag;

/// Read a webhook. Its secret is not shown.
#[utoipa::path(tag = "Events", extensions(("x-action" = json!("ManageWebhooks"))),
    responses((status = 200, description = "The webhook.", body = WebhookView), Problems))]
#[get("/{webhook}")]
pub async fn read_webhook(caller: Caller, path: web::Path<(String, WebhookId)>) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let found = caller.run(move |tx| Ok(webhooks::find(tx, id)?)).await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(found.version))).json(WebhookView::from(found)))
}
