//! The one function that decides.

use jiff::Timestamp;

use super::{Facts, Outcome, Plan};

/// Decides everything about one patient: pure, of the facts, the plan and the instant alone.
pub fn decide(plan: &Plan, facts: &Facts, now: Timestamp) -> Outcome {
    let _ = (plan, facts, now);
    Outcome::default()
}
