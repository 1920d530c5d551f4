//! The stores, one file a noun. Row structs never leave their file.

pub mod alerts;
pub mod calls;
pub mod code_lists;
pub mod codes;
pub mod decisions;
pub mod entries;
pub mod events;
pub mod forms;
pub mod idempotency;
pub mod implants;
pub mod invitations;
pub mod licences;
pub mod merges;
pub mod nettskjema;
pub mod operations;
pub mod patients;
pub mod plans;
pub mod quarantine;
pub mod response_rates;
pub mod sequencer;
pub mod settings;
pub mod submissions;
pub mod sweep;
pub mod tenants;
mod version;
pub mod webhooks;

pub use crate::listing::Listing;

use crate::error::StoreError;

/// Converts an instant into one that PostgreSQL can compare; nothing was stored before 1970.
fn comparable(at: jiff::Timestamp) -> jiff_diesel::Timestamp {
    use jiff_diesel::ToDiesel as _;
    at.max(jiff::Timestamp::UNIX_EPOCH).to_diesel()
}

/// Converts a day into one that PostgreSQL can compare; no stored day is before 1800.
fn comparable_day(day: jiff::civil::Date) -> jiff_diesel::Date {
    use jiff_diesel::ToDiesel as _;
    day.max(jiff::civil::date(1800, 1, 1)).to_diesel()
}

/// Parses a stored word. A word that this program does not know is an error, never a default.
fn parse_stored<T: std::str::FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| unreadable_value::<T>())
}

/// The error of a stored value that is no `T`. It does not repeat the value.
fn unreadable_value<T>() -> StoreError {
    let message = format!("a stored value is no {}", std::any::type_name::<T>());
    StoreError::Database(diesel::result::Error::DeserializationError(message.into()))
}

#[cfg(test)]
mod tests {
    use painreg_domain::followup::{CallOutcome, InvitationState};

    use super::*;

    #[test]
    fn parse_stored_refuses_unknown_words() {
        assert!(matches!(parse_stored::<InvitationState>("sent"), Ok(InvitationState::Sent)));
        assert!(matches!(parse_stored::<InvitationState>("lost"), Err(StoreError::Database(_))));
        assert!(matches!(parse_stored::<CallOutcome>(""), Err(StoreError::Database(_))));
    }
}
