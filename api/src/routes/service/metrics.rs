//! Figures for Prometheus: counts and times, of no tenant and no person.

use actix_web::{HttpResponse, get, web};

use crate::state::State;

/// Figures in the Prometheus text format.
#[utoipa::path(tag = "Service", extensions(("x-public" = json!(true))), security(()),
    responses((status = 200, description = "Prometheus text format 0.0.4.", body = String, content_type = "text/plain")))]
#[get("/metrics")]
pub async fn metrics(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(state.metrics.render())
}
