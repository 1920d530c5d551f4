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

/// A file that is skipped.
#[derive(Clone, Debug)]
pub struct SkippedFile {
    /// The path of the file.
    pub path: PathBuf,
    /// The reason why the file is skipped.
    pub why: &'static str,
    /// Whether the command line names the file, so that the import has not done what it was asked.
    pub named: bool,
}

/// The files below the given paths.
#[derive(Debug, Default)]
pub struct Found {
    /// The files to be read, in order: of each folder first definitions, then deliveries, then subfolders.
    pub sources: Vec<SourceFile>,
    /// The skipped files.
    pub left: Vec<SkippedFile>,
}

impl Found {
    /// Lists the given files and folders.
    pub fn of(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut found = Self::default();
        for path in paths {
            found.take(path, true)?;
        }
        Ok(found)
    }

    fn take(&mut self, path: &Path, named: bool) -> Result<(), Failure> {
        let place = |error: std::io::Error| Failure::from(format!("{}: {error}", path.display()));
        let about = path.metadata().map_err(place)?;
        if !about.is_dir() {
            match holds(path, named) {
                Ok(holds) => self.sources.push(SourceFile { path: path.to_owned(), holds, size: about.len() }),
                Err(why) => self.left.push(SkippedFile { path: path.to_owned(), why, named }),
            }
            return Ok(());
        }
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(path).map_err(place)? {
            let entry = entry.map_err(place)?;
            // A symbolic link could lead to an endless loop.
            if entry.file_type().map_err(place)?.is_symlink() {
                self.left.push(SkippedFile { path: entry.path(), why: "it is a link", named: false });
            } else {
                entries.push(entry.path());
            }
        }
        entries.sort_by_cached_key(|it| (it.is_dir(), holds(it, false) != Ok(Holds::Definition), it.clone()));
        entries.iter().try_for_each(|it| self.take(it, false))
    }

    /// Returns the number of bytes to read.
    pub fn bytes(&self) -> u64 {
        self.sources.iter().map(|it| it.size).sum()
    }
}

/// Returns a file's name in lower case, without the ending of an encrypted file, and whether it had one.
fn plain_name(path: &Path) -> (String, bool) {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let plain = [".asc", ".gpg", ".pgp"].iter().find_map(|ending| name.strip_suffix(ending)).map(str::to_owned);
    plain.map_or((name, false), |plain| (plain, true))
}

/// Returns whether a file is encrypted, by its name.
pub fn is_encrypted(path: &Path) -> bool {
    plain_name(path).1
}

/// Returns the content that a file name implies, or why the file is skipped. Only a file found in a folder can be an
/// attachment: a file that the command line names is read whatever its name begins with.
fn holds(path: &Path, named: bool) -> Result<Holds, &'static str> {
    let (name, _) = plain_name(path);
    let (stem, kind) = name.rsplit_once('.').unwrap_or((&name, ""));
    let after_id = stem.trim_start_matches(|it: char| it.is_ascii_digit());
    let of_a_submission = after_id.len() < stem.len() && after_id.starts_with(['-', '_']);
    if !named && (of_a_submission || name.contains("submissionid-")) {
        return Err("it is an attachment");
    }
    match kind {
        "json" if stem.starts_with("form") => Ok(Holds::Definition),
        "json" => Ok(Holds::Documents),
        "ndjson" | "jsonl" => Ok(Holds::Lines),
        "csv" | "tsv" => Ok(Holds::Rows),
        // Nettskjema names its CSV report so: data-FORMID-2026-06-01-1200.txt
        "txt" if named || form_of_name(path).is_some() => Ok(Holds::Rows),
        _ if name.ends_with(journal::SUFFIX) => Err("the journal of an import"),
        _ => Err("it is neither JSON, NDJSON nor CSV"),
    }
}

/// Returns the form that a file's name or folder names.
pub fn form_of(path: &Path) -> Option<String> {
    form_of_name(path).or_else(|| form_of_folder(path))
}

/// Returns the form that the name of a report of Nettskjema names: `data-FORMID-..`.
fn form_of_name(path: &Path) -> Option<String> {
    let (name, _) = plain_name(path);
    let form = name.strip_prefix("data-")?.split(['-', '.']).next()?;
    is_number(form).then(|| form.to_owned())
}

/// Returns the form of the folder that a file is in, by the layout of TSD: `.../KEYID/FORMID/FILE`.
fn form_of_folder(path: &Path) -> Option<String> {
    let folder = path.canonicalize().ok()?.parent()?.file_name()?.to_str()?.to_owned();
    is_number(&folder).then_some(folder)
}

#[cfg(test)]
mod tests;
