//! Dismisses one delivery in quarantine.

use actix_web::http::header;
use actix_web::{HttpResponse, put, web};
use painreg_domain::ids::QuarantineId;
use painreg_domain::quarantine::Command;
use painreg_tenants::store::quarantine;

use super::QuarantinedView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{IfMatch, etag};

/// Dismiss a delivery in quarantine.
///
/// For a test of the form, or answers of a person who is not to be registered. The delivery stays stored, encrypted.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ResolveQuarantine"))),
    params(IfMatch),
    responses((status = 200, description = "The delivery was dismissed.", body = QuarantinedView), Problems))]
#[put("/{quarantined}/dismissal")]
pub async fn set_aside_quarantined(
    caller: Caller,
    path: web::Path<(String, QuarantineId)>,
    read: IfMatch,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let found = caller
        .run(move |tx| {
            let about = quarantine::open(tx, id)?.about;
            read.against(about.version)?;
            quarantine::close(tx, &about, Command::SetAside, &serde_json::Value::Null)?;
            Ok(quarantine::open(tx, id)?.about)
        })
        .await?;
    let tag = etag(found.version);
    Ok(HttpResponse::Ok().insert_header((header::ETAG, tag)).json(QuarantinedView::from(found)))
}
