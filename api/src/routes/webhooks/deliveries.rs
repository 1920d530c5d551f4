//! How telling went.

use actix_web::{HttpRequest, HttpResponse, get, web};
use jiff::Timestamp;
use painreg_domain::ids::WebhookId;
use painreg_tenants::store::webhooks::{self, Delivery};
use serde::Serialize;
use uuid::Uuid;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, page_answer};

/// One event for one webhook, and how telling it went. What it is about stands in the feed.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = WebhookDelivery)]
pub struct DeliveryView {
    /// The event's id, and the message's.
    #[schema(value_type = String, format = "uuid", min_length = 36, max_length = 36)]
    event_id: Uuid,
    /// What happened.
    #[schema(max_length = 40, example = "submission.stored")]
    r#type: String,
    /// `pending`, `delivered` or `given_up`.
    #[schema(max_length = 20)]
    state: String,
    /// How often it was tried.
    #[schema(minimum = 0)]
    attempts: i32,
    /// When it is tried next at the earliest; null where it is not tried any more.
    next_at: Option<Timestamp>,
    /// When it was last tried.
    attempted_at: Option<Timestamp>,
    /// What the receiver answered last.
    status: Option<i32>,
    /// Why it failed: `status`, `timeout`, `unreachable` or `refused_address`.
    #[schema(max_length = 20)]
    failure: Option<String>,
}

impl From<Delivery> for DeliveryView {
    fn from(it: Delivery) -> Self {
        let Delivery { event, kind, state, attempts, next_at, attempted_at, status, failure, place: _ } = it;
        Self { event_id: event, r#type: kind, state, attempts, next_at, attempted_at, status, failure }
    }
}

/// List what a webhook was and is to be told, the last first, and how it went.
#[utoipa::path(tag = "Events", extensions(("x-action" = json!("ManageWebhooks"))),
    params(PageParams),
    responses((status = 200, description = "A page of deliveries.", body = Page<DeliveryView>), Problems))]
#[get("/v1/tenants/{tenant}/webhooks/{webhook}/deliveries")]
pub async fn list_webhook_deliveries(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<(String, WebhookId)>,
    page: web::Query<PageParams>,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let (limit, cursor) = (page.limit()?, page.cursor());
    let page = caller
        .run(move |tx| {
            let list = format!("webhooks/{id}/deliveries");
            let after = tx.open_cursor(&list, cursor)?;
            let found = webhooks::deliveries(tx, id, after, limit)?;
            Ok(wire::page::<_, DeliveryView>(found, |last| tx.seal_cursor(&list, &last.place)))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
