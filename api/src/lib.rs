//! The registry over HTTP: parse, one use, show. `diesel` is not a dependency of this crate.

pub mod auth;
mod batch;
pub mod commands;
pub mod courier;
pub mod frame;
mod intake;
mod lines;
pub mod openapi;
pub mod problem;
mod recording;
pub mod routes;
pub mod server;
pub mod wire;
pub mod worker;
