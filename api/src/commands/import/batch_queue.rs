//! The queue of deliveries that were read: batches of one channel, each submission always in the same lane. It must not
//! know the sender that empties the lanes.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;

use painreg_domain::delimited;
use zeroize::Zeroizing;

use super::framing::Cut;
use super::journal::FileDigest;
use super::registry_client::Answer;
use super::report::{Fault, Outcome};
use super::service::Stop;
use crate::wire::LINES_LIMIT;

/// The properties that the bodies of a batch share.
#[derive(Debug, PartialEq, Eq)]
pub struct Channel {
    /// The form, by its number in Nettskjema or its code.
    pub form: String,
    /// The operation, below the registry.
    pub path: String,
    /// The media type of the request body.
    pub media: &'static str,
    /// The header line of every body; empty for NDJSON.
    pub header: Vec<u8>,
}

/// A file or a response that deliveries come from.
pub struct Origin {
    /// The file or the address.
    pub name: String,
    /// The key of the file in the journal; `None` for files that the journal does not record.
    pub mark: Option<FileDigest>,
    /// The length in bytes; 0 if unknown.
    pub size: u64,
    /// The number of bytes that the progress bar has shown.
    pub shown: AtomicU64,
    /// The number of deliveries without a result, plus one while the source is being read.
    pub open: AtomicU64,
    /// Whether every delivery of the source is stored.
    pub whole: AtomicBool,
}

impl Origin {
    /// Creates a source that has not been read.
    pub fn new(name: String, mark: Option<FileDigest>, size: u64) -> Arc<Self> {
        let (shown, open, whole) = (AtomicU64::new(0), AtomicU64::new(1), AtomicBool::new(true));
        Arc::new(Self { name, mark, size, shown, open, whole })
    }
}

/// A delivery to be sent.
pub struct Delivery {
    /// The payload, wiped when dropped.
    pub text: Zeroizing<Vec<u8>>,
    /// The digest that identifies the delivery in the journal.
    pub delivery_id: DeliveryId,
}

/// A delivery without its payload, for the report and the journal.
pub struct DeliveryId {
    /// The channel that it was sent to.
    pub channel: Arc<Channel>,
    /// The submission's id, if the payload names one.
    pub submission: Option<String>,
    /// The digest that identifies the delivery in the journal.
    pub mark: FileDigest,
    /// The source that it was read from.
    pub origin: Arc<Origin>,
    /// The position in the source, from 1.
    pub number: u64,
    /// The length of the payload in bytes.
    pub bytes: u64,
}

/// An event of a running import.
pub enum ImportEvent {
    /// The registry has answered a delivery.
    Answered(DeliveryId, Answer),
    /// A delivery is not sent.
    Passed(Arc<Channel>, Outcome),
    /// A file has been read to its end.
    Read(Arc<Origin>),
    /// A file of this length need not be read.
    Known(u64),
    /// The registry has a definition.
    Defined,
    /// A file is skipped; the flag says whether that needs attention.
    Left(PathBuf, String, bool),
}

/// The deliveries of one request.
pub struct DeliveryBatch {
    /// The channel that the batch is sent to.
    pub channel: Arc<Channel>,
    /// The deliveries, in the order in which they were read.
    pub deliveries: Vec<Delivery>,
    bytes: usize,
}

impl DeliveryBatch {
    /// Creates a batch of deliveries of one channel.
    pub const fn new(channel: Arc<Channel>, deliveries: Vec<Delivery>) -> Self {
        Self { channel, deliveries, bytes: 0 }
    }

    /// Returns the request body.
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

    /// Returns the line of the body that each delivery begins on, from 1.
    pub fn lines(&self) -> Vec<usize> {
        let csv = !self.channel.header.is_empty();
        let lines_of = |text: &[u8]| {
            if csv { delimited::lines(text) } else { text.split(|byte| *byte == b'\n').count() }
        };
        let first = 1 + if csv { lines_of(&self.channel.header) } else { 0 };
        let lines = self.deliveries.iter().scan(first, |next, it| {
            let line = *next;
            *next += lines_of(&it.text);
            Some(line)
        });
        lines.collect()
    }
}

/// The queue of deliveries that were read.
pub struct BatchQueue<'a> {
    lanes: Vec<(SyncSender<DeliveryBatch>, Option<DeliveryBatch>)>,
    events: SyncSender<ImportEvent>,
    known: &'a HashSet<FileDigest>,
    seen: &'a mut HashSet<FileDigest>,
    limits: RequestLimits,
}

/// The limits of a request.
#[derive(Clone, Copy)]
pub struct RequestLimits {
    /// The most deliveries of a request.
    pub deliveries: usize,
    /// The most bytes of a request with more than one delivery.
    pub bytes: usize,
}

impl<'a> BatchQueue<'a> {
    /// Creates a queue into these lanes. `known` is what earlier runs have stored, `seen` what this run has read.
    pub fn new(
        lanes: Vec<SyncSender<DeliveryBatch>>,
        events: SyncSender<ImportEvent>,
        known: &'a HashSet<FileDigest>,
        seen: &'a mut HashSet<FileDigest>,
        limits: RequestLimits,
    ) -> Self {
        Self { lanes: lanes.into_iter().map(|lane| (lane, None)).collect(), events, known, seen, limits }
    }

