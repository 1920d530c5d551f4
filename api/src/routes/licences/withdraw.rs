//! Withdraws a licence that should not have been registered.

use actix_web::{HttpResponse, delete, web};
use painreg_domain::ids::LicenceId;
use painreg_tenants::store::licences;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::IfMatch;

/// Withdraw a licence that should not have been registered.
///
/// A withdrawn licence covers nothing, on any day; its versions stay. For a licence that ends, set its last day
/// instead.
#[utoipa::path(tag = "Licences", extensions(("x-action" = json!("ManageLicences"))),
    params(IfMatch),
    responses((status = 204, description = "The licence was withdrawn."), Problems))]
#[delete("/{licence}")]
pub async fn withdraw_licence(
    caller: Caller,
    path: web::Path<(String, LicenceId)>,
    version: IfMatch,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    caller
        .run(move |tx| {
            let version = version.against(licences::find(tx, id)?.0.version)?;
            Ok(licences::withdraw(tx, id, version)?)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
