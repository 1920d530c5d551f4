//! Decimal numbers as JSON numbers: up to fifteen digits are read and written exactly, text is not a number.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serializer, de};
use serde_json::Number;

/// Writes a number, whole ones without a decimal point.
pub fn number<S: Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    match i64::try_from(*amount) {
        Ok(whole) if amount.is_integer() => serializer.serialize_i64(whole),
        _ => serializer.serialize_f64(amount.to_string().parse().map_err(serde::ser::Error::custom)?),
    }
}

/// Writes a number or null.
#[expect(clippy::ref_option, reason = "serde asks for this signature")]
pub fn serialize<S: Serializer>(amount: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    match amount {
        Some(amount) => number(amount, serializer),
        None => serializer.serialize_none(),
    }
}

/// Reads a number or null.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
    let read = |number: Number| {
        let text = number.to_string();
        text.parse().or_else(|_| Decimal::from_scientific(&text)).map_err(de::Error::custom)
    };
    Option::<Number>::deserialize(deserializer)?.map(read).transpose()
}
