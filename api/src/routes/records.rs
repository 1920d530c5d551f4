//! A patient's record as a whole: everything in order, what changed between two instants, what may be done with it.

pub mod differences;
pub mod omeq_series;
pub mod permissions;
pub mod timeline;
