//! Reads one delivery in quarantine.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_domain::ids::QuarantineId;
use painreg_tenants::store::quarantine;
use serde::Serialize;
use serde_json::Value;

use super::QuarantinedView;
use crate::caller::Caller;
use crate::intake::corrections::CorrectionsBody;
use crate::problem::{Problem, Problems};
use crate::wire::etag;

/// A delivery in quarantine, with its payload.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = QuarantinedDelivery)]
pub struct QuarantinedDeliveryView {
    /// The members without the payload.
    about: QuarantinedView,
    /// The payload, as it was delivered.
    #[schema(max_length = 300_000)]
    payload: String,
    /// What a person corrected; null where nobody has.
    #[schema(value_type = Option<CorrectionsBody>)]
    corrections: Value,
}

/// Read a delivery in quarantine, with its payload.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadQuarantine"))),
    responses((status = 200, description = "The delivery.", body = QuarantinedDeliveryView), Problems))]
#[get("/{quarantined}")]
pub async fn read_quarantined(
    caller: Caller,
    path: web::Path<(String, QuarantineId)>,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let opened = caller.run(move |tx| Ok(quarantine::open(tx, id)?)).await?;
    let tag = etag(opened.about.version);
    let view = QuarantinedDeliveryView {
        payload: String::from_utf8_lossy(&opened.payload).into_owned(),
        corrections: opened.corrections,
        about: opened.about.into(),
    };
    Ok(HttpResponse::Ok().insert_header((header::ETAG, tag)).json(view))
}
