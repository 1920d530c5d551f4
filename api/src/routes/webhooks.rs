//! Webhooks: who is told what happens, and how it went.

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

/// A webhook: somewhere that is told what happens, signed as Standard Webhooks has it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Webhook)]
pub struct WebhookView {
    /// Its id.
    id: WebhookId,
    /// Where to.
    #[schema(max_length = 500, example = "https://receiver.example/painreg")]
    url: String,
    /// What it is for.
    #[schema(max_length = 200)]
    description: Option<String>,
    /// Which types of events it is told; none: all.
    #[schema(max_items = 40)]
    kinds: Vec<EventType>,
    /// Whether it is told anything.
    enabled: bool,
    /// Why not: `asked`, `failing` (for five days) or `gone` (it answered 410).
    #[schema(max_length = 20)]
    disabled_because: Option<String>,
    /// Since when nothing has reached it.
    failing_since: Option<Timestamp>,
    /// Until when the secret before this one is signed with as well.
    old_secret_until: Option<Timestamp>,
    /// When it was made.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
    /// Its version; also the ETag.
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
    /// The webhook.
    webhook: WebhookView,
    /// What everything it is told is signed with.
    #[schema(max_length = 80, example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
}

impl From<(Webhook, String)> for WebhookWithSecret {
    fn from((webhook, secret): (Webhook, String)) -> Self {
        Self { webhook: webhook.into(), secret }
    }
}

/// Refuses an address that nobody is to be told at.
fn allowed(url: &str, acceptance: Acceptance) -> Result<(), Problem> {
    if webhook_sender::is_allowed(url, acceptance) {
        return Ok(());
    }
    Err(Problem::invalid(vec![Fault::at("url", FaultCode::InvalidFormat)]))
}
