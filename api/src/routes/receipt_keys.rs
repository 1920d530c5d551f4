//! The keys that receipts are checked with.

pub mod list;
