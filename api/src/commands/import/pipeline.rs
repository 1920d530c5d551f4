//! From what is read to what is stored: batches in lanes, each lane one request after the other, so that memory stays flat
//! and what happened to a submission first arrives first. It must not know where deliveries come from.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use painreg_domain::infopad;
use serde::Serialize;
use zeroize::Zeroizing;

use super::cut::Cut;
use super::journal::{Entry, Journal, Mark};
use super::report::{Fault, Outcome, Report, Unplaced};
use super::service::Stop;
use super::target::{Answer, Target};
use crate::commands::Failure;
use crate::wire::LINES_LIMIT;

/// How often a line tells how far an import is, where no bar can.
const NOW_AND_THEN: Duration = Duration::from_secs(10);

/// What the bodies of a batch have in common.
#[derive(Debug, PartialEq, Eq)]
pub struct Channel {
    /// The form, by its number in Nettskjema or its code.
    pub form: String,
    /// The operation, below the registry.
    pub path: String,
    /// Its media type.
    pub media: &'static str,
    /// The line above every body, if there is one.
    pub header: Vec<u8>,
}

/// A file, or an answer, that deliveries come from.
pub struct Origin {
    /// The file or the address.
    pub name: String,
    /// What the journal knows the file by; `None`: it is not noted there.
    mark: Option<Mark>,
    /// Its length, where that is known.
    size: u64,
    /// How much of it the progress bar has shown.
    shown: AtomicU64,
    /// How many of its deliveries have no answer yet, and one as long as it is being read.
    open: AtomicU64,
    /// Whether everything in it is stored.
    whole: AtomicBool,
}

impl Origin {
    /// Something that is about to be read.
    pub fn new(name: String, mark: Option<Mark>, size: u64) -> Arc<Self> {
        let (shown, open, whole) = (AtomicU64::new(0), AtomicU64::new(1), AtomicBool::new(true));
        Arc::new(Self { name, mark, size, shown, open, whole })
    }
}

/// A delivery on its way.
pub struct Delivery {
    /// Its text.
    pub text: Zeroizing<Vec<u8>>,
    /// What it is known by.
    pub ticket: Ticket,
}

/// What stays of a delivery when its text has gone.
pub struct Ticket {
    form: Arc<Channel>,
    submission: Option<String>,
    mark: Mark,
    origin: Arc<Origin>,
    number: u64,
    bytes: u64,
}

/// What happens while an import runs.
enum Event {
    Answered(Ticket, Answer),
    Passed(Arc<Channel>, Outcome),
    Read(Arc<Origin>),
    Defined,
    Left(PathBuf, String, bool),
}

/// Deliveries of one request.
pub struct Batch {
    /// Where it goes.
    pub channel: Arc<Channel>,
    /// What is in it.
    pub deliveries: Vec<Delivery>,
    bytes: usize,
}

impl Batch {
    /// These deliveries, all of one channel.
    pub const fn new(channel: Arc<Channel>, deliveries: Vec<Delivery>) -> Self {
        Self { channel, deliveries, bytes: 0 }
    }

    /// The body of its request.
    pub fn body(&self) -> Zeroizing<Vec<u8>> {
        let header = &self.channel.header;
        let texts = || self.deliveries.iter().map(|it| it.text.as_slice());
        let length = header.len() + 1 + texts().map(|text| text.len() + 1).sum::<usize>();
        let mut body = Zeroizing::new(Vec::with_capacity(length));
        for text in Some(header.as_slice()).filter(|it| !it.is_empty()).into_iter().chain(texts()) {
            body.extend_from_slice(text);
            body.push(b'\n');
        }
        body
    }

    /// The line of the body that each delivery begins on, from 1.
    pub fn lines(&self) -> Vec<usize> {
        let first = 1 + usize::from(!self.channel.header.is_empty());
        let lines = self.deliveries.iter().scan(first, |next, it| {
            let line = *next;
            *next += it.text.split(|byte| *byte == b'\n').count();
            Some(line)
        });
        lines.collect()
    }
}

/// Where deliveries are put by what reads them.
pub struct Outlet<'a> {
    lanes: Vec<(SyncSender<Batch>, Option<Batch>)>,
    events: SyncSender<Event>,
    known: &'a HashSet<Mark>,
    seen: &'a mut HashSet<Mark>,
    limits: Limits,
}

/// How large a request may be.
#[derive(Clone, Copy)]
pub struct Limits {
    /// How many deliveries.
    pub deliveries: usize,
    /// How many bytes, where there is more than one delivery.
    pub bytes: usize,
}

