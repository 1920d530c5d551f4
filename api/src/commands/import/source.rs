//! Files and folders of deliveries: lists the files in a stable order, with the content and form that their names
//! imply. It must not read them.

use std::path::{Path, PathBuf};

use super::framing::is_number;
use super::journal;
use crate::commands::Failure;

/// The content of a file, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A form's definition.
    Definition,
    /// JSON: one submission, or an array of them.
    Documents,
    /// Submissions or long answer lines, one a line.
    Lines,
    /// Rows of CSV v1 under a header.
    Rows,
}

/// A file to be read.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path of the file.
    pub path: PathBuf,
    /// The content by the file's name.
    pub holds: Holds,
    /// The length in bytes.
    pub size: u64,
}

/// The files below the given paths.
#[derive(Debug, Default)]
pub struct Found {
    /// The files to be read, in order: of each folder first definitions, then deliveries, then subfolders.
    pub sources: Vec<SourceFile>,
    /// The skipped files, each with the reason.
    pub left: Vec<(PathBuf, &'static str)>,
}

impl Found {
    /// Lists the given files and folders.
    pub fn of(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut found = Self::default();
        for path in paths {
            found.take(path)?;
        }
        Ok(found)
    }

    fn take(&mut self, path: &Path) -> Result<(), Failure> {
        let place = |error: std::io::Error| Failure::from(format!("{}: {error}", path.display()));
        let about = path.metadata().map_err(place)?;
        if !about.is_dir() {
            match holds(path) {
                Ok(holds) => self.sources.push(SourceFile { path: path.to_owned(), holds, size: about.len() }),
                Err(why) => self.left.push((path.to_owned(), why)),
            }
            return Ok(());
        }
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(path).map_err(place)? {
            let entry = entry.map_err(place)?;
            // A symbolic link could lead to an endless loop.
            if entry.file_type().map_err(place)?.is_symlink() {
                self.left.push((entry.path(), "it is a link"));
            } else {
                entries.push(entry.path());
            }
        }
        entries.sort_by_cached_key(|it| (it.is_dir(), holds(it) != Ok(Holds::Definition), it.clone()));
        entries.iter().try_for_each(|it| self.take(it))
    }

    /// Returns the number of bytes to read.
    pub fn bytes(&self) -> u64 {
        self.sources.iter().map(|it| it.size).sum()
    }
}

/// Returns the content that a file name implies, or why the file is skipped.
fn holds(path: &Path) -> Result<Holds, &'static str> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let plain = name.strip_suffix(".asc").unwrap_or(&name);
    let (stem, kind) = plain.rsplit_once('.').unwrap_or((plain, ""));
    let after_id = stem.trim_start_matches(|it: char| it.is_ascii_digit());
    if after_id.len() < stem.len() && after_id.starts_with(['-', '_']) {
        return Err("it is an attachment");
    }
    match kind {
        "json" if stem.starts_with("form") => Ok(Holds::Definition),
        "json" => Ok(Holds::Documents),
        "ndjson" => Ok(Holds::Lines),
        "csv" => Ok(Holds::Rows),
        _ if name.ends_with(journal::SUFFIX) => Err("the journal of an import"),
        _ if name.contains("submissionId-") => Err("it is an attachment"),
        _ => Err("it is neither JSON, NDJSON nor CSV"),
    }
}

/// Returns the form of the folder that a file is in, by the layout of TSD: `.../KEYID/FORMID/FILE`.
pub fn form_of_folder(path: &Path) -> Option<String> {
    let folder = path.canonicalize().ok()?.parent()?.file_name()?.to_str()?.to_owned();
    is_number(&folder).then_some(folder)
}

#[cfg(test)]
mod tests;
