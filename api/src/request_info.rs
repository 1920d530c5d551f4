//! The id of a request and the language of its caller, determined before routing.

use crate::problem::Language;

/// Properties of a request that are determined before routing.
#[derive(Clone, Debug, Default)]
pub struct RequestInfo {
    /// The request's id: the caller's `X-Request-Id` if well formed, else drawn.
    pub id: String,
    /// The language of problems in the response.
    pub language: Language,
}
