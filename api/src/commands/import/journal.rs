//! The journal of stored deliveries, so that an interrupted import can be resumed. It holds no answers and no
//! identities: only names of files, ids of submissions and digests. Without a journal an import has the same result but
//! takes longer.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::report::Outcome;
use crate::commands::Failure;
use crate::commands::at_path::NamedFile;

/// The suffix of journal file names.
pub const SUFFIX: &str = ".painreg-journal";

/// The digest that identifies a delivery or a file: the first half of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileDigest([u8; 16]);

impl FileDigest {
    /// Returns the digest of these parts, in this order.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(part);
        }
        let digest: [u8; 32] = digest.finalize().into();
        Self(std::array::from_fn(|at| digest.get(at).copied().unwrap_or_default()))
    }

    /// Returns a lane number below `lanes`, always the same for one digest.
    pub fn lane(self, lanes: usize) -> usize {
        self.0.iter().fold(0, |sum, byte| (sum * 256 + usize::from(*byte)) % lanes.max(1))
    }
}

impl From<FileDigest> for String {
    fn from(mark: FileDigest) -> Self {
        format!("{:032x}", u128::from_be_bytes(mark.0))
    }
}

impl TryFrom<String> for FileDigest {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&text, 16).map(|number| Self(number.to_be_bytes()))
    }
}

/// The first line: the registry of the journal. A journal of another registry would hide deliveries that are missing
/// here.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The base URL of the server.
    pub server: String,
    /// The registry's slug.
    pub tenant: String,
}

/// A line: a delivery or a file that is stored.
#[derive(Serialize, Deserialize)]
pub struct Entry<'a> {
    /// The digest that identifies the delivery or file.
    pub mark: FileDigest,
    /// The submission's id, for a delivery that names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission: Option<&'a str>,
    /// The outcome of the delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The path of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<&'a str>,
    /// Whether the receipt was written.
    pub receipt: bool,
}

/// The members of an entry that are read back.
#[derive(Deserialize)]
struct StoredEntry {
    mark: FileDigest,
    receipt: bool,
}

/// An open journal, locked against other imports.
pub struct Journal(NamedFile);

impl Journal {
    /// Opens or creates the journal of an import to `target` and returns its entries. Where receipts are requested,
    /// entries without one do not count. An incomplete last line is removed.
    pub fn open(path: &Path, target: &Target, receipts: bool) -> Result<(Self, HashSet<FileDigest>), Failure> {
        let place = |error: &dyn std::fmt::Display| Failure::from(format!("{}: {error}", path.display()));
        let opened = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
        let mut file = opened.map_err(|error| place(&format!("{error}; --journal sets another path")))?;
        file.try_lock().map_err(|_| place(&"another import is writing this journal"))?;
        let mut known = HashSet::new();
        let mut whole = 0;
        let mut reader = BufReader::new(&file);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).map_err(|error| place(&error))? > 0 && line.ends_with(b"\n") {
            if whole == 0 {
                let aimed: Target =
                    serde_json::from_slice(&line).map_err(|_| place(&"it is no journal of an import"))?;
                if aimed != *target {
                    let Target { server, tenant } = aimed;
                    return Err(place(&format!("it is the journal of an import into {tenant} at {server}")));
                }
            } else {
                let entry: StoredEntry =
                    serde_json::from_slice(&line).map_err(|_| place(&"a line is not understood"))?;
                if entry.receipt || !receipts {
                    known.insert(entry.mark);
                }
            }
            whole += u64::try_from(line.len())?;
            line.clear();
        }
        // A file that is not a journal is not changed.
        if whole == 0 && !serde_json::to_vec(target)?.starts_with(&line) {
            return Err(place(&"it is no journal of an import"));
        }
        file.set_len(whole).map_err(|error| place(&error))?;
        file.seek(SeekFrom::End(0)).map_err(|error| place(&error))?;
        let mut journal = Self(NamedFile::of(file, path));
        if whole == 0 {
            journal.write(target)?;
        }
        Ok((journal, known))
    }

    /// Appends a line with one write.
    pub fn write(&mut self, line: &impl Serialize) -> std::io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.0.write_all(&text)
    }
}

/// Returns the default path of the journal: next to the first source.
pub fn beside(source: &Path) -> PathBuf {
    let whole = source.canonicalize().unwrap_or_else(|_| source.to_owned());
    let mut name = whole.file_name().map_or_else(|| "import".into(), std::ffi::OsStr::to_owned);
    name.push(SUFFIX);
    whole.with_file_name(name)
}