impl<'a> Outlet<'a> {
    /// What earlier runs have stored.
    pub const fn known(&self) -> &'a HashSet<Mark> {
        self.known
    }

    /// Puts a delivery on its way, unless it has been on it before.
    pub fn push(&mut self, channel: &Arc<Channel>, origin: &Arc<Origin>, number: u64, cut: Cut) -> Result<(), Stop> {
        let Cut { submission, text, too_long, .. } = cut;
        let mark = Mark::of(&[channel.path.as_bytes(), &channel.header, &text]);
        let passed = if self.known.contains(&mark) {
            Some(Outcome::Earlier)
        } else {
            (!self.seen.insert(mark)).then_some(Outcome::Repeated)
        };
        if let Some(outcome) = passed {
            return self.tell(Event::Passed(Arc::clone(channel), outcome));
        }
        origin.open.fetch_add(1, Ordering::Relaxed);
        let lane = match &submission {
            Some(id) => Mark::of(&[channel.form.as_bytes(), id.as_bytes()]).lane(self.lanes.len()),
            None => mark.lane(self.lanes.len()),
        };
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let form = Arc::clone(channel);
        let ticket = Ticket { form, submission, mark, origin: Arc::clone(origin), number, bytes };
        if too_long || channel.header.len() + text.len() + 2 > LINES_LIMIT {
            return self.tell(Event::Answered(ticket, Answer::too_long()));
        }
        let limits = self.limits;
        let Some((lane, open)) = self.lanes.get_mut(lane) else { return Err(Stop::Halted) };
        let length = text.len() + 1;
        // Lines of one submission, or lines that cannot be read, would be taken for a part of what stands above them.
        let clashes = |last: &Delivery| {
            let last = &last.ticket.submission;
            last.is_some() != ticket.submission.is_some() || (last.is_some() && *last == ticket.submission)
        };
        let full = |batch: &mut Batch| {
            batch.channel != *channel
                || batch.deliveries.len() >= limits.deliveries
                || batch.bytes + length > limits.bytes
                || batch.deliveries.last().is_some_and(clashes)
        };
        if let Some(batch) = open.take_if(full) {
            lane.send(batch).map_err(|_| Stop::Halted)?;
        }
        let batch = open.get_or_insert_with(|| Batch::new(Arc::clone(channel), Vec::new()));
        batch.bytes += length;
        batch.deliveries.push(Delivery { text, ticket });
        Ok(())
    }

    /// Counts a delivery as refused that is not even sent.
    pub fn refuse(
        &mut self,
        channel: &Arc<Channel>,
        origin: &Arc<Origin>,
        number: u64,
        faults: Vec<Fault>,
    ) -> Result<(), Stop> {
        origin.open.fetch_add(1, Ordering::Relaxed);
        let mark = Mark::of(&[channel.path.as_bytes(), origin.name.as_bytes(), &number.to_be_bytes()]);
        let (form, origin) = (Arc::clone(channel), Arc::clone(origin));
        let ticket = Ticket { form, submission: None, mark, origin, number, bytes: 0 };
        self.tell(Event::Answered(ticket, Answer::unfit(faults)))
    }

    /// Says that something has been read to its end.
    pub fn read(&mut self, origin: &Arc<Origin>) -> Result<(), Stop> {
        self.tell(Event::Read(Arc::clone(origin)))
    }

    /// Says that the registry has a form's definition.
    pub fn defined(&mut self) -> Result<(), Stop> {
        self.tell(Event::Defined)
    }

    /// Says that a file is not taken, and whether it should have been.
    pub fn leave(&mut self, file: PathBuf, why: String, failed: bool) -> Result<(), Stop> {
        self.tell(Event::Left(file, why, failed))
    }

    /// Sends what is waiting for more.
    pub fn flush(&mut self) -> Result<(), Stop> {
        self.lanes
            .iter_mut()
            .filter_map(|(lane, open)| Some((lane, open.take()?)))
            .try_for_each(|(lane, batch)| lane.send(batch).map_err(|_| Stop::Halted))
    }

    fn tell(&self, event: Event) -> Result<(), Stop> {
        self.events.send(event).map_err(|_| Stop::Halted)
    }
}

/// Where the deliveries of one source go: whose form each is, and what it looks like.
pub struct Sorting<'a> {
    said: Option<&'a str>,
    folder: Option<&'a str>,
    channel: Option<Arc<Channel>>,
    number: u64,
    lost: bool,
}

impl<'a> Sorting<'a> {
    /// Of the form that was said; else of the one that each names; else of the one whose folder it is.
    pub const fn new(said: Option<&'a str>, folder: Option<&'a str>) -> Self {
        Self { said, folder, channel: None, number: 0, lost: false }
    }

    /// Whether some delivery had no form.
    pub const fn is_lost(&self) -> bool {
        self.lost
    }

