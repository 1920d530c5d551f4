//! Rotates the secret of a webhook.

use actix_web::{HttpResponse, post, web};
use painreg_domain::ids::WebhookId;
use painreg_tenants::store::webhooks;

use super::WebhookWithSecret;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{IdempotencyKey, reply};

/// Rotate a webhook's secret. The new secret is shown only in this response; deliveries are signed with both for one
/// day.
#[utoipa::path(tag = "Events", extensions(("x-action" = json!("ManageWebhooks"))),
    params(IdempotencyKey),
    responses((status = 201, description = "The webhook and its new secret.", body = WebhookWithSecret), Problems))]
#[post("/{webhook}/secrets")]
pub async fn rotate_webhook_secret(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<(String, WebhookId)>,
) -> Result<HttpResponse, Problem> {
    let (tenant, id) = path.into_inner();
    let place = format!("/v1/tenants/{tenant}/webhooks/{id}/secrets");
    caller
        .run_once(key, web::Bytes::new(), &place, move |tx| {
            let version = webhooks::find(tx, id)?.version;
            let rotated = webhooks::rotate(tx, id, version)?;
            Ok(reply(201, None, None, &WebhookWithSecret::from(rotated)))
        })
        .await
}
