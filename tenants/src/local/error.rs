//! What can go wrong with the private PostgreSQL.

use std::path::Path;

use crate::error::StoreError;

/// Why the private PostgreSQL does not run.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The programs are not on this machine.
    #[error("PostgreSQL 15 or newer was not found; `make demo` and `make test` install it")]
    NoPostgres,
    /// A file or folder could not be made or read.
    #[error("{path}: {source}")]
    File {
        /// The file's path.
        path: String,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// A PostgreSQL program failed.
    #[error("{program} failed: {output}")]
    Program {
        /// The program's name.
        program: &'static str,
        /// The end of its output.
        output: String,
    },
    /// Another process uses the folder.
    #[error("{0} is in use by another painreg; stop that one first")]
    InUse(String),
    /// The server did not answer in time.
    #[error("PostgreSQL did not start: {0}")]
    NotReady(String),
    /// Preparing the database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A failure at this path.
pub(super) fn file(path: &Path, source: std::io::Error) -> LocalError {
    LocalError::File { path: path.display().to_string(), source }
}
