//! Answered questionnaires (besvarelser).

pub mod differences;
pub mod list;
pub mod read;
pub mod respond;
pub mod response;
pub mod scores;
pub mod submit;
pub mod submit_many;
