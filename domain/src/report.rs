//! Figures and lists about the registry as a whole: pure calculations over counts that somebody else made.

pub mod response;
