//! The access log (innsynslogg): one writer, one reader. Holds no free text and no national id; no row is ever updated.

pub(crate) mod columns;
pub mod read;
pub(crate) mod unauthenticated;
pub(crate) mod writer;
