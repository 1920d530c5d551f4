//! The regions of the body map (kroppskart).

pub mod list;
