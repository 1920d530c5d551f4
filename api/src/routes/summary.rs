//! The size of a registry in figures without personal data.

pub mod read;
