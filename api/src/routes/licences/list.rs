//! Lists the registry's licences.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_tenants::store::licences;

use super::LicenceView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, page_answer};

/// List the registry's licences, in order of registration.
#[utoipa::path(tag = "Licences", extensions(("x-action" = json!("ReadLicences"))),
    params(PageParams),
    responses((status = 200, description = "A page of licences.", body = Page<LicenceView>), Problems))]
#[get("")]
pub async fn list_licences(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    const LIST: &str = "licences";
    let page = caller
        .run(move |tx| {
            let after = tx.open_cursor(LIST, cursor)?;
            let found = licences::list(tx, after, limit)?;
            Ok(wire::page::<_, LicenceView>(found, |last| tx.seal_cursor(LIST, &last.id)))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
