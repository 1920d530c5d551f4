//! Metrics for Prometheus: counts and times, without tenants and persons.

use actix_web::{HttpResponse, get, web};

use crate::state::State;

/// Read metrics in the Prometheus text format.
#[utoipa::path(tag = "Service", extensions(("x-public" = json!(true))), security(()),
    responses((status = 200, description = "Prometheus text format 0.0.4.", body = String, content_type = "text/plain")))]
#[get("/metrics")]
pub async fn metrics(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(state.metrics.render())
}
