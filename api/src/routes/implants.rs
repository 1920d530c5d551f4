//! The implants that a patient carries.

pub mod current;
