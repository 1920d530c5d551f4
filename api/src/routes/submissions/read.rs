//! Reads one submission.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_domain::ids::SubmissionId;
use painreg_tenants::store::submissions;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::submission::SubmissionView;
use crate::wire::etag;

/// Read one submission: the answers with their scores.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadAnswers"))),
    responses((status = 200, description = "The submission.", body = SubmissionView), Problems))]
#[get("/{submission}")]
pub async fn read_submission(caller: Caller, path: web::Path<(String, SubmissionId)>) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let found = caller
        .run(move |tx| {
            let found = submissions::find(tx, id)?;
            SubmissionView::of(tx, found)
        })
        .await?;
    let tag = etag(found.version.into());
    Ok(HttpResponse::Ok().insert_header((header::ETAG, tag)).json(found))
}
