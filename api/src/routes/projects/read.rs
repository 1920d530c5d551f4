//! Reads one project.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use painreg_tenants::store::code_lists;

use super::ProjectView;
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::etag;

/// Read one project.
#[utoipa::path(tag = "Research", extensions(("x-action" = json!("ReadProjects"))),
    responses((status = 200, description = "The project.", body = ProjectView), Problems))]
#[get("/{project}")]
pub async fn read_project(caller: Caller, path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (_, code) = path.into_inner();
    let view = caller.run(move |tx| Ok(ProjectView::from(code_lists::project(tx, &code)?))).await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(view.version))).json(view))
}
