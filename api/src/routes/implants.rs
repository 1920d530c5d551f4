//! What lies in a patient right now.

pub mod current;
