//! What Nettskjema (the University of Oslo's survey service) delivers, in any wire shape, as one [`Delivery`]; it must not
//! decide where a delivery belongs or whether its answers are in range.
//!
//! What each shape tells of an element without an answer:
//!
//! | shape | unanswered | box not ticked | box hidden |
//! |---|---|---|---|
//! | [`tsd`] | null or absent | false | null or absent |
//! | [`api_v3`], [`v1`] with the form's [`Definition`] | null | false | null |
//! | [`api_v3`] without one | absent | absent | absent |
//! | [`csv_v1`] | null | false | null |
//!
//! No shape tells an unanswered element from a hidden one but by its boxes; the registry's own form does, by its conditions.

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
use crate::questionnaire::{Answers, Kind, NATIONAL_ID_TARGET, Shape as Asked};

pub use self::codebook::{Codebook, IGNORED_TARGET, INVITATION_TARGET};
pub use self::definition::{Change, Definition, Difference, Element, ElementKind, Level, Part, Picked, differences};
pub use self::proposal::{Because, Proposal, propose};
use self::scalar::canonical_integer;
pub(crate) use self::scalar::number;
pub use self::shape::{Shape, created_of, parse, submission_of};

/// One submitted form, whole and unchanged in meaning. `Debug` shows neither answers nor identity.
#[derive(Clone, PartialEq)]
pub struct Delivery {
    /// The form's number in Nettskjema.
    pub form_id: String,
    /// The submission's number: with the form's it identifies the delivery.
    pub submission_id: String,
    /// When it was handed in; midnight for forms that collect no personal data.
    pub created: Timestamp,
    /// When it was last changed, where the shape says so.
    pub modified: Option<Timestamp>,
    /// How long filling it in took, in milliseconds.
    pub answer_time_ms: Option<u64>,
    /// Who answered, and about whom.
    pub respondent: Respondent,
    /// Codebook key -> value: text, number, null, `{row: text}`, `{box: ticked}` or `{row: {column: ticked}}`.
    pub answers: Map<String, Value>,
}

/// Who answered, and about whom. Names and addresses are never kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Respondent {
    /// How the respondent logged in, if at all.
    pub provider: Option<Provider>,
    /// The patient's national id number: the person represented, where somebody answered on their behalf.
    pub patient: Option<GivenNationalId>,
    /// Who answered.
    pub answered_by: AnsweredBy,
}

/// How a respondent logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Provider {
    /// Inside TSD.
    Tsd,
    /// ID-porten, the public sector's login.
    Idporten,
    /// Feide, the universities' login.
    Feide,
    /// A task on Helsenorge.
    Helsenorge,
}

/// Who filled in the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The patient, as far as the delivery tells.
    Patient,
    /// Somebody on the patient's behalf.
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
    /// Item code -> where its value stands in the delivery.
    places: HashMap<&'d str, Spot<'d>>,
    national_id: Option<GivenNationalId>,
    /// Where the national id stands, if it is an element of the form.
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
    /// From a codebook path, `key` or `matrix.row`.
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
    /// The raw answers by item code, in the types that [`Form::parse`] takes; ranges are not looked at. Unanswered elements
    /// are left out; the national id number never is an answer. Every fault is reported: keys that lead nowhere
    /// (`unknown_item`), values that do not fit the item's kind (`wrong_type`), two values for one item or two different
    /// national id numbers (`contradiction`). Pointers name the place by its key, whatever the shape (`/answers/isi/01`);
    /// `unknown_reference` at the root says that it is another Nettskjema form's codebook.
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

    /// Where the delivery says whose it is, or should have: a pointer into the delivered document.
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

    /// Puts one value where the codebook says.
    fn place<'d>(&self, codebook: &Codebook, mapped: &mut Mapped<'d>, target: &'d str, spot: Spot<'d>, value: &Value) {
        if target == IGNORED_TARGET {
            return;
        }
        if target == INVITATION_TARGET {
            let token = value.as_str().map(str::trim).filter(|token| (1..=64).contains(&token.len()));
            mapped.invitation = token.map(str::to_owned);
            return;
        }
        if target == NATIONAL_ID_TARGET {
            match value {
                Value::Null => {}
                Value::String(text) => {
                    // Two different people in one delivery: nobody may guess. (A hashed element is no number at all.)
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

/// The value in the type that the item takes; nothing where it is unanswered. Shapes without types (CSV without the form's
/// definition) give numbers and boxes as text.
fn converted(asked: Asked<'_>, value: &Value) -> Result<Option<Value>, FaultCode> {
    let same = || Ok(Some(value.clone()));
    match (asked, value) {
        (_, Value::Null) => Ok(None),
        (Asked::Instrument { .. } | Asked::Own(Kind::Integer { .. }), value) => whole(value).map(Some),
        (Asked::Own(Kind::Decimal { .. }), Value::String(text)) => number(text).map(Some).ok_or(FaultCode::WrongType),
        (Asked::Own(Kind::Decimal { .. }), Value::Number(_))
        | (Asked::Own(Kind::Boolean), Value::Bool(_))
        | (Asked::Own(Kind::Choice { .. } | Kind::Date | Kind::Text { .. }), Value::String(_)) => same(),
        (Asked::Own(Kind::Multiple { .. }), Value::Object(boxes)) => {
            let boxes = boxes.iter().map(|(option, value)| (option.clone(), ticked(value).unwrap_or(value.clone())));
            Ok(Some(Value::Object(boxes.collect())))
        }
        (Asked::Own(Kind::Boolean), value) => ticked(value).map(Some).ok_or(FaultCode::WrongType),
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

/// A codebook value (`"3"`) or a number without a fraction (77.0, `"77.0"`) as a JSON integer.
fn whole(value: &Value) -> Result<Value, FaultCode> {
    let number = match value {
        Value::String(text) => {
            let (digits, decimals) = text.split_once('.').unwrap_or((text, "0"));
            let none = !decimals.is_empty() && decimals.bytes().all(|digit| digit == b'0');
            canonical_integer(digits).filter(|_| none)
        }
        Value::Number(number) if number.is_f64() => number.as_f64().and_then(scalar::whole),
        Value::Number(_) => return Ok(value.clone()),
        _ => None,
    };
    number.map(Value::from).ok_or(FaultCode::WrongType)
}

/// `/isi_01/rest` -> `isi_01`, `/rest`.
fn split_first(pointer: &str) -> (&str, &str) {
    let inner = pointer.strip_prefix('/').unwrap_or(pointer);
    inner.find('/').map_or((inner, ""), |at| inner.split_at(at))
}

#[cfg(test)]
mod tests;
