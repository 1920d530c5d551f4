//! What is stored, one file a noun. Row structs never leave their file.

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
pub mod settings;
pub mod submissions;
pub mod tenants;
pub mod webhooks;

/// An instant that PostgreSQL can compare with: nothing was stored before 1970.
fn comparable(at: jiff::Timestamp) -> jiff_diesel::Timestamp {
    use jiff_diesel::ToDiesel as _;
    at.max(jiff::Timestamp::UNIX_EPOCH).to_diesel()
}

/// A day that PostgreSQL can compare with: nobody was born before 1800.
fn comparable_day(day: jiff::civil::Date) -> jiff_diesel::Date {
    use jiff_diesel::ToDiesel as _;
    day.max(jiff::civil::date(1800, 1, 1)).to_diesel()
}

/// One stretch of a list, and whether there is more of it.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Whether the list goes on.
    pub more: bool,
}

impl<T> Listing<T> {
    /// Cuts what was read with a limit one too large.
    pub(crate) fn cut(mut items: Vec<T>, limit: i64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = items.len() > limit;
        items.truncate(limit);
        Self { items, more }
    }
}
