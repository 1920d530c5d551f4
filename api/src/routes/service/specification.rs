//! Serves the specification of this server.

use actix_web::{HttpResponse, get, web};

use crate::state::State;

/// Read the `OpenAPI` 3.1 document of this server.
#[utoipa::path(tag = "Service", extensions(("x-public" = json!(true))), security(()),
    responses((status = 200, description = "An OpenAPI 3.1 document.", body = serde_json::Value)))]
#[get("/openapi.json")]
pub async fn specification(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(state.specification)
}
