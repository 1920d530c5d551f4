//! The keys that verify receipts.

pub mod list;
