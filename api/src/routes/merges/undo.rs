//! Undoes the merge of two patients.

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
/// Each patient has a separate record again. Entries recorded since the merge stay with the survivor, except entries
/// that belong to an episode, referral or implant of the duplicate: these go to the duplicate. Later merges stay in
/// force.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("UndoMerge"))),
    params(IfMatch),
    responses((status = 200, description = "The merge was undone.", body = MergeView), Problems))]
#[delete("/{merge}")]
pub async fn undo_merge(
    caller: Caller,
    path: web::Path<(String, MergeId)>,
    version: IfMatch,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let merge = caller
        .run(move |tx| {
            let version = version.version(|| merges::find(tx, id).map(|it| it.version))?;
            Ok(MergeView::from(merges::undo(tx, id, version)?))
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(merge.version))).json(merge))
}
