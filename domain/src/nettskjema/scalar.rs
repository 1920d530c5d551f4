//! Dates, instants and numbers in the spellings of the different shapes, in one; it must not know where they stand.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde_json::{Number, Value};

/// Reads an instant: ISO 8601 with an offset, or without one as Norwegian local time. In the hour that is repeated
/// when summer time ends it is the first; in the hour that summer time skips, the same time after the skipped hour.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let with_offset = text.parse().ok();
    with_offset.or_else(|| {
        let local: DateTime = text.parse().ok().filter(|_| text.contains(['T', ' ']))?;
        TimeZone::get("Europe/Oslo").ok()?.to_ambiguous_timestamp(local).compatible().ok()
    })
}

/// A day, a time or both, as ISO 8601 writes them: `2023-06-01`, `12:00`, `2023-06-01T12:00`. Read so, and with the day as
/// `01.06.2023`.
pub(super) fn moment(text: &str) -> Option<String> {
    match text.split_once(['T', ' ']) {
        Some((date, time)) => Some(format!("{}T{}", day(date)?, clock(time)?)),
        None if text.contains(':') => clock(text).map(str::to_owned),
        None => day(text),
    }
}

fn day(text: &str) -> Option<String> {
    let iso = match text.split('.').collect::<Vec<_>>()[..] {
        [day, month, year] if (day.len(), month.len()) == (2, 2) => format!("{year}-{month}-{day}"),
        _ => text.to_owned(),
    };
    (iso.len() == 10 && iso.parse::<Date>().is_ok()).then_some(iso)
}

fn clock(text: &str) -> Option<&str> {
    (matches!(text.len(), 5 | 8) && text.parse::<Time>().is_ok()).then_some(text)
}

/// A number with `.` or `,` before its decimals; at most 15 digits on either side.
pub(crate) fn number(text: &str) -> Option<Value> {
    let text = text.replace(',', ".");
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| (1..=15).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let read = text.parse().ok().and_then(Number::from_f64);
    read.filter(|_| plain(whole) && plain(decimals)).map(|number| settled(Value::Number(number)))
}

/// A number that is whole, as a whole number: 77.0 and 77 are one answer.
pub(super) fn settled(value: Value) -> Value {
    match &value {
        Value::Number(number) => number.as_f64().and_then(whole).map_or(value, Value::from),
        _ => value,
    }
}

/// Returns the integer value of a double; a double prints without an exponent, and without a point where it has no
/// decimals.
pub(super) fn whole(double: f64) -> Option<i64> {
    if double == 0.0 { Some(0) } else { canonical_integer(&double.to_string()) }
}

/// Digits as a number prints them: no sign but a minus, no leading zeros.
pub(super) fn canonical_integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = digits.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !digits.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}
