//! Days and instants in parameters, in the formats of the specification and no others: RFC 3339 `full-date` and
//! `date-time`.

use jiff::Timestamp;
use jiff::civil::Date;
use painreg_domain::fault::FaultCode;

/// Reads a day as `2021-06-01`.
pub fn day(text: &str) -> Result<Date, FaultCode> {
    if !is_like(text, "0000-00-00") {
        return Err(FaultCode::InvalidFormat);
    }
    text.parse().map_err(|_| FaultCode::InvalidDate)
}

/// Reads an instant as `2021-06-01T08:30:00Z` or with an offset, `2021-06-01T10:30:00.5+02:00`.
pub fn instant(text: &str) -> Result<Timestamp, FaultCode> {
    let clock = text.get(..19).filter(|clock| is_like(clock, "0000-00-00T00:00:00"));
    let rest = clock.and_then(|_| text.get(19..)).ok_or(FaultCode::InvalidFormat)?;
    let offset = match rest.strip_prefix('.') {
        Some(fraction) => Some(fraction.trim_start_matches(|letter: char| letter.is_ascii_digit()))
            .filter(|offset| offset.len() < fraction.len()),
        None => Some(rest),
    };
    let hours = |offset: &str| offset.get(1..3).and_then(|hours| hours.parse::<u8>().ok());
    let is_offset = |offset: &&str| {
        matches!(*offset, "Z" | "z")
            || (is_like(offset, "+00:00") || is_like(offset, "-00:00")) && hours(offset).is_some_and(|hours| hours < 24)
    };
    offset.filter(is_offset).ok_or(FaultCode::InvalidFormat)?;
    text.parse().map_err(|_| FaultCode::InvalidDate)
}

/// Whether a text has a digit for each zero of the pattern, and the pattern's other letters in either case.
fn is_like(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(given, wanted)| {
            if wanted == b'0' { given.is_ascii_digit() } else { given.eq_ignore_ascii_case(&wanted) }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_the_format_of_rfc_3339() {
        assert!(day("2024-02-29").is_ok());
        for text in ["", "20210601", "2021-06-01T00:00:00Z", "2021-6-1", "+002021-06-01", "2021-W22-2", "21-06-01"] {
            assert_eq!(day(text), Err(FaultCode::InvalidFormat), "{text}");
        }
        assert_eq!(day("2025-02-29"), Err(FaultCode::InvalidDate));
    }

    #[test]
    fn instants_have_the_format_of_rfc_3339() {
        let known = instant("2021-06-01T08:30:00Z");
        assert!(known.is_ok());
        for text in ["2021-06-01t08:30:00z", "2021-06-01T10:30:00+02:00", "2021-06-01T08:30:00.000Z"] {
            assert_eq!(instant(text), known, "{text}");
        }
        let wrong = [
            "",
            "2021-06-01",
            "2021-06-01T08:30:00",
            "2021-06-01 08:30:00Z",
            "2021-06-01T08:30Z",
            "20210601T083000Z",
            "2021-06-01T08:30:00.Z",
            "2021-06-01T08:30:00+25:00",
            "2021-06-01T08:30:00+0200",
            "2021-06-01T10:30:00+02:00[Europe/Oslo]",
            "2021-06-01T08:30:00æ",
        ];
        for text in wrong {
            assert_eq!(instant(text), Err(FaultCode::InvalidFormat), "{text}");
        }
        assert_eq!(instant("2021-02-29T08:30:00Z"), Err(FaultCode::InvalidDate));
    }
}
