//! The id of a request and the language of its caller, known before anything else is looked at.

use crate::problem::Language;

/// What is known of a request before anybody looks at it.
#[derive(Clone, Debug, Default)]
pub struct RequestInfo {
    /// The request's id: the caller's `X-Request-Id` if well formed, else drawn.
    pub id: String,
    /// The language of problems.
    pub language: Language,
}
