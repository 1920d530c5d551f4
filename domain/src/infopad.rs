//! Exports of Infopad, in which the OPR registry of 2015 to 2020 (`OPRv1`) was filled in: rows of cells become raw answers by
//! a mapping that a person wrote. Nothing is guessed and nothing is dropped unnamed; it must not know any column itself.

mod export;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use jiff::fmt::strtime;
use serde::{Deserialize, Serialize};

pub use self::export::{Export, Row};
use crate::fault::{Fault, FaultCode, escape};
use crate::questionnaire::{Form, ItemKind, Shape};
use crate::text::composed;

/// The mapping of one export's columns to the items of one form: a TOML file.
///
/// ```toml
/// form = "opr-baseline"
/// version = "1"
/// delimiter = ";"
/// encoding = "windows-1252"
/// dates = "%d.%m.%Y"
/// patient = "Fnr"
/// submission = ["PasientNr", "SkjemaNr"]
/// submitted_at = { column = "Levert", format = "%d.%m.%Y %H:%M" }
/// missing = ["-"]
///
/// [columns]
/// "Smerte nå" = { item = "nrs_now" }
/// "Økonomi" = { item = "economy", values = { "God" = "good", "Middels" = "medium", "Dårlig" = "poor" } }
/// "Sted rygg" = { item = "pain_sites", option = "back", values = { "Ja" = true, "Nei" = false } }
///
/// [ignored]
/// "Versjon" = "the vendor's number of its own software"
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportMapping {
    /// The code of the form.
    pub form: String,
    /// The version of the form.
    pub version: String,
    /// The delimiter between cells: one ASCII character.
    #[serde(default = "semicolon")]
    pub delimiter: char,
    /// The character encoding of the file.
    #[serde(default)]
    pub encoding: Encoding,
    /// The format of dates in conversions of strftime.
    #[serde(default = "iso")]
    pub dates: String,
    /// The column of the national id number (fødselsnummer).
    pub patient: String,
    /// The columns that together number a submission; joined by hyphens.
    pub submission: Vec<String>,
    /// The column and format of the time of submission.
    pub submitted_at: SubmittedAt,
    /// Cells that stand for no answer, in every column; empty ones always do.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub missing: BTreeSet<String>,
    /// The target of each column, by column name.
    pub columns: BTreeMap<String, ColumnTarget>,
    /// The reason of each column that is deliberately not kept, by column name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ignored: BTreeMap<String, String>,
}

/// The character encoding of a file without a byte order mark; a file with one is UTF-8 or UTF-16 by its mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8, the default.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// The Western European one of older Windows.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// The column that says when a form was handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubmittedAt {
    /// The name of the column.
    pub column: String,
    /// The format of instants in conversions of strftime: Norwegian local time, midnight where the format has no time.
    pub format: String,
}

/// The target of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnTarget {
    /// The code of the item.
    pub item: String,
    /// The option of the box, for an item with several answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option: Option<String>,
    /// Cell -> answer. Other cells are refused; without a table, a cell is the answer itself (`1` and `0` for yes and no).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Answer>,
    /// Further cells that stand for no answer.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub missing: BTreeSet<String>,
}

/// An answer as the form takes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// Yes or no; ticked or not.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A decimal number.
    Decimal(f64),
    /// An option, a day or a text.
    Text(String),
}

/// The use of the columns of an export. Each column is in one list; columns that identify the patient or the
/// submission and are mapped to no item are in none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Columns that are mapped to an item.
    pub mapped: Vec<String>,
    /// Columns that are ignored, with a reason in the mapping.
    pub ignored: Vec<String>,
    /// The mapping does not know them: their cells go nowhere.
    pub unmapped: Vec<String>,
    /// The mapping names them, and they are not there.
    pub absent: Vec<String>,
}

impl Report {
    /// Whether every column was thought of.
    pub const fn is_whole(&self) -> bool {
        self.unmapped.is_empty() && self.absent.is_empty()
    }
}

