//! Is the process alive? Asks nobody.

use actix_web::{HttpResponse, get};
use serde::Serialize;

/// A state of health.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Health {
    /// `ok`.
    #[schema(max_length = 20, example = "ok")]
    pub status: &'static str,
}

/// Whether the process is alive.
///
/// Answers even when the database is gone: restart the process only when this does not answer.
#[utoipa::path(tag = "Service", extensions(("x-public" = json!(true))), security(()),
    responses((status = 200, description = "The process is alive.", body = Health)))]
#[get("/health/live")]
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}
