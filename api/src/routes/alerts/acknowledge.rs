//! Acknowledges one alert.

use actix_web::http::header;
use actix_web::{HttpResponse, put, web};
use painreg_domain::ids::AlertId;
use painreg_tenants::store::alerts;

use super::AlertView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{IfMatch, etag};

/// Acknowledge an alert. The first acknowledgement is kept.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("AcknowledgeAlert"))),
    params(IfMatch),
    responses((status = 200, description = "The alert.", body = AlertView), Problems))]
#[put("/{alert}/acknowledgement")]
pub async fn acknowledge_alert(
    caller: Caller,
    path: web::Path<(String, AlertId)>,
    read: IfMatch,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let found = caller
        .run(move |tx| {
            let version = read.version(|| alerts::read(tx, id).map(|it| it.version))?;
            Ok(alerts::acknowledge(tx, id, version)?)
        })
        .await?;
    let tag = etag(found.version);
    Ok(HttpResponse::Ok().insert_header((header::ETAG, tag)).json(AlertView::from(found)))
}
