//! Questionnaires (skjema) as data, and the only way from raw answers to valid ones. Item wording, scoring and the
//! source of answers are not part of it.
//!
//! A [`Form`] is checked and compiled once, when it is made: every item code is mapped to its slot by one hash
//! look-up, and the items of an embedded instrument are contiguous, so that scoring borrows a slice and copies
//! nothing. [`Answers`] come from [`Form::parse`] only, and therefore always fit the form.

mod answers;
mod condition;
mod definition;
mod differences;
pub mod fhir;
mod file;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

pub use self::answers::{AnswerDifference, Answers};
pub use self::condition::Condition;
use self::condition::Gate;
pub(crate) use self::definition::is_option;
pub use self::definition::{Definition, Item, ItemKind, Mapping, Page, Wave, Words, is_language};
pub use self::differences::FormChange;
pub use self::file::FormFile;
use crate::fault::{Fault, FaultCode};
use crate::instrument::{Catalogue, Instrument, Options, Scores};
use crate::nettskjema::Codebook;

/// The mapping target of an element that holds the patient's national id number (fødselsnummer). It identifies the
/// patient and never becomes an answer.
pub const NATIONAL_ID_TARGET: &str = "@national_id";

/// The reason why a form is refused.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// The text is not TOML, or not a definition.
    #[error("the form cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// The text is not JSON, or not a definition.
    #[error("the form cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Readable, but against the rules of a form; pointers lead into the form's own document.
    #[error("the form is faulty: {}", list(.0))]
    Faulty(Vec<Fault>),
}

fn list(faults: &[Fault]) -> String {
    let one = |fault: &Fault| format!("{} {}", fault.pointer, <&str>::from(fault.code));
    faults.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// One version of a questionnaire (skjema), checked and compiled. Cheap to clone. In JSON and TOML it has the form of
/// its [`Definition`]; reading it back applies the same checks.
#[derive(Clone, Debug)]
pub struct Form(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    definition: Definition,
    /// In the definition's order; the ranges are contiguous from 0 and cover `ranges`.
    instruments: Box<[Embedded]>,
    /// The permitted range of every instrument slot, from the catalogue.
    ranges: Box<[(i32, i32)]>,
    places: HashMap<Box<str>, Place>,
    /// The same places, by item code: the order of canonical answers.
    sorted: Box<[(Box<str>, Place)]>,
    /// The conditions of items and pages, in the order in which the form is asked.
    gates: Box<[Gate]>,
}

struct Embedded {
    instrument: &'static Instrument,
    slots: Range<usize>,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("slots", &self.slots).finish_non_exhaustive()
    }
}

/// The storage slot of an item's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Place {
    /// Slot among all instruments' items.
    Instrument(usize),
    /// Position in [`Definition::items`].
    Own(usize),
}

/// Returns the kind of an item's values, for converters from other wire shapes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape<'f> {
    /// An item of an instrument: an integer in this range.
    Instrument { min: i32, max: i32 },
    /// An item of the form's own.
    Own(&'f ItemKind),
}

impl Form {
    /// Reads a form from TOML, the shape of the templates.
    pub fn from_toml(text: &str) -> Result<Self, FormError> {
        Self::new(toml::from_str(text)?).map_err(FormError::Faulty)
    }

    /// Reads a form from JSON, the shape in the database and on the wire.
    pub fn from_json(document: &Value) -> Result<Self, FormError> {
        Self::new(Definition::deserialize(document)?).map_err(FormError::Faulty)
    }

