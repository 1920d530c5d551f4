//! Requests that no route takes.

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse};

use crate::openapi::SPECIFICATION;

/// Returns 404, or 405 with `Allow` where the path exists with other methods.
pub async fn not_found(request: HttpRequest) -> HttpResponse {
    let allowed = SPECIFICATION.operations.methods_at(request.path());
    if allowed.is_empty() {
        return HttpResponse::NotFound().finish();
    }
    if request.method() == Method::OPTIONS {
        return HttpResponse::NoContent().insert_header((header::ALLOW, allowed.join(", "))).finish();
    }
    HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, allowed.join(", "))).finish()
}
