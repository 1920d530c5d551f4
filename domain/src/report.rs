//! Figures about the registry as a whole: pure calculations over given counts.

pub mod response;