    /// Checks and compiles a definition. Every fault is reported, sorted, with a pointer into the definition. Where there
    /// are pages, items and instruments are put in the order in which they are asked, so that one form has one spelling.
    pub fn new(definition: Definition) -> Result<Self, Vec<Fault>> {
        let mut faults = definition.faults();
        let mut instruments = Vec::with_capacity(definition.instruments.len());
        let mut ranges = Vec::new();
        let mut places: HashMap<Box<str>, Place> = HashMap::new();
        for (index, code) in definition.instruments.iter().enumerate() {
            let Some(instrument) = Catalogue::shipped().find(code) else {
                faults.push(Fault::new(format!("/instruments/{index}"), FaultCode::UnknownReference));
                continue;
            };
            let start = ranges.len();
            for item in instrument.items() {
                if places.insert(item.code().into(), Place::Instrument(ranges.len())).is_some() {
                    faults.push(Fault::new(format!("/instruments/{index}"), FaultCode::AlreadyExists));
                }
                ranges.push((item.min(), item.max()));
            }
            instruments.push(Embedded { instrument, slots: start..ranges.len() });
        }
        for (index, item) in definition.items.iter().enumerate() {
            if places.insert(item.code.as_str().into(), Place::Own(index)).is_some() {
                faults.push(Fault::new(format!("/items/{index}/code"), FaultCode::AlreadyExists));
            }
        }
        if places.is_empty() && faults.is_empty() {
            faults.push(Fault::new("/items", FaultCode::Required));
        }
        let gates = condition::gates(&definition, &instruments, &ranges, &places, &mut faults);
        check_mappings(&definition, &places, &mut faults);
        if !faults.is_empty() {
            faults.sort();
            faults.dedup();
            return Err(faults);
        }
        if let Some(definition) = definition.in_sequence() {
            return Self::new(definition);
        }
        let mut sorted: Vec<_> = places.iter().map(|(code, place)| (code.clone(), *place)).collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Self(Arc::new(Compiled {
            definition,
            instruments: instruments.into(),
            ranges: ranges.into(),
            places,
            sorted: sorted.into(),
            gates,
        })))
    }

    /// The definition of the form.
    pub fn definition(&self) -> &Definition {
        &self.0.definition
    }

    /// The form's code, such as `opr-baseline`.
    pub fn code(&self) -> &str {
        &self.0.definition.code
    }

    /// The form's version, such as `1`.
    pub fn version(&self) -> &str {
        &self.0.definition.version
    }

    /// The use of the form.
    pub fn wave(&self) -> Wave {
        self.0.definition.wave
    }

    /// Every item code of the form, the instruments' items included, in canonical (sorted) order.
    pub fn item_codes(&self) -> impl Iterator<Item = &str> {
        self.0.sorted.iter().map(|(code, _)| &**code)
    }

    /// Parses raw answers, item code -> value. Absent and null members are unanswered, and so is empty text. No value
    /// is clipped or guessed: one fault refuses the whole, and every fault is reported, sorted, with a pointer such as
    /// `/isi_03`.
    ///
    /// Values by kind: items of instruments and `integer` JSON integers (not `3.0`); `decimal` JSON numbers with no more
    /// decimals than the item has; `choice` an option's code; `multiple` an object option -> ticked or not, where an
    /// absent or null option was not shown; `date` `YYYY-MM-DD`; `boolean`; `text`.
    ///
    /// An item that the other answers hide is not required, and an answer to it is a fault (`hidden_item`).
    pub fn parse(&self, raw: &Map<String, Value>) -> Result<Answers, Vec<Fault>> {
        answers::parse(&self.0, raw)
    }

    /// Answers that were kept in two parts, [`Answers::coded`] and [`Answers::free_text`].
    pub fn joined(&self, coded: Value, free_text: Option<Value>) -> Result<Answers, Vec<Fault>> {
        let mut raw = Map::new();
        for part in [Some(coded), free_text].into_iter().flatten() {
            let Value::Object(part) = part else { return Err(vec![Fault::new("", FaultCode::WrongType)]) };
            raw.extend(part);
        }
        self.parse(&raw)
    }

    /// Scores every embedded instrument that has at least one answered item, in the definition's order. An instrument
    /// without any answer gives no scores: "not asked or skipped" is not a result.
    ///
    /// Answers of another form, or of another version of this one, are carried over by item code where they fit.
    pub fn score(&self, answers: &Answers) -> Vec<Scores> {
        self.score_with(answers, &Options::default())
    }

    /// Scores as [`Form::score`], with the value sets of the registry's choice.
    pub fn score_with(&self, answers: &Answers, options: &Options) -> Vec<Scores> {
        let carried;
        let values = if answers.belong_to(&self.0) {
            answers.instrument_values()
        } else {
            carried = self.carried(answers);
            &carried
        };
        let mut scores = Vec::with_capacity(self.0.instruments.len());
        for embedded in &self.0.instruments {
            let Some(slice) = values.get(embedded.slots.clone()) else { continue };
            if slice.iter().any(Option::is_some) {
                scores.push(embedded.instrument.score(slice, options));
            }
        }
        scores
    }

    /// The other form's answers to this form's instrument items.
    fn carried(&self, answers: &Answers) -> Vec<Option<i32>> {
        let mut values = vec![None; self.0.ranges.len()];
        for (code, place) in &self.0.sorted {
            let Place::Instrument(slot) = *place else { continue };
            let (Some(value), Some((min, max)), Some(cell)) =
                (answers.integer(code), self.0.ranges.get(slot), values.get_mut(slot))
            else {
                continue;
            };
            *cell = (*min..=*max).contains(&value).then_some(value);
        }
        values
    }

    /// The codebook of a Nettskjema form that the form's own document maps.
    pub fn codebook(&self, nettskjema_form_id: &str) -> Option<Codebook> {
        let mapping = self.0.definition.nettskjema.iter().find(|mapping| mapping.form_id == nettskjema_form_id)?;
        Codebook::new(self, mapping.clone()).ok()
    }

    /// The form's own spelling of an item's code, if it has the item.
    pub(crate) fn item(&self, code: &str) -> Option<&str> {
        self.0.places.get_key_value(code).map(|(code, _)| &**code)
    }

    /// Returns the alerts of the answers: instrument and code.
    pub fn alerts(&self, answers: &Answers) -> Vec<(&'static str, &'static str)> {
        let mut alerts = Vec::new();
        for embedded in &self.0.instruments {
            let Some(slots) = answers.instrument_values().get(embedded.slots.clone()) else { continue };
            let raised = embedded.instrument.alerts(slots);
            alerts.extend(raised.map(|alert| (embedded.instrument.code(), alert.code())));
        }
        alerts
    }

    /// Returns the kind of an item's values.
    pub(crate) fn shape(&self, code: &str) -> Option<Shape<'_>> {
        match *self.0.places.get(code)? {
            Place::Instrument(slot) => {
                self.0.ranges.get(slot).map(|(min, max)| Shape::Instrument { min: *min, max: *max })
            }
            Place::Own(index) => self.0.definition.items.get(index).map(|item| Shape::Own(&item.kind)),
        }
    }
}

