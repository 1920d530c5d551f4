//! Cuts what Nettskjema gives into deliveries: which bytes are one, whose form and which submission. It must not judge the
//! answers; that is the server's work.

use std::io::BufRead;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::service::Stop;
use crate::wire::BODY_LIMIT;

/// How many bytes the long answer lines of one submission may have together.
const LONGEST: usize = 1024 * 1024;

/// A delivery as it stands in its file: a line, the long answer lines of one submission, or a row.
pub struct Cut {
    /// The form it names.
    pub form: Option<String>,
    /// The submission it names.
    pub submission: Option<String>,
    /// The line above it that says what its fields are, if it is a row.
    pub header: Option<Arc<Vec<u8>>>,
    /// Its text, without the last line's end.
    pub text: Zeroizing<Vec<u8>>,
    /// Whether it is longer than the server takes; then the text is only its beginning.
    pub too_long: bool,
}

/// Why a stream was not read to its end.
pub enum FramingError {
    /// It broke off or is not what it should be.
    Unreadable(String),
    /// The import stops.
    Stop(Stop),
}

impl From<std::io::Error> for FramingError {
    fn from(error: std::io::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<Stop> for FramingError {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// What takes deliveries.
pub type Emit<'a> = dyn FnMut(Cut) -> Result<(), Stop> + 'a;

/// The members by which a document tells what it is.
#[derive(Default, Deserialize)]
struct Sight {
    #[serde(rename = "submissionMetadata")]
    v3: Option<Metadata>,
    #[serde(rename = "metadata")]
    tsd: Option<Metadata>,
    #[serde(rename = "formId")]
    form: Option<Id>,
    #[serde(rename = "submissionId")]
    submission: Option<Id>,
    answers: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(rename = "formId")]
    form: Option<Id>,
    #[serde(rename = "submissionId", alias = "submission_id")]
    submission: Option<Id>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Number(u64),
    Text(String),
}

impl Id {
    /// The id, if it may stand in a path and in a report: digits.
    fn shown(self) -> Option<String> {
        match self {
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) => is_number(&text).then_some(text),
        }
    }
}

/// Whether a text is a form's or submission's number.
pub fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Deliveries of consecutive lines or documents: long answer lines of one submission belong together.
struct Grouping<'a, 'e> {
    emit: &'a mut Emit<'e>,
    open: Option<Cut>,
}

impl Grouping<'_, '_> {
    fn take(&mut self, text: Zeroizing<Vec<u8>>) -> Result<(), Stop> {
        let sight: Option<Sight> = serde_json::from_slice(&text).ok();
        let readable = sight.is_some();
        let sight = sight.unwrap_or_default();
        let alone = sight.v3.is_some() || sight.tsd.is_some() || sight.answers.is_some();
        let named = sight.v3.or(sight.tsd).unwrap_or_default();
        let form = named.form.or(sight.form).and_then(Id::shown);
        let submission = named.submission.or(sight.submission).and_then(Id::shown);
        let long = !alone && submission.is_some();
        // What cannot be read may be an answer of the submission that it stands in.
        let part_of = |open: &&mut Cut| !readable || long && open.form == form && open.submission == submission;
        if let Some(open) = self.open.as_mut().filter(part_of) {
            open.too_long |= open.text.len() + text.len() >= LONGEST;
            if !open.too_long {
                grow(&mut open.text, text.len() + 1);
                open.text.push(b'\n');
                open.text.extend_from_slice(&text);
            }
            return Ok(());
        }
        self.close()?;
        let cut = Cut { form, submission, header: None, too_long: text.len() > BODY_LIMIT, text };
        if long {
            self.open = Some(cut);
            return Ok(());
        }
        (self.emit)(cut)
    }

