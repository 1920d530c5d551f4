//! Reads one registry by slug.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_tenants::store::tenants;

use super::TenantView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::etag;

/// Read one registry's settings and state.
#[utoipa::path(tag = "Tenants", extensions(("x-action" = json!("ReadTenant"))),
    responses((status = 200, description = "The registry.", body = TenantView), Problems))]
#[get("")]
pub async fn read_tenant(caller: Caller, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let tenant = caller.run_platform(move |tx| Ok(TenantView::from(tenants::find(tx, &path)?))).await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(tenant.version))).json(tenant))
}
