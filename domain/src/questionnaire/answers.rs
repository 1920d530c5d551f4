//! Valid answers and the only way to make them; what they mean is for the instruments, where they lie for the stores.

use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Map, Number, Value};

use super::{Compiled, Item, Kind, Place};
use crate::fault::{Fault, FaultCode, escape};

/// Answers that fit their form. Made by [`super::Form::parse`] only; `Debug` shows no value.
#[derive(Clone)]
pub struct Answers {
    form: Arc<Compiled>,
    instrument: Box<[Option<i32>]>,
    own: Box<[Option<Held>]>,
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

pub(super) fn parse(form: &Arc<Compiled>, raw: &Map<String, Value>) -> Result<Answers, Vec<Fault>> {
    let mut faults = Vec::new();
    // Own items whose answer was refused: faulty, so not missing as well.
    let mut refused = Vec::new();
    let mut instrument = vec![None; form.ranges.len()];
    let mut own: Vec<Option<Held>> = vec![None; form.definition.items.len()];
    for (code, value) in raw {
        match form.places.get(code.as_str()) {
            None => faults.push(Fault::at(code, FaultCode::UnknownItem)),
            Some(_) if value.is_null() => {}
            Some(Place::Instrument(slot)) => {
                if let (Some(range), Some(cell)) = (form.ranges.get(*slot), instrument.get_mut(*slot)) {
                    match integer(value, *range) {
                        Ok(value) => *cell = Some(value),
                        Err(fault) => faults.push(Fault::at(code, fault)),
                    }
                }
            }
            Some(Place::Own(index)) => {
                if let (Some(item), Some(cell)) = (form.definition.items.get(*index), own.get_mut(*index)) {
                    let before = faults.len();
                    *cell = held(item, value, &mut faults);
                    if faults.len() > before {
                        refused.push(*index);
                    }
                }
            }
        }
    }
    for (index, (item, held)) in form.definition.items.iter().zip(&own).enumerate() {
        if item.required && held.is_none() && !refused.contains(&index) {
            faults.push(Fault::at(&item.code, FaultCode::Required));
        }
    }
    if faults.is_empty() {
        return Ok(Answers { form: Arc::clone(form), instrument: instrument.into(), own: own.into() });
    }
    faults.sort();
    Err(faults)
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
        let mut object = Map::new();
        for (code, place) in &self.form.sorted {
            let value = match *place {
                Place::Instrument(slot) => self.instrument.get(slot).copied().flatten().map(Value::from),
                Place::Own(index) => self.own_json(index),
            };
            if let Some(value) = value {
                object.insert(code.as_ref().to_owned(), value);
            }
        }
        Value::Object(object)
    }

    fn own_json(&self, index: usize) -> Option<Value> {
        let item = self.form.definition.items.get(index)?;
        let held = self.own.get(index)?.as_ref()?;
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
        self.instrument.iter().flatten().count() + self.own.iter().flatten().count()
    }

    /// The value of an item that takes whole numbers, if it is answered.
    pub fn integer(&self, code: &str) -> Option<i32> {
        match *self.form.places.get(code)? {
            Place::Instrument(slot) => self.instrument.get(slot).copied().flatten(),
            Place::Own(index) => match self.own.get(index)? {
                Some(Held::Integer(value)) => Some(*value),
                _ => None,
            },
        }
    }

    /// The chosen option of a `choice` item, if it is answered.
    pub fn choice(&self, code: &str) -> Option<&str> {
        let Place::Own(index) = *self.form.places.get(code)? else { return None };
        match (self.own.get(index)?, &self.form.definition.items.get(index)?.kind) {
            (Some(Held::Choice(at)), Kind::Choice { options }) => options.get(*at).map(String::as_str),
            _ => None,
        }
    }

    pub(super) fn belong_to(&self, form: &Arc<Compiled>) -> bool {
        Arc::ptr_eq(&self.form, form)
    }

    pub(super) fn instrument_values(&self) -> &[Option<i32>] {
        &self.instrument
    }
}

impl PartialEq for Answers {
    fn eq(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.form, &other.form) || self.form.definition == other.form.definition)
            && self.instrument == other.instrument
            && self.own == other.own
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
