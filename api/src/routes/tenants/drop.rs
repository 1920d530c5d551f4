//! Deletes a suspended registry.

use actix_web::{HttpResponse, delete, web};
use painreg_tenants::provision;
use painreg_tenants::store::tenants;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::IfMatch;

/// Delete a suspended registry with all its data.
///
/// The deletion cannot be undone: it removes the schema, its roles and its keys. A registry that is not suspended is
/// refused with 409.
#[utoipa::path(tag = "Tenants", extensions(("x-action" = json!("DropTenant"))),
    params(IfMatch),
    responses((status = 204, description = "The registry was deleted."), Problems))]
#[delete("")]
pub async fn drop_tenant(caller: Caller, path: web::Path<String>, version: IfMatch) -> Result<HttpResponse, Problem> {
    caller
        .run_platform(move |tx| {
            let version = version.version(|| tenants::find(tx, &path).map(|it| it.version))?;
            Ok(provision::drop(tx, &path, version)?)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
