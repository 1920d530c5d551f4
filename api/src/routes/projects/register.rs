//! Registers one project.

use actix_web::{HttpResponse, post, web};
use painreg_tenants::store::code_lists;

use super::{ProjectBody, ProjectView};
use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Document, IdempotencyKey, reply};

/// Register a project, with the fields that are recorded for every participant.
#[utoipa::path(tag = "Research", extensions(("x-action" = json!("ChangeProjects"))),
    params(IdempotencyKey),
    request_body = ProjectBody,
    responses((status = 201, description = "The project was registered.", body = ProjectView), Problems))]
#[post("")]
pub async fn register_project(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    body: Document<ProjectBody>,
) -> Result<HttpResponse, Problem> {
    let Document { value: ProjectBody(project), bytes } = body;
    let place = format!("/v1/tenants/{path}/projects");
    let location = place.clone();
    caller
        .run_once(key, bytes, &place, move |tx| {
            let faults = project.faults();
            if !faults.is_empty() {
                return Err(Problem::invalid(faults));
            }
            let view = ProjectView::from(code_lists::register_project(tx, &project)?);
            Ok(reply(201, Some(format!("{location}/{}", project.code)), Some(view.version), &view))
        })
        .await
}
