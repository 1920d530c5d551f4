//! One merge.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_domain::ids::MergeId;
use painreg_domain::policy::Action;
use painreg_tenants::store::merges;

use super::MergeView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::etag;

/// Read one merge.
#[utoipa::path(operation_id = "readMerge", tag = "Patients", extensions(("x-action" = json!("ReadMerges"))),
    params(("tenant" = String, Path, description = "The registry's slug.", max_length = 40),
        ("merge" = MergeId, Path, description = "The merge's id.")),
    responses((status = 200, description = "The merge.", body = MergeView), Problems))]
#[get("/v1/tenants/{tenant}/patient-merges/{merge}")]
pub async fn read_merge(caller: Caller, path: web::Path<(String, MergeId)>) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let merge = caller.run(Action::ReadMerges, move |tx| Ok(MergeView::from(merges::find(tx, id)?))).await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(merge.version))).json(merge))
}
