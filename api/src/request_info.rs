//! The id, the method and the language of a request, determined before routing.

use actix_web::http::Method;

use crate::problem::Language;

/// Properties of a request that are determined before routing.
#[derive(Clone, Debug, Default)]
pub struct RequestInfo {
    /// The request's id: the caller's `X-Request-Id` if well formed, else drawn.
    pub id: String,
    /// The method that the caller sent; a HEAD is routed as GET.
    pub method: Method,
    /// The language of problems in the response.
    pub language: Language,
}
