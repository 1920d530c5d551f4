//! Dates and instants exactly as RFC 3339 writes them (`full-date`, `date-time`): the formats `date` and `date-time` of the
//! specification. jiff alone would also take the basic format, week dates, a time after a date, times of day without
//! seconds, a name of a zone, and offsets beyond a day.

use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Reads a `full-date`, such as `2026-01-31`.
pub fn date(text: &str) -> Option<Date> {
    if has_form(text.as_bytes(), b"0000-00-00") { text.parse().ok() } else { None }
}

/// Reads a `date-time`, such as `2026-01-31T12:00:00.5+01:00`: with seconds and an offset of less than a day, and at most
/// nine decimals, which is what an instant holds. A leap second is accepted where there can be one.
pub fn instant(text: &str) -> Option<Timestamp> {
    let (day_and_time, rest) = text.split_at_checked(19)?;
    if !has_form(day_and_time.as_bytes(), b"0000-00-00T00:00:00") {
        return None;
    }
    let offset = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|digit: char| digit.is_ascii_digit()),
        None => rest,
    };
    let in_range = |part: Range<usize>, bound: &str| offset.get(part).is_some_and(|number| number < bound);
    let numeric = has_form(offset.as_bytes(), b"+00:00") && in_range(1..3, "24") && in_range(4..6, "60");
    if !numeric && !offset.eq_ignore_ascii_case("z") {
        return None;
    }
    let instant: Timestamp = text.parse().ok()?;
    let leaps = || {
        let read = instant.to_zoned(TimeZone::UTC).datetime();
        let last = matches!((read.month(), read.day()), (6, 30) | (12, 31));
        last && (read.hour(), read.minute(), read.second()) == (23, 59, 59)
    };
    (!day_and_time.ends_with("60") || leaps()).then_some(instant)
}

/// Whether a text has a digit where the form has `0`, a sign where it has `+`, and else the same letters.
fn has_form(text: &[u8], form: &[u8]) -> bool {
    text.len() == form.len()
        && text.iter().zip(form).all(|(letter, form)| match form {
            b'0' => letter.is_ascii_digit(),
            b'+' => matches!(letter, b'+' | b'-'),
            _ => letter.eq_ignore_ascii_case(form),
        })
}

#[cfg(test)]
mod tests {
    use super::{date, instant};

    #[test]
    fn date_reads_full_dates_only() {
        for right in ["2026-01-31", "1899-12-31", "2024-02-29"] {
            assert_eq!(date(right).map(|day| day.to_string()).as_deref(), Some(right));
        }
        for wrong in [
            "",
            "20260131",
            "2026-1-31",
            "2026-02-30",
            "2025-02-29",
            "2026-W05-6",
            "2026-031",
            "2026-01",
            "26-01-31",
            "+002026-01-31",
            "-002026-01-31",
            "2026-01-31T00:00:00",
            "2026-01-31T00:00:00Z",
            "2026-01-31 ",
            " 2026-01-31",
            "31.01.2026",
            "2026/01/31",
            "２026-01-31",
        ] {
            assert_eq!(date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn instant_reads_date_times_only() {
        for (right, read) in [
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
            ("2026-01-31t12:00:00z", "2026-01-31T12:00:00Z"),
            ("2026-01-31T12:00:00.5+01:00", "2026-01-31T11:00:00.5Z"),
            ("2026-01-31T12:00:00.123456789-23:59", "2026-02-01T11:59:00.123456789Z"),
            ("2026-01-31T12:00:00-00:00", "2026-01-31T12:00:00Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
            ("2017-01-01T00:59:60+01:00", "2016-12-31T23:59:59Z"),
        ] {
            assert_eq!(instant(right).map(|it| it.to_string()).as_deref(), Some(read), "{right}");
        }
        for wrong in [
            "",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-01-31T12:00Z",
            "2026-01-31T12Z",
            "2026-01-31 12:00:00Z",
            "20260131T120000Z",
            "2026-01-31T120000Z",
            "2026-W05-6T12:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:60:00Z",
            "2026-01-31T12:00:60Z",
            "2026-01-31T23:59:60Z",
            "2026-01-31T12:00:61Z",
            "2026-02-30T12:00:00Z",
            "2026-01-31T12:00:00+24:00",
            "2026-01-31T12:00:00+25:00",
            "2026-01-31T12:00:00+01:60",
            "2026-01-31T12:00:00+0100",
            "2026-01-31T12:00:00+01",
            "2026-01-31T12:00:00+01:00:00",
            "2026-01-31T12:00:00,5Z",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00 Z",
            "2026-01-31T12:00:00Z[UTC]",
            "2026-01-31T12:00:00+01:00[Europe/Oslo]",
            "2026-01-31T12:00:00Zulu",
            "1769860800",
            "æææææææææææ",
        ] {
            assert_eq!(instant(wrong), None, "{wrong}");
        }
    }
}
