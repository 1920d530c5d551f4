//! Liveness of the process, without a call to any other service.

use actix_web::{HttpResponse, get};
use serde::Serialize;

/// The state of the process.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Health {
    /// The constant `ok`.
    #[schema(max_length = 20, example = "ok")]
    pub status: &'static str,
}

/// Check liveness: whether the process is alive.
///
/// Responds without the database too: restart the process only when there is no response.
#[utoipa::path(tag = "Service", extensions(("x-public" = json!(true))), security(()),
    responses((status = 200, description = "The process is alive.", body = Health)))]
#[get("/health/live")]
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}
