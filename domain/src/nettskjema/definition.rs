//! The definition of a Nettskjema form (metadata): its elements by codebook key, from any of the shapes. The mapping
//! of elements to items is part of the codebook.

mod differences;
mod read;

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{EnumIter, EnumString, IntoStaticStr};

pub use self::differences::{DefinitionChange, DefinitionDifference, Level, differences};
use super::Delivery;

/// One version of a Nettskjema form, stored as JSON; [`NettskjemaDefinition::read`] reads the documents of Nettskjema.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NettskjemaDefinition {
    /// The title, without mark-up.
    pub title: String,
    /// Its language, such as `nb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The time when Nettskjema created this version (`generatedDate`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Timestamp>,
    /// The time of the last change of the form (`modifiedDate`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
    /// The elements that can be answered, in the form's order; headings, pictures and page breaks are left out.
    pub elements: Vec<Element>,
}

/// An element that can be answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Element {
    /// The number of the element, where the shape has one; it stays the same when the key changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// Its key in the codebook (`externalElementId`); its number, where the codebook does not name it.
    pub key: String,
    /// The kind of the element.
    pub kind: ElementKind,
    /// The beginning of its text, without mark-up.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// The options; for a matrix its columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Part>,
    /// The rows of a matrix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Part>,
    /// The element is shown if one of these options is chosen; empty: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_if: Option<Vec<Picked>>,
    /// Whether an answer is mandatory, if the element is shown.
    #[serde(default)]
    pub mandatory: bool,
    /// Whether the answer is delivered as a hash only.
    #[serde(default)]
    pub hashed: bool,
    /// Decimals of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u8>,
    /// The smallest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The largest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

/// An option of an element, or a row of a matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The number of the option, where the shape has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// Its key in the codebook; its number, where the codebook does not name it.
    pub key: String,
    /// The beginning of its text, without mark-up.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
}

/// An option of an element that shows another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picked {
    /// The element's key.
    pub element: String,
    /// The option's key.
    pub option: String,
}

/// The kind of element, in the vocabulary of Nettskjema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, EnumString, IntoStaticStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ElementKind {
    /// An attached file.
    Attachment,
    /// Any number of the options.
    Checkbox,
    /// A day, a time, or both.
    Date,
    /// A number on a line.
    LinearScale,
    /// Any number of the columns, row by row.
    MatrixCheckbox,
    /// One of the columns, row by row.
    MatrixRadio,
    /// The national id number (fødselsnummer).
    NationalIdNumber,
    /// A number within limits.
    Number,
    /// One of the options.
    Radio,
    /// One of the options, from a list.
    Select,
    /// Another element that is answered as text.
    Question,
}

impl ElementKind {
    /// Returns the kind for Nettskjema's word; `None` for elements that cannot be answered. Unknown words are text
    /// elements.
    pub(super) fn of(word: &str) -> Option<Self> {
        let silent = ["ACCORDION", "HEADING", "IMAGE", "PAGE_BREAK", "TEXT"];
        (!silent.contains(&word)).then(|| word.parse().unwrap_or(Self::Question))
    }

    pub(super) fn is_matrix(self) -> bool {
        matches!(self, Self::MatrixCheckbox | Self::MatrixRadio)
    }
}

/// The elements, to be found by number and by key.
#[derive(Default)]
pub(super) struct Index<'d> {
    by_id: HashMap<u64, &'d Element>,
    by_key: HashMap<&'d str, &'d Element>,
}

impl<'d> Index<'d> {
    pub(super) fn of(definition: Option<&'d NettskjemaDefinition>) -> Self {
        let elements = || definition.into_iter().flat_map(|definition| &definition.elements);
        Self {
            by_id: elements().filter_map(|element| Some((element.id?, element))).collect(),
            by_key: elements().map(|element| (element.key.as_str(), element)).collect(),
        }
    }

    /// Finds an element by number, else by key.
    pub(super) fn find(&self, id: Option<u64>, key: Option<&str>) -> Option<&'d Element> {
        let by_key = || self.by_key.get(key?).copied();
        id.and_then(|id| self.by_id.get(&id).copied()).or_else(by_key)
    }
}

