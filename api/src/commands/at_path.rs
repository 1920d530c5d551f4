//! Errors of file operations name their path.

use std::path::Path;

/// Adds the path to the error of a file operation.
pub(super) trait AtPath<T> {
    /// Returns the result; an error names `path`.
    fn at(self, path: &Path) -> std::io::Result<T>;
}

impl<T> AtPath<T> for std::io::Result<T> {
    fn at(self, path: &Path) -> Self {
        self.map_err(|error| std::io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }
}
