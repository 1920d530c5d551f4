//! Errors of file operations name their path.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

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

/// An open file whose errors name its path.
pub struct NamedFile {
    file: File,
    path: PathBuf,
}

impl NamedFile {
    /// Opens or creates a file for appending, readable by its owner only.
    pub fn append(path: &Path) -> std::io::Result<Self> {
        let opened = File::options().append(true).create(true).mode(0o600).open(path);
        Ok(Self::of(opened.at(path)?, path))
    }

    /// Names an open file.
    pub fn of(file: File, path: &Path) -> Self {
        Self { file, path: path.to_owned() }
    }

    /// Writes all bytes.
    pub fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.file.write_all(bytes).at(&self.path)
    }
}
