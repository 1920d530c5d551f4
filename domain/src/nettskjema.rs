//! Deliveries of Nettskjema (the University of Oslo's survey service) in any wire shape, as one [`Delivery`]. Placing
//! a delivery and checking the range of its answers are done elsewhere.
//!
//! The representation of an element without an answer in each shape:
//!
//! | shape | unanswered | box not ticked | box hidden |
//! |---|---|---|---|
//! | [`tsd`] | null or absent | false | null or absent |
//! | [`api_v3`], [`v1`] with the form's [`NettskjemaDefinition`] | null | false | null |
//! | [`api_v3`] without one | absent | absent | absent |
//! | [`csv_v1`] | null | false | null |
//!
//! No shape distinguishes unanswered from hidden elements, except boxes; the conditions of the registry's own form do.

pub mod api_v3;
mod assembly;
mod codebook;
pub mod csv_v1;
mod definition;
mod proposal;
mod reading;
mod scalar;
mod shape;
pub mod tsd;
pub mod v1;

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr};

use crate::fault::{Fault, FaultCode, escape};
use crate::number;
use crate::questionnaire::{Answers, ItemKind, NATIONAL_ID_TARGET, Shape as Asked};

pub use self::codebook::{Codebook, IGNORED_TARGET, INVITATION_TARGET};
pub use self::definition::{
    DefinitionChange, DefinitionDifference, Element, ElementKind, Level, NettskjemaDefinition, Part, Picked,
    differences,
};
pub use self::proposal::{Proposal, ProposalReason, propose};
pub use self::shape::{Shape, created_of, parse, submission_of};

/// One submitted form, whole and unchanged in meaning. `Debug` shows neither answers nor identity.
#[derive(Clone, PartialEq)]
pub struct Delivery {
    /// The form's number in Nettskjema.
    pub form_id: String,
    /// The submission's number: with the form's it identifies the delivery.
    pub submission_id: String,
    /// The time of submission; midnight for forms that collect no personal data.
    pub created: Timestamp,
    /// The time of the last change, where the shape has it.
    pub modified: Option<Timestamp>,
    /// The time spent on the form, in milliseconds.
    pub answer_time_ms: Option<u64>,
    /// The person who answered and the patient.
    pub respondent: Respondent,
    /// Codebook key -> value: text, number, null, `{row: text}`, `{box: ticked}` or `{row: {column: ticked}}`.
    pub answers: Map<String, Value>,
}

/// The person who answered and the patient. Names and addresses are never kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Respondent {
    /// The login method of the respondent, if any.
    pub provider: Option<Provider>,
    /// The national id of the patient: of the represented person, where the answers are given on the patient's behalf.
    pub patient: Option<GivenNationalId>,
    /// The kind of person who answered.
    pub answered_by: AnsweredBy,
}

/// A login method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Provider {
    /// TSD (tjenester for sensitive data).
    Tsd,
    /// ID-porten, the public sector's login.
    Idporten,
    /// Feide, the universities' login.
    Feide,
    /// A task on Helsenorge.
    Helsenorge,
}

/// The person who filled in the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The patient, according to the delivery.
    Patient,
    /// A representative of the patient.
    Representative {
        /// The source's own word for the relation, such as `PARENT`; open.
        kind: String,
    },
}

/// A national id number as it was given, unchecked. `Debug` hides it; [`crate`]'s number types check it.
#[derive(Clone, PartialEq, Eq)]
pub struct GivenNationalId(String);

impl GivenNationalId {
    /// The number as given, or nothing for empty text.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The number itself: to be parsed, never to be logged.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for GivenNationalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GivenNationalId(..)")
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("form_id", &self.form_id)
            .field("submission_id", &self.submission_id)
            .field("created", &self.created)
            .field("respondent", &self.respondent)
            .finish_non_exhaustive()
    }
}

/// A delivery seen through a codebook.
#[derive(Default)]
struct Mapped<'d> {
    values: Map<String, Value>,
    /// Pointer of each item's value in the delivery, by item code.
    places: HashMap<&'d str, Spot<'d>>,
    national_id: Option<GivenNationalId>,
    /// The pointer of the national id, where the form has an element for it.
    national_id_at: Option<Spot<'d>>,
    /// The token of the invitation that is answered.
    invitation: Option<String>,
    faults: Vec<Fault>,
}

/// A place among the delivered answers: an element, or one row of a matrix.
#[derive(Clone, Copy)]
struct Spot<'d> {
    key: &'d str,
    row: Option<&'d str>,
}

impl<'d> Spot<'d> {
    /// Splits a codebook path, `key` or `matrix.row`.
    fn of_path(path: &'d str) -> Self {
        path.split_once('.').map_or(Self { key: path, row: None }, |(key, row)| Self { key, row: Some(row) })
    }

