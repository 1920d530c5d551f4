//! Scoring stored answers again.

pub mod rescore;
