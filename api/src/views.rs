//! Views that several nouns share. Routes import views, never each other.

pub mod draft;
pub mod event;
pub mod follow_up;
pub mod operation;
pub mod quarantine;
pub mod submission;
