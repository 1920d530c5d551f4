//! Submissions in the format of Nettskjema's API v3, one document each or one line per answer, into a [`Delivery`].
//!
//! The shape contains answers only; see [`parse`] for the effect of the form's definition. Only an element for the
//! national id identifies the respondent; names and e-mail addresses are not kept.

mod lines;

use serde_json::Value;

use super::assembly::{Assembly, Given};
use super::definition::{Element, ElementKind, Index, NettskjemaDefinition};
use super::reading::{Node, Reader, count, id};
use super::scalar::instant;
use super::{AnsweredBy, Delivery, Respondent};
use crate::fault::{Fault, FaultCode};

pub use self::lines::{Grouped, Lines, line_of, parse_lines};

/// Reads one submission of the form `form_id`. Times without an offset are Norwegian local time.
///
/// Rows of a matrix have a number only: without a definition that contains it, each is an `unknown_reference` at its
/// answer. With a definition, unanswered elements are distinguished (null, not ticked, hidden), so it must be the one
/// that was valid at submission; without one they are absent. Pointers point into the document. Unknown members are
/// ignored.
pub fn parse(
    form_id: &str,
    document: &Value,
    definition: Option<&NettskjemaDefinition>,
) -> Result<Delivery, Vec<Fault>> {
    let Value::Object(object) = document else { return Err(vec![Fault::new("", FaultCode::WrongType)]) };
    let root = Node { object, pointer: String::new() };
    let mut reader = Reader::default();
    let head = reader.required_node(&root, "submissionMetadata").and_then(|node| reader.head(&node, form_id));
    let submission_id = head.as_ref().map(|head| head.submission_id.clone());
    let list = reader.required(&root, "answers", Value::as_array).map_or(&[][..], Vec::as_slice);
    let (mut assembly, index) = (Assembly::default(), Index::of(definition));
    for node in reader.nodes_of(list, "/answers") {
        let whose = reader.optional(&node, "submissionId", id).map(|id| id.to_string());
        if whose.is_some() && submission_id.is_some() && whose != submission_id {
            reader.fault(&node, "submissionId", FaultCode::Contradiction);
        }
        if let Some(given) = reader.answer(&node, &index)
            && let Err(code) = assembly.put(given)
        {
            reader.faults.push(Fault::new(node.pointer, code));
        }
    }
    let read = head.map(|head| Delivery { answers: assembly.finish(definition), ..head });
    reader.finish(read)
}

impl Reader {
    /// Reads the members of the submission as a whole.
    fn head(&mut self, node: &Node<'_>, form_id: &str) -> Option<Delivery> {
        if self.required(node, "formId", id).is_some_and(|form| form.to_string() != form_id) {
            self.fault(node, "formId", FaultCode::Contradiction);
        }
        let submission_id = self.required(node, "submissionId", id);
        let created = self.required(node, "createdDate", Value::as_str).and_then(|text| {
            let created = instant(text);
            if created.is_none() {
                self.fault(node, "createdDate", FaultCode::InvalidDate);
            }
            created
        });
        let modified = self.optional_as(node, "modifiedDate", FaultCode::InvalidDate, |value| instant(value.as_str()?));
        let answer_time_ms = self.optional(node, "answerTime", count);
        Some(Delivery {
            form_id: form_id.to_owned(),
            submission_id: submission_id?.to_string(),
            created: created?,
            modified,
            answer_time_ms,
            respondent: Respondent { provider: None, patient: None, answered_by: AnsweredBy::Patient },
            answers: serde_json::Map::new(),
        })
    }

    fn answer<'d>(&mut self, node: &Node<'d>, index: &Index<'_>) -> Option<Given<'d>> {
        let number = self.optional(node, "elementId", id);
        let named = self.optional(node, "externalElementId", Value::as_str).filter(|key| !key.is_empty());
        let element = index.find(number, named);
        let key = named.map(str::to_owned);
        let key = key.or_else(|| element.map(|element| element.key.clone()));
        let Some(key) = key.or_else(|| number.map(|number| number.to_string())) else {
            self.fault(node, "externalElementId", FaultCode::Required);
            return None;
        };
        let kind = match self.optional(node, "elementType", Value::as_str) {
            Some(word) => ElementKind::of(word)?,
            None if element.is_some() => element?.kind,
            None => {
                self.fault(node, "elementType", FaultCode::Required);
                return None;
            }
        };
        let row = if kind.is_matrix() {
            let number = self.required(node, "subElementId", id)?;
            let row = element.and_then(|element| element.rows.iter().find(|row| row.id == Some(number)));
            let Some(row) = row else {
                self.faults.push(Fault::new(node.pointer.clone(), FaultCode::UnknownReference));
                return None;
            };
            Some(row.key.clone())
        } else {
            None
        };
        let options = self.options(node, element)?;
        let file = self.optional(node, "answerAttachmentId", id);
        let text = self.optional(node, "textAnswer", Value::as_str);
        Some(Given { key, kind, row, text, options, file })
    }

    /// The chosen options by key; an option that the codebook does not name is found by its number.
    fn options(&mut self, node: &Node<'_>, element: Option<&Element>) -> Option<Vec<String>> {
        let keys = self.optional(node, "externalAnswerOptionIds", Value::as_array).map_or(&[][..], Vec::as_slice);
        let numbers = self.optional(node, "answerOptionIds", Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut options = Vec::with_capacity(keys.len().max(numbers.len()));
        for at in 0..keys.len().max(numbers.len()) {
            let named = keys.get(at).and_then(Value::as_str).filter(|key| !key.is_empty()).map(str::to_owned);
            let key = named.or_else(|| {
                let number = id(numbers.get(at)?)?;
                let option = element?.options.iter().find(|option| option.id == Some(number))?;
                Some(option.key.clone())
            });
            let Some(key) = key else {
                self.fault(node, "externalAnswerOptionIds", FaultCode::UnknownReference);
                return None;
            };
            options.push(key);
        }
        Some(options)
    }
}
