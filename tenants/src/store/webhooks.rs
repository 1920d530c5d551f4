//! Webhook subscriptions and the dispatch of events to them. Must not know how a delivery is sent.

mod delivery;
mod dispatch;
mod secret;
mod subscription;

pub use delivery::{Delivery, deliveries};
pub use dispatch::{DeliveryOutcome, Dispatch, claim_due_deliveries, enqueue_deliveries, is_waiting, record_outcome};
pub use subscription::{Webhook, WebhookSettings, change, create, find, list, remove, replay, rotate, test};
