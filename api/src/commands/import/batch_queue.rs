//! Where deliveries are put by what reads them: into batches of one channel, each submission always in the same lane. It must
//! not know who empties the lanes.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;

use zeroize::Zeroizing;

use super::framing::Cut;
use super::journal::FileDigest;
use super::registry_client::Answer;
use super::report::{Fault, Outcome};
use super::service::Stop;
use crate::wire::LINES_LIMIT;

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
    pub mark: Option<FileDigest>,
    /// Its length, where that is known.
    pub size: u64,
    /// How much of it the progress bar has shown.
    pub shown: AtomicU64,
    /// How many of its deliveries have no answer yet, and one as long as it is being read.
    pub open: AtomicU64,
    /// Whether everything in it is stored.
    pub whole: AtomicBool,
}

impl Origin {
    /// Something that is about to be read.
    pub fn new(name: String, mark: Option<FileDigest>, size: u64) -> Arc<Self> {
        let (shown, open, whole) = (AtomicU64::new(0), AtomicU64::new(1), AtomicBool::new(true));
        Arc::new(Self { name, mark, size, shown, open, whole })
    }
}

/// A delivery on its way.
pub struct Delivery {
    /// Its text.
    pub text: Zeroizing<Vec<u8>>,
    /// What it is known by.
    pub delivery_id: DeliveryId,
}

/// What stays of a delivery when its text has gone.
pub struct DeliveryId {
    /// Where it went.
    pub channel: Arc<Channel>,
    /// The submission it names.
    pub submission: Option<String>,
    /// What it is known by.
    pub mark: FileDigest,
    /// Where it came from.
    pub origin: Arc<Origin>,
    /// The how manieth it was there.
    pub number: u64,
    /// How long it was.
    pub bytes: u64,
}

/// What happens while an import runs.
pub enum Event {
    /// A delivery has its answer.
    Answered(DeliveryId, Answer),
    /// A delivery is not sent.
    Passed(Arc<Channel>, Outcome),
    /// A file has been read to its end.
    Read(Arc<Origin>),
    /// A file of this length need not be read.
    Known(u64),
    /// The registry has a definition.
    Defined,
    /// A file is not taken, and whether it should have been.
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
pub struct BatchQueue<'a> {
    lanes: Vec<(SyncSender<Batch>, Option<Batch>)>,
    events: SyncSender<Event>,
    known: &'a HashSet<FileDigest>,
    seen: &'a mut HashSet<FileDigest>,
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

impl<'a> BatchQueue<'a> {
    /// An queue into these lanes; `known`: what earlier runs have stored; `seen`: what has been read since.
    pub fn new(
        lanes: Vec<SyncSender<Batch>>,
        events: SyncSender<Event>,
        known: &'a HashSet<FileDigest>,
        seen: &'a mut HashSet<FileDigest>,
        limits: Limits,
    ) -> Self {
        Self { lanes: lanes.into_iter().map(|lane| (lane, None)).collect(), events, known, seen, limits }
    }

    /// What earlier runs have stored.
    pub const fn known(&self) -> &'a HashSet<FileDigest> {
        self.known
    }

    /// Puts a delivery on its way, unless it has been on it before.
    pub fn push(&mut self, channel: &Arc<Channel>, origin: &Arc<Origin>, number: u64, cut: Cut) -> Result<(), Stop> {
        let Cut { submission, text, too_long, .. } = cut;
        let mark = FileDigest::of(&[channel.path.as_bytes(), &channel.header, &text]);
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
            Some(id) => FileDigest::of(&[channel.form.as_bytes(), id.as_bytes()]).lane(self.lanes.len()),
            None => mark.lane(self.lanes.len()),
        };
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let delivery_id =
            DeliveryId { channel: Arc::clone(channel), submission, mark, origin: Arc::clone(origin), number, bytes };
        if too_long || channel.header.len() + text.len() + 2 > LINES_LIMIT {
            return self.tell(Event::Answered(delivery_id, Answer::too_long()));
        }
        let limits = self.limits;
        let Some((lane, open)) = self.lanes.get_mut(lane) else { return Err(Stop::Halted) };
        let length = text.len() + 1;
        // Lines of one submission, or lines that cannot be read, would be taken for a part of what stands above them.
        let clashes = |last: &Delivery| {
            let last = &last.delivery_id.submission;
            last.is_some() != delivery_id.submission.is_some() || (last.is_some() && *last == delivery_id.submission)
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
        batch.deliveries.push(Delivery { text, delivery_id });
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
        let mark = FileDigest::of(&[channel.path.as_bytes(), origin.name.as_bytes(), &number.to_be_bytes()]);
        let origin = Arc::clone(origin);
        let delivery_id = DeliveryId { channel: Arc::clone(channel), submission: None, mark, origin, number, bytes: 0 };
        self.tell(Event::Answered(delivery_id, Answer::unfit(faults)))
    }

    /// Says that something has been read to its end.
    pub fn read(&mut self, origin: &Arc<Origin>) -> Result<(), Stop> {
        self.tell(Event::Read(Arc::clone(origin)))
    }

    /// Says that a file of this length need not be read: an earlier run has stored all of it.
    pub fn pass(&mut self, bytes: u64) -> Result<(), Stop> {
        self.tell(Event::Known(bytes))
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

    /// Puts a delivery into the queue.
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
