//! Parsing of raw answers into values that fit the form.

use std::sync::Arc;

use serde_json::{Map, Number, Value};

use super::super::condition::Asked;
use super::super::{Compiled, Item, ItemKind, Place};
use super::{Answers, Held, Values};
use crate::fault::{Fault, FaultCode, escape};
use crate::number::whole_within;
use crate::rfc3339;
use crate::text::composed;

/// Returns the number that represents a value in comparisons with values of an item; the value is read as an answer
/// is.
pub(in crate::questionnaire) fn rank(asked: Asked<'_>, value: &Value) -> Result<i64, FaultCode> {
    let held = match asked {
        Asked::Instrument((min, max)) => whole_within(value, min, max).map(Held::Integer)?,
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

pub(in crate::questionnaire) fn parse(form: &Arc<Compiled>, raw: &Map<String, Value>) -> Result<Answers, Vec<Fault>> {
    let mut faults = Vec::new();
    // Items with a refused answer: they are faulty, so they are not reported as missing too, and conditions on them
    // are undecided.
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
                if let (Some((min, max)), Some(cell)) = (form.ranges.get(slot), values.instrument.get_mut(slot)) {
                    match whole_within(value, *min, *max) {
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

/// Returns the items that these answers hide, sorted. Their answers are faults and fulfil no condition; an item with a
/// condition that depends on a refused answer may be answered or not.
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

/// Returns the valid value; `None` for an unanswered or refused one.
fn held(item: &Item, value: &Value, faults: &mut Vec<Fault>) -> Option<Held> {
    let read = match (&item.kind, value) {
        (ItemKind::Integer { min, max }, value) => whole_within(value, *min, *max).map(Held::Integer),
        (ItemKind::Decimal { min, max, decimals }, Value::Number(number)) => decimal(number, *min, *max, *decimals),
        (ItemKind::Choice { options }, Value::String(choice)) => {
            let choice = composed(choice);
            options.iter().position(|option| *option == choice).map(Held::Choice).ok_or(FaultCode::UnknownOption)
        }
        (ItemKind::Multiple { options }, Value::Object(ticks)) => return multiple(item, options, ticks, faults),
        (ItemKind::Date, Value::String(text)) => rfc3339::date(text).map(Held::Date).ok_or(FaultCode::InvalidDate),
        (ItemKind::Boolean, Value::Bool(value)) => Ok(Held::Boolean(*value)),
        (ItemKind::Text { .. }, Value::String(text)) if text.is_empty() => return None,
        (ItemKind::Text { max_length }, Value::String(text)) => {
            let text = composed(text);
            if text.contains('\0') {
                Err(FaultCode::ForbiddenCharacter)
            } else if text.chars().count() > usize::from(*max_length) {
                Err(FaultCode::TooLong)
            } else {
                Ok(Held::Text(text.into()))
            }
        }
        _ => Err(FaultCode::WrongType),
    };
    read.map_err(|code| faults.push(Fault::at(&item.code, code))).ok()
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

/// Returns the number in units of its last decimal, by its shortest decimal form: 4.35 with two decimals is 435, not
/// 434. `OutOfRange` where it does not fit, `InvalidFormat` where it has more decimals.
pub(in crate::questionnaire) fn scaled(value: f64, decimals: u8) -> Result<i64, FaultCode> {
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

pub(super) fn decimal_json(value: i64, decimals: u8) -> Value {
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
        let option = composed(option);
        let place = options.iter().position(|known| *known == option).and_then(|at| states.get_mut(at));
        let code = match (place, tick) {
            (Some(_), Value::Null) => continue,
            (Some(place), Value::Bool(ticked)) => {
                *place = Some(*ticked);
                continue;
            }
            (Some(_), _) => FaultCode::WrongType,
            (None, _) => FaultCode::UnknownOption,
        };
        faults.push(Fault::new(format!("/{}/{}", escape(&item.code), escape(&option)), code));
    }
    states.iter().any(Option::is_some).then(|| Held::Multiple(states.into()))
}