    /// Puts a delivery into the outlet.
    pub fn push(&mut self, cut: Cut, outlet: &mut Outlet<'_>, origin: &Arc<Origin>) -> Result<(), Stop> {
        self.number += 1;
        let last = self.channel.clone();
        let named = || last.as_ref().map(|it| it.form.as_str());
        let Some(form) = self.said.or(cut.form.as_deref()).or(self.folder).or_else(named) else {
            self.lost = true;
            return Ok(());
        };
        let header = cut.header.as_deref().map(Vec::as_slice).unwrap_or_default();
        let channel = match &last {
            Some(last) if last.form == form && last.header == header => Arc::clone(last),
            _ => Arc::new(Channel {
                form: form.to_owned(),
                path: format!("nettskjema/{form}/delivery-batches"),
                media: if cut.header.is_some() { "text/csv" } else { "application/x-ndjson" },
                header: header.to_owned(),
            }),
        };
        outlet.push(&channel, origin, self.number, cut)?;
        self.channel = Some(channel);
        Ok(())
    }
}

/// A receipt, as it is kept.
#[derive(Serialize)]
struct Kept<'a> {
    form: &'a str,
    submission: Option<&'a str>,
    mark: Mark,
    outcome: Outcome,
    receipt: &'a str,
}

/// An import into a registry.
pub struct Pipeline {
    /// The registry.
    pub target: Target,
    /// How many requests are under way at once.
    pub parallel: usize,
    /// How large they are.
    pub limits: Limits,
    /// Set when a part has failed, so that the others stop.
    pub halted: Arc<AtomicBool>,
    /// The journal, unless nothing is to be remembered.
    pub journal: Option<Journal>,
    /// What it knew when it was opened.
    pub known: HashSet<Mark>,
    /// Where receipts are kept.
    pub receipts: Option<File>,
    /// Where the report goes, besides to the terminal.
    pub report: Option<PathBuf>,
    /// What has been read since.
    pub seen: HashSet<Mark>,
    /// What becomes of the columns, where there are any.
    pub columns: Option<infopad::Report>,
}

/// A file that lines are added to, for nobody else to read.
pub fn appended(path: &Path) -> Result<File, Failure> {
    let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    opened.map_err(|error| format!("{}: {error}", path.display()).into())
}

impl Pipeline {
    /// Imports what `feed` puts into the outlet; whether everything was placed. `bytes`: how much there is to read, if that
    /// is known.
    pub fn run(
        &mut self,
        bytes: Option<u64>,
        feed: impl FnOnce(&mut Outlet<'_>, &Target) -> Result<(), Stop> + Send,
    ) -> Result<bool, Failure> {
        let mut desk = Desk {
            report: Report::new(self.target.is_dry_run(), self.report.as_deref(), self.columns.clone())?,
            journal: self.journal.as_mut(),
            receipts: self.receipts.as_mut(),
            bar: bar(bytes)?,
            told: Instant::now(),
        };
        let (target, halted, limits) = (&self.target, &self.halted, self.limits);
        let (known, seen) = (&self.known, &mut self.seen);
        let (events, happening) = sync_channel(4096);
        let failed = std::thread::scope(|scope| {
            let mut threads = Vec::new();
            let mut lanes = Vec::new();
            for _ in 0..self.parallel {
                let (lane, waiting) = sync_channel(1);
                let events = events.clone();
                lanes.push((lane, None));
                threads.push(scope.spawn(move || halting(halted, || work(target, &waiting, &events))));
            }
            let mut outlet = Outlet { lanes, events, known, seen, limits };
            threads
                .push(scope.spawn(move || halting(halted, || feed(&mut outlet, target).and_then(|()| outlet.flush()))));
            let mut failed = halting(halted, || {
                happening.iter().try_for_each(|it| desk.take(it).map_err(|error| Stop::Broken(error.to_string())))
            });
            // What was answered meanwhile is answered for, although the import fails.
            while happening.recv().is_ok_and(|it| desk.take(it).is_ok()) {}
            drop(happening);
            for thread in threads {
                let ended =
                    thread.join().unwrap_or_else(|_| Err(Stop::Broken("a part of the import panicked".to_owned())));
                // The first reason is the reason; the others stopped because of it.
                failed = match (failed, ended) {
                    (Ok(()) | Err(Stop::Halted), ended @ Err(_)) => ended,
                    (failed, _) => failed,
                };
            }
            failed
        });
        desk.bar.finish_and_clear();
        let all_placed = desk.report.is_all_placed();
        desk.report.finish(failed.is_ok())?;
        if failed.is_err() {
            // What was on its way may not have arrived.
            self.seen.clear();
            self.halted.store(false, Ordering::Relaxed);
        }
        failed.map(|()| all_placed).map_err(Failure::from)
    }
}

/// Does the work; where it fails, everybody stops.
fn halting(halted: &AtomicBool, work: impl FnOnce() -> Result<(), Stop>) -> Result<(), Stop> {
    let done = work();
    if done.is_err() {
        halted.store(true, Ordering::Relaxed);
    }
    done
}

/// One lane: a batch after the other.
fn work(target: &Target, waiting: &Receiver<Batch>, events: &SyncSender<Event>) -> Result<(), Stop> {
    for batch in waiting {
        target.deliver(batch, &mut |ticket, answer| {
            // Whoever listens has failed and said so.
            let _ = events.send(Event::Answered(ticket, answer));
        })?;
    }
    Ok(())
}

fn bar(bytes: Option<u64>) -> Result<ProgressBar, Failure> {
    let bar = match bytes {
        Some(bytes) => ProgressBar::new(bytes)
            .with_style(ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {msg} {eta}")?),
        None => ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {bytes} {msg}")?),
    };
    Ok(bar)
}

/// Where everything is written down, by one thread.
struct Desk<'a> {
    report: Report,
    journal: Option<&'a mut Journal>,
    receipts: Option<&'a mut File>,
    bar: ProgressBar,
    told: Instant,
}

impl Desk<'_> {
    fn take(&mut self, event: Event) -> std::io::Result<()> {
        match event {
            Event::Answered(ticket, answer) => self.answered(ticket, answer)?,
            Event::Passed(channel, outcome) => self.report.count(&channel.form, outcome),
            Event::Read(origin) => {
                self.report.read_file();
                self.close(&origin)?;
            }
            Event::Defined => self.report.define(),
            Event::Left(file, why, failed) => self.report.leave(file, why, failed),
        }
        self.bar.set_message(format!("{} deliveries", self.report.deliveries()));
        if self.bar.is_hidden() && self.told.elapsed() > NOW_AND_THEN {
            self.told = Instant::now();
            tracing::info!(deliveries = self.report.deliveries(), bytes = self.bar.position(), "importing");
        }
        Ok(())
    }

