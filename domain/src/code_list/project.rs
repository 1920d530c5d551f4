//! A registry's quality and research projects, and the fields that a project keeps of every participant.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EARLIEST, FieldKind, ProjectKind};
use crate::fault::{Fault, FaultCode};

/// A field that a project keeps of every participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProjectField)]
pub struct Field {
    /// The code: lower-case letters, digits and underscores.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9_]{1,40}$")]
    pub code: String,
    /// The type of the values.
    pub kind: FieldKind,
    /// The options of an option field.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub options: Vec<FieldOption>,
    /// Whether a value is required.
    #[serde(default)]
    pub required: bool,
}

/// One option of a project's field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, min_length = 1, max_length = 40)]
pub struct FieldOption(pub String);

/// A local quality or research project (prosjekt).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// The code: lower-case letters, digits, dashes and underscores.
    #[schema(min_length = 2, max_length = 40, pattern = "^[a-z0-9_-]{2,40}$", example = "opioid-taper")]
    pub code: String,
    /// The title of the project.
    #[schema(min_length = 1, max_length = 300)]
    pub title: String,
    /// The kind of project.
    pub kind: ProjectKind,
    /// The approval it rests on, such as a REK number.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub approval: Option<String>,
    /// The first day of the project.
    pub starts_on: Date,
    /// The last day of the project; absent while it continues.
    #[serde(default)]
    pub ends_on: Option<Date>,
    /// Whether participants are excluded from the registry's own follow-up.
    #[serde(default)]
    pub excludes_from_follow_up: bool,
    /// The fields that it keeps of every participant.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub fields: Vec<Field>,
}

impl Project {
    /// Returns the faults of the project, sorted by place.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let is_code = |text: &str, least: usize, dash: bool| {
            (least..=40).contains(&text.len())
                && text.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || (dash && byte == b'-')
                })
        };
        if !is_code(&self.code, 2, true) {
            faults.push(Fault::at("code", FaultCode::InvalidFormat));
        }
        let mut text = |member: &str, text: &str, most: usize| {
            if text.trim().is_empty() {
                faults.push(Fault::at(member, FaultCode::InvalidFormat));
            } else if text.chars().count() > most {
                faults.push(Fault::at(member, FaultCode::TooLong));
            }
        };
        text("title", &self.title, 300);
        if let Some(approval) = &self.approval {
            text("approval", approval, 100);
        }
        if self.starts_on < EARLIEST {
            faults.push(Fault::at("starts_on", FaultCode::InvalidDate));
        }
        if self.ends_on.is_some_and(|last| last < self.starts_on) {
            faults.push(Fault::at("ends_on", FaultCode::WrongOrder));
        }
        if self.fields.len() > 50 {
            faults.push(Fault::at("fields", FaultCode::TooLong));
        }
        for (at, field) in self.fields.iter().enumerate().take(50) {
            let mut refuse = |member: &str, code| faults.push(Fault::new(format!("/fields/{at}/{member}"), code));
            if !is_code(&field.code, 1, false) {
                refuse("code", FaultCode::InvalidFormat);
            } else if self.fields.iter().take(at).any(|other| other.code == field.code) {
                refuse("code", FaultCode::AlreadyExists);
            }
            let of_options = field.kind == FieldKind::Option;
            if of_options == field.options.is_empty() {
                refuse("options", if of_options { FaultCode::Required } else { FaultCode::Contradiction });
            }
            if field.options.len() > 50 {
                refuse("options", FaultCode::TooLong);
            }
            for (place, FieldOption(option)) in field.options.iter().enumerate().take(50) {
                let code = if option.is_empty() || option.trim() != option {
                    FaultCode::InvalidFormat
                } else if option.chars().count() > 40 {
                    FaultCode::TooLong
                } else if field.options.iter().take(place).any(|before| before.0 == *option) {
                    FaultCode::AlreadyExists
                } else {
                    continue;
                };
                refuse(&format!("options/{place}"), code);
            }
        }
        faults
    }

    /// Returns the faults of a change to `next` for present participants: fields may be added and widened, not
    /// narrowed, and the period must include everyone who joined.
    pub fn faults_as(&self, next: &Self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for field in &self.fields {
            let Some((at, kept)) = next.fields.iter().enumerate().find(|(_, other)| other.code == field.code) else {
                faults.push(Fault::at("fields", FaultCode::InUse));
                continue;
            };
            let mut refuse = |member: &str| faults.push(Fault::new(format!("/fields/{at}/{member}"), FaultCode::InUse));
            if kept.kind != field.kind {
                refuse("kind");
            }
            if field.options.iter().any(|option| !kept.options.contains(option)) {
                refuse("options");
            }
            if kept.required && !field.required {
                refuse("required");
            }
        }
        let is_new = |field: &Field| !self.fields.iter().any(|known| known.code == field.code);
        let lacking = next.fields.iter().enumerate().filter(|(_, field)| field.required && is_new(field));
        faults.extend(lacking.map(|(at, _)| Fault::new(format!("/fields/{at}/required"), FaultCode::InUse)));
        if next.starts_on > self.starts_on {
            faults.push(Fault::at("starts_on", FaultCode::InUse));
        }
        faults
    }

    /// Returns the faults of a participant's values.
    pub(crate) fn faults_of(&self, values: &BTreeMap<String, Value>) -> Vec<Fault> {
        let mut faults = Vec::new();
        for name in values.keys().filter(|name| !self.fields.iter().any(|field| field.code == **name)) {
            faults.push(Fault::at(name, FaultCode::UnknownItem));
        }
        for field in &self.fields {
            let value = values.get(&field.code).filter(|value| !value.is_null());
            let code = match value {
                None => field.required.then_some(FaultCode::Required),
                Some(value) => field.fault_of(value),
            };
            faults.extend(code.map(|code| Fault::at(&field.code, code)));
        }
        faults
    }
}

impl Field {
    /// Returns the fault of a value of this field, if any.
    fn fault_of(&self, value: &Value) -> Option<FaultCode> {
        let is_option = |text: &str| self.options.iter().any(|option| option.0 == text);
        let (fits, code) = match (self.kind, value) {
            (FieldKind::Integer, Value::Number(number)) => (number.is_i64(), FaultCode::WrongType),
            (FieldKind::Decimal, Value::Number(_)) | (FieldKind::Boolean, Value::Bool(_)) => return None,
            // Written in one way only: instants and dates without dashes are read as dates too.
            (FieldKind::Date, Value::String(text)) => {
                (text.parse::<Date>().is_ok_and(|day| day.to_string() == *text), FaultCode::InvalidDate)
            }
            (FieldKind::Option, Value::String(text)) => (is_option(text), FaultCode::UnknownOption),
            _ => (false, FaultCode::WrongType),
        };
        (!fits).then_some(code)
    }
}
