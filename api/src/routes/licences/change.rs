//! Changes a licence; the previous state stays among its versions.

use actix_web::http::header;
use actix_web::{HttpResponse, patch, web};
use painreg_domain::ids::LicenceId;
use painreg_domain::licence::Licence;
use painreg_tenants::store::licences;

use super::{LicenceChange, LicenceView};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Document, IfMatch, Patch, etag};

/// Update a licence.
///
/// A merge patch (RFC 7396): absent members stay as they are, null clears, lists are replaced. The previous state
/// stays among the versions.
#[utoipa::path(tag = "Licences", extensions(("x-action" = json!("ManageLicences"))),
    params(IfMatch),
    request_body(content = LicenceChange, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The licence after the change.", body = LicenceView), Problems))]
#[patch("/{licence}")]
pub async fn change_licence(
    caller: Caller,
    path: web::Path<(String, LicenceId)>,
    version: IfMatch,
    body: Document<Patch<Licence>>,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let changes = body.value;
    let view = caller
        .run(move |tx| {
            let (before, licence) = licences::find(tx, id)?;
            let version = version.against(before.version)?;
            let licence = changes.apply(&licence)?;
            let faults = licence.faults();
            if !faults.is_empty() {
                return Err(Problem::invalid(faults));
            }
            Ok(LicenceView::from(licences::change(tx, id, version, &licence)?))
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(view.version))).json(view))
}
