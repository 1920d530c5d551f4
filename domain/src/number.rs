//! Numbers as programs and people write them, read from their digits and therefore exactly: `2`, `2.0`, `2e0`, `20e-1` and
//! `2,0` are the same whole number, and `2.5` is none. A JSON number has been rounded to a double before it is read here.

use serde_json::{Number, Value};

use crate::fault::FaultCode;

/// The most digits on either side of the decimal point of a decimal number: a double represents them exactly.
const MOST_DIGITS: i64 = 15;
/// The most digits of a whole number of 64 bits.
const MOST_WHOLE_DIGITS: i64 = 19;

/// The digits of a number without zeros at either end, times ten to the power of `exponent`; zero has no digits.
struct Written {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Written {
    /// Reads `-`, digits, a decimal point or comma with digits, and an exponent; everything but the first digits may be
    /// absent.
    fn read(text: &str) -> Option<Self> {
        let (mantissa, power) = match text.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power_of_ten(power)?),
            None => (text, 0),
        };
        let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
        let (whole, fraction) = match unsigned.split_once(['.', ',']) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (unsigned, None),
        };
        if !are_digits(whole) || !fraction.is_none_or(are_digits) {
            return None;
        }
        let fraction = fraction.unwrap_or_default();
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let dropped = length(&all) - length(digits);
        let digits = digits.trim_start_matches('0').to_owned();
        let exponent = if digits.is_empty() { 0 } else { power - length(fraction) + dropped };
        Some(Self { negative: mantissa.len() > unsigned.len() && !digits.is_empty(), digits, exponent })
    }

    fn is_whole(&self) -> bool {
        self.exponent >= 0
    }

    /// Returns the number of digits before the decimal point.
    fn whole_digits(&self) -> i64 {
        length(&self.digits) + self.exponent
    }
}

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

/// Reads an exponent; one that does not fit is as good as the largest that does.
fn power_of_ten(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let power = are_digits(digits).then(|| i64::from(digits.parse().unwrap_or(i32::MAX)))?;
    Some(if negative { -power } else { power })
}

/// Returns the whole number that a text writes: `WrongType` where it writes none, `OutOfRange` where it has more than 64
/// bits.
pub fn whole(text: &str) -> Result<i64, FaultCode> {
    let written = Written::read(text).filter(Written::is_whole).ok_or(FaultCode::WrongType)?;
    if written.digits.is_empty() {
        return Ok(0);
    }
    let zeros = usize::try_from(written.exponent).ok().filter(|_| written.whole_digits() <= MOST_WHOLE_DIGITS);
    let zeros = "0".repeat(zeros.ok_or(FaultCode::OutOfRange)?);
    let sign = if written.negative { "-" } else { "" };
    format!("{sign}{}{zeros}", written.digits).parse().map_err(|_| FaultCode::OutOfRange)
}

/// Returns the whole number that a JSON number is, with the faults of [`whole`].
pub fn whole_number(number: &Number) -> Result<i64, FaultCode> {
    match number.as_i64() {
        Some(whole) => Ok(whole),
        None => whole(&number.to_string()),
    }
}

/// Returns the whole number that a JSON value is, in a range.
pub fn whole_within(value: &Value, min: i32, max: i32) -> Result<i32, FaultCode> {
    let Value::Number(number) = value else { return Err(FaultCode::WrongType) };
    let wide = whole_number(number)?;
    i32::try_from(wide).ok().filter(|it| (min..=max).contains(it)).ok_or(FaultCode::OutOfRange)
}

/// Returns the decimal number that a text writes, whole ones as integers; at most 15 digits on either side of the point.
pub(crate) fn decimal(text: &str) -> Option<Value> {
    let written = Written::read(text)?;
    if written.whole_digits() > MOST_DIGITS || -written.exponent > MOST_DIGITS {
        return None;
    }
    if written.is_whole() {
        return whole(text).ok().map(Value::from);
    }
    let sign = if written.negative { "-" } else { "" };
    let double: f64 = format!("{sign}{}e{}", written.digits, written.exponent).parse().ok()?;
    Number::from_f64(double).map(Value::Number)
}

