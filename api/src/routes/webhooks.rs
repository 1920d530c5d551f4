//! Webhook subscriptions: where events are sent, and their deliveries.

pub mod change;
pub mod create;
pub mod deliveries;
pub mod list;
pub mod read;
pub mod remove;
pub mod replay;
pub mod rotate;
pub mod test;

use jiff::Timestamp;
use painreg_domain::event::EventType;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::WebhookId;
use painreg_domain::national_id::Acceptance;
use painreg_tenants::store::webhooks::Webhook;
use serde::Serialize;

use crate::problem::Problem;
use crate::webhook_sender;

/// A webhook subscription: events are posted to its URL, signed as in Standard Webhooks.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Webhook)]
pub struct WebhookView {
    /// The id of the webhook.
    id: WebhookId,
    /// The URL that events are posted to.
    #[schema(max_length = 500, example = "https://receiver.example/painreg")]
    url: String,
    /// The purpose of the webhook, as free text; null where none was given.
    #[schema(max_length = 200)]
    description: Option<String>,
    /// The types of events that are sent; empty: all.
    #[schema(max_items = 40)]
    kinds: Vec<EventType>,
    /// Whether events are sent.
    enabled: bool,
    /// The reason for disabling it: `asked`, `failing` (for five days) or `gone` (the receiver answered 410); null
    /// while enabled.
    #[schema(max_length = 20)]
    disabled_because: Option<String>,
    /// The time since which no delivery has succeeded; null while deliveries succeed.
    failing_since: Option<Timestamp>,
    /// The time until which deliveries are signed with the previous secret too; null without one.
    old_secret_until: Option<Timestamp>,
    /// The time of creation.
    created_at: Timestamp,
    /// The time of the last change.
    updated_at: Timestamp,
    /// The version of the webhook; also the ETag.
    #[schema(minimum = 1)]
    version: i64,
}

impl From<Webhook> for WebhookView {
    fn from(it: Webhook) -> Self {
        Self {
            id: it.id,
            url: it.settings.url,
            description: it.settings.description,
            kinds: it.settings.kinds,
            enabled: it.settings.enabled,
            disabled_because: it.disabled_because,
            failing_since: it.failing_since,
            old_secret_until: it.old_secret_until,
            created_at: it.created_at,
            updated_at: it.updated_at,
            version: it.version,
        }
    }
}

/// A webhook with its secret, which is not shown again.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WebhookWithSecret {
    /// The webhook without its secret.
    webhook: WebhookView,
    /// The secret that signs every delivery; shown only in this response.
    #[schema(max_length = 80, example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
}

impl From<(Webhook, String)> for WebhookWithSecret {
    fn from((webhook, secret): (Webhook, String)) -> Self {
        Self { webhook: webhook.into(), secret }
    }
}

/// Refuses an address that deliveries must not be sent to.
fn allowed(url: &str, acceptance: Acceptance) -> Result<(), Problem> {
    if webhook_sender::is_allowed(url, acceptance) {
        return Ok(());
    }
    Err(Problem::invalid(vec![Fault::at("url", FaultCode::InvalidFormat)]))
}
