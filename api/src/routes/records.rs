//! A patient's record as a whole: timeline, differences between two instants, permissions, dose of opioids.

pub mod differences;
pub mod omeq_series;
pub mod permissions;
pub mod timeline;
