//! Valid answers and the only way to make them; what they mean is for the instruments, where they lie for the stores.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::condition::Asked;
use super::{Compiled, Item, Kind, Place};
use crate::fault::{Fault, FaultCode, escape};

/// Answers that fit their form. Made by [`super::Form::parse`] only; `Debug` shows no value.
#[derive(Clone)]
pub struct Answers {
    form: Arc<Compiled>,
    values: Values,
    /// Sorted.
    hidden: Box<[Place]>,
}

/// One slot an item.
#[derive(Clone, PartialEq)]
pub(super) struct Values {
    instrument: Box<[Option<i32>]>,
    own: Box<[Option<Held>]>,
}

/// What became of one item in two versions of the answers.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = AnswerDifference)]
pub struct Difference {
    /// The item's code.
    #[schema(max_length = 64, example = "isi_03")]
    pub item: String,
    /// What stood there before; absent where nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What stands there now; absent where nothing does.
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
    /// By option: ticked, not ticked, not shown.
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

    /// Takes an answer away; whether there was one.
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
    /// The number that stands for the value among those of its item; boxes and text have none.
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

/// The number that stands for a value among those of an item; the value is read as an answer to it is.
pub(super) fn rank(asked: Asked<'_>, value: &Value) -> Result<i64, FaultCode> {
    let held = match asked {
        Asked::Instrument(range) => integer(value, range).map(Held::Integer)?,
        Asked::Own(item) => {
            let mut faults = Vec::new();
            let held = held(item, value, &mut faults);
            match faults.first() {
                Some(fault) => return Err(fault.code),
                None => held.ok_or(FaultCode::WrongType)?,
            }
        }
    };
    held.rank().ok_or(FaultCode::WrongType)
}

pub(super) fn parse(form: &Arc<Compiled>, raw: &Map<String, Value>) -> Result<Answers, Vec<Fault>> {
    let mut faults = Vec::new();
    // Items whose answer was refused: faulty, so not missing as well, and what they would have shown or hidden is unknown.
    let mut refused = Vec::new();
    let mut values = Values {
        instrument: vec![None; form.ranges.len()].into(),
        own: vec![None; form.definition.items.len()].into(),
    };
    for (code, value) in raw {
        let Some(place) = form.places.get(code.as_str()) else {
            faults.push(Fault::at(code, FaultCode::UnknownItem));
            continue;
        };
        let before = faults.len();
        match *place {
            _ if value.is_null() => {}
            Place::Instrument(slot) => {
                if let (Some(range), Some(cell)) = (form.ranges.get(slot), values.instrument.get_mut(slot)) {
                    match integer(value, *range) {
                        Ok(value) => *cell = Some(value),
                        Err(fault) => faults.push(Fault::at(code, fault)),
                    }
                }
            }
            Place::Own(index) => {
                if let (Some(item), Some(cell)) = (form.definition.items.get(index), values.own.get_mut(index)) {
                    *cell = held(item, value, &mut faults);
                }
            }
        }
        if faults.len() > before {
            refused.push(*place);
        }
    }
    let hidden = hide(form, &mut values, &mut refused, &mut faults);
    for (index, (item, held)) in form.definition.items.iter().zip(&values.own).enumerate() {
        let place = Place::Own(index);
        if item.required && held.is_none() && !refused.contains(&place) && !hidden.contains(&place) {
            faults.push(Fault::at(&item.code, FaultCode::Required));
        }
    }
    if faults.is_empty() {
        return Ok(Answers { form: Arc::clone(form), values, hidden: hidden.into() });
    }
    faults.sort();
    Err(faults)
}

/// The items that these answers hide, sorted. Their answers are faults, and fulfil no condition themselves; where it
/// hangs on a refused answer whether something is shown, it may be answered or not.
fn hide(form: &Compiled, values: &mut Values, refused: &mut Vec<Place>, faults: &mut Vec<Fault>) -> Vec<Place> {
    let mut hidden = Vec::new();
    for gate in &form.gates {
        match gate.test.fulfilled(values, refused) {
            Some(true) => {}
            None => refused.extend(gate.holds.iter().filter(|place| !hidden.contains(*place))),
            Some(false) => {
                for place in &gate.holds {
                    if values.take(*place)
                        && let Some(code) = form.code_at(*place)
                    {
                        faults.push(Fault::at(code, FaultCode::HiddenItem));
                    }
                    refused.retain(|known| known != place);
                    hidden.push(*place);
                }
            }
        }
    }
    hidden.sort_unstable();
    hidden.dedup();
    hidden
}

/// The valid value, or nothing where it is unanswered or refused.
fn held(item: &Item, value: &Value, faults: &mut Vec<Fault>) -> Option<Held> {
    let read = match (&item.kind, value) {
        (Kind::Integer { min, max }, value) => integer(value, (*min, *max)).map(Held::Integer),
        (Kind::Decimal { min, max, decimals }, Value::Number(number)) => decimal(number, *min, *max, *decimals),
        (Kind::Choice { options }, Value::String(choice)) => {
            options.iter().position(|option| option == choice).map(Held::Choice).ok_or(FaultCode::UnknownOption)
        }
        (Kind::Multiple { options }, Value::Object(ticks)) => return multiple(item, options, ticks, faults),
        (Kind::Date, Value::String(text)) => date(text).map(Held::Date).ok_or(FaultCode::InvalidDate),
        (Kind::Boolean, Value::Bool(value)) => Ok(Held::Boolean(*value)),
        (Kind::Text { .. }, Value::String(text)) if text.is_empty() => return None,
        (Kind::Text { max_length }, Value::String(text)) => {
            if text.contains('\0') {
                Err(FaultCode::ForbiddenCharacter)
            } else if text.chars().count() > usize::from(*max_length) {
                Err(FaultCode::TooLong)
            } else {
                Ok(Held::Text(text.as_str().into()))
            }
        }
        _ => Err(FaultCode::WrongType),
    };
    read.map_err(|code| faults.push(Fault::at(&item.code, code))).ok()
}

/// A JSON integer in the range. A decimal point makes another type, also in `3.0`.
fn integer(value: &Value, (min, max): (i32, i32)) -> Result<i32, FaultCode> {
    let Value::Number(number) = value else { return Err(FaultCode::WrongType) };
    match number.as_i64() {
        Some(wide) => i32::try_from(wide).ok().filter(|n| (min..=max).contains(n)).ok_or(FaultCode::OutOfRange),
        None if number.is_u64() => Err(FaultCode::OutOfRange),
        None => Err(FaultCode::WrongType),
    }
}

fn decimal(number: &Number, min: f64, max: f64, decimals: u8) -> Result<Held, FaultCode> {
    let value = match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => scaled_text(&whole.to_string(), decimals)?,
        (None, Some(double)) => scaled(double, decimals)?,
        (None, None) => return Err(FaultCode::OutOfRange),
    };
    if (scaled(min, decimals)?..=scaled(max, decimals)?).contains(&value) {
        Ok(Held::Decimal(value))
    } else {
        Err(FaultCode::OutOfRange)
    }
}

