//! The time limits of one transaction of an action. PostgreSQL enforces them.

use std::time::Duration;

use super::Action;

/// The time limits of one transaction; past any of them the transaction is rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest that one statement may run.
    pub statement: Duration,
    /// The longest that a statement may wait for a lock.
    pub lock: Duration,
    /// The longest that the transaction may be idle between two statements.
    pub idle: Duration,
}

impl Limits {
    /// The limits of a request that a person or a program waits for.
    pub const REQUEST: Self =
        Self { statement: Duration::from_secs(15), lock: Duration::from_secs(5), idle: Duration::from_secs(30) };

    /// The limits of work over a whole registry or code system.
    const WHOLE_REGISTRY: Self =
        Self { statement: Duration::from_mins(2), lock: Duration::from_secs(5), idle: Duration::from_mins(2) };

    /// The limits of work on another connection, which the platform's transaction waits for.
    const SCHEMA: Self =
        Self { statement: Duration::from_mins(2), lock: Duration::from_secs(5), idle: Duration::from_mins(30) };
}

impl Action {
    /// The time limits of one transaction of this action.
    pub const fn limits(self) -> Limits {
        match self {
            Self::RunFollowUp | Self::SimulateFollowUp | Self::RescoreAnswers | Self::ImportCodes => {
                Limits::WHOLE_REGISTRY
            }
            Self::CreateTenant | Self::MigrateTenant | Self::DropTenant => Limits::SCHEMA,
            _ => Limits::REQUEST,
        }
    }
}
