//! Parting two who were merged.

use actix_web::http::header;
use actix_web::{HttpResponse, delete, web};
use painreg_domain::ids::MergeId;
use painreg_tenants::store::merges;

use super::MergeView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{IfMatch, etag};

/// Undo a merge.
///
/// Each has a record of their own again. What was recorded meanwhile is the survivor's, but for what belongs to an episode,
/// referral or implant of the duplicate: that lies where it belongs. Merges made later stand.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("UndoMerge"))),
    params(IfMatch),
    responses((status = 200, description = "They are two again.", body = MergeView), Problems))]
#[delete("/v1/tenants/{tenant}/patient-merges/{merge}")]
pub async fn undo_merge(
    caller: Caller,
    path: web::Path<(String, MergeId)>,
    version: IfMatch,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let merge = caller.run(move |tx| Ok(MergeView::from(merges::undo(tx, id, version.0)?))).await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(merge.version))).json(merge))
}
