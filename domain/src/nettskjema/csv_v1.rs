//! Submissions as CSV, version 1: a row a submission, a column an element, box or matrix row. Semicolons, or tabs in the
//! one-submission files of the older delivery to TSD. Reads bytes as they come, one row at a time.
//!
//! The shape tells ticked (`1`), not ticked (`0`) and hidden (nothing) apart for boxes, but not hidden from unanswered for
//! anything else. It has no types, and no header tells a box from the row of a matrix: without the form's definition every
//! value but a matrix's box is text, and the item that the codebook leads to says what it means.

use std::collections::HashSet;
use std::io::{self, Read};

use csv::ByteRecord;
use serde_json::{Map, Value};

use super::assembly::{place, worded};
use super::definition::{Definition, ElementKind, Index};
use super::reading::{id, is_key};
use super::scalar::instant;
use super::{AnsweredBy, Delivery, Respondent};
use crate::fault::{Fault, FaultCode};

/// The column of the submission's number.
pub(super) const SUBMISSION: &str = "$submission_id";
const CREATED: &str = "$created";
const ANSWER_TIME: &str = "$answer_time_ms";
/// Columns that say nothing about the answers.
const ASIDE: [&str; 2] = ["$forwarded_to_form", "$signed"];
/// How much of a file is looked at to find its first line.
const HEADER: u64 = 1024 * 1024;

/// What a column holds.
enum Column {
    Submission,
    Created,
    AnswerTime,
    Aside,
    /// A value at a path of keys: element; element and row; element and option; matrix, row and column.
    Answer {
        path: Vec<String>,
        holds: Holds,
    },
}

enum Holds {
    /// `1`, `0` or nothing.
    Box,
    Worded(ElementKind),
}

/// A CSV file, row by row.
pub struct Reader<R> {
    form_id: String,
    names: Vec<String>,
    columns: Vec<Column>,
    rows: csv::Reader<io::Chain<io::Cursor<Vec<u8>>, R>>,
    failed: bool,
}

/// One row of a file.
pub struct Row {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The row by column name: what is hashed and kept, and what [`parse`] reads. Null where the row could not be read.
    pub document: Value,
    /// What it says. Pointers name columns.
    pub delivery: Result<Delivery, Vec<Fault>>,
}

/// Reads one row that was kept as [`Row::document`].
pub fn parse(form_id: &str, document: &Value, definition: Option<&Definition>) -> Result<Delivery, Vec<Fault>> {
    let Value::Object(object) = document else { return Err(vec![Fault::new("", FaultCode::WrongType)]) };
    let (names, columns) = columns(object.keys().cloned().collect(), definition)?;
    let cells: Vec<_> = object.values().map(Value::as_str).collect();
    let faults: Vec<_> = names.iter().zip(&cells).filter(|(_, cell)| cell.is_none()).collect();
    if !faults.is_empty() {
        return Err(faults.into_iter().map(|(name, _)| Fault::at(name, FaultCode::WrongType)).collect());
    }
    row(form_id, &names, &columns, &cells.into_iter().flatten().collect::<Vec<_>>())
}

impl<R: Read> Reader<R> {
    /// Reads the header. What it holds that no header of this shape does is refused, column by column.
    pub fn new(form_id: &str, mut bytes: R, definition: Option<&Definition>) -> Result<Self, Vec<Fault>> {
        let unreadable = || vec![Fault::new("", FaultCode::InvalidFormat)];
        let mut start = Vec::new();
        // The first kilobytes until its line has ended: what divides its cells?
        while !start.contains(&b'\n') && u64::try_from(start.len()).is_ok_and(|length| length < HEADER) {
            let read = (&mut bytes).take(4096).read_to_end(&mut start).map_err(|_| unreadable())?;
            if read == 0 {
                break;
            }
        }
        if start.starts_with(b"\xEF\xBB\xBF") {
            start.drain(..3);
        }
        let first = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let delimiter = if first.contains(&b'\t') && !first.contains(&b';') { b'\t' } else { b';' };
        let mut rows = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .from_reader(io::Cursor::new(start).chain(bytes));
        let header = rows.byte_headers().map_err(|_| unreadable())?;
        let names = header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        let (names, columns) = columns(names, definition)?;
        Ok(Self { form_id: form_id.to_owned(), names, columns, rows, failed: false })
    }

    fn read(&self, record: &ByteRecord) -> (Value, Result<Delivery, Vec<Fault>>) {
        let mut faults = Vec::new();
        if record.len() > self.names.len() {
            faults.push(Fault::new("", FaultCode::UnknownItem));
        }
        for name in self.names.iter().skip(record.len()) {
            faults.push(Fault::at(name, FaultCode::Required));
        }
        let mut cells = Vec::with_capacity(self.names.len());
        for (name, cell) in self.names.iter().zip(record) {
            match std::str::from_utf8(cell) {
                Ok(cell) => cells.push(cell),
                Err(_) => faults.push(Fault::at(name, FaultCode::InvalidFormat)),
            }
        }
        if !faults.is_empty() {
            faults.sort();
            return (Value::Null, Err(faults));
        }
        let document = self.names.iter().zip(&cells).map(|(name, cell)| (name.clone(), Value::from(*cell)));
        (Value::Object(document.collect()), row(&self.form_id, &self.names, &self.columns, &cells))
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let mut record = ByteRecord::new();
        let read = if self.failed { Ok(false) } else { self.rows.read_byte_record(&mut record) };
        let line = record.position().unwrap_or(self.rows.position()).line();
        match read {
            Ok(false) => None,
            Ok(true) => {
                let (document, delivery) = self.read(&record);
                Some(Row { line, document, delivery })
            }
            Err(_) => {
                self.failed = true;
                let delivery = Err(vec![Fault::new("", FaultCode::InvalidFormat)]);
                Some(Row { line, document: Value::Null, delivery })
            }
        }
    }
}

