//! Days as Norway counts them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The day it is in Norway at that instant.
pub fn norwegian_day(at: Timestamp) -> Date {
    let oslo = TimeZone::get("Europe/Oslo").unwrap_or(TimeZone::UTC);
    at.to_zoned(oslo).date()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_day_begins_at_midnight_in_oslo() {
        let day = |text: &str| norwegian_day(text.parse().expect("an instant"));
        assert_eq!(day("2026-11-22T22:59:59Z"), date(2026, 11, 22));
        assert_eq!(day("2026-11-22T23:00:00Z"), date(2026, 11, 23));
        assert_eq!(day("2026-06-30T22:00:00Z"), date(2026, 7, 1));
    }
}
