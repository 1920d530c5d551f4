//! Sends a test event to a webhook.

use actix_web::{HttpResponse, post, web};
use painreg_domain::ids::WebhookId;
use painreg_tenants::store::webhooks;

use super::WebhookView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{IdempotencyKey, reply};

/// Send a test event (`webhook.test`, without content) to one webhook only; its deliveries show the result.
#[utoipa::path(tag = "Events", extensions(("x-action" = json!("ManageWebhooks"))),
    params(IdempotencyKey),
    responses((status = 202, description = "The test event will be sent.", body = WebhookView), Problems))]
#[post("/{webhook}/test-deliveries")]
pub async fn test_webhook(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<(String, WebhookId)>,
) -> Result<HttpResponse, Problem> {
    let (tenant, id) = path.into_inner();
    let place = format!("/v1/tenants/{tenant}/webhooks/{id}/test-deliveries");
    caller
        .run_once(key, web::Bytes::new(), &place, move |tx| {
            Ok(reply(202, None, None, &WebhookView::from(webhooks::test(tx, id)?)))
        })
        .await
}
