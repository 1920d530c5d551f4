//! The rows of one export, read as a stream; the mapping determines the meaning of the columns.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufReader, Read};

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::{Answer, ColumnTarget, Encoding, ExportMapping, Report};
use crate::delimited::{Record, Records, cells, header_cells};
use crate::encoding::{Decoded, windows_1252};
use crate::fault::{Fault, FaultCode};
use crate::nettskjema::GivenNationalId;
use crate::number::decimal;
use crate::questionnaire::{Form, ItemKind, Shape};
use crate::text::composed;

/// The most bytes of a row.
const LONGEST_ROW: usize = 1024 * 1024;

/// An export, row by row.
pub struct Export<R> {
    mapping: ExportMapping,
    form: Form,
    names: Vec<String>,
    report: Report,
    encoding: Encoding,
    rows: Records<Decoded<BufReader<R>>>,
}

/// One submission. `Debug` is left out: a row holds answers and identity.
pub struct Row {
    /// Its number in Infopad.
    pub submission_id: String,
    /// The time of submission.
    pub submitted_at: Timestamp,
    /// The national id or patient number of the row.
    pub patient: GivenNationalId,
    /// Item code -> answer, as [`Form::parse`] takes them; it has taken these.
    pub answers: Map<String, Value>,
}

impl<R: Read> Export<R> {
    /// Reads the header. A mapping that does not fit the form is refused (pointers into the mapping), and so are a
    /// repeated column and a missing column of the patient or submission (pointers name the column).
    /// [`Export::report`] lists other unmapped or missing columns.
    pub fn new(mapping: &ExportMapping, form: &Form, bytes: R) -> Result<Self, Vec<Fault>> {
        let mut faults = mapping.faults(form);
        if !faults.is_empty() {
            return Err(faults);
        }
        let unreadable = |_| vec![Fault::new("", FaultCode::InvalidFormat)];
        let delimiter = u8::try_from(mapping.delimiter).unwrap_or(b';');
        let input = Decoded::new(BufReader::new(bytes)).map_err(unreadable)?;
        let encoding = if input.is_marked() { Encoding::Utf8 } else { mapping.encoding };
        let mut rows = Records::open(input, Some(delimiter), LONGEST_ROW).map_err(unreadable)?;
        let header = rows.next().transpose().map_err(unreadable)?;
        let mut names = Vec::new();
        let mut seen = HashSet::new();
        for cell in &header.map(|header| header_cells(delimiter, &header.text)).unwrap_or_default() {
            let name = decoded(encoding, cell).map(|name| name.trim().to_owned());
            let name = name.map_err(|code| vec![Fault::new("", code)])?;
            if !seen.insert(name.clone()) {
                faults.push(Fault::at(&name, FaultCode::DuplicateKey));
            }
            names.push(name);
        }
        let absent = mapping.key_columns().into_iter().filter(|name| !seen.contains(*name));
        faults.extend(absent.map(|name| Fault::at(name, FaultCode::Required)));
        if !faults.is_empty() {
            faults.sort();
            return Err(faults);
        }
        let report = mapping.check(names.iter().map(String::as_str));
        Ok(Self { mapping: mapping.clone(), form: form.clone(), names, report, encoding, rows })
    }

    /// The use of the columns.
    pub const fn report(&self) -> &Report {
        &self.report
    }

    fn row(&self, record: &Record) -> Result<Row, Vec<Fault>> {
        let mut faults = Vec::new();
        if record.too_long {
            return Err(vec![Fault::new("", FaultCode::TooLong)]);
        }
        let broken = record.broken_at.map(|at| self.names.get(at));
        if let Some(name) = broken {
            let fault = |name: &String| Fault::at(name, FaultCode::InvalidFormat);
            return Err(vec![name.map_or_else(|| Fault::new("", FaultCode::InvalidFormat), fault)]);
        }
        let row = cells(self.rows.delimiter(), &record.text);
        if row.iter().skip(self.names.len()).any(|cell| !cell.is_empty()) {
            faults.push(Fault::new("", FaultCode::UnknownItem));
        }
        for name in self.names.iter().skip(row.len()) {
            faults.push(Fault::at(name, FaultCode::Required));
        }
        let mut cells: BTreeMap<&str, String> = BTreeMap::new();
        for (name, cell) in self.names.iter().zip(&row) {
            match decoded(self.encoding, cell) {
                Ok(cell) => _ = cells.insert(name, cell.trim().to_owned()),
                Err(code) => faults.push(Fault::at(name, code)),
            }
        }
        if !faults.is_empty() {
            faults.sort();
            return Err(faults);
        }
        let mut answers = Map::new();
        for (name, column) in &self.mapping.columns {
            let Some(cell) = cells.get(name.as_str()) else { continue };
            match self.answer(column, cell) {
                Ok(value) => put(&mut answers, column, value),
                Err(code) => faults.push(Fault::at(name, code)),
            }
        }
        if let Err(refused) = self.form.parse(&answers) {
            let known: HashSet<String> = faults.iter().map(|fault| fault.pointer.clone()).collect();
            let refused = refused.into_iter().map(|fault| Fault::new(self.place(&fault.pointer), fault.code));
            // What was refused for its cell already is not missing as well.
            faults.extend(refused.filter(|fault| !known.contains(&fault.pointer)));
        }
        let cell = |name: &String| cells.get(name.as_str()).map_or("", String::as_str);
        let numbers: Vec<&str> = self.mapping.submission.iter().map(cell).collect();
        for (name, _) in self.mapping.submission.iter().zip(&numbers).filter(|(_, number)| number.is_empty()) {
            faults.push(Fault::at(name, FaultCode::Required));
        }
        let submitted_at = &self.mapping.submitted_at;
        let at = instant(&submitted_at.format, cell(&submitted_at.column));
        if at.is_none() {
            faults.push(Fault::at(&submitted_at.column, FaultCode::InvalidDate));
        }
        let patient = GivenNationalId::from_text(cell(&self.mapping.patient));
        if patient.is_none() {
            faults.push(Fault::at(&self.mapping.patient, FaultCode::Required));
        }
        match (at, patient) {
            (Some(submitted_at), Some(patient)) if faults.is_empty() => {
                Ok(Row { submission_id: numbers.join("-"), submitted_at, patient, answers })
            }
            _ => {
                faults.sort();
                faults.dedup();
                Err(faults)
            }
        }
    }

