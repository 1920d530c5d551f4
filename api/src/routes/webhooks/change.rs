//! Updates a webhook subscription.

use actix_web::http::header;
use actix_web::{HttpResponse, patch, web};
use painreg_domain::event::EventType;
use painreg_domain::ids::WebhookId;
use painreg_tenants::store::webhooks::{self, WebhookSettings};
use serde::{Deserialize, Serialize};

use super::{WebhookView, allowed};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::state::State;
use crate::wire::{Body, IfMatch, Patch, etag};

/// The merge patch of a webhook (RFC 7396): absent members stay as they are, null clears the description.
#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeWebhook {
    /// The URL that events are posted to.
    #[schema(min_length = 1, max_length = 500)]
    url: String,
    /// The purpose of the webhook, as free text.
    #[schema(max_length = 200)]
    description: Option<String>,
    /// The types of events that are sent; empty: all.
    #[schema(max_items = 40)]
    kinds: Vec<EventType>,
    /// Whether events are sent; events missed while disabled are sent after the webhook is enabled again.
    enabled: bool,
}

type WebhookPatch = Patch<ChangeWebhook>;

/// Update a webhook: its URL, its types of events, its description, or enable or disable it.
#[utoipa::path(tag = "Events", extensions(("x-action" = json!("ManageWebhooks"))),
    params(IfMatch),
    request_body = WebhookPatch,
    responses((status = 200, description = "The webhook after the change.", body = WebhookView), Problems))]
#[patch("/{webhook}")]
pub async fn change_webhook(
    caller: Caller,
    state: web::Data<State>,
    path: web::Path<(String, WebhookId)>,
    version: IfMatch,
    body: Body<WebhookPatch>,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let changes = body.value;
    let acceptance = state.acceptance;
    let found = caller
        .run(move |tx| {
            let before = webhooks::find(tx, id)?;
            let version = version.against(before.version)?;
            let WebhookSettings { url, description, kinds, enabled } = before.settings;
            let before = ChangeWebhook { url, description, kinds, enabled };
            let ChangeWebhook { url, description, kinds, enabled } = changes.apply(&before)?;
            if url != before.url {
                allowed(&url, acceptance)?;
            }
            let settings = WebhookSettings { url, description, kinds, enabled };
            Ok(webhooks::change(tx, id, version, &settings)?)
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(found.version))).json(WebhookView::from(found)))
}
