//! Drawing a new secret.

use actix_web::{HttpResponse, post, web};
use painreg_domain::ids::WebhookId;
use painreg_domain::policy::Action;
use painreg_tenants::store::webhooks;

use super::WebhookWithSecret;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{IdempotencyKey, reply};

/// Draw a new secret, shown this once. For a day everything is signed with both.
#[utoipa::path(operation_id = "rotateWebhookSecret", tag = "Events", extensions(("x-action" = json!("ManageWebhooks"))),
    params(("tenant" = String, Path, description = "The registry's slug.", max_length = 40),
        ("webhook" = WebhookId, Path, description = "The webhook's id."),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe; required of machine clients.", max_length = 200)),
    responses((status = 201, description = "The webhook and its new secret.", body = WebhookWithSecret), Problems))]
#[post("/v1/tenants/{tenant}/webhooks/{webhook}/secrets")]
pub async fn rotate_webhook_secret(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<(String, WebhookId)>,
) -> Result<HttpResponse, Problem> {
    let (tenant, id) = path.into_inner();
    let place = format!("/v1/tenants/{tenant}/webhooks/{id}/secrets");
    caller
        .run_once(Action::ManageWebhooks, key, web::Bytes::new(), &place, move |tx| {
            let version = webhooks::find(tx, id)?.version;
            let rotated = webhooks::rotate(tx, id, version)?;
            Ok(reply(201, None, None, &WebhookWithSecret::from(rotated)))
        })
        .await
}
