//! Lists one patient's submissions.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_domain::ids::PatientId;
use painreg_tenants::Keyset;
use painreg_tenants::store::{Listing, submissions};

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::submission::SubmissionView;
use crate::wire::{self, Page, PageParams, page_answer};

/// List a patient's answered questionnaires with their scores, newest first.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadAnswers"))),
    params(PageParams),
    responses((status = 200, description = "A page of submissions.", body = Page<SubmissionView>), Problems))]
#[get("/submissions")]
pub async fn list_submissions(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<(String, PatientId)>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let page = caller
        .run(move |tx| {
            let access = tx.open_patient(id)?;
            let list = format!("submissions/{id}");
            let after = tx.open_cursor(&list, cursor)?;
            let found = submissions::of_patient(tx, &access, after, limit)?;
            let items = found.items.into_iter().map(|it| SubmissionView::of(tx, it)).collect::<Result<_, _>>()?;
            let found = Listing { items, more: found.more };
            Ok(wire::page::<_, SubmissionView>(found, |last| {
                tx.seal_cursor(&list, &Keyset(last.submitted_at, last.id))
            }))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
