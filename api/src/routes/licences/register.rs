//! Registers a licence of instruments.

use actix_web::{HttpResponse, post, web};
use painreg_tenants::store::licences;

use super::{LicenceBody, LicenceView};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Document, IdempotencyKey, reply};

/// Register a licence of instruments.
#[utoipa::path(tag = "Licences", extensions(("x-action" = json!("ManageLicences"))),
    params(IdempotencyKey),
    request_body = LicenceBody,
    responses((status = 201, description = "The licence was registered.", body = LicenceView), Problems))]
#[post("")]
pub async fn register_licence(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    body: Document<LicenceBody>,
) -> Result<HttpResponse, Problem> {
    let Document { value: LicenceBody(licence), bytes } = body;
    let place = format!("/v1/tenants/{path}/licences");
    let location = place.clone();
    caller
        .run_once(key, bytes, &place, move |tx| {
            let faults = licence.faults();
            if !faults.is_empty() {
                return Err(Problem::invalid(faults));
            }
            let view = LicenceView::from(licences::register(tx, &licence)?);
            Ok(reply(201, Some(format!("{location}/{}", view.id)), Some(view.version), &view))
        })
        .await
}
