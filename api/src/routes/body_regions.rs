//! The body map.

pub mod list;