    fn pointer(self) -> String {
        let key = escape(self.key);
        self.row.map_or_else(|| format!("/answers/{key}"), |row| format!("/answers/{key}/{}", escape(row)))
    }

    fn fault(self, code: FaultCode) -> Fault {
        Fault::new(self.pointer(), code)
    }
}

impl Delivery {
    /// Returns the instant of the last change, which is that of submission where the shape has no other. To the second,
    /// as the coarsest shape has it.
    pub fn changed_at(&self) -> Timestamp {
        let last = self.modified.map_or(self.created, |modified| modified.max(self.created));
        Timestamp::from_second(last.as_second()).unwrap_or(last)
    }

    /// Returns the raw answers by item code, in the types that [`Form::parse`] takes; ranges are not checked.
    /// Unanswered elements are left out; the national id is never an answer. Every fault is reported: unknown keys
    /// (`unknown_item`), values that do not fit the item's kind (`wrong_type`), two values for one item or two
    /// different national ids (`contradiction`). Pointers name the place by its key in every shape
    /// (`/answers/isi/01`); `unknown_reference` at the root: the codebook belongs to another Nettskjema form.
    ///
    /// [`Form::parse`]: crate::questionnaire::Form::parse
    pub fn answers_for(&self, codebook: &Codebook) -> Result<Map<String, Value>, Vec<Fault>> {
        let mapped = self.mapped(codebook)?;
        if mapped.faults.is_empty() { Ok(mapped.values) } else { Err(mapped.faults) }
    }

    /// The valid answers: [`Delivery::answers_for`] and [`Form::parse`] in one, with the faults of both, and all their
    /// pointers into the delivered document.
    ///
    /// [`Form::parse`]: crate::questionnaire::Form::parse
    pub fn parse_for(&self, codebook: &Codebook) -> Result<Answers, Vec<Fault>> {
        let Mapped { values, places, mut faults, .. } = self.mapped(codebook)?;
        let parsed = codebook.form().parse(&values);
        if let Err(refused) = &parsed {
            for fault in refused {
                let (code, rest) = split_first(&fault.pointer);
                let pointer = match places.get(code) {
                    Some(spot) => format!("{}{rest}", spot.pointer()),
                    None => Spot::of_path(codebook.path_to(code)).pointer(),
                };
                // What was refused for its type already is not missing as well.
                if faults.iter().all(|known| known.pointer != pointer) {
                    faults.push(Fault::new(pointer, fault.code));
                }
            }
        }
        match parsed {
            Ok(answers) if faults.is_empty() => Ok(answers),
            _ => {
                faults.sort();
                Err(faults)
            }
        }
    }

    /// The patient's national id number: the respondent block's, else that of an element the codebook leads to
    /// [`NATIONAL_ID_TARGET`].
    pub fn patient_for(&self, codebook: &Codebook) -> Option<GivenNationalId> {
        self.respondent.patient.clone().or_else(|| self.mapped(codebook).ok()?.national_id)
    }

    /// The token of the invitation that is answered, of an element the codebook leads to [`INVITATION_TARGET`].
    pub fn invitation_for(&self, codebook: &Codebook) -> Option<String> {
        self.mapped(codebook).ok()?.invitation
    }

    /// Returns the pointer of the element that identifies the patient, present or not.
    pub fn patient_at(&self, codebook: &Codebook) -> String {
        const RESPONDENT: &str = "/metadata/respondent";
        let element = || self.mapped(codebook).ok()?.national_id_at.map(Spot::pointer);
        match (&self.respondent.patient, &self.respondent.answered_by) {
            (Some(_), AnsweredBy::Representative { .. }) => format!("{RESPONDENT}/representation/pid_authorizer"),
            (Some(_), AnsweredBy::Patient) => format!("{RESPONDENT}/personal_identifier"),
            (None, _) => element().unwrap_or_else(|| format!("{RESPONDENT}/personal_identifier")),
        }
    }

    fn mapped<'d>(&'d self, codebook: &'d Codebook) -> Result<Mapped<'d>, Vec<Fault>> {
        if self.form_id != codebook.form_id() {
            return Err(vec![Fault::new("", FaultCode::UnknownReference)]);
        }
        let mut mapped = Mapped::default();
        for (key, value) in &self.answers {
            let spot = Spot { key, row: None };
            if let Some(target) = codebook.target(key, None) {
                self.place(codebook, &mut mapped, target, spot, value);
                continue;
            }
            let Value::Object(rows) = value else {
                mapped.faults.push(spot.fault(FaultCode::UnknownItem));
                continue;
            };
            for (row, value) in rows {
                let spot = Spot { key, row: Some(row) };
                match codebook.target(key, Some(row)) {
                    Some(target) => self.place(codebook, &mut mapped, target, spot, value),
                    None => mapped.faults.push(spot.fault(FaultCode::UnknownItem)),
                }
            }
        }
        mapped.faults.sort();
        Ok(mapped)
    }