    fn answered(&mut self, ticket: Ticket, answer: Answer) -> std::io::Result<()> {
        let Ticket { form: channel, submission, mark, origin, number, bytes } = ticket;
        let outcome = answer.outcome;
        self.report.count(&channel.form, outcome);
        self.report.sent(bytes);
        let stored = outcome.is_stored();
        // The receipt first: whoever is killed in between keeps it twice rather than never.
        if let (Some(kept), Some(receipt)) = (self.receipts.as_mut(), &answer.receipt) {
            let submission = submission.as_deref();
            let line = serde_json::to_string(&Kept { form: &channel.form, submission, mark, outcome, receipt })?;
            kept.write_all(format!("{line}\n").as_bytes())?;
        }
        if let Some(journal) = self.journal.as_mut().filter(|_| stored) {
            let receipt = self.receipts.is_some();
            let submission = submission.as_deref();
            journal.write(&Entry { mark, submission, outcome: Some(outcome), file: None, receipt })?;
        }
        if outcome.is_unplaced() {
            self.report.note(Unplaced {
                outcome,
                form: channel.form.clone(),
                submission,
                from: origin.name.clone(),
                number,
                quarantine_id: answer.quarantine_id,
                problem: answer.problem.as_ref().map(|it| it.code.clone()),
                reasons: answer.problem.map_or(answer.reasons, |it| it.errors),
            })?;
        }
        if !stored {
            origin.whole.store(false, Ordering::Relaxed);
        }
        self.show(&origin, bytes + 1);
        self.close(&origin)
    }

    /// One of the things that kept a file open is done.
    fn close(&mut self, origin: &Origin) -> std::io::Result<()> {
        if origin.open.fetch_sub(1, Ordering::Relaxed) > 1 {
            return Ok(());
        }
        self.show(origin, origin.size);
        let journal = self.journal.as_mut().filter(|_| origin.whole.load(Ordering::Relaxed));
        if let (Some(journal), Some(mark)) = (journal, origin.mark) {
            let receipt = self.receipts.is_some();
            journal.write(&Entry { mark, submission: None, outcome: None, file: Some(&origin.name), receipt })?;
        }
        Ok(())
    }

    fn show(&self, origin: &Origin, bytes: u64) {
        let shown = origin.shown.load(Ordering::Relaxed);
        let more = if origin.size == 0 { bytes } else { bytes.min(origin.size - shown) };
        origin.shown.store(shown + more, Ordering::Relaxed);
        self.bar.inc(more);
    }
}
