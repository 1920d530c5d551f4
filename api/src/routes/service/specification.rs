//! The specification of this very server.

use actix_web::{HttpResponse, get};

use crate::openapi::SPECIFICATION;

/// The `OpenAPI` 3.1 document of this server.
#[utoipa::path(operation_id = "specification", tag = "Service", extensions(("x-public" = json!(true))), security(()),
    responses((status = 200, description = "An OpenAPI 3.1 document.", body = serde_json::Value)))]
#[get("/openapi.json")]
pub async fn specification() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(SPECIFICATION.json.as_str())
}
