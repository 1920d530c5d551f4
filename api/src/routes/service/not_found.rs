//! Answers requests without a route.

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::state::State;

/// Returns 404, or 405 with `Allow` where the path exists with other methods.
pub async fn not_found(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let allowed = state.operations.methods_at(request.path());
    if allowed.is_empty() {
        return HttpResponse::NotFound().finish();
    }
    if request.method() == Method::OPTIONS {
        return HttpResponse::NoContent().insert_header((header::ALLOW, allowed.join(", "))).finish();
    }
    HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, allowed.join(", "))).finish()
}
