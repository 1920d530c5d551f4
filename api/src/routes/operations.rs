//! Long operations: work that outlasts a request.

pub mod cancel;
pub mod list;
pub mod read;
