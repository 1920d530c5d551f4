//! Submissions as rows of Nettskjema's CSV v1: a header of codebook paths, a row a submission. Separated by `;` (or, in the
//! files of the old delivery, by tabs), quoted, line breaks in answers replaced by spaces, so that a row is a line.
//!
//! `0` says that a box was shown and not ticked, an empty field that it was hidden. Which columns are boxes and which are
//! rows of a matrix the header does not tell: [`super::Delivery::answers_for`] does, by the item that the path leads to.

use csv::StringRecord;
use serde_json::{Map, Value};

use super::{AnsweredBy, Delivery, Respondent, oslo_instant};
use crate::fault::{Fault, FaultCode};

/// The columns of one file.
#[derive(Clone, Debug)]
pub struct Columns {
    delimiter: u8,
    columns: Vec<Column>,
}

#[derive(Clone, Debug)]
enum Column {
    SubmissionId,
    Created,
    AnswerTime,
    /// What Nettskjema says of the submission besides, such as whether it is signed.
    Ignored,
    Element(String),
    Row(String, String),
    Cell(String, String, String),
}

impl Columns {
    /// Reads the header. Every fault is reported at `/columns/<n>`, counted from 0: a name that is no path
    /// (`invalid_format`), one that stands twice (`duplicate_key`), a missing `$submission_id` or `$created` (`required`).
    pub fn read(header: &[u8]) -> Result<Self, Vec<Fault>> {
        let header = header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(header);
        let delimiter = if header.contains(&b';') || !header.contains(&b'\t') { b';' } else { b'\t' };
        let record = record(header, delimiter).ok_or_else(|| vec![Fault::new("", FaultCode::InvalidFormat)])?;
        let mut faults = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut columns = Vec::with_capacity(record.len());
        for (at, name) in record.iter().enumerate() {
            let place = format!("/columns/{at}");
            if !seen.insert(name.to_owned()) {
                faults.push(Fault::new(place.clone(), FaultCode::DuplicateKey));
            }
            match column(name) {
                Some(column) => columns.push(column),
                None => faults.push(Fault::new(place, FaultCode::InvalidFormat)),
            }
        }
        for (needed, member) in [("$submission_id", "/columns/$submission_id"), ("$created", "/columns/$created")] {
            if !seen.contains(needed) {
                faults.push(Fault::new(member, FaultCode::Required));
            }
        }
        if faults.is_empty() { Ok(Self { delimiter, columns }) } else { Err(faults) }
    }

    /// Reads one row of the form `form_id`.
    pub fn delivery(&self, form_id: &str, row: &[u8]) -> Result<Delivery, Vec<Fault>> {
        let at = |pointer: &str, code| vec![Fault::new(pointer, code)];
        let record = record(row, self.delimiter).ok_or_else(|| at("", FaultCode::InvalidFormat))?;
        if record.len() != self.columns.len() {
            return Err(at("/columns", FaultCode::InvalidFormat));
        }
        let (mut submission_id, mut created, mut answer_time_ms) = (None, None, None);
        let mut answers = Map::new();
        for (column, field) in self.columns.iter().zip(&record) {
            let value = if field.is_empty() { Value::Null } else { field.into() };
            match column {
                Column::SubmissionId => submission_id = field.parse::<u64>().ok(),
                Column::Created => created = oslo_instant(field),
                Column::AnswerTime => answer_time_ms = field.parse().ok(),
                Column::Ignored => {}
                Column::Element(key) => {
                    answers.insert(key.clone(), value);
                }
                Column::Row(key, row) => {
                    nested(&mut answers, key).insert(row.clone(), value);
                }
                Column::Cell(key, row, cell) => {
                    nested(nested(&mut answers, key), row).insert(cell.clone(), value);
                }
            }
        }
        Ok(Delivery {
            form_id: form_id.to_owned(),
            submission_id: submission_id
                .ok_or_else(|| at("/columns/$submission_id", FaultCode::InvalidFormat))?
                .to_string(),
            created: created.ok_or_else(|| at("/columns/$created", FaultCode::InvalidDate))?,
            answer_time_ms,
            respondent: Respondent { provider: None, patient: None, answered_by: AnsweredBy::Patient },
            answers,
        })
    }
}

fn column(name: &str) -> Option<Column> {
    if name.starts_with('$') {
        return Some(match name {
            "$submission_id" => Column::SubmissionId,
            "$created" => Column::Created,
            "$answer_time_ms" => Column::AnswerTime,
            _ => Column::Ignored,
        });
    }
    let mut parts = name.split('.').map(str::to_owned);
    let key = |part: &String| {
        (1..=64).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let first = parts.next().filter(key)?;
    match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => Some(Column::Element(first)),
        (Some(row), None, _) => Some(Column::Row(first, Some(row).filter(key)?)),
        (Some(row), Some(cell), None) => Some(Column::Cell(first, Some(row).filter(key)?, Some(cell).filter(key)?)),
        _ => None,
    }
}

/// The object at a key, made if it is not there. A key that holds something else already gives way: the header had both
/// `matrix` and `matrix.row`, and the rows say more.
fn nested<'m>(object: &'m mut Map<String, Value>, key: &str) -> &'m mut Map<String, Value> {
    let value = object.entry(key).or_insert_with(|| Map::new().into());
    if !value.is_object() {
        *value = Map::new().into();
    }
    value.as_object_mut().expect("it is an object now")
}

fn record(line: &[u8], delimiter: u8) -> Option<StringRecord> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(line);
    let mut record = StringRecord::new();
    reader.read_record(&mut record).ok()?.then_some(record)
}