impl Compiled {
    fn code_at(&self, place: Place) -> Option<&str> {
        self.sorted.iter().find(|(_, known)| *known == place).map(|(code, _)| &**code)
    }

    fn is_text(&self, place: Place) -> bool {
        let Place::Own(index) = place else { return false };
        self.definition.items.get(index).is_some_and(|item| matches!(item.kind, ItemKind::Text { .. }))
    }
}

/// Checks the Nettskjema mappings.
fn check_mappings(definition: &Definition, places: &HashMap<Box<str>, Place>, faults: &mut Vec<Fault>) {
    let mut seen = HashSet::new();
    for (index, mapping) in definition.nettskjema.iter().enumerate() {
        let found = mapping.faults(|item| places.contains_key(item));
        faults.extend(found.into_iter().map(|fault| fault.under(&format!("/nettskjema/{index}"))));
        if !seen.insert(&mapping.form_id) {
            faults.push(Fault::new(format!("/nettskjema/{index}/form_id"), FaultCode::AlreadyExists));
        }
    }
}

impl PartialEq for Form {
    fn eq(&self, other: &Self) -> bool {
        self.0.definition == other.0.definition
    }
}

impl Serialize for Form {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.definition.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Form {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Definition::deserialize(deserializer)?).map_err(|faults| de::Error::custom(FormError::Faulty(faults)))
    }
}

#[cfg(test)]
mod tests;