    fn close(&mut self) -> Result<(), Stop> {
        self.open.take().map_or(Ok(()), &mut self.emit)
    }
}

/// Makes room without leaving a copy behind: the old allocation is wiped when it is too small.
pub fn grow(text: &mut Zeroizing<Vec<u8>>, more: usize) {
    if text.capacity() - text.len() < more {
        let mut larger = Zeroizing::new(Vec::with_capacity((text.len() + more).next_power_of_two()));
        larger.extend_from_slice(text);
        std::mem::swap(text, &mut larger);
    }
}

/// The next line without its end, and whether it was too long to be read whole; nothing at the end.
fn line(input: &mut dyn BufRead) -> std::io::Result<Option<(Zeroizing<Vec<u8>>, bool)>> {
    let mut text = Zeroizing::new(Vec::new());
    let mut too_long = false;
    loop {
        let read = input.fill_buf()?;
        if read.is_empty() {
            return Ok((!text.is_empty()).then_some((text, too_long)));
        }
        let end = read.iter().position(|byte| *byte == b'\n');
        let part = read.get(..end.unwrap_or(read.len())).unwrap_or_default();
        too_long |= text.len() + part.len() > BODY_LIMIT;
        if !too_long {
            grow(&mut text, part.len());
            text.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            if text.last() == Some(&b'\r') {
                text.pop();
            }
            return Ok(Some((text, too_long)));
        }
    }
}

/// Deliveries of NDJSON: submissions, or long answer lines.
pub fn lines(input: &mut dyn BufRead, emit: &mut Emit<'_>) -> Result<(), FramingError> {
    let mut grouping = Grouping { emit, open: None };
    while let Some((text, too_long)) = line(input)? {
        if too_long {
            grouping.close()?;
            (grouping.emit)(Cut { form: None, submission: None, header: None, text, too_long })?;
        } else if !text.trim_ascii().is_empty() {
            grouping.take(text)?;
        }
    }
    Ok(grouping.close()?)
}

/// Deliveries of JSON documents: submissions, arrays of them, one after the other. Each becomes one line.
pub fn documents(input: &mut dyn BufRead, emit: &mut Emit<'_>) -> Result<(), FramingError> {
    let mut grouping = Grouping { emit, open: None };
    let mut stop = None;
    while let Some(first) = peek(input)? {
        let mut reader = serde_json::Deserializer::from_reader(&mut *input);
        let mut take = |document: Box<RawValue>| {
            let done = grouping.take(on_one_line(document));
            done.map_err(|why| stop = Some(why))
        };
        let read = if first == b'[' {
            Elements(&mut take).deserialize(&mut reader)
        } else {
            Box::<RawValue>::deserialize(&mut reader)
                .and_then(|document| take(document).map_err(|()| serde_json::Error::custom("stopped")))
        };
        if let Some(stop) = stop {
            return Err(stop.into());
        }
        // The error's text would repeat what it stumbled over.
        read.map_err(|error| FramingError::Unreadable(format!("no JSON at line {}", error.line())))?;
    }
    Ok(grouping.close()?)
}

/// Takes the elements of an array one by one.
struct Elements<'a, F>(&'a mut F);

impl<'de, F: FnMut(Box<RawValue>) -> Result<(), ()>> DeserializeSeed<'de> for Elements<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Box<RawValue>) -> Result<(), ()>> Visitor<'de> for Elements<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element()? {
            (self.0)(element).map_err(|()| A::Error::custom("stopped"))?;
        }
        Ok(())
    }
}

/// Line ends of a JSON text stand only between its tokens.
fn on_one_line(document: Box<RawValue>) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Box::<str>::from(document).into_string().into_bytes());
    for byte in text.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
        *byte = b' ';
    }
    text
}

/// The next byte that is not white space.
fn peek(input: &mut dyn BufRead) -> std::io::Result<Option<u8>> {
    loop {
        let read = input.fill_buf()?;
        let space = read.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        match read.get(space) {
            Some(byte) => {
                let byte = *byte;
                input.consume(space);
                return Ok(Some(byte));
            }
            None if read.is_empty() => return Ok(None),
            None => input.consume(space),
        }
    }
}

/// Deliveries of CSV v1: a row each.
pub fn rows(input: &mut dyn BufRead, emit: &mut Emit<'_>) -> Result<(), FramingError> {
    let Some((header, _)) = record(input)? else { return Ok(()) };
    let shown = header.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&header);
    let separator = [b';', b'\t', b','].into_iter().max_by_key(|it| shown.split(|byte| byte == it).count());
    let separator = separator.unwrap_or(b';');
    let column = (0..)
        .map_while(|at| field(shown, separator, at))
        .position(|name| matches!(name, b"$submission_id" | b"submission_id"));
    let header = Arc::new(header.to_vec());
    while let Some((text, too_long)) = record(input)? {
        if text.trim_ascii().is_empty() {
            continue;
        }
        let id = column.and_then(|at| std::str::from_utf8(field(&text, separator, at)?).ok());
        let submission = id.filter(|id| is_number(id)).map(str::to_owned);
        emit(Cut { form: None, submission, header: Some(Arc::clone(&header)), text, too_long })?;
    }
    Ok(())
}

/// The next line that leaves no quotation open.
fn record(input: &mut dyn BufRead) -> std::io::Result<Option<(Zeroizing<Vec<u8>>, bool)>> {
    let Some((mut text, mut too_long)) = line(input)? else { return Ok(None) };
    while !too_long && text.split(|byte| *byte == b'"').count() % 2 == 0 {
        let Some((more, longer)) = line(input)? else { break };
        too_long |= longer || text.len() + more.len() > BODY_LIMIT;
        grow(&mut text, more.len() + 1);
        // As the format has it: a space for every line break in a text.
        text.push(b' ');
        text.extend_from_slice(&more);
    }
    Ok(Some((text, too_long)))
}

/// A field of a row, from 0, without quotation marks.
fn field(row: &[u8], separator: u8, at: usize) -> Option<&[u8]> {
    let mut quoted = false;
    let mut fields = row.split(|byte| {
        quoted ^= *byte == b'"';
        *byte == separator && !quoted
    });
    let field = fields.nth(at)?.trim_ascii();
    Some(field.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\"")).unwrap_or(field))
}

#[cfg(test)]
mod tests;
