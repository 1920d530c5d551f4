//! The report of an import: counts on standard output, and a file that lists every delivery that was not placed. It
//! holds ids, names of files, pointers and codes; never an answer.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use painreg_domain::infopad;
use serde::{Deserialize, Serialize};
use strum::{EnumIter, IntoEnumIterator as _, IntoStaticStr};

use crate::commands::at_path::AtPath as _;
use crate::commands::say;

/// The most deliveries that are listed on standard output.
const MOST_LISTED: usize = 50;

/// The outcome of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, EnumIter, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Outcome {
    /// Stored as the first revision.
    Created,
    /// Stored as a new revision.
    Revised,
    /// Stored before, the same.
    Unchanged,
    /// Stored beside the current revision: the source has changed it since.
    Superseded,
    /// A dry run: it would be stored.
    Acceptable,
    /// Kept by the registry until it can be placed.
    Quarantined,
    /// Refused; the registry keeps nothing of it.
    Refused,
    /// Stored by an earlier run, as the journal says; not sent.
    Earlier,
    /// A repetition of a delivery of this run; sent once.
    Repeated,
}

impl Outcome {
    /// Returns whether the registry has stored the delivery.
    pub const fn is_stored(self) -> bool {
        matches!(self, Self::Created | Self::Revised | Self::Unchanged | Self::Superseded)
    }

    /// Returns whether the delivery needs attention.
    pub const fn is_unplaced(self) -> bool {
        matches!(self, Self::Quarantined | Self::Refused)
    }
}

/// A fault: pointer and code. Other members of the server's fault are dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// RFC 6901 pointer to the part.
    pub pointer: String,
    /// The fault's code.
    pub code: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", if self.pointer.is_empty() { "/" } else { &self.pointer }, self.code)
    }
}

/// A delivery that was not placed.
#[derive(Clone, Debug, Serialize)]
pub struct Unplaced {
    /// The outcome of the delivery.
    pub outcome: Outcome,
    /// The form, by its number in Nettskjema or its code.
    pub form: String,
    /// The submission, if it names one.
    pub submission: Option<String>,
    /// The file or address that it was read from.
    pub from: String,
    /// The position in that file or response, from 1.
    pub number: u64,
    /// The id in quarantine.
    pub quarantine_id: Option<String>,
    /// The problem's code of a refused delivery.
    pub problem: Option<String>,
    /// The reasons of quarantine or the faults of a refusal.
    pub reasons: Vec<Fault>,
}

/// A file that was skipped.
#[derive(Clone, Debug, Serialize)]
pub struct Left {
    file: PathBuf,
    why: String,
    /// Whether the file needs attention.
    failed: bool,
}

/// A report in progress.
pub struct Report {
    started: Instant,
    dry_run: bool,
    outcomes: BTreeMap<Outcome, u64>,
    forms: BTreeMap<String, BTreeMap<Outcome, u64>>,
    definitions: u64,
    files: u64,
    files_known: u64,
    bytes: u64,
    left: Vec<Left>,
    listed: Vec<Unplaced>,
    list: Option<List>,
    columns: Option<infopad::Report>,
}

/// The file of the report. It gets its final name when it is complete.
struct List {
    path: PathBuf,
    unfinished: PathBuf,
    out: BufWriter<File>,
    any: bool,
}

/// The members of the file after the list.
#[derive(Serialize)]
struct Summary<'a> {
    dry_run: bool,
    complete: bool,
    outcomes: &'a BTreeMap<Outcome, u64>,
    forms: &'a BTreeMap<String, BTreeMap<Outcome, u64>>,
    definitions: u64,
    files: u64,
    files_stored_earlier: u64,
    files_not_taken: &'a [Left],
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<&'a infopad::Report>,
    bytes: u64,
    seconds: f64,
    deliveries_a_second: f64,
}

impl Report {
    /// Creates an empty report.
    pub fn new(dry_run: bool, file: Option<&Path>, columns: Option<infopad::Report>) -> std::io::Result<Self> {
        Ok(Self {
            started: Instant::now(),
            dry_run,
            outcomes: BTreeMap::new(),
            forms: BTreeMap::new(),
            definitions: 0,
            files: 0,
            files_known: 0,
            bytes: 0,
            left: Vec::new(),
            listed: Vec::new(),
            list: file.map(List::begin).transpose()?,
            columns,
        })
    }

    /// Counts the outcome of a delivery.
    pub fn count(&mut self, form: &str, outcome: Outcome) {
        *self.outcomes.entry(outcome).or_default() += 1;
        if !self.forms.contains_key(form) {
            self.forms.insert(form.to_owned(), BTreeMap::new());
        }
        if let Some(outcomes) = self.forms.get_mut(form) {
            *outcomes.entry(outcome).or_default() += 1;
        }
    }

    /// Adds a delivery that was not placed.
    pub fn note(&mut self, unplaced: Unplaced) -> std::io::Result<()> {
        if let Some(list) = &mut self.list {
            list.add(&unplaced)?;
        }
        if self.listed.len() < MOST_LISTED {
            self.listed.push(unplaced);
        }
        Ok(())
    }

    /// Adds a file that was skipped, and whether it needs attention.
    pub fn leave(&mut self, file: PathBuf, why: String, failed: bool) {
        self.left.push(Left { file, why, failed });
    }

