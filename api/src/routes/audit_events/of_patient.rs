//! Lists the accesses to one patient's record.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_domain::ids::PatientId;
use painreg_tenants::Keyset;
use painreg_tenants::audit::read;

use super::EventView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, page_answer};

/// List the accesses to one patient's record (innsynslogg), newest first.
///
/// Patients read their own log. Reading the log is logged too.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("ReadAccessLog"))),
    params(PageParams),
    responses((status = 200, description = "A page of entries.", body = Page<EventView>), Problems))]
#[get("/access-log")]
pub async fn read_access_log(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<(String, PatientId)>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let page = caller
        .run(move |tx| {
            let access = tx.open_patient(id)?;
            let list = format!("access-log/{id}");
            let after = tx.open_cursor(&list, cursor)?.map(|Keyset(at, id)| (at, id));
            let found = read::of_patient(tx, &access, after, limit)?;
            Ok(wire::page::<_, EventView>(found, |last| tx.seal_cursor(&list, &Keyset(last.at, last.id))))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
