//! Submissions as CSV, version 1: one row per submission, one column per element, box or matrix row. Semicolons, or
//! tabs in the one-submission files of the older delivery to TSD; commas where another program wrote the file.
//! [`crate::delimited`] defines where rows and cells end, in files with any of them.
//!
//! The shape distinguishes ticked (`1`), not ticked (`0`) and hidden (empty) boxes, but not hidden and unanswered
//! elements of other kinds. It has no types, and no header distinguishes a box from the row of a matrix: without the
//! form's definition every value but a matrix's box is text, and the mapped item determines its meaning.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::assembly::{place, worded};
use super::definition::{ElementKind, Index, NettskjemaDefinition};
use super::reading::{id, is_key};
use super::scalar::instant;
use super::{AnsweredBy, Delivery, Respondent};
use crate::delimited::{Record, Records, cells, header_cells};
use crate::fault::{Fault, FaultCode};
use crate::questionnaire::is_option;

/// The column of the submission's number.
pub(super) const SUBMISSION: &str = "$submission_id";
const CREATED: &str = "$created";
const ANSWER_TIME: &str = "$answer_time_ms";
/// Columns without answers.
const ASIDE: [&str; 2] = ["$forwarded_to_form", "$signed"];

/// The columns of a file.
#[derive(Clone, Debug)]
pub(super) struct CsvColumns {
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

/// One row of a file.
pub struct CsvRow {
    /// The row by column name: hashed, stored, and read by [`parse`]. Null where the row could not be read.
    pub document: Value,
    /// The delivery of the row. Pointers name columns.
    pub delivery: Result<Delivery, Vec<Fault>>,
}

/// Reads a file of a header and one row. Anything after the row is refused.
pub fn parse_file(form_id: &str, file: &[u8]) -> Result<Delivery, Vec<Fault>> {
    let unreadable = |_| vec![Fault::new("", FaultCode::InvalidFormat)];
    let mut records = Records::open(file, None, usize::MAX).map_err(unreadable)?;
    let header = records.next().transpose().map_err(unreadable)?;
    let columns = CsvColumns::read(header.as_ref(), records.delimiter(), None)?;
    let row = records.next().transpose().map_err(unreadable)?;
    match (row, records.next()) {
        (Some(row), None) => columns.row(form_id, &row).delivery,
        _ => Err(vec![Fault::new("", FaultCode::InvalidFormat)]),
    }
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
    columns.delivery(form_id, &cells.into_iter().flatten().collect::<Vec<_>>())
}

impl CsvColumns {
    /// Reads a header. What it holds that no header of this shape does is refused, column by column.
    pub(super) fn read(
        header: Option<&Record>,
        delimiter: u8,
        definition: Option<&NettskjemaDefinition>,
    ) -> Result<Self, Vec<Fault>> {
        let names = header.map(|header| header_cells(delimiter, &header.text)).unwrap_or_default();
        let names = names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
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

    /// Returns a row by column name, and what it says.
    pub(super) fn row(&self, form_id: &str, record: &Record) -> CsvRow {
        let row = cells(self.delimiter, &record.text);
        let mut faults = Vec::new();
        if let Some(at) = record.broken_at {
            let name = self.names.get(at);
            let fault = |name: &String| Fault::at(name, FaultCode::InvalidFormat);
            faults.push(name.map_or_else(|| Fault::new("", FaultCode::InvalidFormat), fault));
        } else {
            if row.iter().skip(self.names.len()).any(|cell| !cell.is_empty()) {
                faults.push(Fault::new("", FaultCode::UnknownItem));
            }
            for name in self.names.iter().skip(row.len()) {
                faults.push(Fault::at(name, FaultCode::Required));
            }
        }
        let mut texts = Vec::with_capacity(self.names.len());
        for (name, cell) in self.names.iter().zip(&row) {
            match std::str::from_utf8(cell) {
                Ok(cell) if cell.contains('\0') => faults.push(Fault::at(name, FaultCode::ForbiddenCharacter)),
                Ok(cell) => texts.push(cell),
                Err(_) => faults.push(Fault::at(name, FaultCode::InvalidFormat)),
            }
        }
        if !faults.is_empty() {
            faults.sort();
            faults.dedup();
            return CsvRow { document: Value::Null, delivery: Err(faults) };
        }
        let document = self.names.iter().zip(&texts).map(|(name, cell)| (name.clone(), Value::from(*cell)));
        CsvRow { document: Value::Object(document.collect()), delivery: self.delivery(form_id, &texts) }
    }

    fn delivery(&self, form_id: &str, cells: &[&str]) -> Result<Delivery, Vec<Fault>> {
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
            if name.contains('\0') {
                return Err(FaultCode::ForbiddenCharacter);
            }
            let path: Vec<_> = name.split('.').map(str::to_owned).collect();
            let (key, inner) = path.split_first().ok_or(FaultCode::InvalidFormat)?;
            if inner.len() > 2 || !is_key(key) || !inner.iter().all(|part| is_option(part)) {
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
