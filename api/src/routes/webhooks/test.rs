//! Trying a webhook.

use actix_web::{HttpResponse, post, web};
use painreg_domain::ids::WebhookId;
use painreg_domain::policy::Action;
use painreg_tenants::store::webhooks;

use super::WebhookView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{IdempotencyKey, reply};

/// Have a webhook, and nobody else, told of a `webhook.test` that says nothing; its deliveries show how it went.
#[utoipa::path(operation_id = "testWebhook", tag = "Events", extensions(("x-action" = json!("ManageWebhooks"))),
    params(("tenant" = String, Path, description = "The registry's slug.", max_length = 40),
        ("webhook" = WebhookId, Path, description = "The webhook's id."),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe; required of machine clients.", max_length = 200)),
    responses((status = 202, description = "It will be told.", body = WebhookView), Problems))]
#[post("/v1/tenants/{tenant}/webhooks/{webhook}/test-deliveries")]
pub async fn test_webhook(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<(String, WebhookId)>,
) -> Result<HttpResponse, Problem> {
    let (tenant, id) = path.into_inner();
    let place = format!("/v1/tenants/{tenant}/webhooks/{id}/test-deliveries");
    caller
        .run_once(Action::ManageWebhooks, key, web::Bytes::new(), &place, move |tx| {
            Ok(reply(202, None, None, &WebhookView::from(webhooks::test(tx, id)?)))
        })
        .await
}
