//! Reads one licence.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_domain::ids::LicenceId;
use painreg_tenants::store::licences;

use super::LicenceView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::etag;

/// Read one licence.
#[utoipa::path(tag = "Licences", extensions(("x-action" = json!("ReadLicences"))),
    responses((status = 200, description = "The licence.", body = LicenceView), Problems))]
#[get("/{licence}")]
pub async fn read_licence(caller: Caller, path: web::Path<(String, LicenceId)>) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let view = caller.run(move |tx| Ok(LicenceView::from(licences::find(tx, id)?.0))).await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(view.version))).json(view))
}
