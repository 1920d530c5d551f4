//! Splits files and responses of Nettskjema into deliveries with their form and submission. It must not check the
//! answers; the server does.

use std::io::BufRead;
use std::sync::Arc;

use painreg_domain::delimited::{Records, cells, grow};
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::number::whole_number;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::service::Stop;
use crate::wire::BODY_LIMIT;

/// The most bytes of the long answer lines of one submission.
const LONGEST: usize = 1024 * 1024;

/// A delivery as its file has it: a line, the long answer lines of one submission, or a row.
pub struct Cut {
    /// The form's number, if the delivery names it.
    pub form: Option<String>,
    /// The submission's id, if the delivery names it.
    pub submission: Option<String>,
    /// The header line of a row; empty for JSON.
    pub header: Option<Arc<Vec<u8>>>,
    /// The payload, without the line break at its end.
    pub text: Zeroizing<Vec<u8>>,
    /// Whether the delivery is longer than the server accepts; the payload is then truncated.
    pub too_long: bool,
    /// The fault of a row whose end is uncertain: it is refused and not sent.
    pub fault: Option<Fault>,
}

/// An error that ends the reading of a stream.
pub enum FramingError {
    /// The stream broke off or has another format.
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

/// The receiver of deliveries.
pub type Emit<'a> = dyn FnMut(Cut) -> Result<(), Stop> + 'a;

/// The members that identify the form and submission of a document.
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
    Number(serde_json::Number),
    Text(String),
}

impl Id {
    /// Returns the id if it has digits only and so may be part of a path and of the report.
    fn shown(self) -> Option<String> {
        match self {
            Self::Number(number) => {
                let read = number.as_u64().or_else(|| whole_number(&number).ok()?.try_into().ok());
                read.map(|number| number.to_string())
            }
            Self::Text(text) => is_number(&text).then_some(text),
        }
    }
}

/// Returns whether a text is the number of a form or submission.
pub fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Groups consecutive lines into deliveries: long answer lines of one submission belong together.
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
        // An unreadable line may be an answer of the submission around it.
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
        let cut = Cut { form, submission, header: None, too_long: text.len() > BODY_LIMIT, text, fault: None };
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

/// Reads the next line without its line break. Returns whether it was truncated; `None` at the end.
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

/// Splits NDJSON of submissions or long answer lines into deliveries.
pub fn lines(input: &mut dyn BufRead, emit: &mut Emit<'_>) -> Result<(), FramingError> {
    let mut grouping = Grouping { emit, open: None };
    while let Some((text, too_long)) = line(input)? {
        if too_long {
            grouping.close()?;
            (grouping.emit)(Cut { form: None, submission: None, header: None, text, too_long, fault: None })?;
        } else if !text.trim_ascii().is_empty() {
            grouping.take(text)?;
        }
    }
    Ok(grouping.close()?)
}

/// Splits concatenated JSON documents, submissions or arrays of them, into deliveries of one line each.
pub fn documents(input: &mut dyn BufRead, emit: &mut Emit<'_>) -> Result<(), FramingError> {
    let mut grouping = Grouping { emit, open: None };
    let mut stop = None;
    if peek(input)?.is_none() {
        return Err(FramingError::Unreadable("it is empty".to_owned()));
    }
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
        // The text of the error could repeat the input.
        read.map_err(|error| FramingError::Unreadable(format!("no JSON at line {}", error.line())))?;
    }
    Ok(grouping.close()?)
}

/// Emits the elements of an array one by one.
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

/// Replaces line breaks with spaces. In a JSON text they occur only between tokens.
fn on_one_line(document: Box<RawValue>) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Box::<str>::from(document).into_string().into_bytes());
    for byte in text.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
        *byte = b' ';
    }
    text
}

/// Returns the next byte that is not white space, without consuming it.
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

/// Splits CSV v1 into deliveries of a row each, unchanged.
pub fn rows(input: &mut dyn BufRead, emit: &mut Emit<'_>) -> Result<(), FramingError> {
    let unreadable = |why: &str| FramingError::Unreadable(why.to_owned());
    let mut records = Records::open(input, None, BODY_LIMIT)?;
    let delimiter = records.delimiter();
    let header = records.next().transpose()?.ok_or_else(|| unreadable("it is empty"))?;
    if header.too_long || header.broken_at.is_some() {
        return Err(unreadable("its first line is no header of CSV"));
    }
    if header.text.contains(&0) {
        return Err(unreadable("its header holds NUL: perhaps it is UTF-16 without a byte order mark"));
    }
    let names = cells(delimiter, &header.text);
    let column = names.iter().position(|name| matches!(name, b"$submission_id" | b"submission_id"));
    let fault = |at: usize| match names.get(at) {
        Some(name) => Fault::at(&String::from_utf8_lossy(name), FaultCode::InvalidFormat),
        None => Fault::new("", FaultCode::InvalidFormat),
    };
    let header = Arc::new(header.text.to_vec());
    for record in records {
        let record = record?;
        let row = cells(delimiter, &record.text);
        let id = column.and_then(|at| std::str::from_utf8(row.get(at)?).ok()).map(str::trim);
        emit(Cut {
            form: None,
            submission: id.filter(|id| is_number(id)).map(str::to_owned),
            header: Some(Arc::clone(&header)),
            fault: record.broken_at.map(fault),
            text: record.text,
            too_long: record.too_long,
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
