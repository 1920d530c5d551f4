//! Dates and instants in the spellings of the different shapes, in one; it must not know where they stand.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

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