/// What the columns hold, or which of them no header of this shape has.
fn columns(names: Vec<String>, definition: Option<&Definition>) -> Result<(Vec<String>, Vec<Column>), Vec<Fault>> {
    let index = Index::of(definition);
    let (mut faults, mut seen) = (Vec::new(), HashSet::new());
    let mut columns = Vec::with_capacity(names.len());
    for name in &names {
        if !seen.insert(name.as_str()) {
            faults.push(Fault::at(name, FaultCode::DuplicateKey));
        }
        match column(name, &index) {
            Ok(column) => columns.push(column),
            Err(code) => faults.push(Fault::at(name, code)),
        }
    }
    for needed in [SUBMISSION, CREATED] {
        if !seen.contains(needed) {
            faults.push(Fault::at(needed, FaultCode::Required));
        }
    }
    // What is an element's value cannot hold rows as well.
    let mut places = Map::new();
    for (name, column) in names.iter().zip(&columns) {
        if let (Column::Answer { path, .. }, true) = (column, faults.is_empty())
            && let Err(code) = place(&mut places, path.iter().cloned(), Value::Null)
        {
            faults.push(Fault::at(name, code));
        }
    }
    if faults.is_empty() {
        return Ok((names, columns));
    }
    faults.sort();
    Err(faults)
}

fn column(name: &str, index: &Index<'_>) -> Result<Column, FaultCode> {
    Ok(match name {
        SUBMISSION => Column::Submission,
        CREATED => Column::Created,
        ANSWER_TIME => Column::AnswerTime,
        aside if ASIDE.contains(&aside) => Column::Aside,
        name if name.starts_with('$') => return Err(FaultCode::UnknownItem),
        name => {
            let path: Vec<_> = name.split('.').map(str::to_owned).collect();
            if path.len() > 3 || !path.iter().all(|key| is_key(key)) {
                return Err(FaultCode::InvalidFormat);
            }
            let kind = index.find(None, path.first().map(String::as_str)).map(|element| element.kind);
            let holds = match (path.len(), kind) {
                (3, _) | (2, Some(ElementKind::Checkbox)) => Holds::Box,
                (1, Some(kind)) => Holds::Worded(kind),
                _ => Holds::Worded(ElementKind::Question),
            };
            Column::Answer { path, holds }
        }
    })
}

fn row(form_id: &str, names: &[String], columns: &[Column], cells: &[&str]) -> Result<Delivery, Vec<Fault>> {
    let mut faults = Vec::new();
    let (mut submission_id, mut created, mut answer_time_ms) = (None, None, None);
    let mut answers = Map::new();
    for ((name, column), cell) in names.iter().zip(columns).zip(cells) {
        let result = match column {
            Column::Submission => {
                id(&Value::from(*cell)).map(|id| submission_id = Some(id)).ok_or(FaultCode::WrongType)
            }
            Column::Created => instant(cell).map(|at| created = Some(at)).ok_or(FaultCode::InvalidDate),
            Column::AnswerTime if cell.is_empty() => Ok(()),
            Column::AnswerTime => {
                id(&Value::from(*cell)).map(|time| answer_time_ms = Some(time)).ok_or(FaultCode::WrongType)
            }
            Column::Aside => Ok(()),
            Column::Answer { path, holds } => {
                holds.read(cell).and_then(|value| place(&mut answers, path.iter().cloned(), value))
            }
        };
        if let Err(code) = result {
            faults.push(Fault::at(name, code));
        }
    }
    match (submission_id, created) {
        (Some(submission_id), Some(created)) if faults.is_empty() => Ok(Delivery {
            form_id: form_id.to_owned(),
            submission_id: submission_id.to_string(),
            created,
            modified: None,
            answer_time_ms,
            respondent: Respondent { provider: None, patient: None, answered_by: AnsweredBy::Patient },
            answers,
        }),
        _ => {
            faults.sort();
            Err(faults)
        }
    }
}

impl Holds {
    fn read(&self, cell: &str) -> Result<Value, FaultCode> {
        match (self, cell) {
            (Self::Worded(kind), cell) => worded(*kind, cell),
            (Self::Box, "1") => Ok(Value::Bool(true)),
            (Self::Box, "0") => Ok(Value::Bool(false)),
            (Self::Box, "") => Ok(Value::Null),
            (Self::Box, _) => Err(FaultCode::WrongType),
        }
    }
}