/// Returns a JSON value with a whole number as an integer: 77.0 and 77 are one answer.
pub(crate) fn settled(value: Value) -> Value {
    match &value {
        Value::Number(number) => whole_number(number).map_or(value, Value::from),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_reads_every_spelling_and_no_fraction() {
        for (text, value) in [
            ("2", 2),
            ("2.0", 2),
            ("2e0", 2),
            ("2E+0", 2),
            ("1e-0", 1),
            ("20e-1", 2),
            ("30,0", 30),
            ("0.3e1", 3),
            ("-0", 0),
            ("-0.00", 0),
            ("0e400", 0),
            ("0e-400", 0),
            ("007", 7),
            ("-7,000", -7),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
            ("9007199254740993.0", 9_007_199_254_740_993),
        ] {
            assert_eq!(whole(text), Ok(value), "{text}");
        }
        for text in
            ["", "-", "+2", "2.", ".5", "2.5", "2,5", "1e-400", "2e", "2e+-1", "1,000,0", " 2", "2 ", "NaN", "١"]
        {
            assert_eq!(whole(text), Err(FaultCode::WrongType), "{text}");
        }
        for text in ["1e400", "-1e400", "1e99999999999999999999", "9223372036854775808", "1e19"] {
            assert_eq!(whole(text), Err(FaultCode::OutOfRange), "{text}");
        }
    }

    #[test]
    fn whole_within_reads_json_numbers() {
        let read = |text: &str| whole_within(&serde_json::from_str(text).expect("JSON"), 0, 10);
        for text in ["2", "2.0", "2e0", "0.2e1", "20e-1"] {
            assert_eq!(read(text), Ok(2), "{text}");
        }
        assert_eq!((read("-0"), read("-0.0"), read("1e-0")), (Ok(0), Ok(0), Ok(1)));
        for text in ["11", "-1", "1e300", "12345678901234567890123", "18446744073709551615", "4294967298"] {
            assert_eq!(read(text), Err(FaultCode::OutOfRange), "{text}");
        }
        for text in ["2.5", "1e-7", "\"2\"", "true", "[2]", "null"] {
            assert_eq!(read(text), Err(FaultCode::WrongType), "{text}");
        }
    }

    #[test]
    fn decimal_reads_at_most_fifteen_digits_on_either_side() {
        for (text, value) in [("4,5", "4.5"), ("4.50", "4.5"), ("45e-1", "4.5"), ("-77,0", "-77"), ("1e3", "1000")] {
            assert_eq!(decimal(text), serde_json::from_str(value).ok(), "{text}");
        }
        for text in ["4,5,6", "1234567890123456", "0.0000000000000001", "1e400", "inf"] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whole_is_independent_of_the_spelling(value in any::<i64>(), zeros in 0..30_usize, shift in 0..30_usize, comma in any::<bool>()) {
            let point = if comma { ',' } else { '.' };
            let fraction = format!("{value}{point}{}", "0".repeat(zeros + 1));
            prop_assert_eq!(whole(&fraction), Ok(value));
            prop_assert_eq!(whole(&format!("{value}{}e-{shift}", "0".repeat(shift))), Ok(value));
            let half = format!("{value}{point}{}5", "0".repeat(zeros));
            prop_assert_eq!(whole(&half), Err(FaultCode::WrongType));
            let shifted = format!("{half}e{}", zeros + 1);
            prop_assert_ne!(whole(&shifted), Err(FaultCode::WrongType));
        }

        #[test]
        fn whole_agrees_with_doubles(value in -9_007_199_254_740_992_i64..=9_007_199_254_740_992, quarter in 0..4_u8) {
            #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "53 bits fit")]
            let double = value as f64;
            prop_assert_eq!(whole_number(&Number::from_f64(double).expect("finite")), Ok(value));
            let small = f64::from(i32::try_from(value % 1000).expect("small")) + f64::from(quarter) / 4.0;
            let read = whole_number(&Number::from_f64(small).expect("finite"));
            prop_assert_eq!(read.is_ok(), quarter == 0);
        }

        #[test]
        fn whole_and_decimal_never_panic(text in "[-+0-9.,eE ]{0,40}|.{0,10}") {
            let (whole, decimal) = (whole(&text), decimal(&text));
            if let (Ok(whole), Some(decimal)) = (whole, decimal) {
                prop_assert_eq!(decimal, Value::from(whole));
            }
        }
    }
}
