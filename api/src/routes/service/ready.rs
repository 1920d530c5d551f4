//! Readiness of the process: the database is reachable, with a matching version and safe settings.

use actix_web::{HttpResponse, get, web};

use super::live::Health;
use crate::problem::{Problem, Problems};
use crate::state::State;

/// Check readiness: whether requests can be served.
///
/// Not ready while the database cannot be reached, is at another version, or has settings that could lose acknowledged
/// writes or write patient data into its log.
#[utoipa::path(tag = "Service", extensions(("x-public" = json!(true))), security(()),
    responses((status = 200, description = "Requests are served.", body = Health), Problems))]
#[get("/health/ready")]
#[expect(clippy::disallowed_methods, reason = "the check belongs to no tenant and no caller")]
pub async fn ready(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let registry = state.registry.clone();
    web::block(move || registry.check_database()).await??;
    Ok(HttpResponse::Ok().json(Health { status: "ok" }))
}
