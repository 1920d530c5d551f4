//! Submissions as CSV, version 1: one row per submission, one column per element, box or matrix row. Semicolons, or
//! tabs in the one-submission files of the older delivery to TSD. Reads bytes as a stream, one row at a time.
//!
//! The shape distinguishes ticked (`1`), not ticked (`0`) and hidden (empty) boxes, but not hidden and unanswered
//! elements of other kinds. It has no types, and no header distinguishes a box from the row of a matrix: without the
//! form's definition every value but a matrix's box is text, and the mapped item determines its meaning.

use std::collections::HashSet;
use std::io::{self, Read};

use csv::ByteRecord;
use serde_json::{Map, Value};

use super::assembly::{place, worded};
use super::definition::{ElementKind, Index, NettskjemaDefinition};
use super::reading::{id, is_key};
use super::scalar::instant;
use super::{AnsweredBy, Delivery, Respondent};
use crate::fault::{Fault, FaultCode};

/// The column of the submission's number.
pub(super) const SUBMISSION: &str = "$submission_id";
const CREATED: &str = "$created";
const ANSWER_TIME: &str = "$answer_time_ms";
/// Columns without answers.
const ASIDE: [&str; 2] = ["$forwarded_to_form", "$signed"];
/// The number of bytes in which the first line must end.
const HEADER: u64 = 1024 * 1024;

/// The columns of a file.
#[derive(Clone, Debug)]
pub struct CsvColumns {
    delimiter: u8,
    names: Vec<String>,
    held: Vec<Column>,
}

/// The content of a column.
#[derive(Clone, Debug)]
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

#[derive(Clone, Debug)]
enum Holds {
    /// `1`, `0` or nothing.
    Box,
    Worded(ElementKind),
}

/// A CSV file, row by row.
pub struct Reader<R> {
    form_id: String,
    columns: CsvColumns,
    rows: csv::Reader<io::Chain<io::Cursor<Vec<u8>>, R>>,
    failed: bool,
}

/// One row of a file.
pub struct CsvRow {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The row by column name: hashed, stored, and read by [`parse`]. Null where the row could not be read.
    pub document: Value,
    /// The delivery of the row. Pointers name columns.
    pub delivery: Result<Delivery, Vec<Fault>>,
}

/// Reads one row that was kept as [`CsvRow::document`].
pub fn parse(
    form_id: &str,
    document: &Value,
    definition: Option<&NettskjemaDefinition>,
) -> Result<Delivery, Vec<Fault>> {
    let Value::Object(object) = document else { return Err(vec![Fault::new("", FaultCode::WrongType)]) };
    let columns = CsvColumns::named(object.keys().cloned().collect(), b';', definition)?;
    let cells: Vec<_> = object.iter().map(|(name, cell)| cell.as_str().ok_or(name)).collect();
    let faults = cells.iter().filter_map(|cell| Some(Fault::at(cell.err()?, FaultCode::WrongType)));
    let faults: Vec<_> = faults.collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    columns.row(form_id, &cells.into_iter().flatten().collect::<Vec<_>>())
}

impl<R: Read> Reader<R> {
    /// Reads the header. What it holds that no header of this shape does is refused, column by column.
    pub fn new(form_id: &str, mut bytes: R, definition: Option<&NettskjemaDefinition>) -> Result<Self, Vec<Fault>> {
        let unreadable = || vec![Fault::new("", FaultCode::InvalidFormat)];
        let mut start = Vec::new();
        // The first kilobytes until its line has ended: what divides its cells?
        while !start.contains(&b'\n') && u64::try_from(start.len()).is_ok_and(|length| length < HEADER) {
            let read = (&mut bytes).take(4096).read_to_end(&mut start).map_err(|_| unreadable())?;
            if read == 0 {
                break;
            }
        }
        let end = start.iter().position(|byte| *byte == b'\n').map_or(start.len(), |end| end + 1);
        let rest = start.split_off(end);
        let columns = CsvColumns::typed(&start, definition)?;
        let rows = columns.reader(io::Cursor::new(rest).chain(bytes));
        Ok(Self { form_id: form_id.to_owned(), columns, rows, failed: false })
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = CsvRow;

    fn next(&mut self) -> Option<CsvRow> {
        let mut record = ByteRecord::new();
        let read = if self.failed { Ok(false) } else { self.rows.read_byte_record(&mut record) };
        // The header is the first line.
        let line = record.position().unwrap_or(self.rows.position()).line() + 1;
        match read {
            Ok(false) => None,
            Ok(true) => {
                let (document, delivery) = self.columns.record(&self.form_id, &record);
                Some(CsvRow { line, document, delivery })
            }
            Err(_) => {
                self.failed = true;
                let delivery = Err(vec![Fault::new("", FaultCode::InvalidFormat)]);
                Some(CsvRow { line, document: Value::Null, delivery })
            }
        }
    }
}

impl CsvColumns {
    /// Reads a header line. What it holds that no header of this shape does is refused, column by column.
    pub fn read(header: &[u8]) -> Result<Self, Vec<Fault>> {
        Self::typed(header, None)
    }