    /// Counts a file that was read.
    pub const fn read_file(&mut self) {
        self.files += 1;
    }

    /// Counts a file that an earlier run has stored completely.
    pub const fn know_file(&mut self) {
        self.files_known += 1;
    }

    /// Counts a definition that the registry has.
    pub const fn define(&mut self) {
        self.definitions += 1;
    }

    /// Counts bytes that were sent.
    pub const fn sent(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// Returns the number of counted deliveries.
    pub fn deliveries(&self) -> u64 {
        self.outcomes.values().sum()
    }

    /// Returns whether nothing needs attention.
    pub fn is_all_placed(&self) -> bool {
        self.outcomes.iter().all(|(outcome, _)| !outcome.is_unplaced()) && self.left.iter().all(|it| !it.failed)
    }

    /// Prints the report and completes the file. `complete` is false where the import was interrupted.
    #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "a rate for people to read")]
    pub fn finish(mut self, complete: bool) -> std::io::Result<()> {
        let seconds = self.started.elapsed().as_secs_f64();
        let sent = self.outcomes.iter().filter(|(it, _)| !matches!(it, Outcome::Earlier | Outcome::Repeated));
        let rate = sent.map(|(_, count)| *count).sum::<u64>() as f64 / seconds.max(f64::EPSILON);
        if let Some(list) = self.list.take() {
            list.finish(&Summary {
                dry_run: self.dry_run,
                complete,
                outcomes: &self.outcomes,
                forms: &self.forms,
                definitions: self.definitions,
                files: self.files,
                files_stored_earlier: self.files_known,
                files_not_taken: &self.left,
                columns: self.columns.as_ref(),
                bytes: self.bytes,
                seconds,
                deliveries_a_second: rate,
            })?;
        }
        self.tell(complete, seconds, rate);
        Ok(())
    }

    fn tell(&self, complete: bool, seconds: f64, rate: f64) {
        for outcome in Outcome::iter() {
            if let Some(count) = self.outcomes.get(&outcome) {
                say(&format!("{count:>10} {}", <&str>::from(outcome)));
            }
        }
        for (form, outcomes) in &self.forms {
            let counts: Vec<String> =
                outcomes.iter().map(|(outcome, count)| format!("{count} {}", <&str>::from(outcome))).collect();
            say(&format!("form {form}: {}", counts.join(", ")));
        }
        for it in &self.listed {
            let reasons: Vec<String> =
                it.problem.iter().cloned().chain(it.reasons.iter().map(Fault::to_string)).collect();
            let submission = it.submission.as_deref().unwrap_or("without a number");
            let (outcome, from) = (<&str>::from(it.outcome), &it.from);
            say(&format!("{outcome}: form {} submission {submission} ({from}): {}", it.form, reasons.join("; ")));
        }
        let unplaced: u64 = self.outcomes.iter().filter(|(it, _)| it.is_unplaced()).map(|(_, count)| count).sum();
        let more = unplaced.saturating_sub(u64::try_from(self.listed.len()).unwrap_or(u64::MAX));
        if more > 0 {
            say(&format!("and {more} more: --report FILE lists all of them"));
        }
        if !self.left.is_empty() {
            let attention = self.left.iter().filter(|it| it.failed).count();
            say(&format!("{} files were not taken, {attention} of them need attention", self.left.len()));
        }
        for it in self.left.iter().take(MOST_LISTED) {
            say(&format!("not taken: {}: {}", it.file.display(), it.why));
        }
        if let Some(more) = self.left.len().checked_sub(MOST_LISTED + 1) {
            say(&format!("and {} more files: --report FILE lists all of them", more + 1));
        }
        if self.files_known > 0 {
            say(&format!("{} files were stored whole by an earlier run", self.files_known));
        }
        say(&format!(
            "{} files, {} definitions, {} bytes sent in {seconds:.1} s: {rate:.0} deliveries a second",
            self.files, self.definitions, self.bytes
        ));
        if self.dry_run {
            say("A dry run: nothing was stored");
        }
        if !complete {
            say("Not everything was looked at; run again to resume");
        }
    }
}

impl List {
    fn begin(path: &Path) -> std::io::Result<Self> {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".part");
        let unfinished = PathBuf::from(unfinished);
        let opened =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished).at(&unfinished)?;
        let mut list = Self { path: path.to_owned(), unfinished, out: BufWriter::new(opened), any: false };
        list.write(b"{\"unplaced\":[")?;
        Ok(list)
    }

    fn add(&mut self, unplaced: &Unplaced) -> std::io::Result<()> {
        self.write(if self.any { b",\n" } else { b"\n" })?;
        self.any = true;
        self.write(&serde_json::to_vec(unplaced)?)
    }

    fn finish(mut self, summary: &Summary<'_>) -> std::io::Result<()> {
        let summary = serde_json::to_string(summary)?;
        // The object continues after the list.
        self.write(format!("],{}\n", summary.trim_start_matches('{')).as_bytes())?;
        self.out.flush().at(&self.unfinished)?;
        std::fs::rename(&self.unfinished, &self.path).at(&self.path)
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.out.write_all(bytes).at(&self.unfinished)
    }
}
