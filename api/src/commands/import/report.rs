//! What became of everything: counted, told at the end, and written to a file in which everything that was not placed stands
//! by itself. Holds ids, names of files, pointers and codes; never an answer.

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

use crate::commands::say;

/// How many of those that were not placed are told one by one where the report goes to a terminal.
const TOLD: usize = 50;

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, EnumIter, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Outcome {
    /// Stored.
    Created,
    /// Stored as a new revision.
    Revised,
    /// Stored before, the same.
    Unchanged,
    /// A dry run: it would be stored.
    Acceptable,
    /// Kept by the registry until it can be placed.
    Quarantined,
    /// Not kept.
    Refused,
    /// Stored by an earlier run, as the journal says; not sent.
    Earlier,
    /// The very same stands twice in what was read; sent once.
    Repeated,
}

impl Outcome {
    /// Whether the registry has it for good.
    pub const fn is_stored(self) -> bool {
        matches!(self, Self::Created | Self::Revised | Self::Unchanged)
    }

    /// Whether somebody has to look at it.
    pub const fn is_unplaced(self) -> bool {
        matches!(self, Self::Quarantined | Self::Refused)
    }
}

/// A part that is wrong: where, and how. Whatever else the server says of it is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// RFC 6901 pointer to the part.
    pub pointer: String,
    /// The code of what is wrong with it.
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
    /// What became of it.
    pub outcome: Outcome,
    /// The form, by its number in Nettskjema or its code.
    pub form: String,
    /// The submission, if it names one.
    pub submission: Option<String>,
    /// The file it stands in, or the address it came from.
    pub from: String,
    /// Where it begins there: the how manieth of the deliveries.
    pub number: u64,
    /// Where it waits.
    pub quarantine_id: Option<String>,
    /// The problem's code, where it was refused.
    pub problem: Option<String>,
    /// Why.
    pub reasons: Vec<Fault>,
}

/// A file that was not taken.
#[derive(Clone, Debug, Serialize)]
pub struct Left {
    file: PathBuf,
    why: String,
    /// Whether it should have been.
    failed: bool,
}

/// The report, while it grows.
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
    told: Vec<Unplaced>,
    list: Option<List>,
    columns: Option<infopad::Report>,
}

/// The file that the report goes to. It gets its name when it is complete.
struct List {
    path: PathBuf,
    unfinished: PathBuf,
    out: BufWriter<File>,
    any: bool,
}

/// What the file says besides the list.
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
    /// An empty report.
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
            told: Vec::new(),
            list: file.map(List::begin).transpose()?,
            columns,
        })
    }

    /// Counts a delivery.
    pub fn count(&mut self, form: &str, outcome: Outcome) {
        *self.outcomes.entry(outcome).or_default() += 1;
        if !self.forms.contains_key(form) {
            self.forms.insert(form.to_owned(), BTreeMap::new());
        }
        if let Some(outcomes) = self.forms.get_mut(form) {
            *outcomes.entry(outcome).or_default() += 1;
        }
    }

    /// Notes a delivery that was not placed.
    pub fn note(&mut self, unplaced: Unplaced) -> std::io::Result<()> {
        if let Some(list) = &mut self.list {
            list.add(&unplaced)?;
        }
        if self.told.len() < TOLD {
            self.told.push(unplaced);
        }
        Ok(())
    }

    /// Notes a file that was not taken, and whether it should have been.
    pub fn leave(&mut self, file: PathBuf, why: String, failed: bool) {
        self.left.push(Left { file, why, failed });
    }

    /// Counts a file that was read.
    pub const fn read_file(&mut self) {
        self.files += 1;
    }

    /// Counts a file that an earlier run has stored whole.
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

    /// How many deliveries have been counted.
    pub fn deliveries(&self) -> u64 {
        self.outcomes.values().sum()
    }

    /// Whether nothing is left for anybody to look at.
    pub fn is_all_placed(&self) -> bool {
        self.outcomes.iter().all(|(outcome, _)| !outcome.is_unplaced()) && self.left.iter().all(|it| !it.failed)
    }

    /// Tells the report, and completes the file; `complete` says whether everything was looked at.
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
        for it in &self.told {
            let reasons: Vec<String> =
                it.problem.iter().cloned().chain(it.reasons.iter().map(Fault::to_string)).collect();
            let submission = it.submission.as_deref().unwrap_or("without a number");
            let (outcome, from) = (<&str>::from(it.outcome), &it.from);
            say(&format!("{outcome}: form {} submission {submission} ({from}): {}", it.form, reasons.join("; ")));
        }
        let unplaced: u64 = self.outcomes.iter().filter(|(it, _)| it.is_unplaced()).map(|(_, count)| count).sum();
        let more = unplaced.saturating_sub(u64::try_from(self.told.len()).unwrap_or(u64::MAX));
        if more > 0 {
            say(&format!("and {more} more: --report FILE names every one"));
        }
        for it in self.left.iter().take(TOLD) {
            say(&format!("not taken: {}: {}", it.file.display(), it.why));
        }
        if let Some(more) = self.left.len().checked_sub(TOLD + 1) {
            say(&format!("and {} more files: --report FILE names every one", more + 1));
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
            say("Not everything was looked at; run again, it goes on where it was");
        }
    }
}

impl List {
    fn begin(path: &Path) -> std::io::Result<Self> {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".part");
        let unfinished = PathBuf::from(unfinished);
        let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        let mut out = BufWriter::new(opened);
        out.write_all(b"{\"unplaced\":[")?;
        Ok(Self { path: path.to_owned(), unfinished, out, any: false })
    }

    fn add(&mut self, unplaced: &Unplaced) -> std::io::Result<()> {
        self.out.write_all(if self.any { b",\n" } else { b"\n" })?;
        self.any = true;
        Ok(serde_json::to_writer(&mut self.out, unplaced)?)
    }

    fn finish(mut self, summary: &Summary<'_>) -> std::io::Result<()> {
        let summary = serde_json::to_string(summary)?;
        // The members of the one object go on after the list.
        write!(self.out, "],{}", summary.trim_start_matches('{'))?;
        self.out.write_all(b"\n")?;
        self.out.flush()?;
        std::fs::rename(&self.unfinished, &self.path)
    }
}
