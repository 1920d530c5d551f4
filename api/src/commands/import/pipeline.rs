//! The pipeline of an import: batches in lanes, one request at a time in each lane, so that memory is bounded and
//! revisions of a submission arrive in order. It must not know where deliveries come from.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use painreg_domain::infopad;
use serde::Serialize;

use super::batch_queue::{BatchQueue, DeliveryBatch, DeliveryId, ImportEvent, Origin, RequestLimits};
use super::journal::{Entry, FileDigest, Journal};
use super::registry_client::{Answer, RegistryClient};
use super::report::{Outcome, Report, Unplaced};
use super::service::Stop;
use crate::commands::Failure;
use crate::commands::at_path::NamedFile;

/// The interval of progress events where standard error is not a terminal.
const NOW_AND_THEN: Duration = Duration::from_secs(10);

/// A line of the file of receipts.
#[derive(Serialize)]
struct ReceiptLine<'a> {
    form: &'a str,
    submission: Option<&'a str>,
    mark: FileDigest,
    outcome: Outcome,
    receipt: &'a str,
}

/// An import into a registry.
pub struct Pipeline {
    /// The client of the registry's API.
    pub target: RegistryClient,
    /// The number of concurrent requests.
    pub parallel: usize,
    /// The limits of a request.
    pub limits: RequestLimits,
    /// Set when a thread has failed, so that the others stop.
    pub halted: Arc<AtomicBool>,
    /// The journal; `None` with `--no-journal`.
    pub journal: Option<Journal>,
    /// The entries of the journal when it was opened.
    pub known: HashSet<FileDigest>,
    /// The file that receipts are appended to.
    pub receipts: Option<NamedFile>,
    /// The file that the report is written to.
    pub report: Option<PathBuf>,
    /// The digests of what this run has read.
    pub seen: HashSet<FileDigest>,
    /// The use of each column, for imports with a mapping.
    pub columns: Option<infopad::Report>,
}

impl Pipeline {
    /// Imports what `feed` enqueues and returns whether everything was placed. `bytes` is the amount to read, if known.
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
            reported: Instant::now(),
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
            // Results that have arrived are recorded although the import fails.
            while happening.recv().is_ok_and(|it| desk.take(it).is_ok()) {}
            drop(happening);
            for thread in threads {
                let ended =
                    thread.join().unwrap_or_else(|_| Err(Stop::Broken("a part of the import panicked".to_owned())));
                // The first error is reported; the other threads stopped because of it.
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
            // Deliveries in progress may not have arrived.
            self.seen.clear();
            self.halted.store(false, Ordering::Relaxed);
        }
        failed.map(|()| all_placed).map_err(Failure::from)
    }
}

/// Runs work of one thread; a failure stops the other threads.
fn halting(halted: &AtomicBool, work: impl FnOnce() -> Result<(), Stop>) -> Result<(), Stop> {
    let done = work();
    if done.is_err() {
        halted.store(true, Ordering::Relaxed);
    }
    done
}

/// Sends the batches of one lane, one at a time.
fn work(
    target: &RegistryClient,
    waiting: &Receiver<DeliveryBatch>,
    events: &SyncSender<ImportEvent>,
) -> Result<(), Stop> {
    for batch in waiting {
        target.deliver(batch, &mut |delivery_id, answer| {
            // The receiver has failed and reported it.
            let _ = events.send(ImportEvent::Answered(delivery_id, answer));
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

/// The state of the thread that writes the journal, the receipts and the report.
struct Desk<'a> {
    report: Report,
    journal: Option<&'a mut Journal>,
    receipts: Option<&'a mut NamedFile>,
    bar: ProgressBar,
    reported: Instant,
}

impl Desk<'_> {
    fn take(&mut self, event: ImportEvent) -> std::io::Result<()> {
        match event {
            ImportEvent::Answered(delivery_id, answer) => self.answered(delivery_id, answer)?,
            ImportEvent::Passed(channel, outcome) => self.report.count(&channel.form, outcome),
            ImportEvent::Read(origin) => {
                self.report.read_file();
                self.close(&origin)?;
            }
            ImportEvent::Known(bytes) => {
                self.report.know_file();
                self.bar.inc(bytes);
            }
            ImportEvent::Defined => self.report.define(),
            ImportEvent::Left(file, why, failed) => self.report.leave(file, why, failed),
        }
        self.bar.set_message(format!("{} deliveries", self.report.deliveries()));
        if self.bar.is_hidden() && self.reported.elapsed() > NOW_AND_THEN {
            self.reported = Instant::now();
            tracing::info!(deliveries = self.report.deliveries(), bytes = self.bar.position(), "import in progress");
        }
        Ok(())
    }

    fn answered(&mut self, delivery_id: DeliveryId, answer: Answer) -> std::io::Result<()> {
        let DeliveryId { channel, submission, mark, origin, number, bytes } = delivery_id;
        let outcome = answer.outcome;
        self.report.count(&channel.form, outcome);
        self.report.sent(bytes);
        let stored = outcome.is_stored();
        // The receipt is written first: after a crash it may be there twice, but it is never missing.
        if let (Some(kept), Some(receipt)) = (self.receipts.as_mut(), &answer.receipt) {
            let submission = submission.as_deref();
            let line = serde_json::to_string(&ReceiptLine { form: &channel.form, submission, mark, outcome, receipt })?;
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

    /// Counts down the pending deliveries of a source and records the file once it is complete.
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
