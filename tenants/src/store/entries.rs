//! Clinical entries of every [`painreg_domain::clinical::EntryKind`]: recorded, read, listed, changed, withdrawn, and read as of
//! any instant, by one set of statements for all kinds.
//!
//! A row crosses this border as JSON, as PostgreSQL writes it: the members are the table's columns, so that an old state and
//! the current one are read by the same code. Statement texts are built from the table of kinds and from the members of the
//! program's structures, never from input.

mod examine;
mod find;
mod list;
mod past;
mod row;
mod sealing;
mod timeline;
mod write;

pub use examine::{Examined, examine};
pub use find::{content, find};
pub use list::{FilterValue, ListFilter, Sort, of_patient, of_registry};
pub use past::{Past, state_at, versions};
pub use row::Stored;
pub(in crate::store) use row::with_utc_instants;
pub use timeline::{Line, SUBMISSION, timeline};
pub(crate) use write::lock;
pub use write::{change, record, withdraw};
