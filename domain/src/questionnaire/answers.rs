//! Valid answers, made by parsing only. Scoring belongs to the instruments, storage to the stores.

mod parse;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Map, Value};

use parse::decimal_json;
pub(super) use parse::{parse, rank, scaled};

use super::{Compiled, ItemKind, Place};
use crate::fault::{Fault, FaultCode};

/// Answers that fit their form. Made by [`super::Form::parse`] only; `Debug` shows no value.
#[derive(Clone)]
pub struct Answers {
    form: Arc<Compiled>,
    values: Values,
    /// The hidden items, sorted.
    hidden: Box<[Place]>,
}

/// One slot an item.
#[derive(Clone, PartialEq)]
pub(super) struct Values {
    instrument: Box<[Option<i32>]>,
    own: Box<[Option<Held>]>,
}

/// The change of one item between two versions of the answers.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AnswerDifference {
    /// The code of the item.
    #[schema(max_length = 64, example = "isi_03")]
    pub item: String,
    /// The value before; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The value after; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// One valid value of an item of the form's own.
#[derive(Clone, PartialEq)]
enum Held {
    Integer(i32),
    /// In units of the item's last decimal.
    Decimal(i64),
    /// Position in the options.
    Choice(usize),
    /// For each option: ticked, not ticked, not shown.
    Multiple(Box<[Option<bool>]>),
    Date(Date),
    Boolean(bool),
    Text(Box<str>),
}

impl Values {
    fn answer(&self, place: Place) -> Option<Cow<'_, Held>> {
        match place {
            Place::Instrument(slot) => {
                self.instrument.get(slot).copied().flatten().map(|value| Cow::Owned(Held::Integer(value)))
            }
            Place::Own(index) => self.own.get(index)?.as_ref().map(Cow::Borrowed),
        }
    }

    /// Removes an answer; returns whether there was one.
    fn take(&mut self, place: Place) -> bool {
        match place {
            Place::Instrument(slot) => self.instrument.get_mut(slot).and_then(Option::take).is_some(),
            Place::Own(index) => self.own.get_mut(index).and_then(Option::take).is_some(),
        }
    }

    pub(super) fn answered(&self, place: Place) -> bool {
        self.answer(place).is_some()
    }

    pub(super) fn rank(&self, place: Place) -> Option<i64> {
        self.answer(place)?.rank()
    }

    pub(super) fn ticked(&self, place: Place, option: usize) -> bool {
        match self.answer(place).as_deref() {
            Some(Held::Multiple(states)) => states.get(option).copied().flatten() == Some(true),
            _ => false,
        }
    }
}

impl Held {
    /// The number that represents the value in comparisons with values of its item; boxes and text have none.
    fn rank(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some((*value).into()),
            Self::Decimal(value) => Some(*value),
            Self::Choice(at) => i64::try_from(*at).ok(),
            Self::Date(day) => Some(i64::from(day.year()) * 400 + i64::from(day.day_of_year())),
            Self::Boolean(value) => Some((*value).into()),
            Self::Multiple(_) | Self::Text(_) => None,
        }
    }
}

impl Answers {
    /// Returns the canonical JSON object: keys sorted, unanswered items left out, numbers in their shortest form.
    /// Parsing it with [`super::Form::parse`] returns equal answers.
    pub fn to_json(&self) -> Value {
        self.json(|_| true)
    }

    /// The canonical object without the free text: codes, numbers, days and ticks.
    pub fn coded(&self) -> Value {
        self.json(|place| !self.form.is_text(place))
    }

    /// Returns the canonical object of the free text alone, if there is any. It is stored separately, because free
    /// text may disclose more than was asked. [`super::Form::joined`] joins both.
    pub fn free_text(&self) -> Option<Value> {
        let texts = self.json(|place| self.form.is_text(place));
        texts.as_object().is_some_and(|texts| !texts.is_empty()).then_some(texts)
    }

    fn json(&self, wanted: impl Fn(Place) -> bool) -> Value {
        let mut object = Map::new();
        for (code, place) in self.form.sorted.iter().filter(|(_, place)| wanted(*place)) {
            let value = match *place {
                Place::Instrument(slot) => self.values.instrument.get(slot).copied().flatten().map(Value::from),
                Place::Own(index) => self.own_json(index),
            };
            if let Some(value) = value {
                object.insert(code.as_ref().to_owned(), value);
            }
        }
        Value::Object(object)
    }

    /// Items that the answers hide, in canonical order; the patient was not asked about them.
    pub fn hidden(&self) -> impl Iterator<Item = &str> {
        self.codes(|place| self.is_hidden(place))
    }

