//! Updates a project's fields.

use actix_web::http::header;
use actix_web::{HttpResponse, put, web};
use painreg_domain::fault::{Fault, FaultCode};
use painreg_tenants::store::code_lists;

use super::{ProjectBody, ProjectView};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Document, IfMatch, etag};

/// Update a project: its whole description except its code.
///
/// The fields about participants may be extended, never reduced: fields and options stay, nothing optional becomes
/// required.
#[utoipa::path(tag = "Research", extensions(("x-action" = json!("ChangeProjects"))),
    params(IfMatch),
    request_body = ProjectBody,
    responses((status = 200, description = "The project after the change.", body = ProjectView), Problems))]
#[put("/{project}")]
pub async fn change_project(
    caller: Caller,
    path: web::Path<(String, String)>,
    version: IfMatch,
    body: Document<ProjectBody>,
) -> Result<HttpResponse, Problem> {
    let (_, code) = path.into_inner();
    let ProjectBody(project) = body.value;
    let view = caller
        .run(move |tx| {
            let before = code_lists::project(tx, &code)?;
            let version = version.against(before.version)?;
            let mut faults = project.faults();
            faults.extend(before.project.faults_as(&project));
            if project.code != code {
                faults.push(Fault::at("code", FaultCode::Contradiction));
            }
            if !faults.is_empty() {
                return Err(Problem::invalid(faults));
            }
            Ok(ProjectView::from(code_lists::change_project(tx, version, &project)?))
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(view.version))).json(view))
}
