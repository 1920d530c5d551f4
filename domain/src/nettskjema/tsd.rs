//! Submissions in the format of TSD's survey API (tjenester for sensitive data), read strictly into a [`Delivery`],
//! independent of the form.

use serde_json::Value;

use super::reading::{Node, Reader, count, is_key};
use super::scalar::instant;
use super::{AnsweredBy, Delivery, GivenNationalId, Provider, Respondent};
use crate::fault::{Fault, FaultCode};
use crate::number::settled;
use crate::questionnaire::is_option;

/// The schema versions that are understood. What differs between them is not published: all take the same members.
pub const VERSIONS: [&str; 3] = ["2022-07", "2023-03", "2024-09"];

/// Reads one submission of the form `form_id`. Every fault is reported, sorted, with a pointer into the document;
/// members outside the schema are refused, codebook keys must match `^[A-Za-z0-9_]+$` to the end, and in a document of
/// another version only the version is checked. Optional members may be null. A time without an offset, which the schema
/// does not have, is Norwegian local time as in every other shape.
///
/// For an answer on the patient's behalf (`representation`), the patient is `pid_authorizer`, regardless of other
/// named people; a representation that does not name the patient is refused.
pub fn parse(form_id: &str, document: &Value) -> Result<Delivery, Vec<Fault>> {
    let Value::Object(root) = document else {
        return Err(vec![Fault::new("", FaultCode::WrongType)]);
    };
    let mut reader = Reader::default();
    let root = Node { object: root, pointer: String::new() };
    let version = reader.required(&root, "version", Value::as_str);
    if version.is_some_and(|version| !VERSIONS.contains(&version)) {
        return Err(vec![Fault::at("version", FaultCode::UnknownVersion)]);
    }
    reader.only(&root, &["version", "version_minor", "metadata", "answers"]);
    reader.required(&root, "version_minor", count);
    let metadata = reader.required_node(&root, "metadata").and_then(|node| reader.metadata(&node));
    let answers = reader.required_node(&root, "answers");
    if let Some(answers) = &answers {
        reader.answers(answers);
    }
    let read = metadata.zip(answers).map(|(metadata, answers)| Delivery {
        form_id: form_id.to_owned(),
        submission_id: metadata.submission_id.to_string(),
        created: metadata.created,
        modified: None,
        answer_time_ms: Some(metadata.answer_time_ms),
        respondent: metadata.respondent,
        answers: answers.object.iter().map(|(key, value)| (key.clone(), settled(value.clone()))).collect(),
    });
    reader.finish(read)
}

struct Metadata {
    created: jiff::Timestamp,
    answer_time_ms: u64,
    submission_id: u64,
    respondent: Respondent,
}

impl Reader {
    fn metadata(&mut self, node: &Node<'_>) -> Option<Metadata> {
        self.only(
            node,
            &[
                "created",
                "answer_time",
                "submission_id",
                "forwarded_to_form",
                "number_of_attachments",
                "respondent",
                "imported_from_legacy",
            ],
        );
        let created = self.required(node, "created", Value::as_str).and_then(|text| {
            let created = instant(text);
            if created.is_none() {
                self.fault(node, "created", FaultCode::InvalidDate);
            }
            created
        });
        let answer_time_ms = self.required(node, "answer_time", count);
        let submission_id = self.required(node, "submission_id", count);
        self.optional(node, "forwarded_to_form", count);
        self.optional(node, "number_of_attachments", count);
        self.optional(node, "imported_from_legacy", Value::as_bool);
        let respondent = match self.optional_node(node, "respondent") {
            Some(respondent) => self.respondent(&respondent),
            None => Respondent { provider: None, patient: None, answered_by: AnsweredBy::Patient },
        };
        Some(Metadata { created: created?, answer_time_ms: answer_time_ms?, submission_id: submission_id?, respondent })
    }

    fn respondent(&mut self, node: &Node<'_>) -> Respondent {
        self.only(node, &["provider", "sub", "personal_identifier", "user_name", "task_id", "representation"]);
        let provider = self.optional(node, "provider", Value::as_str).and_then(|text| {
            let provider = text.parse::<Provider>().ok();
            if provider.is_none() {
                self.fault(node, "provider", FaultCode::UnknownOption);
            }
            provider
        });
        for member in ["sub", "user_name", "task_id"] {
            self.optional(node, member, Value::as_str);
        }
        let own = self.optional(node, "personal_identifier", Value::as_str);
        match self.optional_node(node, "representation") {
            Some(representation) => {
                let (patient, answered_by) = self.representation(&representation);
                Respondent { provider, patient, answered_by }
            }
            None => Respondent {
                provider,
                patient: own.and_then(GivenNationalId::from_text),
                answered_by: AnsweredBy::Patient,
            },
        }
    }

    fn representation(&mut self, node: &Node<'_>) -> (Option<GivenNationalId>, AnsweredBy) {
        self.only(
            node,
            &["representation_type", "name_authorizer", "pid_authorizer", "representative_name", "representative_pid"],
        );
        for member in ["name_authorizer", "representative_name", "representative_pid"] {
            self.optional(node, member, Value::as_str);
        }
        let patient = self.required(node, "pid_authorizer", Value::as_str).and_then(|text| {
            let patient = GivenNationalId::from_text(text);
            if patient.is_none() {
                self.fault(node, "pid_authorizer", FaultCode::Required);
            }
            patient
        });
        let kind = self.required(node, "representation_type", Value::as_str).unwrap_or_default();
        if !kind.is_empty() && (kind.len() > 64 || !is_key(kind)) {
            self.fault(node, "representation_type", FaultCode::InvalidFormat);
        }
        (patient, AnsweredBy::Representative { kind: kind.to_owned() })
    }

    /// The shapes that a value may have, whatever the element; at most three levels, so nothing recurs.
    fn answers(&mut self, answers: &Node<'_>) {
        for (key, value) in answers.object {
            self.key(answers, key);
            match value {
                Value::Null | Value::String(_) | Value::Number(_) => {}
                Value::Object(rows) => {
                    let rows = Node { object: rows, pointer: answers.place(key) };
                    self.rows(&rows);
                }
                Value::Bool(_) | Value::Array(_) => self.fault(answers, key, FaultCode::WrongType),
            }
        }
    }

    /// `{row: text}`, `{box: ticked}`, `{row: {column: ticked}}`, and an attachment's two texts.
    fn rows(&mut self, rows: &Node<'_>) {
        for (row, value) in rows.object {
            self.option(rows, row);
            match value {
                Value::Null | Value::String(_) | Value::Bool(_) => {}
                Value::Object(columns) => {
                    let columns = Node { object: columns, pointer: rows.place(row) };
                    for (column, value) in columns.object {
                        self.option(&columns, column);
                        if !matches!(value, Value::Null | Value::Bool(_)) {
                            self.fault(&columns, column, FaultCode::WrongType);
                        }
                    }
                }
                Value::Number(_) | Value::Array(_) => self.fault(rows, row, FaultCode::WrongType),
            }
        }
    }

    /// A row, or an option's own key.
    fn option(&mut self, node: &Node<'_>, option: &str) {
        if !is_option(option) {
            self.fault(node, option, FaultCode::InvalidFormat);
        }
    }

    fn key(&mut self, node: &Node<'_>, key: &str) {
        if !is_key(key) {
            self.fault(node, key, FaultCode::InvalidFormat);
        }
    }
}
