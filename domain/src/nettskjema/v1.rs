//! Submissions in the older JSON format, with definitions in pages and questions, into a [`Delivery`]. An answer is
//! meaningless without that definition, which is therefore required; the rows of its matrices are separate elements.

use serde_json::Value;

use super::assembly::{Assembly, Given};
use super::definition::{Index, NettskjemaDefinition};
use super::reading::{Node, Reader, count, id};
use super::scalar::instant;
use super::{AnsweredBy, Delivery, Respondent};
use crate::fault::{Fault, FaultCode};

/// Reads one submission of the form `form_id`; its answers stand in a list, or by question (`answersAsMap`). An answer to a
/// question that the definition does not have is an `unknown_reference`, and so is every answer without a definition.
/// Whatever else [`super::api_v3::parse`] says of unanswered elements and of pointers holds here.
pub fn parse(
    form_id: &str,
    document: &Value,
    definition: Option<&NettskjemaDefinition>,
) -> Result<Delivery, Vec<Fault>> {
    let Value::Object(object) = document else { return Err(vec![Fault::new("", FaultCode::WrongType)]) };
    let root = Node { object, pointer: String::new() };
    let mut reader = Reader::default();
    if reader.optional(&root, "formId", id).is_some_and(|form| form.to_string() != form_id) {
        reader.fault(&root, "formId", FaultCode::Contradiction);
    }
    let submission_id = reader.required(&root, "submissionId", id);
    let mut at = |member| reader.optional_as(&root, member, FaultCode::InvalidDate, |value| instant(value.as_str()?));
    let (created, modified) = (at("createdDate"), at("modifiedDate"));
    if !object.contains_key("createdDate") {
        reader.fault(&root, "createdDate", FaultCode::Required);
    }
    let answer_time_ms = reader.optional(&root, "answerTime", count);
    let nodes = if object.contains_key("answers") || !object.contains_key("answersAsMap") {
        reader.required(&root, "answers", Value::as_array);
        reader.nodes(&root, "answers")
    } else {
        let by_question = reader.required_node(&root, "answersAsMap");
        let members =
            by_question.iter().flat_map(|node| node.object.iter().map(|(key, value)| (node.place(key), value)));
        members.filter_map(|(pointer, value)| reader.node(value, pointer)).collect()
    };
    let (mut assembly, index) = (Assembly::default(), Index::of(definition));
    for node in nodes {
        if let Some(given) = reader.question(&node, &index)
            && let Err(code) = assembly.put(given)
        {
            reader.faults.push(Fault::new(node.pointer, code));
        }
    }
    let read = submission_id.zip(created).map(|(submission_id, created)| Delivery {
        form_id: form_id.to_owned(),
        submission_id: submission_id.to_string(),
        created,
        modified,
        answer_time_ms,
        respondent: Respondent { provider: None, patient: None, answered_by: AnsweredBy::Patient },
        answers: assembly.finish(definition),
    });
    reader.finish(read)
}

impl Reader {
    fn question<'d>(&mut self, node: &Node<'d>, index: &Index<'_>) -> Option<Given<'d>> {
        let number = self.optional(node, "questionId", id);
        let named = self.optional(node, "externalQuestionId", Value::as_str);
        let Some(element) = index.find(number, named) else {
            self.faults.push(Fault::new(node.pointer.clone(), FaultCode::UnknownReference));
            return None;
        };
        let mut options = Vec::new();
        for option in self.nodes(node, "answerOptions") {
            let named = self.optional(&option, "externalAnswerOptionId", Value::as_str).filter(|key| !key.is_empty());
            let number = self.optional(&option, "answerOptionId", id);
            let known = || element.options.iter().find(|known| known.id.is_some() && known.id == number);
            match named.map(str::to_owned).or_else(|| known().map(|known| known.key.clone())) {
                Some(key) => options.push(key),
                None => self.faults.push(Fault::new(option.pointer, FaultCode::UnknownReference)),
            }
        }
        let text = self.optional(node, "textAnswer", Value::as_str);
        let text = text.or_else(|| self.optional(node, "unfilteredTextAnswer", Value::as_str));
        Some(Given { key: element.key.clone(), kind: element.kind, row: None, text, options, file: None })
    }
}
