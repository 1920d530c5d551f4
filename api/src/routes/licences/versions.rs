//! Lists the versions of a licence.

use actix_web::{HttpResponse, get, web};
use painreg_domain::ids::LicenceId;
use painreg_tenants::store::licences;

use super::LicenceView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::Page;

/// List the versions of a licence, the newest first.
///
/// The newest version of a withdrawn licence is empty.
#[utoipa::path(tag = "Licences", extensions(("x-action" = json!("ReadLicences"))),
    responses((status = 200, description = "The versions of the licence.", body = Page<LicenceView>), Problems))]
#[get("/{licence}/versions")]
pub async fn list_licence_versions(
    caller: Caller,
    path: web::Path<(String, LicenceId)>,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let versions = caller.run(move |tx| Ok(licences::versions(tx, id)?)).await?;
    let items: Vec<LicenceView> = versions.into_iter().map(LicenceView::from).collect();
    Ok(HttpResponse::Ok().json(Page { items, next_cursor: None }))
}
