//! Events (hendelser), for systems that follow the registry.

pub mod list;
