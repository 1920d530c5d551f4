//! Long operations: work that outlasts a request, done in stretches by the worker. Pure rules of the states.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// The kinds of long operations.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    EnumString,
    Display,
    IntoStaticStr,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schema(as = OperationKind)]
pub enum OperationKind {
    /// Score stored answers again with today's algorithms.
    Rescoring,
}

/// The state of a long operation.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    EnumString,
    Display,
    IntoStaticStr,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schema(as = OperationState)]
pub enum OperationState {
    /// Accepted; no stretch is done yet.
    Queued,
    /// At least one stretch has been attempted.
    Running,
    /// Every stretch is done.
    Succeeded,
    /// Given up: `failure` says why. The stretches done before are kept.
    Failed,
    /// Ended on request. The stretches done before are kept.
    Cancelled,
}

impl OperationState {
    /// Returns whether nothing will change any more.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// The reason an operation failed finally.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    EnumIter,
    EnumString,
    Display,
    IntoStaticStr,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[schema(as = OperationFailure)]
pub enum Failure {
    /// The request no longer fits the registry: a list, form or licence that it names has changed.
    NoLongerValid,
    /// A stretch failed in each of [`ATTEMPTS`] attempts; the service's log has the cause.
    AttemptsExhausted,
}

/// The number of attempts of a batch before the operation fails.
pub const ATTEMPTS: u32 = 6;

/// Returns the time of the next attempt of a batch after its `attempts`-th failure: back-off from 10 s, doubled each
/// time. `None` when the operation fails.
pub fn retry_at(now: Timestamp, attempts: u32) -> Option<Timestamp> {
    if attempts >= ATTEMPTS {
        return None;
    }
    let seconds = 10_i64.checked_shl(attempts.saturating_sub(1))?;
    now.checked_add(SignedDuration::from_secs(seconds)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_at_doubles_the_delay_and_gives_up() {
        let now = Timestamp::UNIX_EPOCH;
        let after = |attempts| retry_at(now, attempts).map(Timestamp::as_second);
        assert_eq!([1, 2, 3, 4, 5, 6, 7].map(after), [Some(10), Some(20), Some(40), Some(80), Some(160), None, None]);
    }
}