    /// Reads one row of the form `form_id`.
    pub fn delivery(&self, form_id: &str, row: &[u8]) -> Result<Delivery, Vec<Fault>> {
        let mut record = ByteRecord::new();
        match self.reader(row).read_byte_record(&mut record) {
            Ok(true) => self.record(form_id, &record).1,
            _ => Err(vec![Fault::new("", FaultCode::InvalidFormat)]),
        }
    }

    fn typed(header: &[u8], definition: Option<&NettskjemaDefinition>) -> Result<Self, Vec<Fault>> {
        let header = header.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(header);
        let delimiter = if header.contains(&b'\t') && !header.contains(&b';') { b'\t' } else { b';' };
        let empty = Self { delimiter, names: Vec::new(), held: Vec::new() };
        let mut record = ByteRecord::new();
        let read = empty.reader(header).read_byte_record(&mut record);
        read.map_err(|_| vec![Fault::new("", FaultCode::InvalidFormat)])?;
        let names = record.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        Self::named(names, delimiter, definition)
    }

    fn named(names: Vec<String>, delimiter: u8, definition: Option<&NettskjemaDefinition>) -> Result<Self, Vec<Fault>> {
        let index = Index::of(definition);
        let (mut faults, mut seen) = (Vec::new(), HashSet::new());
        let mut held = Vec::with_capacity(names.len());
        for name in &names {
            if !seen.insert(name.as_str()) {
                faults.push(Fault::at(name, FaultCode::DuplicateKey));
            }
            match column(name, &index) {
                Ok(column) => held.push(column),
                Err(code) => faults.push(Fault::at(name, code)),
            }
        }
        for needed in [SUBMISSION, CREATED] {
            if !seen.contains(needed) {
                faults.push(Fault::at(needed, FaultCode::Required));
            }
        }
        // A value of an element and rows of a matrix exclude each other.
        let mut places = Map::new();
        for (name, column) in names.iter().zip(&held) {
            if let (Column::Answer { path, .. }, true) = (column, faults.is_empty())
                && let Err(code) = place(&mut places, path.iter().cloned(), Value::Null)
            {
                faults.push(Fault::at(name, code));
            }
        }
        if faults.is_empty() {
            return Ok(Self { delimiter, names, held });
        }
        faults.sort();
        Err(faults)
    }

    fn reader<R: Read>(&self, bytes: R) -> csv::Reader<R> {
        let mut builder = csv::ReaderBuilder::new();
        builder.delimiter(self.delimiter).has_headers(false).flexible(true).from_reader(bytes)
    }

    /// A row by column name, and what it says.
    fn record(&self, form_id: &str, record: &ByteRecord) -> (Value, Result<Delivery, Vec<Fault>>) {
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
        (Value::Object(document.collect()), self.row(form_id, &cells))
    }

    fn row(&self, form_id: &str, cells: &[&str]) -> Result<Delivery, Vec<Fault>> {
        let mut faults = Vec::new();
        let (mut submission_id, mut created, mut answer_time_ms) = (None, None, None);
        let mut answers = Map::new();
        for ((name, column), cell) in self.names.iter().zip(&self.held).zip(cells) {
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
