//! Reads the registry's settings.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_tenants::store::settings;

use super::SettingsView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::etag;

/// Read the registry's settings.
#[utoipa::path(tag = "Lists", extensions(("x-action" = json!("ReadSettings"))),
    responses((status = 200, description = "The settings.", body = SettingsView), Problems))]
#[get("/settings")]
pub async fn read_settings(caller: Caller, _path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let view = caller.run(|tx| Ok(SettingsView::from(settings::read(tx)?))).await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(view.version))).json(view))
}
