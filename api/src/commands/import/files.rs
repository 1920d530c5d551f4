//! Deliveries from files, which are opened and decrypted ahead of time, in order. It must not write anything.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, Read as _};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use painreg_domain::encoding::Decoded;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::batch_queue::{BatchQueue, Origin, Sorting};
use super::framing::{self, FramingError};
use super::journal::FileDigest;
use super::registry_client::RegistryClient;
use super::sealed::{Keys, OpenedFile, digest};
use super::service::Stop;
use super::source::{Found, Holds, SourceFile, form_of};
use crate::wire::LINES_LIMIT;

/// The number of files that are opened and decrypted at the same time.
const AHEAD: usize = 4;

/// The files of an import.
pub struct Files {
    /// The files in the order in which they are read.
    pub found: Found,
    /// The keys for encrypted files.
    pub keys: Keys,
    /// The form of all files, if the command line names one.
    pub form: Option<String>,
    /// Whether the journal records files that are stored completely.
    pub remember: bool,
}

/// A file that is ready to be read.
struct Ready {
    mark: Option<FileDigest>,
    /// The opened file; `None` where an earlier run has stored all of it.
    opened: Result<Option<OpenedFile>, String>,
}

/// The member of a definition that holds the form's number.
#[derive(Deserialize)]
struct Definition {
    #[serde(rename = "formId")]
    form: u64,
}

impl Files {
    /// Enqueues every delivery of every file.
    pub fn feed(&self, queue: &mut BatchQueue<'_>, target: &RegistryClient) -> Result<(), Stop> {
        for it in &self.found.left {
            queue.leave(it.path.clone(), it.why.to_owned(), it.named)?;
        }
        let (sources, known) = (&self.found.sources, queue.known());
        std::thread::scope(|scope| {
            let mut ahead = Vec::new();
            for worker in 0..AHEAD {
                let (put, take) = sync_channel(1);
                ahead.push(take);
                scope.spawn(move || {
                    let own = sources.iter().skip(worker).step_by(AHEAD);
                    // The receiver is gone where the import stops.
                    let _ = own.map(|it| self.ready(it, known)).try_for_each(|ready| put.send(ready));
                });
            }
            let turns = ahead.iter().cycle();
            sources.iter().zip(turns).try_for_each(|(source, turn)| {
                let ready = turn.recv().map_err(|_| Stop::Broken("a file was not opened".to_owned()))?;
                self.read(source, ready, queue, target)
            })
        })
    }

    fn ready(&self, source: &SourceFile, known: &HashSet<FileDigest>) -> Ready {
        let path = &source.path;
        let mark = if self.remember {
            let whole = path.canonicalize().unwrap_or_else(|_| path.clone());
            match File::open(path).and_then(digest) {
                Ok(digest) => Some(FileDigest::of(&[b"file", whole.as_os_str().as_encoded_bytes(), &digest])),
                Err(error) => return Ready { mark: None, opened: Err(error.to_string()) },
            }
        } else {
            None
        };
        if mark.is_some_and(|mark| known.contains(&mark)) {
            return Ready { mark, opened: Ok(None) };
        }
        Ready { mark, opened: self.keys.open(path).map(Some) }
    }

    fn read(
        &self,
        source: &SourceFile,
        ready: Ready,
        queue: &mut BatchQueue<'_>,
        target: &RegistryClient,
    ) -> Result<(), Stop> {
        let leave = |queue: &mut BatchQueue<'_>, why: String, failed| queue.leave(source.path.clone(), why, failed);
        let mut opened = match ready.opened {
            Ok(Some(opened)) => opened,
            Ok(None) => return queue.pass(source.size),
            Err(why) => return leave(queue, why, true),
        };
        let origin = Origin::new(source.path.display().to_string(), ready.mark, source.size);
        let taken =
            Decoded::new(opened.reader()).map_err(FramingError::from).and_then(|mut input| match source.holds {
                Holds::Definition => self.define(source, &mut input, queue, target, &origin),
                holds => self.deliveries(source, holds, &mut input, queue, &origin),
            });
        match taken {
            Ok(()) => queue.read(&origin),
            Err(FramingError::Unreadable(why)) => leave(queue, why, true),
            Err(FramingError::Stop(stop)) => Err(stop),
        }
    }

    fn define(
        &self,
        source: &SourceFile,
        input: &mut dyn BufRead,
        queue: &mut BatchQueue<'_>,
        to: &RegistryClient,
        origin: &Arc<Origin>,
    ) -> Result<(), FramingError> {
        let mut text = Zeroizing::new(Vec::new());
        input.take(u64::try_from(LINES_LIMIT).unwrap_or(u64::MAX)).read_to_end(&mut text)?;
        if has_answers(&text) {
            return self.deliveries(source, Holds::Documents, &mut text.as_slice(), queue, origin);
        }
        let named = || serde_json::from_slice(&text).ok().map(|it: Definition| it.form.to_string());
        let form = self.form.clone().or_else(named).or_else(|| form_of(&source.path)).ok_or_else(no_form)?;
        match to.define(&form, &text) {
            Ok(true) => Ok(queue.defined()?),
            Ok(false) => Ok(()),
            Err(Stop::Refused(refusal)) if matches!(refusal.status, 400 | 413 | 422) => {
                Err(FramingError::Unreadable(refusal.to_string()))
            }
            Err(stop) => Err(stop.into()),
        }
    }

    fn deliveries(
        &self,
        source: &SourceFile,
        holds: Holds,
        input: &mut dyn BufRead,
        queue: &mut BatchQueue<'_>,
        origin: &Arc<Origin>,
    ) -> Result<(), FramingError> {
        let of_file = form_of(&source.path);
        let mut sorting = Sorting::new(self.form.as_deref(), of_file.as_deref());
        let emit: &mut framing::Emit<'_> = &mut |it| sorting.push(it, queue, origin);
        match holds {
            Holds::Documents => framing::documents(input, emit)?,
            Holds::Rows => framing::rows(input, emit)?,
            Holds::Lines | Holds::Definition => framing::lines(input, emit)?,
        }
        if sorting.is_lost() { Err(no_form()) } else { Ok(()) }
    }
}

/// Returns whether a file whose name is that of a definition holds submissions.
fn has_answers(text: &[u8]) -> bool {
    let document: Value = serde_json::from_slice(text).unwrap_or_default();
    let first = document.get(0).unwrap_or(&document);
    ["answers", "answersAsMap", "submissionMetadata"].iter().any(|member| first.get(member).is_some())
}

fn no_form() -> FramingError {
    FramingError::Unreadable(
        "nothing says whose form it is, neither its text, its name nor its folder: say it with --form".to_owned(),
    )
}
