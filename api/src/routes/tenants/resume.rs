//! Resumes a suspended registry.

use actix_web::http::header;
use actix_web::{HttpResponse, delete, web};
use painreg_tenants::store::tenants;

use super::TenantView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{IfMatch, etag};

/// Resume a suspended registry.
#[utoipa::path(tag = "Tenants", extensions(("x-action" = json!("ResumeTenant"))),
    params(IfMatch),
    responses((status = 200, description = "The registry, active.", body = TenantView), Problems))]
#[delete("/suspension")]
pub async fn resume_tenant(caller: Caller, path: web::Path<String>, version: IfMatch) -> Result<HttpResponse, Problem> {
    let tenant = caller
        .run_platform(move |tx| {
            let version = version.version(|| tenants::find(tx, &path).map(|it| it.version))?;
            Ok(TenantView::from(tenants::set_suspended(tx, &path, version, false)?))
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(tenant.version))).json(tenant))
}
