//! One line an answer, as `GET /form/{id}/answers` gives them, gathered into whole submissions; what they mean is for
//! [`super::parse`].

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{Delivery, NettskjemaDefinition};
use crate::fault::{Fault, FaultCode};
use crate::nettskjema::Shape;
use crate::nettskjema::reading::{Node, Reader, id};

/// The members that every line repeats of its submission.
const HEAD: [&str; 3] = ["formId", "createdDate", "modifiedDate"];

/// Gathers consecutive lines of one submission. Holds one submission and the numbers of those before it.
#[derive(Default)]
pub struct Lines {
    line: u64,
    open: Option<Open>,
    /// The line before could not be read, so the submissions on both sides of it may lack an answer.
    torn: bool,
    done: HashSet<u64>,
}

/// A whole submission.
pub struct Grouped {
    /// The number of its first line, from 1.
    pub first_line: u64,
    /// The number of its lines.
    pub lines: u64,
    /// The submission in the format of one API v3 document: hashed and stored. Null in place of its answers: some
    /// could not be read.
    pub document: Value,
}

/// A submission that more lines may belong to.
struct Open {
    submission_id: u64,
    first_line: u64,
    lines: u64,
    head: Map<String, Value>,
    /// `None` as soon as one could not be read.
    answers: Option<Vec<Value>>,
}

impl Grouped {
    /// Reads the submission, see [`super::parse`].
    pub fn parse(&self, form_id: &str, definition: Option<&NettskjemaDefinition>) -> Result<Delivery, Vec<Fault>> {
        super::parse(form_id, &self.document, definition)
    }
}

impl Lines {
    /// Takes one line, an answer with its `formId`, `createdDate` and `modifiedDate`. Returns the preceding
    /// submission, where the line begins another one. A line that cannot be read makes its neighbours incomplete and
    /// refused, whatever else they contain (a line that is not JSON is pushed as null). A line of a submission that
    /// was returned before is refused (`already_exists`).
    pub fn push(&mut self, line: &Value) -> (Option<Grouped>, Result<(), Vec<Fault>>) {
        self.line += 1;
        match read(line) {
            Ok((submission_id, ..)) if self.done.contains(&submission_id) => {
                (None, Err(vec![Fault::at("submissionId", FaultCode::AlreadyExists)]))
            }
            Ok((submission_id, head, answer)) => match &mut self.open {
                Some(open) if open.submission_id == submission_id => {
                    // An unreadable line came between two lines of this submission.
                    self.torn = false;
                    (None, open.take(&head, answer))
                }
                _ => {
                    let answers = (!self.torn).then(|| vec![answer]);
                    let done = self.finish();
                    self.open = Some(Open { submission_id, first_line: self.line, lines: 1, head, answers });
                    (done, Ok(()))
                }
            },
            Err(faults) => {
                self.torn = true;
                if let Some(open) = &mut self.open {
                    open.answers = None;
                }
                (None, Err(faults))
            }
        }
    }

    /// The last submission. To be called when there are no more lines.
    pub fn finish(&mut self) -> Option<Grouped> {
        self.torn = false;
        let Open { submission_id, first_line, lines, head, answers } = self.open.take()?;
        self.done.insert(submission_id);
        let document = json!({"submissionMetadata": head, "answers": answers});
        Some(Grouped { first_line, lines, document })
    }
}

impl Open {
    /// Adds another line, if its members of the submission agree.
    fn take(&mut self, head: &Map<String, Value>, answer: Value) -> Result<(), Vec<Fault>> {
        self.lines += 1;
        let differs = |member: &&str| self.head.get(*member) != head.get(*member);
        let faults: Vec<_> =
            HEAD.into_iter().filter(differs).map(|member| Fault::at(member, FaultCode::Contradiction)).collect();
        if !faults.is_empty() {
            self.answers = None;
            return Err(faults);
        }
        if let Some(answers) = &mut self.answers {
            answers.push(answer);
        }
        Ok(())
    }
}

/// Returns the submission of a line, if it is such a line.
pub fn line_of(line: &Value) -> Option<u64> {
    if Shape::detect(line) == Some(Shape::ApiV3Line) { id(line.get("submissionId")?) } else { None }
}

/// Reads the lines of one submission. Pointers lead into the list (`/3/submissionId`), or, of what they say together, into
/// the document that they make. Lines of several submissions are a `contradiction`.
pub fn parse_lines(
    form_id: &str,
    lines: &[Value],
    definition: Option<&NettskjemaDefinition>,
) -> Result<Delivery, Vec<Fault>> {
    let mut gatherer = Lines::default();
    let mut faults = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let under = |fault: Fault| fault.under(&format!("/{index}"));
        let (before, taken) = gatherer.push(line);
        faults.extend(taken.err().into_iter().flatten().map(under));
        if before.is_some() {
            faults.push(under(Fault::at("submissionId", FaultCode::Contradiction)));
        }
    }
    match gatherer.finish() {
        Some(group) if faults.is_empty() => group.parse(form_id, definition),
        None if faults.is_empty() => Err(vec![Fault::new("", FaultCode::Required)]),
        _ => {
            faults.sort();
            Err(faults)
        }
    }
}

/// Splits a line into the number of its submission, the members of the submission, and the answer.
fn read(line: &Value) -> Result<(u64, Map<String, Value>, Value), Vec<Fault>> {
    let Value::Object(object) = line else { return Err(vec![Fault::new("", FaultCode::WrongType)]) };
    let mut reader = Reader::default();
    let node = Node { object, pointer: String::new() };
    let submission_id = reader.required(&node, "submissionId", id);
    let mut answer: Map<String, Value> = object.clone();
    let mut head = Map::new();
    for member in HEAD {
        head.extend(answer.remove_entry(member));
    }
    head.extend(answer.get_key_value("submissionId").map(|(name, value)| (name.clone(), value.clone())));
    reader.finish(submission_id).map(|id| (id, head, Value::Object(answer)))
}
