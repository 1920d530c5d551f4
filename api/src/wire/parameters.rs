//! Parameters of requests.

use painreg_domain::fault::{Fault, FaultCode};

use crate::problem::{Code, Problem};

/// A query parameter that anything may equal: some text, not too long.
pub fn short(name: &str, value: Option<String>, most: usize) -> Result<Option<String>, Problem> {
    let fits = |text: &str| (1..=most).contains(&text.chars().count()) && !text.contains('\0');
    if value.as_deref().is_some_and(|text| !fits(text)) { Err(parameter("query", name)) } else { Ok(value) }
}

/// An unusable query parameter or header: 400.
pub fn parameter(kind: &str, name: &str) -> Problem {
    Problem::with(Code::InvalidParameter, vec![Fault::new(format!("/{kind}/{name}"), FaultCode::InvalidFormat)])
}
