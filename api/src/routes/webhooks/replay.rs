//! Replays events to a webhook.

use actix_web::{HttpResponse, post, web};
use painreg_domain::ids::WebhookId;
use painreg_tenants::Cursor;
use painreg_tenants::store::webhooks;
use serde::Deserialize;

use super::WebhookView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::event::FEED;
use crate::wire::{Body, IdempotencyKey, reply};

/// The start of a replay.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayWebhook {
    /// The position in the feed: a `next_after` of the event list; absent: from the start.
    #[schema(max_length = 1000)]
    after: Option<String>,
}

/// Replay to a webhook all events after a position of the feed, in order and with the same ids.
#[utoipa::path(tag = "Events", extensions(("x-action" = json!("ManageWebhooks"))),
    params(IdempotencyKey),
    request_body = ReplayWebhook,
    responses((status = 202, description = "The events will be sent.", body = WebhookView), Problems))]
#[post("/{webhook}/replays")]
pub async fn replay_webhook(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<(String, WebhookId)>,
    body: Body<ReplayWebhook>,
) -> Result<HttpResponse, Problem> {
    let (tenant, id) = path.into_inner();
    let Body { value: ReplayWebhook { after }, bytes } = body;
    let place = format!("/v1/tenants/{tenant}/webhooks/{id}/replays");
    caller
        .run_once(key, bytes, &place, move |tx| {
            let after = tx.open_cursor(FEED, after.as_deref().map(Cursor::received))?;
            Ok(reply(202, None, None, &WebhookView::from(webhooks::replay(tx, id, after)?)))
        })
        .await
}
