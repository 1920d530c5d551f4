//! Removes one webhook.

use actix_web::{HttpResponse, delete, web};
use painreg_domain::ids::WebhookId;
use painreg_tenants::store::webhooks;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::IfMatch;

/// Delete a webhook and its record of deliveries.
#[utoipa::path(tag = "Events", extensions(("x-action" = json!("ManageWebhooks"))),
    params(IfMatch),
    responses((status = 204, description = "The webhook was deleted."), Problems))]
#[delete("/{webhook}")]
pub async fn remove_webhook(
    caller: Caller,
    path: web::Path<(String, WebhookId)>,
    version: IfMatch,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    caller
        .run(move |tx| {
            let version = version.version(|| webhooks::find(tx, id).map(|it| it.version))?;
            Ok(webhooks::remove(tx, id, version)?)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
