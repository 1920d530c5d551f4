//! Dates in Norway: the current day, working days, and dates a number of months or days away.

use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// Returns the date in Norway at an instant.
pub fn norwegian_day(at: Timestamp) -> Date {
    at.to_zoned(oslo()).date()
}

/// Returns the date and the hour in Norway at an instant.
pub fn norwegian_day_and_hour(at: Timestamp) -> (Date, u8) {
    let there = at.to_zoned(oslo());
    (there.date(), u8::try_from(there.hour()).unwrap_or(0))
}

/// The instant at which that hour of the day begins in Norway; of an hour that summer time skips, the one after it.
pub fn norwegian_hour(day: Date, hour: u8) -> Timestamp {
    let hour = i8::try_from(hour.min(23)).unwrap_or(0);
    day.at(hour, 0, 0, 0).to_zoned(oslo()).map_or(Timestamp::UNIX_EPOCH, |there| there.timestamp())
}

fn oslo() -> TimeZone {
    TimeZone::get("Europe/Oslo").unwrap_or(TimeZone::UTC)
}

/// The day so many calendar months later; where the month has no such day, its last: a year after 29 February is
/// 28 February.
pub fn months_after(day: Date, months: u32) -> Date {
    day.saturating_add(i64::from(months).months())
}

/// The day so many days later.
pub fn days_after(day: Date, days: u32) -> Date {
    day.saturating_add(i64::from(days).days())
}

/// The day so many days earlier.
pub fn days_before(day: Date, days: u32) -> Date {
    day.saturating_sub(i64::from(days).days())
}

/// Whether people work in Norway that day: neither Saturday, Sunday nor a public holiday (lov om helligdager og
/// helligdagsfred, section 2; lov om 1 og 17 mai som høgtidsdagar).
pub fn is_working_day(day: Date) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && !is_public_holiday(day)
}

/// The day itself, or the first working day after it.
pub fn working_day_from(day: Date) -> Date {
    // There are never more than a few days off in a row.
    (0..14).map(|days| days_after(day, days)).find(|day| is_working_day(*day)).unwrap_or(day)
}

/// Whether the day is a public holiday in Norway; Sundays that are nothing else are not.
pub fn is_public_holiday(day: Date) -> bool {
    // New Year, Labour Day, Constitution Day, Christmas Day and the day after.
    if matches!((day.month(), day.day()), (1 | 5, 1) | (5, 17) | (12, 25 | 26)) {
        return true;
    }
    // Maundy Thursday, Good Friday, Easter and the day after, Ascension, Whitsun and the day after.
    let since_easter = (day - easter(day.year())).get_days();
    matches!(since_easter, -3 | -2 | 0 | 1 | 39 | 49 | 50)
}

/// Easter Sunday of a year of the Gregorian calendar (the anonymous computus; Meeus, Astronomical Algorithms, chapter 8).
fn easter(year: i16) -> Date {
    let year = i32::from(year);
    let (golden, century, of_century) = (year % 19, year / 100, year % 100);
    let moon = (19 * golden + century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 15) % 30;
    let week = (32 + 2 * (century % 4) + 2 * (of_century / 4) - moon - of_century % 4) % 7;
    let late = (golden + 11 * moon + 22 * week) / 451;
    let day = moon + week - 7 * late + 114;
    let number = |value: i32| i8::try_from(value).unwrap_or(1);
    let year = i16::try_from(year).unwrap_or(2000);
    Date::new(year, number(day / 31), number(day % 31 + 1)).unwrap_or(date(2000, 4, 23))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn norwegian_day_changes_at_midnight_in_oslo() {
        let day = |text: &str| norwegian_day(text.parse().expect("an instant"));
        assert_eq!(day("2026-11-22T22:59:59Z"), date(2026, 11, 22));
        assert_eq!(day("2026-11-22T23:00:00Z"), date(2026, 11, 23));
        assert_eq!(day("2026-06-30T22:00:00Z"), date(2026, 7, 1));
    }

    #[test]
    fn easter_sunday_equals_the_almanac() {
        // The earliest and the latest of the Gregorian calendar among them.
        for (year, month, day) in
            [(1818, 3, 22), (1943, 4, 25), (2021, 4, 4), (2024, 3, 31), (2026, 4, 5), (2038, 4, 25)]
        {
            assert_eq!(easter(year), date(year, month, day));
        }
    }

    #[test]
    fn public_holidays_of_2026_equal_the_almanac() {
        let first = date(2026, 1, 1);
        let days: Vec<Date> = (0..365).map(|at| days_after(first, at)).filter(|day| is_public_holiday(*day)).collect();
        let of = |pairs: &[(i8, i8)]| pairs.iter().map(|(month, day)| date(2026, *month, *day)).collect::<Vec<_>>();
        let almanac =
            [(1, 1), (4, 2), (4, 3), (4, 5), (4, 6), (5, 1), (5, 14), (5, 17), (5, 24), (5, 25), (12, 25), (12, 26)];
        assert_eq!(days, of(&almanac));
    }

    #[test]
    fn next_working_day_skips_weekends_and_holidays() {
        assert_eq!(working_day_from(date(2026, 4, 1)), date(2026, 4, 1));
        assert_eq!(working_day_from(date(2026, 4, 2)), date(2026, 4, 7), "Easter");
        assert_eq!(working_day_from(date(2026, 12, 25)), date(2026, 12, 28), "Christmas");
        assert_eq!(working_day_from(date(2026, 11, 21)), date(2026, 11, 23), "a weekend");
    }

    #[test]
    fn months_after_clamps_to_the_last_day_of_the_month() {
        assert_eq!(months_after(date(2026, 1, 31), 1), date(2026, 2, 28));
        assert_eq!(months_after(date(2024, 1, 31), 1), date(2024, 2, 29));
        assert_eq!(months_after(date(2024, 2, 29), 12), date(2025, 2, 28));
        assert_eq!(months_after(date(2024, 2, 29), 48), date(2028, 2, 29));
        assert_eq!(months_after(date(2021, 8, 31), 6), date(2022, 2, 28));
        assert_eq!(days_before(date(2024, 3, 1), 1), date(2024, 2, 29));
    }
}