fn semicolon() -> char {
    ';'
}

fn iso() -> String {
    "%Y-%m-%d".to_owned()
}

impl ExportMapping {
    /// Reads a mapping; its letters are composed, as those of the export are. Whether it fits its form is for [`ExportMapping::faults`].
    pub fn from_toml(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(&composed(text))
    }

    /// Compares the header with the mapping.
    pub fn check<'h>(&self, header: impl IntoIterator<Item = &'h str>) -> Report {
        let keys = self.key_columns();
        let mut absent: BTreeSet<&str> = self.columns.keys().chain(self.ignored.keys()).map(String::as_str).collect();
        absent.extend(&keys);
        let mut report = Report::default();
        for name in header {
            absent.remove(name);
            let list = if self.columns.contains_key(name) {
                &mut report.mapped
            } else if self.ignored.contains_key(name) {
                &mut report.ignored
            } else if keys.contains(name) {
                continue;
            } else {
                &mut report.unmapped
            };
            list.push(name.to_owned());
        }
        report.absent = absent.into_iter().map(str::to_owned).collect();
        report
    }

    /// The columns that identify the patient and the submission of a row.
    fn key_columns(&self) -> BTreeSet<&str> {
        let submission = self.submission.iter().map(String::as_str);
        submission.chain([self.patient.as_str(), self.submitted_at.column.as_str()]).collect()
    }

    /// Returns the faults of the mapping, sorted, with pointers into it.
    pub fn faults(&self, form: &Form) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut check = |sound: bool, pointer: &str, code| {
            if !sound {
                faults.push(Fault::new(pointer, code));
            }
        };
        check(self.form == form.code(), "/form", FaultCode::UnknownReference);
        check(self.version == form.version(), "/version", FaultCode::UnknownReference);
        check(self.delimiter.is_ascii() && self.delimiter != '"', "/delimiter", FaultCode::InvalidFormat);
        check(!self.submission.is_empty(), "/submission", FaultCode::Required);
        // A format is one if what it writes can be read again.
        let writes_days = |format: &str| {
            let day = date(2020, 12, 31);
            let written = strtime::format(format, day.at(0, 0, 0, 0)).ok();
            written.and_then(|text| strtime::parse(format, text).ok()?.to_date().ok()) == Some(day)
        };
        check(writes_days(&self.dates), "/dates", FaultCode::InvalidFormat);
        check(writes_days(&self.submitted_at.format), "/submitted_at/format", FaultCode::InvalidFormat);
        let mut taken = BTreeSet::new();
        for (name, column) in &self.columns {
            let at = |member: &str| format!("/columns/{}/{member}", escape(name));
            let options = match form.shape(&column.item) {
                Some(Shape::Own(ItemKind::Multiple { options })) => Some(options),
                Some(_) => None,
                None => {
                    check(false, &at("item"), FaultCode::UnknownReference);
                    continue;
                }
            };
            let sound = match (options, &column.option) {
                (None, None) => Ok(()),
                (Some(_), None) => Err(FaultCode::Required),
                (Some(options), Some(option)) if options.contains(option) => Ok(()),
                (_, Some(_)) => Err(FaultCode::UnknownOption),
            };
            check(sound.is_ok(), &at("option"), sound.err().unwrap_or(FaultCode::UnknownOption));
            check(taken.insert((&column.item, &column.option)), &at("item"), FaultCode::AlreadyExists);
        }
        for (name, reason) in &self.ignored {
            let pointer = format!("/ignored/{}", escape(name));
            check(!reason.trim().is_empty(), &pointer, FaultCode::Required);
            let kept = self.columns.contains_key(name) || self.key_columns().contains(name.as_str());
            check(!kept, &pointer, FaultCode::Contradiction);
        }
        faults.sort();
        faults
    }
}

#[cfg(test)]
mod tests;
