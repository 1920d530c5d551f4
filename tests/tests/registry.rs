//! The registry as its users meet it: black box over HTTP against a real PostgreSQL.

#[path = "registry/catalogue.rs"]
mod catalogue;
#[path = "registry/document.rs"]
mod document;
#[path = "registry/foreign.rs"]
mod foreign;
#[path = "registry/harness.rs"]
mod harness;
#[path = "registry/isolation.rs"]
mod isolation;
#[path = "registry/numbers.rs"]
mod numbers;
#[path = "registry/openapi.rs"]
mod openapi;
#[path = "registry/policy.rs"]
mod policy;
#[path = "registry/problems.rs"]
mod problems;
#[path = "registry/scene.rs"]
mod scene;
#[path = "registry/strangers.rs"]
mod strangers;
#[path = "registry/traces.rs"]
mod traces;
