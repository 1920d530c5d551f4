//! The operations of the service itself: no token, no tenant, no patient.

pub mod live;
pub mod metrics;
pub mod not_found;
pub mod ready;
pub mod specification;

use actix_web::web;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Serves the documentation pages at `/docs`, with all their assets: no other host is contacted.
pub fn documentation(config: &mut web::ServiceConfig) {
    config
        .service(web::redirect("/docs", "/docs/"))
        .service(SwaggerUi::new("/docs/{_:.*}").config(Config::from("/openapi.json").validator_url("none")));
}