impl NettskjemaDefinition {
    /// The time of the version, according to Nettskjema.
    pub fn generated_at(&self) -> Option<Timestamp> {
        self.generated.or(self.modified)
    }

    /// The content to hash: equal for versions that differ only in the time of creation.
    pub fn canonical(&self) -> Vec<u8> {
        let timeless = Self { generated: None, modified: None, ..self.clone() };
        serde_json::to_value(timeless).unwrap_or_default().to_string().into_bytes()
    }

    /// Infers keys, rows and boxes of a form from a delivery, where no definition is stored.
    pub fn guessed(delivery: &Delivery) -> Self {
        let parts = |keys: &mut dyn Iterator<Item = &String>| -> Vec<Part> {
            keys.map(|key| Part { id: None, key: key.clone(), label: String::new() }).collect()
        };
        let elements = delivery.answers.iter().map(|(key, value)| {
            let (kind, options, rows) = match value {
                Value::Object(inner) => match inner.values().find(|value| !value.is_null()) {
                    Some(Value::Object(columns)) => {
                        (ElementKind::MatrixCheckbox, parts(&mut columns.keys()), parts(&mut inner.keys()))
                    }
                    Some(Value::Bool(_)) => (ElementKind::Checkbox, parts(&mut inner.keys()), Vec::new()),
                    _ => (ElementKind::MatrixRadio, Vec::new(), parts(&mut inner.keys())),
                },
                Value::Number(_) => (ElementKind::Number, Vec::new(), Vec::new()),
                _ => (ElementKind::Question, Vec::new(), Vec::new()),
            };
            Element { options, rows, ..Element::new(key.clone(), kind) }
        });
        Self { elements: elements.collect(), ..Self::default() }
    }

    /// Every path of the codebook, `key` or `matrix.row`, in the form's order.
    pub fn paths(&self) -> impl Iterator<Item = String> {
        self.places().map(Place::path)
    }

    pub(super) fn places(&self) -> impl Iterator<Item = Place<'_>> {
        self.elements.iter().flat_map(|element| {
            let whole = element.rows.is_empty().then_some(Place { element, row: None });
            whole.into_iter().chain(element.rows.iter().map(move |row| Place { element, row: Some(row) }))
        })
    }
}

/// The target of a codebook path: an element, or a row of a matrix.
#[derive(Clone, Copy)]
pub(super) struct Place<'d> {
    pub(super) element: &'d Element,
    pub(super) row: Option<&'d Part>,
}

impl Place<'_> {
    pub(super) fn path(self) -> String {
        let key = &self.element.key;
        self.row.map_or_else(|| key.clone(), |row| format!("{key}.{}", row.key))
    }

    /// Whether both are the same place of the form, whatever their keys are.
    pub(super) fn is_same_place(self, other: Place<'_>) -> bool {
        let same = |one: Option<u64>, other: Option<u64>| one.is_some() && one == other;
        let same_row = match (self.row, other.row) {
            (None, None) => true,
            (Some(one), Some(other)) => same(one.id, other.id),
            _ => false,
        };
        same(self.element.id, other.element.id) && same_row
    }
}

impl Element {
    pub(super) fn new(key: String, kind: ElementKind) -> Self {
        Self {
            id: None,
            key,
            kind,
            label: String::new(),
            options: Vec::new(),
            rows: Vec::new(),
            shown_if: None,
            mandatory: false,
            hashed: false,
            decimals: None,
            min: None,
            max: None,
        }
    }

    /// Whether these answers show the element.
    pub(super) fn is_shown(&self, answers: &Map<String, Value>) -> bool {
        let picked = |picked: &Picked| match answers.get(&picked.element) {
            Some(Value::String(option)) => *option == picked.option,
            Some(Value::Object(boxes)) => boxes.get(&picked.option) == Some(&Value::Bool(true)),
            _ => false,
        };
        self.shown_if.as_ref().is_none_or(|any| any.iter().any(picked))
    }
}
