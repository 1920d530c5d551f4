//! Creates a webhook subscription.

use actix_web::{HttpResponse, post, web};
use painreg_domain::event::EventType;
use painreg_tenants::store::webhooks::{self, WebhookSettings};
use serde::Deserialize;

use super::{WebhookWithSecret, allowed};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::state::State;
use crate::wire::{Body, IdempotencyKey, reply};

/// A new webhook subscription.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWebhook {
    /// The URL: `https`, with a public internet address.
    #[schema(min_length = 1, max_length = 500, example = "https://receiver.example/painreg")]
    url: String,
    /// The purpose of the webhook, as free text.
    #[schema(max_length = 200)]
    description: Option<String>,
    /// The types of events that are sent; empty: all.
    #[serde(default)]
    #[schema(max_items = 40)]
    kinds: Vec<EventType>,
}

/// Create a webhook subscription.
///
/// Events from now on are posted. Each event has one `webhook-id` and is posted until the receiver answers with a
/// success: at least once, and in order for the events of one patient. The secret is shown only in this response.
#[utoipa::path(tag = "Events", extensions(("x-action" = json!("ManageWebhooks"))),
    params(IdempotencyKey),
    request_body = CreateWebhook,
    responses((status = 201, description = "The webhook was created.", body = WebhookWithSecret), Problems))]
#[post("")]
pub async fn create_webhook(
    caller: Caller,
    state: web::Data<State>,
    key: IdempotencyKey,
    path: web::Path<String>,
    body: Body<CreateWebhook>,
) -> Result<HttpResponse, Problem> {
    let Body { value: CreateWebhook { url, description, kinds }, bytes } = body;
    allowed(&url, state.acceptance)?;
    let settings = WebhookSettings { url, description, kinds, enabled: true };
    let place = format!("/v1/tenants/{path}/webhooks");
    let location = place.clone();
    caller
        .run_once(key, bytes, &place, move |tx| {
            let made = webhooks::create(tx, &settings)?;
            let (location, version) = (format!("{location}/{}", made.0.id), made.0.version);
            Ok(reply(201, Some(location), Some(version), &WebhookWithSecret::from(made)))
        })
        .await
}
