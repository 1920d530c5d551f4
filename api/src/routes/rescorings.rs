//! The repeated scoring of stored answers.

pub mod rescore;
