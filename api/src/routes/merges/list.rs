//! Lists the merges of patients.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_tenants::Keyset;
use painreg_tenants::store::merges;

use super::MergeView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, page_answer};

/// List merges, in force and undone, the latest first.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("ReadMerges"))),
    params(PageParams),
    responses((status = 200, description = "A page of merges.", body = Page<MergeView>), Problems))]
#[get("")]
pub async fn list_merges(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let page = caller
        .run(move |tx| {
            let after = tx.open_cursor("patient-merges", cursor)?;
            let found = merges::list(tx, after, limit)?;
            Ok(wire::page::<_, MergeView>(found, |last| {
                tx.seal_cursor("patient-merges", &Keyset(last.merged_at, last.id))
            }))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
