//! Suspends a registry that is active.

use actix_web::http::header;
use actix_web::{HttpResponse, put, web};
use painreg_tenants::store::tenants;

use super::TenantView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{IfMatch, etag};

/// Suspend a registry. No data is lost: its callers receive 503 `suspended` until the registry is resumed.
#[utoipa::path(tag = "Tenants", extensions(("x-action" = json!("SuspendTenant"))),
    params(IfMatch),
    responses((status = 200, description = "The registry, suspended.", body = TenantView), Problems))]
#[put("/suspension")]
pub async fn suspend_tenant(
    caller: Caller,
    path: web::Path<String>,
    version: IfMatch,
) -> Result<HttpResponse, Problem> {
    let tenant = caller
        .run_platform(move |tx| {
            let version = version.version(|| tenants::find(tx, &path).map(|it| it.version))?;
            Ok(TenantView::from(tenants::set_suspended(tx, &path, version, true)?))
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(tenant.version))).json(tenant))
}
