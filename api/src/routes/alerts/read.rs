//! Reads one alert by its id.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_domain::ids::AlertId;
use painreg_tenants::store::alerts;

use super::AlertView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::etag;

/// Read one alert.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadAlerts"))),
    responses((status = 200, description = "The alert.", body = AlertView), Problems))]
#[get("/{alert}")]
pub async fn read_alert(caller: Caller, path: web::Path<(String, AlertId)>) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let found = caller.run(move |tx| Ok(alerts::read(tx, id)?)).await?;
    let tag = etag(found.version);
    Ok(HttpResponse::Ok().insert_header((header::ETAG, tag)).json(AlertView::from(found)))
}
