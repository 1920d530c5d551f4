//! Lists the deliveries of a webhook.

use actix_web::{HttpRequest, HttpResponse, get, web};
use jiff::Timestamp;
use painreg_domain::ids::WebhookId;
use painreg_tenants::store::webhooks::{self, Delivery};
use serde::Serialize;
use uuid::Uuid;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, page_answer};

/// The delivery of one event to one webhook. The subject of the event is in the feed.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = WebhookDelivery)]
pub struct DeliveryView {
    /// The id of the event and of the message (`webhook-id`).
    #[schema(value_type = String, format = "uuid", min_length = 36, max_length = 36)]
    event_id: Uuid,
    /// The type of the event.
    #[schema(max_length = 40, example = "submission.stored")]
    r#type: String,
    /// The state: `pending`, `delivered` or `given_up`.
    #[schema(max_length = 20)]
    state: String,
    /// The number of attempts.
    #[schema(minimum = 0)]
    attempts: i32,
    /// The earliest time of the next attempt; null where there is none.
    next_at: Option<Timestamp>,
    /// The time of the last attempt; null before the first.
    attempted_at: Option<Timestamp>,
    /// The last HTTP status of the receiver; null where there was no response.
    status: Option<i32>,
    /// The reason of the last failure: `status`, `timeout`, `unreachable` or `refused_address`; null where there was
    /// none.
    #[schema(max_length = 20)]
    failure: Option<String>,
}

impl From<Delivery> for DeliveryView {
    fn from(it: Delivery) -> Self {
        let Delivery { event, kind, state, attempts, next_at, attempted_at, status, failure, position: _ } = it;
        Self { event_id: event, r#type: kind, state, attempts, next_at, attempted_at, status, failure }
    }
}

/// List the deliveries of a webhook, pending ones included, the latest first.
#[utoipa::path(tag = "Events", extensions(("x-action" = json!("ManageWebhooks"))),
    params(PageParams),
    responses((status = 200, description = "A page of deliveries.", body = Page<DeliveryView>), Problems))]
#[get("/{webhook}/deliveries")]
pub async fn list_webhook_deliveries(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<(String, WebhookId)>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let page = caller
        .run(move |tx| {
            let list = format!("webhooks/{id}/deliveries");
            let after = tx.open_cursor(&list, cursor)?;
            let found = webhooks::deliveries(tx, id, after, limit)?;
            Ok(wire::page::<_, DeliveryView>(found, |last| tx.seal_cursor(&list, &last.position)))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
