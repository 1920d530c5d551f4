//! Files and folders of deliveries: which files there are, in an order that never changes, what each holds by its name, and
//! which form's it is. It must not read them.

use std::path::{Path, PathBuf};

use super::framing::is_number;
use super::journal;
use crate::commands::Failure;

/// What a file holds, as its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A form's definition.
    Definition,
    /// JSON: one submission, or an array of them.
    Documents,
    /// Submissions or long answer lines, one a line.
    Lines,
    /// CSV v1.
    Rows,
}

/// A file that is read.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// What it holds.
    pub holds: Holds,
    /// Its length in bytes.
    pub size: u64,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The files that are read, in this order: of each folder the definitions, the deliveries, the folders in it.
    pub sources: Vec<Source>,
    /// The files that are not, each with the reason.
    pub left: Vec<(PathBuf, &'static str)>,
}

impl Found {
    /// What the given files and folders hold.
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
                Ok(holds) => self.sources.push(Source { path: path.to_owned(), holds, size: about.len() }),
                Err(why) => self.left.push((path.to_owned(), why)),
            }
            return Ok(());
        }
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(path).map_err(place)? {
            let entry = entry.map_err(place)?;
            // A link might lead round in circles.
            if entry.file_type().map_err(place)?.is_symlink() {
                self.left.push((entry.path(), "it is a link"));
            } else {
                entries.push(entry.path());
            }
        }
        entries.sort_by_cached_key(|it| (it.is_dir(), holds(it) != Ok(Holds::Definition), it.clone()));
        entries.iter().try_for_each(|it| self.take(it))
    }

    /// How many bytes there are to read.
    pub fn bytes(&self) -> u64 {
        self.sources.iter().map(|it| it.size).sum()
    }
}

/// What the name says of a file; or why it is not read.
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
        _ if name.ends_with(journal::SUFFIX) => Err("it is an import's journal"),
        _ if name.contains("submissionId-") => Err("it is an attachment"),
        _ => Err("it is neither JSON, NDJSON nor CSV"),
    }
}

/// The form whose folder a file lies in, as TSD lays them out: `.../KEYID/FORMID/FILE`.
pub fn form_of_folder(path: &Path) -> Option<String> {
    let folder = path.canonicalize().ok()?.parent()?.file_name()?.to_str()?.to_owned();
    is_number(&folder).then_some(folder)
}

#[cfg(test)]
mod tests;
