//! Liveness of the process, without a call to any other service.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;

use crate::problem::{Code, Problem, Problems};
use crate::state::State;

/// The state of the process.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Health {
    /// The constant `ok`.
    #[schema(max_length = 20, example = "ok")]
    pub status: &'static str,
}

/// Check liveness: whether the process is alive.
///
/// Responds without the database too: restart the process only when it does not answer with 200. A server with a private
/// PostgreSQL is not alive from the end of that process until it has been started again.
#[utoipa::path(tag = "Service", extensions(("x-public" = json!(true))), security(()),
    responses((status = 200, description = "The process is alive.", body = Health), Problems))]
#[get("/health/live")]
pub async fn live(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    if state.private_database.as_ref().is_some_and(|database| !database.is_running()) {
        return Err(Code::Unavailable.into());
    }
    Ok(HttpResponse::Ok().json(Health { status: "ok" }))
}
