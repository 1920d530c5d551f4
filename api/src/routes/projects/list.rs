//! Lists the registry's projects.

use actix_web::{HttpRequest, HttpResponse, get, web};
use painreg_tenants::store::code_lists;

use super::ProjectView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{self, Page, PageParams, page_answer};

/// List the registry's projects, by code.
#[utoipa::path(tag = "Research", extensions(("x-action" = json!("ReadProjects"))),
    params(PageParams),
    responses((status = 200, description = "A page of projects.", body = Page<ProjectView>), Problems))]
#[get("")]
pub async fn list_projects(
    request: HttpRequest,
    caller: Caller,
    _path: web::Path<String>,
    PageParams { limit, cursor }: PageParams,
) -> Result<HttpResponse, Problem> {
    let page = caller
        .run(move |tx| {
            let after: Option<String> = tx.open_cursor("projects", cursor)?;
            let found = code_lists::projects(tx, after.as_deref(), limit)?;
            Ok(wire::page::<_, ProjectView>(found, |last| tx.seal_cursor("projects", &last.project.code)))
        })
        .await?;
    Ok(page_answer(&request, &page))
}
