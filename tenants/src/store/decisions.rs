//! Stored follow-up decisions: one statement reads the facts, the pure [`decide`](painreg_domain::followup::decide) decides, and
//! another statement stores what changed.
//!
//! Deciding runs as the registry's own role, whatever role changed the fact, and under one lock per patient, so that the stored
//! decisions are always based on the latest facts.

mod lock;
mod read;
mod redecide;
mod simulate;
mod stored;
mod write;

pub(crate) use lock::{Locked, lock, lock_due};
pub use read::{Count, Counted, Filter, FollowUp, Sent, Unmatched, count, list, of_patient};
pub(crate) use redecide::{Decided, redecide, redecide_stale};
pub use simulate::{Compared, shown, simulate};
pub use stored::{Content, Stored};
