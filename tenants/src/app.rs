//! Use cases that routes, commands and the worker share. They know no HTTP.

mod implant_components;
pub mod intake;
pub mod operations;
mod receipt;
pub mod record_entry;
pub mod rescoring;
