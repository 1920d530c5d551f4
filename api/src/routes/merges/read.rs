//! Reads one merge by its id.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_domain::ids::MergeId;
use painreg_tenants::store::merges;

use super::MergeView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::etag;

/// Read one merge.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("ReadMerges"))),
    responses((status = 200, description = "The merge.", body = MergeView), Problems))]
#[get("/{merge}")]
pub async fn read_merge(caller: Caller, path: web::Path<(String, MergeId)>) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let merge = caller.run(move |tx| Ok(MergeView::from(merges::find(tx, id)?))).await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(merge.version))).json(merge))
}