    /// Items that were shown and left open, in canonical order.
    pub fn unanswered(&self) -> impl Iterator<Item = &str> {
        self.codes(|place| !self.is_hidden(place) && !self.values.answered(place))
    }

    fn codes(&self, wanted: impl Fn(Place) -> bool) -> impl Iterator<Item = &str> {
        self.form.sorted.iter().filter(move |(_, place)| wanted(*place)).map(|(code, _)| &**code)
    }

    fn is_hidden(&self, place: Place) -> bool {
        self.hidden.binary_search(&place).is_ok()
    }

    /// Returns the differences to `after`, by item code; the answers may be to two versions of the form.
    pub fn differences(&self, after: &Self) -> Vec<AnswerDifference> {
        let (Value::Object(mut old), Value::Object(new)) = (self.to_json(), after.to_json()) else { return Vec::new() };
        let mut differences: Vec<_> = new
            .into_iter()
            .map(|(item, after)| AnswerDifference { before: old.remove(&item), after: Some(after), item })
            .filter(|difference| difference.before != difference.after)
            .collect();
        differences.extend(old.into_iter().map(|(item, before)| AnswerDifference {
            item,
            before: Some(before),
            after: None,
        }));
        differences.sort_by(|a, b| a.item.cmp(&b.item));
        differences
    }

    fn own_json(&self, index: usize) -> Option<Value> {
        let item = self.form.definition.items.get(index)?;
        let held = self.values.own.get(index)?.as_ref()?;
        Some(match (held, &item.kind) {
            (Held::Integer(value), _) => Value::from(*value),
            (Held::Decimal(value), ItemKind::Decimal { decimals, .. }) => decimal_json(*value, *decimals),
            (Held::Choice(at), ItemKind::Choice { options }) => Value::from(options.get(*at)?.as_str()),
            (Held::Multiple(states), ItemKind::Multiple { options }) => {
                let mut shown: Vec<_> =
                    options.iter().zip(states).filter_map(|(option, state)| Some((option, (*state)?))).collect();
                shown.sort();
                Value::Object(shown.into_iter().map(|(option, ticked)| (option.clone(), ticked.into())).collect())
            }
            (Held::Date(day), _) => Value::from(day.to_string()),
            (Held::Boolean(value), _) => Value::from(*value),
            (Held::Text(text), _) => Value::from(&**text),
            (Held::Decimal(_) | Held::Choice(_) | Held::Multiple(_), _) => return None,
        })
    }

    /// Refuses a submission without any answer (`required` at this pointer), unless the form's wave permits it.
    pub fn submitted(self, pointer: &str) -> Result<Self, Vec<Fault>> {
        if self.is_empty() && !self.form.definition.wave.may_be_empty() {
            return Err(vec![Fault::new(pointer, FaultCode::Required)]);
        }
        Ok(self)
    }

    /// Whether no item at all is answered.
    pub fn is_empty(&self) -> bool {
        self.answered() == 0
    }

    /// Returns the number of answered items; a shown group of boxes counts as one.
    pub fn answered(&self) -> usize {
        self.values.instrument.iter().flatten().count() + self.values.own.iter().flatten().count()
    }

    /// Returns the value of an item with whole numbers, where answered.
    pub fn integer(&self, code: &str) -> Option<i32> {
        match *self.form.places.get(code)? {
            Place::Instrument(slot) => self.values.instrument.get(slot).copied().flatten(),
            Place::Own(index) => match self.values.own.get(index)? {
                Some(Held::Integer(value)) => Some(*value),
                _ => None,
            },
        }
    }

    /// Returns the chosen option of a `choice` item, where answered.
    pub fn choice(&self, code: &str) -> Option<&str> {
        let Place::Own(index) = *self.form.places.get(code)? else { return None };
        match (self.values.own.get(index)?, &self.form.definition.items.get(index)?.kind) {
            (Some(Held::Choice(at)), ItemKind::Choice { options }) => options.get(*at).map(String::as_str),
            _ => None,
        }
    }

    pub(super) fn belong_to(&self, form: &Arc<Compiled>) -> bool {
        Arc::ptr_eq(&self.form, form)
    }

    pub(super) fn instrument_values(&self) -> &[Option<i32>] {
        &self.values.instrument
    }
}

impl PartialEq for Answers {
    fn eq(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.form, &other.form) || self.form.definition == other.form.definition)
            && self.values == other.values
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers")
            .field("form", &self.form.definition.code)
            .field("version", &self.form.definition.version)
            .field("answered", &self.answered())
            .finish_non_exhaustive()
    }
}