    /// The value of a cell, or null where the cell has no answer.
    fn answer(&self, column: &ColumnTarget, cell: &str) -> Result<Value, FaultCode> {
        let missing = |cells: &std::collections::BTreeSet<String>| cells.contains(cell);
        if cell.is_empty() || missing(&self.mapping.missing) || missing(&column.missing) {
            return Ok(Value::Null);
        }
        if !column.values.is_empty() {
            return column.values.get(cell).map(Answer::to_json).ok_or(FaultCode::UnknownOption);
        }
        let number = || decimal(cell).ok_or(FaultCode::WrongType);
        match self.form.shape(&column.item) {
            Some(Shape::Instrument { .. } | Shape::Own(ItemKind::Integer { .. } | ItemKind::Decimal { .. })) => {
                number()
            }
            Some(Shape::Own(ItemKind::Boolean | ItemKind::Multiple { .. })) => match cell {
                "1" => Ok(true.into()),
                "0" => Ok(false.into()),
                _ => Err(FaultCode::UnknownOption),
            },
            Some(Shape::Own(ItemKind::Date)) => {
                let day = strtime::parse(&self.mapping.dates, cell).ok().and_then(|day| day.to_date().ok());
                day.map(|day| day.to_string().into()).ok_or(FaultCode::InvalidDate)
            }
            Some(Shape::Own(ItemKind::Choice { .. } | ItemKind::Text { .. })) | None => Ok(cell.into()),
        }
    }

    /// The column that a fault of the form is about; the item, where no column leads there.
    fn place(&self, pointer: &str) -> String {
        let mut path = pointer.split('/').skip(1);
        let (item, option) = (path.next().unwrap_or_default(), path.next());
        let leads =
            |column: &ColumnTarget| column.item == item && (option.is_none() || column.option.as_deref() == option);
        let column = self.mapping.columns.iter().find(|(_, column)| leads(column));
        column.map_or_else(|| pointer.to_owned(), |(name, _)| Fault::at(name, FaultCode::WrongType).pointer)
    }
}

impl<R: Read> Iterator for Export<R> {
    /// The line on which a row begins, from 1, and what it says; pointers name columns.
    type Item = (u64, Result<Row, Vec<Fault>>);

    fn next(&mut self) -> Option<Self::Item> {
        match self.rows.next()? {
            Ok(record) => Some((record.line, self.row(&record))),
            Err(_) => Some((self.rows.line(), Err(vec![Fault::new("", FaultCode::InvalidFormat)]))),
        }
    }
}

impl Answer {
    fn to_json(&self) -> Value {
        match self {
            Self::Boolean(value) => (*value).into(),
            Self::Integer(value) => (*value).into(),
            Self::Decimal(value) => (*value).into(),
            Self::Text(value) => value.as_str().into(),
        }
    }
}

/// Stores an answer of an item, or of one of its boxes, where null means unknown.
fn put(answers: &mut Map<String, Value>, column: &ColumnTarget, value: Value) {
    match &column.option {
        None if value.is_null() => {}
        None => _ = answers.insert(column.item.clone(), value),
        Some(option) => {
            let boxes = answers.entry(&column.item).or_insert_with(|| Map::new().into());
            if let Some(boxes) = boxes.as_object_mut() {
                boxes.insert(option.clone(), value);
            }
        }
    }
}

/// Returns the text of a cell with composed letters; NUL can be stored nowhere.
fn decoded(encoding: Encoding, cell: &[u8]) -> Result<String, FaultCode> {
    let text = match encoding {
        Encoding::Utf8 => std::str::from_utf8(cell).map_err(|_| FaultCode::InvalidFormat)?.to_owned(),
        Encoding::Windows1252 => cell.iter().copied().map(windows_1252).collect(),
    };
    if text.contains('\0') { Err(FaultCode::ForbiddenCharacter) } else { Ok(composed(&text).into_owned()) }
}

/// An instant in Norwegian local time; of the hour that comes twice the first.
fn instant(format: &str, cell: &str) -> Option<Timestamp> {
    let read = strtime::parse(format, cell).ok()?;
    let local = read.to_datetime().or_else(|_| read.to_date().map(|day| day.at(0, 0, 0, 0))).ok()?;
    TimeZone::get("Europe/Oslo").ok()?.to_ambiguous_timestamp(local).compatible().ok()
}
