//! What a Nettskjema form looks like (metadata): its elements, options and rows with the keys of the codebook. Read from
//! whatever Nettskjema or TSD gives, leniently: what is not understood is left out, for nothing here is an answer.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr};

use super::oslo_instant;
use crate::fault::{Fault, FaultCode};

/// One version of a form, as far as answers need it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// When Nettskjema made this version, where it says so.
    generated_at: Option<Timestamp>,
    /// In the form's order.
    elements: Vec<Element>,
}

/// One element of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    /// Nettskjema's number of it; stays when the key changes.
    pub id: u64,
    /// Its key in the codebook.
    pub key: String,
    /// What it is.
    pub kind: ElementKind,
    /// Its options, or a matrix' columns.
    pub options: Vec<AnswerOption>,
    /// A matrix' rows.
    pub rows: Vec<Row>,
    /// Shown only if one of these options is chosen; always, if there is none.
    pub visible_if: Vec<u64>,
}

/// One option of an element.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerOption {
    /// Nettskjema's number of it.
    pub id: u64,
    /// Its key in the codebook.
    pub key: String,
}

/// One row of a matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Nettskjema's number of it.
    pub id: u64,
    /// Its key in the codebook.
    pub key: String,
}

/// What an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ElementKind {
    /// One of several options.
    Radio,
    /// One of several options, in a list.
    Select,
    /// Any of several options.
    Checkbox,
    /// One option a row.
    MatrixRadio,
    /// Any options a row.
    MatrixCheckbox,
    /// A number.
    Number,
    /// A point on a scale.
    LinearScale,
    /// A day, a time of day, or both.
    Date,
    /// A file.
    Attachment,
    /// Words, an address or a number that identifies somebody.
    #[serde(other)]
    #[strum(disabled)]
    Text,
}

impl ElementKind {
    /// What Nettskjema's word for an element means.
    pub fn of(word: &str) -> Self {
        word.parse().unwrap_or(Self::Text)
    }
}

impl Definition {
    /// Every version that a document holds: API v3 `definition` (an object) or `elements` (an array of elements), TSD
    /// `metadata` (an object, or an array of versions), or the older definition with pages. `wrong_type` at the root where it
    /// is none of them.
    pub fn read(document: &Value) -> Result<Vec<Self>, Vec<Fault>> {
        let nothing = || vec![Fault::new("", FaultCode::WrongType)];
        match document {
            Value::Array(items) if items.iter().any(|item| item.get("elementType").is_some()) => {
                Ok(vec![Self { generated_at: None, elements: items.iter().flat_map(elements_of).collect() }])
            }
            Value::Array(versions) if !versions.is_empty() => {
                versions.iter().map(|version| Self::one(version).ok_or_else(nothing)).collect()
            }
            one => Self::one(one).map(|one| vec![one]).ok_or_else(nothing),
        }
    }

    fn one(document: &Value) -> Option<Self> {
        let object = document.as_object()?;
        let under = |node: &Map<String, Value>| node.get("elements").and_then(Value::as_array).cloned();
        let elements = match object.get("pages").and_then(Value::as_array) {
            Some(pages) => pages.iter().filter_map(Value::as_object).filter_map(under).flatten().collect(),
            None => under(object)?,
        };
        let instant = |name: &str| object.get(name).and_then(Value::as_str).and_then(oslo_instant);
        Some(Self {
            generated_at: instant("generatedDate").or_else(|| instant("modifiedDate")),
            elements: elements.iter().flat_map(elements_of).collect(),
        })
    }

    /// When Nettskjema made this version, where it says so.
    pub const fn generated_at(&self) -> Option<Timestamp> {
        self.generated_at
    }

    /// The elements, in the form's order.
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// The element of this key.
    pub fn element(&self, key: &str) -> Option<&Element> {
        self.elements.iter().find(|element| element.key == key)
    }

    /// Every path of the codebook: `key`, or `matrix.row`.
    pub fn paths(&self) -> impl Iterator<Item = String> {
        self.elements.iter().flat_map(|element| {
            let rows: Vec<String> = element.rows.iter().map(|row| format!("{}.{}", element.key, row.key)).collect();
            if rows.is_empty() { vec![element.key.clone()] } else { rows }
        })
    }

    /// The key of the path at the same place of the form: the same element, and row.
    pub fn same_place(&self, element: u64, row: Option<u64>) -> Option<String> {
        let element = self.elements.iter().find(|known| known.id == element)?;
        let Some(row) = row else { return Some(element.key.clone()) };
        let row = element.rows.iter().find(|known| known.id == row)?;
        Some(format!("{}.{}", element.key, row.key))
    }

    /// The numbers of what a path names.
    pub fn place_of(&self, path: &str) -> Option<(u64, Option<u64>)> {
        let (key, row) = path.split_once('.').map_or((path, None), |(key, row)| (key, Some(row)));
        let element = self.element(key)?;
        let Some(row) = row else { return Some((element.id, None)) };
        let row = element.rows.iter().find(|known| known.key == row)?;
        Some((element.id, Some(row.id)))
    }
}

impl Element {
    /// The option of this number.
    pub fn option(&self, id: u64) -> Option<&AnswerOption> {
        self.options.iter().find(|option| option.id == id)
    }
}

fn number(node: &Value, name: &str) -> Option<u64> {
    node.get(name).and_then(Value::as_u64)
}

fn text<'v>(node: &'v Value, name: &str) -> Option<&'v str> {
    node.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn list<'v>(node: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    node.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn options(node: &Value) -> Vec<AnswerOption> {
    let option = |option: &Value| {
        Some(AnswerOption {
            id: number(option, "answerOptionId")?,
            key: text(option, "externalAnswerOptionId")?.to_owned(),
        })
    };
    list(node, "answerOptions").filter_map(option).collect()
}

/// The elements that a node stands for: itself, or, in the older shape, each of its questions.
fn elements_of(node: &Value) -> Vec<Element> {
    let kind = ElementKind::of(text(node, "elementType").unwrap_or_default());
    let visible_if = list(node, "answerOptionsVisibilityFilter")
        .filter_map(|option| option.as_u64().or_else(|| number(option, "answerOptionId")))
        .chain(list(node, "visibilityAnswerOptionIds").filter_map(Value::as_u64));
    let visible_if: Vec<u64> = visible_if.collect();
    let columns = options(node);
    if node.get("questions").is_some() {
        let question = |question: &Value| {
            let own = options(question);
            let kind = match kind {
                ElementKind::MatrixRadio => ElementKind::Radio,
                ElementKind::MatrixCheckbox => ElementKind::Checkbox,
                other => other,
            };
            Some(Element {
                id: number(question, "questionId")?,
                key: text(question, "externalQuestionId")?.to_owned(),
                kind,
                options: if own.is_empty() { columns.clone() } else { own },
                rows: Vec::new(),
                visible_if: visible_if.clone(),
            })
        };
        return list(node, "questions").filter_map(question).collect();
    }
    let row =
        |row: &Value| Some(Row { id: number(row, "subElementId")?, key: text(row, "externalElementId")?.to_owned() });
    let rows = list(node, "subElements").filter_map(row).collect();
    let element = || {
        let (id, key) = (number(node, "elementId")?, text(node, "externalElementId")?.to_owned());
        Some(Element { id, key, kind, options: columns, rows, visible_if })
    };
    element().into_iter().collect()
}
