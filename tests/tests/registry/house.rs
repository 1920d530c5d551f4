//! The layout and the language of the source, checked in its text: no database, no server.
//!
//! `cargo test -p painreg-tests --test registry house:: -- --nocapture` prints the figures; with `HOUSE_ROOT` they are those
//! of another checkout.

mod figures;
mod language;
mod layout;
mod modules;
pub mod sources;

/// The most lines of a hand-written file.
const LONGEST: usize = 400;

/// The most files that may import each other in a circle: a module and one child.
const CIRCLE: usize = 2;
