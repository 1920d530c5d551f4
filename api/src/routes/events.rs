//! What happened (hendelser), for systems that keep up with the registry.

pub mod list;