/// The number in units of its last decimal, by its shortest decimal form: 4.35 with two decimals is 435, not 434.
/// `OutOfRange` where it does not fit, `InvalidFormat` where it has more decimals.
pub(super) fn scaled(value: f64, decimals: u8) -> Result<i64, FaultCode> {
    scaled_text(&value.to_string(), decimals)
}

fn scaled_text(text: &str, decimals: u8) -> Result<i64, FaultCode> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    let places = usize::from(decimals);
    if fraction.len() > places {
        return Err(FaultCode::InvalidFormat);
    }
    format!("{whole}{fraction:0<places$}").parse().map_err(|_| FaultCode::OutOfRange)
}

fn decimal_json(value: i64, decimals: u8) -> Value {
    let places = usize::from(decimals);
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(places));
    let fraction = fraction.trim_end_matches('0');
    let text = if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
    text.parse::<Number>().map_or(Value::Null, Value::Number)
}

fn multiple(item: &Item, options: &[String], ticks: &Map<String, Value>, faults: &mut Vec<Fault>) -> Option<Held> {
    let mut states = vec![None; options.len()];
    for (option, tick) in ticks {
        let place = options.iter().position(|known| known == option).and_then(|at| states.get_mut(at));
        let code = match (place, tick) {
            (Some(_), Value::Null) => continue,
            (Some(place), Value::Bool(ticked)) => {
                *place = Some(*ticked);
                continue;
            }
            (Some(_), _) => FaultCode::WrongType,
            (None, _) => FaultCode::UnknownOption,
        };
        faults.push(Fault::new(format!("/{}/{}", escape(&item.code), escape(option)), code));
    }
    states.iter().any(Option::is_some).then(|| Held::Multiple(states.into()))
}