    /// Stores one value at the item that the codebook maps it to.
    fn place<'d>(&self, codebook: &Codebook, mapped: &mut Mapped<'d>, target: &'d str, spot: Spot<'d>, value: &Value) {
        if target == IGNORED_TARGET {
            return;
        }
        if target == INVITATION_TARGET {
            // Whatever text is there is a token that is known or not.
            let token = value.as_str().map(str::trim).filter(|token| !token.is_empty());
            mapped.invitation = token.map(str::to_owned);
            return;
        }
        if target == NATIONAL_ID_TARGET {
            match value {
                Value::Null => {}
                Value::String(text) => {
                    // Two different people in one delivery cannot be resolved by guessing. A hashed element is no
                    // number at all.
                    let number = text.len() == 11 && text.bytes().all(|byte| byte.is_ascii_digit());
                    let other = |known: &GivenNationalId| number && known.expose() != text;
                    if self.respondent.patient.as_ref().is_some_and(other) {
                        mapped.faults.push(spot.fault(FaultCode::Contradiction));
                    }
                    mapped.national_id = GivenNationalId::from_text(text);
                    mapped.national_id_at = mapped.national_id.is_some().then_some(spot);
                }
                _ => mapped.faults.push(spot.fault(FaultCode::WrongType)),
            }
            return;
        }
        let Some(shape) = codebook.form().shape(target) else { return };
        match converted(shape, value) {
            Ok(None) => {}
            Ok(Some(value)) => {
                if mapped.values.insert(target.to_owned(), value).is_some() {
                    mapped.faults.push(spot.fault(FaultCode::Contradiction));
                }
            }
            Err(code) => mapped.faults.push(spot.fault(code)),
        }
        mapped.places.entry(target).or_insert(spot);
    }
}

/// Returns the value in the type of the item, or `None` where the element is unanswered. Shapes without types (CSV
/// without the form's definition) have numbers and boxes as text.
fn converted(asked: Asked<'_>, value: &Value) -> Result<Option<Value>, FaultCode> {
    let same = || Ok(Some(value.clone()));
    match (asked, value) {
        (_, Value::Null) => Ok(None),
        (Asked::Instrument { .. } | Asked::Own(ItemKind::Integer { .. }), value) => whole(value).map(Some),
        (Asked::Own(ItemKind::Decimal { .. }), Value::String(text)) => {
            number::decimal(text).map(Some).ok_or(FaultCode::WrongType)
        }
        (Asked::Own(ItemKind::Decimal { .. }), Value::Number(_))
        | (Asked::Own(ItemKind::Boolean), Value::Bool(_))
        | (Asked::Own(ItemKind::Choice { .. } | ItemKind::Date | ItemKind::Text { .. }), Value::String(_)) => same(),
        (Asked::Own(ItemKind::Multiple { .. }), Value::Object(boxes)) => {
            let boxes = boxes.iter().map(|(option, value)| (option.clone(), ticked(value).unwrap_or(value.clone())));
            Ok(Some(Value::Object(boxes.collect())))
        }
        (Asked::Own(ItemKind::Boolean), value) => ticked(value).map(Some).ok_or(FaultCode::WrongType),
        (Asked::Own(_), _) => Err(FaultCode::WrongType),
    }
}

/// `"1"` and `"0"` as true and false.
fn ticked(value: &Value) -> Option<Value> {
    match value.as_str()? {
        "1" => Some(Value::Bool(true)),
        "0" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// A codebook value (`"3"`) or a number without a fraction (77.0, `"77,0"`) as a JSON integer. A text that begins with
/// a zero (`"03"`) is the key of an option, not a number.
fn whole(value: &Value) -> Result<Value, FaultCode> {
    let read = match value {
        Value::String(text) => {
            let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
            if matches!(digits, [b'0', b'0'..=b'9', ..]) {
                return Err(FaultCode::WrongType);
            }
            number::whole(text)
        }
        Value::Number(number) => number::whole_number(number),
        _ => Err(FaultCode::WrongType),
    };
    read.map(Value::from)
}

/// `/isi_01/rest` -> `isi_01`, `/rest`.
fn split_first(pointer: &str) -> (&str, &str) {
    let inner = pointer.strip_prefix('/').unwrap_or(pointer);
    inner.find('/').map_or((inner, ""), |at| inner.split_at(at))
}

#[cfg(test)]
mod tests;
