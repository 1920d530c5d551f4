//! What is stored, one file a noun. Row structs never leave their file; stores never call each other.

pub mod access_log;
pub mod code_lists;
pub mod codes;
pub mod entries;
pub mod forms;
pub mod idempotency;
pub mod implants;
pub mod merges;
pub mod patients;
pub mod submissions;
pub mod tenants;

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
    fn cut(mut items: Vec<T>, limit: i64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = items.len() > limit;
        items.truncate(limit);
        Self { items, more }
    }
}
