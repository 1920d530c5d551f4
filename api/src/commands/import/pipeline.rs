//! From what is read to what is stored: batches in lanes, each lane one request after the other, so that memory stays flat
//! and what happened to a submission first arrives first. It must not know where deliveries come from.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use painreg_domain::infopad;
use serde::Serialize;

use super::batch_queue::{Batch, BatchQueue, DeliveryId, Event, Limits, Origin};
use super::journal::{Entry, FileDigest, Journal};
use super::registry_client::{Answer, RegistryClient};
use super::report::{Outcome, Report, Unplaced};
use super::service::Stop;
use crate::commands::Failure;

/// How often a line tells how far an import is, where no bar can.
const NOW_AND_THEN: Duration = Duration::from_secs(10);

/// A receipt, as it is kept.
#[derive(Serialize)]
struct Kept<'a> {
    form: &'a str,
    submission: Option<&'a str>,
    mark: FileDigest,
    outcome: Outcome,
    receipt: &'a str,
}

/// An import into a registry.
pub struct Pipeline {
    /// The registry.
    pub target: RegistryClient,
    /// How many requests are under way at once.
    pub parallel: usize,
    /// How large they are.
    pub limits: Limits,
    /// Set when a part has failed, so that the others stop.
    pub halted: Arc<AtomicBool>,
    /// The journal, unless nothing is to be remembered.
    pub journal: Option<Journal>,
    /// What it knew when it was opened.
    pub known: HashSet<FileDigest>,
    /// Where receipts are kept.
    pub receipts: Option<File>,
    /// Where the report goes, besides to the terminal.
    pub report: Option<PathBuf>,
    /// What has been read since.
    pub seen: HashSet<FileDigest>,
    /// What becomes of the columns, where there are any.
    pub columns: Option<infopad::Report>,
}

/// A file that lines are added to, for nobody else to read.
pub fn appended(path: &Path) -> Result<File, Failure> {
    let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    opened.map_err(|error| format!("{}: {error}", path.display()).into())
}

impl Pipeline {
    /// Imports what `feed` puts into the queue; whether everything was placed. `bytes`: how much there is to read, if that
    /// is known.
    pub fn run(
        &mut self,
        bytes: Option<u64>,
        feed: impl FnOnce(&mut BatchQueue<'_>, &RegistryClient) -> Result<(), Stop> + Send,
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
                lanes.push(lane);
                threads.push(scope.spawn(move || halting(halted, || work(target, &waiting, &events))));
            }
            let mut queue = BatchQueue::new(lanes, events, known, seen, limits);
            threads
                .push(scope.spawn(move || halting(halted, || feed(&mut queue, target).and_then(|()| queue.flush()))));
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
fn work(target: &RegistryClient, waiting: &Receiver<Batch>, events: &SyncSender<Event>) -> Result<(), Stop> {
    for batch in waiting {
        target.deliver(batch, &mut |delivery_id, answer| {
            // Whoever listens has failed and said so.
            let _ = events.send(Event::Answered(delivery_id, answer));
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
            Event::Answered(delivery_id, answer) => self.answered(delivery_id, answer)?,
            Event::Passed(channel, outcome) => self.report.count(&channel.form, outcome),
            Event::Read(origin) => {
                self.report.read_file();
                self.close(&origin)?;
            }
            Event::Known(bytes) => {
                self.report.know_file();
                self.bar.inc(bytes);
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

    fn answered(&mut self, delivery_id: DeliveryId, answer: Answer) -> std::io::Result<()> {
        let DeliveryId { channel, submission, mark, origin, number, bytes } = delivery_id;
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
