//! Submissions as Nettskjema's API v3 gives them: an object with its answers, or a line an answer (NDJSON). Dates are
//! `dd.MM.yyyy`, decimals have a comma, instants are Norwegian local time without an offset (facts: the recorded responses of
//! the R client nettskjemar).
//!
//! What this shape cannot tell: an element without an answer was hidden or left open. Of boxes that were shown for certain,
//! because the form's definition says so, those without a tick are "not ticked".

use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use super::definition::{Definition, Element, ElementKind};
use super::{AnsweredBy, Delivery, Respondent, oslo_instant};
use crate::fault::{Fault, FaultCode};

/// The submission that one line of the long format belongs to; `None` where it is no such line.
pub fn line_of(line: &Value) -> Option<u64> {
    line.get("answerId").or_else(|| line.get("elementId"))?;
    line.get("submissionId")?.as_u64()
}

/// Reads lines of the long format that belong to one submission.
pub fn parse_lines(form_id: &str, lines: &[Value], definition: Option<&Definition>) -> Result<Delivery, Vec<Fault>> {
    let first = lines.first().cloned().unwrap_or_default();
    let mut metadata = Map::new();
    for member in ["formId", "submissionId", "createdDate", "modifiedDate", "answerTime"] {
        metadata.extend(first.get(member).map(|value| (member.to_owned(), value.clone())));
    }
    let mut document = Map::new();
    document.insert("submissionMetadata".to_owned(), metadata.into());
    document.insert("answers".to_owned(), lines.to_vec().into());
    parse(form_id, &document.into(), definition)
}

/// Reads one submission of the form `form_id`. Every fault is reported, sorted, with a pointer into the document. A matrix
/// is told by its rows' numbers, which only the form's definition knows: without it, or where it does not have the row, an
/// answer in a matrix is `unknown_reference`.
pub fn parse(form_id: &str, document: &Value, definition: Option<&Definition>) -> Result<Delivery, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut fault = |pointer: &str, code| faults.push(Fault::new(pointer, code));
    let metadata = |name: &str| document.get("submissionMetadata").and_then(|metadata| metadata.get(name));
    let submission_id = metadata("submissionId").and_then(Value::as_u64);
    if submission_id.is_none() {
        fault("/submissionMetadata/submissionId", FaultCode::Required);
    }
    if metadata("formId").and_then(Value::as_u64).is_some_and(|named| named.to_string() != form_id) {
        fault("/submissionMetadata/formId", FaultCode::Contradiction);
    }
    let created = metadata("createdDate").and_then(Value::as_str).and_then(oslo_instant);
    if created.is_none() {
        fault("/submissionMetadata/createdDate", FaultCode::InvalidDate);
    }
    let Some(given) = document.get("answers").and_then(Value::as_array) else {
        faults.push(Fault::new("/answers", FaultCode::Required));
        return Err(faults);
    };
    let mut reader = Reader { definition, answers: Map::new(), chosen: HashSet::new(), faults };
    for (at, answer) in given.iter().enumerate() {
        if let Err((member, code)) = reader.answer(answer) {
            reader.faults.push(Fault::new(format!("/answers/{at}{member}"), code));
        }
    }
    reader.not_ticked();
    let Reader { answers, mut faults, .. } = reader;
    match (submission_id, created) {
        (Some(submission_id), Some(created)) if faults.is_empty() => Ok(Delivery {
            form_id: form_id.to_owned(),
            submission_id: submission_id.to_string(),
            created,
            answer_time_ms: metadata("answerTime").and_then(Value::as_u64),
            respondent: Respondent { provider: None, patient: None, answered_by: AnsweredBy::Patient },
            answers,
        }),
        _ => {
            faults.sort();
            Err(faults)
        }
    }
}

struct Reader<'d> {
    definition: Option<&'d Definition>,
    answers: Map<String, Value>,
    /// Numbers of the options that were chosen: what is shown hangs on them.
    chosen: HashSet<u64>,
    faults: Vec<Fault>,
}

