//! Events and webhook subscriptions.

use serde_json::json;

use super::example::{Example, ROW, Whose};
use super::parameters::WEBHOOK;

pub const ROWS: &[Example] = &[
    Example { operation: "listEvents", whose: Whose::Listed, ..ROW },
    Example { operation: "listWebhooks", ..ROW },
    Example { operation: "createWebhook", body: Some(|_| json!({"url": "https://receiver.example/painreg"})), ..ROW },
    Example { operation: "readWebhook", path: &[WEBHOOK], ..ROW },
    Example {
        operation: "changeWebhook",
        path: &[WEBHOOK],
        body: Some(|_| json!({})),
        version: Some("webhook WHERE id::text = '{webhook}'"),
        ..ROW
    },
    Example {
        operation: "removeWebhook",
        path: &[WEBHOOK],
        version: Some("webhook WHERE id::text = '{webhook}'"),
        ..ROW
    },
    Example { operation: "listWebhookDeliveries", path: &[WEBHOOK], ..ROW },
    Example { operation: "replayWebhook", path: &[WEBHOOK], body: Some(|_| json!({})), ..ROW },
    Example { operation: "rotateWebhookSecret", path: &[WEBHOOK], ..ROW },
    Example { operation: "testWebhook", path: &[WEBHOOK], ..ROW },
];