/// Exactly `YYYY-MM-DD`; jiff alone would take more.
fn date(text: &str) -> Option<Date> {
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if shaped { text.parse().ok() } else { None }
}

impl Answers {
    /// The canonical JSON object: keys sorted, unanswered left out, numbers in their shortest form. What
    /// [`super::Form::parse`] makes of it is equal to this.
    pub fn to_json(&self) -> Value {
        self.json(|_| true)
    }

    /// The canonical object without the free text: codes, numbers, days and ticks.
    pub fn coded(&self) -> Value {
        self.json(|place| !self.form.is_text(place))
    }

    /// The canonical object of the free text alone, if there is any: what a person wrote may say more than was asked, so
    /// it is kept apart. [`super::Form::joined`] puts both together again.
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

    /// Items that the answers themselves hide, in canonical order: nobody was asked.
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

    /// What differs in `after`, by item code; the versions of the form may be two.
    pub fn differences(&self, after: &Self) -> Vec<Difference> {
        let (Value::Object(mut old), Value::Object(new)) = (self.to_json(), after.to_json()) else { return Vec::new() };
        let mut differences: Vec<_> = new
            .into_iter()
            .map(|(item, after)| Difference { before: old.remove(&item), after: Some(after), item })
            .filter(|difference| difference.before != difference.after)
            .collect();
        differences.extend(old.into_iter().map(|(item, before)| Difference {
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
            (Held::Decimal(value), Kind::Decimal { decimals, .. }) => decimal_json(*value, *decimals),
            (Held::Choice(at), Kind::Choice { options }) => Value::from(options.get(*at)?.as_str()),
            (Held::Multiple(states), Kind::Multiple { options }) => {
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

    /// Whether no item at all is answered.
    pub fn is_empty(&self) -> bool {
        self.answered() == 0
    }

    /// How many items are answered; a shown group of boxes counts as one.
    pub fn answered(&self) -> usize {
        self.values.instrument.iter().flatten().count() + self.values.own.iter().flatten().count()
    }

    /// The value of an item that takes whole numbers, if it is answered.
    pub fn integer(&self, code: &str) -> Option<i32> {
        match *self.form.places.get(code)? {
            Place::Instrument(slot) => self.values.instrument.get(slot).copied().flatten(),
            Place::Own(index) => match self.values.own.get(index)? {
                Some(Held::Integer(value)) => Some(*value),
                _ => None,
            },
        }
    }

    /// The chosen option of a `choice` item, if it is answered.
    pub fn choice(&self, code: &str) -> Option<&str> {
        let Place::Own(index) = *self.form.places.get(code)? else { return None };
        match (self.values.own.get(index)?, &self.form.definition.items.get(index)?.kind) {
            (Some(Held::Choice(at)), Kind::Choice { options }) => options.get(*at).map(String::as_str),
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