type Refused = (&'static str, FaultCode);

impl Reader<'_> {
    fn answer(&mut self, answer: &Value) -> Result<(), Refused> {
        const KEY: &str = "/externalElementId";
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let key = text("externalElementId").filter(|key| !key.is_empty()).ok_or((KEY, FaultCode::Required))?;
        let kind = text("elementType").map(ElementKind::of).ok_or(("/elementType", FaultCode::Required))?;
        let element = self.definition.and_then(|definition| definition.element(key));
        let ids = |name: &str| answer.get(name).and_then(Value::as_array).into_iter().flatten();
        self.chosen.extend(ids("answerOptionIds").filter_map(Value::as_u64));
        let options: Vec<&str> = ids("externalAnswerOptionIds").filter_map(Value::as_str).collect();
        let value = match kind {
            ElementKind::Radio | ElementKind::Select => one_of(&options)?,
            ElementKind::Checkbox => ticks(&options, element),
            ElementKind::MatrixRadio | ElementKind::MatrixCheckbox => {
                let row = answer.get("subElementId").and_then(Value::as_u64);
                let row = element.and_then(|element| element.rows.iter().find(|known| Some(known.id) == row));
                let row = row.ok_or(("/subElementId", FaultCode::UnknownReference))?;
                let value = if kind == ElementKind::MatrixRadio { one_of(&options)? } else { ticks(&options, element) };
                let rows = self.answers.entry(key).or_insert_with(|| Map::new().into());
                let Some(rows) = rows.as_object_mut() else { return Err((KEY, FaultCode::Contradiction)) };
                return match rows.insert(row.key.clone(), value) {
                    Some(_) => Err((KEY, FaultCode::Contradiction)),
                    None => Ok(()),
                };
            }
            ElementKind::Number | ElementKind::LinearScale => match text("textAnswer").unwrap_or_default() {
                "" => Value::Null,
                words => number(words).ok_or(("/textAnswer", FaultCode::WrongType))?,
            },
            ElementKind::Date => match text("textAnswer").unwrap_or_default() {
                "" => Value::Null,
                words => iso(words).map(Value::from).ok_or(("/textAnswer", FaultCode::InvalidDate))?,
            },
            ElementKind::Attachment => Value::Null,
            ElementKind::Text => text("textAnswer").filter(|words| !words.is_empty()).map_or(Value::Null, Value::from),
        };
        match self.answers.insert(key.to_owned(), value) {
            Some(_) => Err((KEY, FaultCode::Contradiction)),
            None => Ok(()),
        }
    }

    /// Boxes that were shown and of which none was ticked have no answer in this shape.
    fn not_ticked(&mut self) {
        let boxes = self.definition.into_iter().flat_map(Definition::elements);
        for element in boxes.filter(|element| element.kind == ElementKind::Checkbox && !element.options.is_empty()) {
            let shown = element.visible_if.is_empty() || element.visible_if.iter().any(|id| self.chosen.contains(id));
            if shown && !self.answers.contains_key(&element.key) {
                self.answers.insert(element.key.clone(), ticks(&[], Some(element)));
            }
        }
    }
}

fn one_of(options: &[&str]) -> Result<Value, Refused> {
    match options {
        [] => Ok(Value::Null),
        [one] => Ok((*one).into()),
        _ => Err(("/externalAnswerOptionIds", FaultCode::Contradiction)),
    }
}

/// Ticked boxes, and those of the same element that were not.
fn ticks(options: &[&str], element: Option<&Element>) -> Value {
    let shown = element.into_iter().flat_map(|element| &element.options);
    let mut ticks: Map<String, Value> = shown.map(|option| (option.key.clone(), false.into())).collect();
    ticks.extend(options.iter().map(|option| ((*option).to_owned(), true.into())));
    ticks.into()
}

/// `4,5` and `4.5`.
fn number(words: &str) -> Option<Value> {
    let number: Number = words.trim().replace(',', ".").parse().ok()?;
    Some(Value::Number(number))
}

/// `01.06.2023`, with a time of day or without, as ISO 8601 has it; a time of day alone stays.
fn iso(words: &str) -> Option<String> {
    let (day, time) = words.split_once(' ').map_or((words, None), |(day, time)| (day, Some(time)));
    let mut parts = day.split('.');
    let (Some(day), Some(month), Some(year), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return words.parse::<jiff::civil::Date>().map(|day| day.to_string()).ok().or_else(|| clock(words));
    };
    let digits = |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(day, 2) || !digits(month, 2) || !digits(year, 4) {
        return None;
    }
    let day: jiff::civil::Date = format!("{year}-{month}-{day}").parse().ok()?;
    match time {
        Some(time) => Some(format!("{day}T{}", clock(time)?)),
        None => Some(day.to_string()),
    }
}

/// `12:00`.
fn clock(words: &str) -> Option<String> {
    words.parse::<jiff::civil::Time>().ok().filter(|_| words.len() == 5).map(|_| words.to_owned())
}
