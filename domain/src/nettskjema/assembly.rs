//! The answers of a whole form from single answers, with the unanswered elements, independent of the shape.
//!
//! Shapes with an object per answer (API v3, the older one) omit unanswered elements. The form's definition adds them:
//! an element that the answers show and that has no answer is null, a box of it that is not ticked is false; a box of
//! an element that the answers hide is null. Without a definition, only answered elements are present.

use serde_json::{Map, Value};

use super::definition::{Element, ElementKind, NettskjemaDefinition};
use super::reading::is_key;
use super::scalar::moment;
use crate::fault::FaultCode;
use crate::number::decimal;
use crate::questionnaire::is_option;

/// One answer, before it has its place.
pub(super) struct Given<'d> {
    pub(super) key: String,
    pub(super) kind: ElementKind,
    /// The row of a matrix.
    pub(super) row: Option<String>,
    pub(super) text: Option<&'d str>,
    /// The chosen options by key.
    pub(super) options: Vec<String>,
    /// The number of an attached file.
    pub(super) file: Option<u64>,
}

/// Answers that find their places one by one.
#[derive(Default)]
pub(super) struct Assembly {
    answers: Map<String, Value>,
}

impl Assembly {
    /// Stores an answer at its item, or reports why it has none.
    pub(super) fn put(&mut self, given: Given<'_>) -> Result<(), FaultCode> {
        let Given { key, kind, row, text, options, file } = given;
        let boxes = matches!(kind, ElementKind::Checkbox | ElementKind::MatrixCheckbox);
        let keys = [&key].into_iter().chain(&row).all(|key| is_key(key));
        if !keys || boxes && !options.iter().all(|option| is_option(option)) {
            return Err(FaultCode::InvalidFormat);
        }
        if boxes {
            for option in options {
                let path = [Some(key.clone()), row.clone(), Some(option)];
                place(&mut self.answers, path.into_iter().flatten(), Value::Bool(true))?;
            }
            return Ok(());
        }
        let value = match kind {
            ElementKind::Radio | ElementKind::Select | ElementKind::MatrixRadio => {
                match <[String; 1]>::try_from(options) {
                    Ok([option]) => Value::String(option),
                    Err(none) if none.is_empty() => Value::Null,
                    Err(_) => return Err(FaultCode::Contradiction),
                }
            }
            _ => worded(kind, text.unwrap_or_default())?,
        };
        let value = match (value, file) {
            (Value::Object(mut attached), Some(file)) => {
                attached.insert("file_id".to_owned(), Value::String(file.to_string()));
                Value::Object(attached)
            }
            (value, _) => value,
        };
        place(&mut self.answers, [Some(key), row].into_iter().flatten(), value)
    }

    /// All answers; with a definition also what was not answered.
    pub(super) fn finish(self, definition: Option<&NettskjemaDefinition>) -> Map<String, Value> {
        let mut answers = self.answers;
        for element in definition.into_iter().flat_map(|definition| &definition.elements) {
            let shown = answers.contains_key(&element.key) || element.is_shown(&answers);
            complete(answers.entry(element.key.clone()), element, shown);
        }
        answers
    }
}

/// The answer to a text element, in its type; null without an answer.
pub(super) fn worded(kind: ElementKind, text: &str) -> Result<Value, FaultCode> {
    Ok(match kind {
        _ if text.is_empty() => Value::Null,
        ElementKind::Number | ElementKind::LinearScale => decimal(text).ok_or(FaultCode::WrongType)?,
        ElementKind::Date => moment(text).ok_or(FaultCode::InvalidDate)?.into(),
        ElementKind::Attachment => Map::from_iter([("original_filename".to_owned(), Value::from(text))]).into(),
        _ => text.into(),
    })
}

/// Stores a value at the end of a path of keys, which must be empty.
pub(super) fn place(
    answers: &mut Map<String, Value>,
    mut path: impl Iterator<Item = String>,
    value: Value,
) -> Result<(), FaultCode> {
    let Some(mut key) = path.next() else { return Err(FaultCode::Required) };
    let mut level = answers;
    for inner in path {
        let next = level.entry(std::mem::replace(&mut key, inner)).or_insert_with(|| Map::new().into());
        level = next.as_object_mut().ok_or(FaultCode::Contradiction)?;
    }
    match level.insert(key, value) {
        None => Ok(()),
        Some(_) => Err(FaultCode::Contradiction),
    }
}

/// Adds what was not answered.
fn complete(entry: serde_json::map::Entry<'_>, element: &Element, shown: bool) {
    let boxes = |level: &mut Value| {
        for option in &element.options {
            let unticked = if shown { Value::Bool(false) } else { Value::Null };
            if let Some(level) = level.as_object_mut() {
                level.entry(&option.key).or_insert(unticked);
            }
        }
    };
    let empty = || Value::Object(Map::new());
    match element.kind {
        ElementKind::Checkbox => boxes(entry.or_insert_with(empty)),
        ElementKind::MatrixRadio | ElementKind::MatrixCheckbox => {
            let Some(rows) = entry.or_insert_with(empty).as_object_mut() else { return };
            for row in &element.rows {
                let row = rows.entry(&row.key);
                match element.kind {
                    ElementKind::MatrixCheckbox => boxes(row.or_insert_with(empty)),
                    _ => _ = row.or_insert(Value::Null),
                }
            }
        }
        _ => _ = entry.or_insert(Value::Null),
    }
}
