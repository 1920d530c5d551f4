//! Updates a webhook subscription.

use actix_web::http::header;
use actix_web::{HttpResponse, patch, web};
use painreg_domain::event::EventType;
use painreg_domain::ids::WebhookId;
use painreg_tenants::store::webhooks;
use serde::Deserialize;
use validator::Validate;

use super::{WebhookView, allowed};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::state::State;
use crate::wire::{Body, IfMatch, etag, non_null};

/// The merge patch of a webhook (RFC 7396): absent members stay as they are.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeWebhook {
    /// The URL that events are posted to.
    #[serde(default, deserialize_with = "non_null")]
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, nullable = false)]
    url: Option<String>,
    /// The purpose of the webhook, as free text.
    #[serde(default, deserialize_with = "non_null")]
    #[validate(length(max = 200))]
    #[schema(max_length = 200, nullable = false)]
    description: Option<String>,
    /// The types of events that are sent; empty: all.
    #[serde(default, deserialize_with = "non_null")]
    #[validate(length(max = 40))]
    #[schema(max_items = 40, nullable = false)]
    kinds: Option<Vec<EventType>>,
    /// Whether events are sent; events missed while disabled are sent after the webhook is enabled again.
    #[serde(default, deserialize_with = "non_null")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
}

/// Update a webhook: its URL, its types of events, its description, or enable or disable it.
#[utoipa::path(tag = "Events", extensions(("x-action" = json!("ManageWebhooks"))),
    params(IfMatch),
    request_body = ChangeWebhook,
    responses((status = 200, description = "The webhook after the change.", body = WebhookView), Problems))]
#[patch("/v1/tenants/{tenant}/webhooks/{webhook}")]
pub async fn change_webhook(
    caller: Caller,
    state: web::Data<State>,
    path: web::Path<(String, WebhookId)>,
    version: IfMatch,
    body: Body<ChangeWebhook>,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let ChangeWebhook { url, description, kinds, enabled } = body.value;
    if let Some(url) = &url {
        allowed(url, state.acceptance)?;
    }
    let found = caller
        .run(move |tx| {
            let mut settings = webhooks::find(tx, id)?.settings;
            settings.url = url.unwrap_or(settings.url);
            settings.description = description.or(settings.description);
            settings.kinds = kinds.unwrap_or(settings.kinds);
            settings.enabled = enabled.unwrap_or(settings.enabled);
            Ok(webhooks::change(tx, id, version.0, &settings)?)
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(found.version))).json(WebhookView::from(found)))
}