    /// Returns what earlier runs have stored.
    pub const fn known(&self) -> &'a HashSet<FileDigest> {
        self.known
    }

    /// Enqueues a delivery, unless an earlier run stored it or this run has enqueued it.
    pub fn push(&mut self, channel: &Arc<Channel>, origin: &Arc<Origin>, number: u64, cut: Cut) -> Result<(), Stop> {
        let Cut { submission, text, too_long, fault, .. } = cut;
        if let Some(fault) = fault {
            return self.refuse(channel, origin, number, submission, vec![fault.into()]);
        }
        let mark = FileDigest::of(&[channel.path.as_bytes(), &channel.header, &text]);
        let passed = if self.known.contains(&mark) {
            Some(Outcome::Earlier)
        } else {
            (!self.seen.insert(mark)).then_some(Outcome::Repeated)
        };
        if let Some(outcome) = passed {
            return self.tell(ImportEvent::Passed(Arc::clone(channel), outcome));
        }
        origin.open.fetch_add(1, Ordering::Relaxed);
        let lane = match &submission {
            Some(id) => FileDigest::of(&[channel.form.as_bytes(), id.as_bytes()]).lane(self.lanes.len()),
            None => mark.lane(self.lanes.len()),
        };
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let delivery_id =
            DeliveryId { channel: Arc::clone(channel), submission, mark, origin: Arc::clone(origin), number, bytes };
        if too_long || channel.header.len() + text.len() + 2 > LINES_LIMIT {
            return self.tell(ImportEvent::Answered(delivery_id, Answer::too_long()));
        }
        let limits = self.limits;
        let Some((lane, open)) = self.lanes.get_mut(lane) else { return Err(Stop::Halted) };
        let length = text.len() + 1;
        // The registry would join lines of one submission, or unreadable lines, to the submission before them.
        let clashes = |last: &Delivery| {
            let last = &last.delivery_id.submission;
            last.is_some() != delivery_id.submission.is_some() || (last.is_some() && *last == delivery_id.submission)
        };
        let full = |batch: &mut DeliveryBatch| {
            batch.channel != *channel
                || batch.deliveries.len() >= limits.deliveries
                || batch.bytes + length > limits.bytes
                || batch.deliveries.last().is_some_and(clashes)
        };
        if let Some(batch) = open.take_if(full) {
            lane.send(batch).map_err(|_| Stop::Halted)?;
        }
        let batch = open.get_or_insert_with(|| DeliveryBatch::new(Arc::clone(channel), Vec::new()));
        batch.bytes += length;
        batch.deliveries.push(Delivery { text, delivery_id });
        Ok(())
    }

    /// Counts a delivery as refused without sending it.
    pub fn refuse(
        &mut self,
        channel: &Arc<Channel>,
        origin: &Arc<Origin>,
        number: u64,
        submission: Option<String>,
        faults: Vec<Fault>,
    ) -> Result<(), Stop> {
        origin.open.fetch_add(1, Ordering::Relaxed);
        let mark = FileDigest::of(&[channel.path.as_bytes(), origin.name.as_bytes(), &number.to_be_bytes()]);
        let origin = Arc::clone(origin);
        let delivery_id = DeliveryId { channel: Arc::clone(channel), submission, mark, origin, number, bytes: 0 };
        self.tell(ImportEvent::Answered(delivery_id, Answer::unfit(faults)))
    }

    /// Reports that a source has been read to its end.
    pub fn read(&mut self, origin: &Arc<Origin>) -> Result<(), Stop> {
        self.tell(ImportEvent::Read(Arc::clone(origin)))
    }

    /// Reports that a file of this length is skipped because an earlier run has stored all of it.
    pub fn pass(&mut self, bytes: u64) -> Result<(), Stop> {
        self.tell(ImportEvent::Known(bytes))
    }

    /// Reports that the registry has a form's definition.
    pub fn defined(&mut self) -> Result<(), Stop> {
        self.tell(ImportEvent::Defined)
    }

    /// Reports that a file is skipped, and whether that needs attention.
    pub fn leave(&mut self, file: PathBuf, why: String, failed: bool) -> Result<(), Stop> {
        self.tell(ImportEvent::Left(file, why, failed))
    }

    /// Sends the batches that are not full.
    pub fn flush(&mut self) -> Result<(), Stop> {
        self.lanes
            .iter_mut()
            .filter_map(|(lane, open)| Some((lane, open.take()?)))
            .try_for_each(|(lane, batch)| lane.send(batch).map_err(|_| Stop::Halted))
    }

    fn tell(&self, event: ImportEvent) -> Result<(), Stop> {
        self.events.send(event).map_err(|_| Stop::Halted)
    }
}

/// The channel of the deliveries of one source, found by the form of each delivery.
pub struct Sorting<'a> {
    said: Option<&'a str>,
    folder: Option<&'a str>,
    channel: Option<Arc<Channel>>,
    number: u64,
    lost: bool,
}

impl<'a> Sorting<'a> {
    /// Creates a target from the form on the command line, else the form that a delivery names, else the folder's form.
    pub const fn new(said: Option<&'a str>, folder: Option<&'a str>) -> Self {
        Self { said, folder, channel: None, number: 0, lost: false }
    }

    /// Returns whether a delivery had no form.
    pub const fn is_lost(&self) -> bool {
        self.lost
    }

    /// Enqueues a delivery that was cut from the source.
    pub fn push(&mut self, cut: Cut, queue: &mut BatchQueue<'_>, origin: &Arc<Origin>) -> Result<(), Stop> {
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
        queue.push(&channel, origin, self.number, cut)?;
        self.channel = Some(channel);
        Ok(())
    }
}
