//! Use cases that routes, commands and the worker share. They know no HTTP.

pub mod operations;
pub mod rescoring;
