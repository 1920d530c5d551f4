//! The registry over HTTP: parse, one use, show. `diesel` is not a dependency of this crate.

pub mod auth;
pub mod caller;
pub mod commands;
mod entry_kinds;
mod intake;
mod interruptions;
pub mod middleware;
pub mod openapi;
mod operations;
pub mod problem;
mod request_info;
pub mod routes;
pub mod server;
pub mod state;
mod survivor;
mod views;
pub mod webhook_sender;
pub mod wire;
pub mod worker;
