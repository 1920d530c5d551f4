//! Strict JSON: no duplicate members, no NUL, texts composed, dates and instants of RFC 3339 only, structures from objects
//! only, faults with pointers.

use std::any::TypeId;

use jiff::Timestamp;
use jiff::civil::Date;
use painreg_domain::encoding::UTF_8_MARK;
use painreg_domain::fault::{Fault, FaultCode, escape};
use painreg_domain::number::whole_number;
use painreg_domain::rfc3339;
use painreg_domain::text::composed;
use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};

use utoipa::ToSchema;

use super::schema::{Extent, Schema};
use crate::problem::{Code, Problem};

/// Parses a body: syntax is 400, meaning is 422 with pointers.
pub fn parse<T: DeserializeOwned + ToSchema + 'static>(bytes: &[u8], extent: Extent) -> Result<T, Problem> {
    deserialize_checked(document(bytes)?, extent)
}

/// Parses JSON without duplicate members and NUL. A byte order mark is passed over (RFC 8259, 8.1). Texts and names are
/// composed: whoever reads or compares them sees one spelling. The bytes that were sent stay what they are.
pub fn document(bytes: &[u8]) -> Result<serde_json::Value, Problem> {
    let bytes = bytes.strip_prefix(UTF_8_MARK).unwrap_or(bytes);
    scan(bytes)?;
    let mut document = serde_json::from_slice(bytes).map_err(|_| Problem::from(Code::MalformedJson))?;
    compose(&mut document);
    Ok(document)
}

fn compose(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => {
            if let std::borrow::Cow::Owned(other) = composed(text) {
                *text = other;
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(compose),
        serde_json::Value::Object(members) => {
            members.values_mut().for_each(compose);
            if members.keys().any(|name| composed(name) != name.as_str()) {
                let all = std::mem::take(members).into_iter();
                *members = all.map(|(name, value)| (composed(&name).into_owned(), value)).collect();
            }
        }
        _ => {}
    }
}

/// Converts a document that conforms to the structure's schema; all faults are reported and point into the document.
pub fn deserialize_checked<T>(document: serde_json::Value, extent: Extent) -> Result<T, Problem>
where
    T: DeserializeOwned + ToSchema + 'static,
{
    let faults = Schema::of::<T>().faults(&document, extent);
    if faults.is_empty() { deserialize(document) } else { Err(Problem::invalid(faults)) }
}

/// Converts a document to a structure; the fault points into the document.
pub fn deserialize<T: DeserializeOwned>(document: serde_json::Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(Node(document)).map_err(|error| shape_problem(&error))
}

/// A document that becomes a structure only from an object (serde would also accept an array of the members), and a date
/// or an instant only from a text of RFC 3339 (jiff would also accept other formats of ISO 8601, and more). Every body is
/// read by it, so no member needs to say so.
struct Node(serde_json::Value);

impl IntoDeserializer<'_, serde_json::Error> for Node {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

fn members<'de>(
    members: serde_json::Map<String, serde_json::Value>,
) -> MapDeserializer<'de, impl Iterator<Item = (String, Node)>, serde_json::Error> {
    MapDeserializer::new(members.into_iter().map(|(name, value)| (name, Node(value))))
}

impl<'de> serde::Deserializer<'de> for Node {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        match self.0 {
            serde_json::Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Node))),
            serde_json::Value::Object(object) => visitor.visit_map(members(object)),
            // A number with a zero fraction is an integer, as in the schemas of the specification.
            serde_json::Value::Number(number) if number.is_f64() => match whole_number(&number) {
                Ok(whole) => visitor.visit_i64(whole),
                Err(_) => number.deserialize_any(visitor),
            },
            plain => plain.deserialize_any(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        if let serde_json::Value::String(text) = &self.0 {
            let wanted = typeid::of::<V::Value>();
            let other_date = wanted == TypeId::of::<Date>() && rfc3339::date(text).is_none();
            let other_instant = wanted == TypeId::of::<Timestamp>() && rfc3339::instant(text).is_none();
            if other_date || other_instant {
                return Err(serde_json::Error::custom("a date of another format"));
            }
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, serde_json::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, serde_json::Error> {
        match self.0 {
            serde_json::Value::Object(object) => visitor.visit_map(members(object)),
            serde_json::Value::Array(_) => Err(serde_json::Error::invalid_type(Unexpected::Seq, &visitor)),
            plain => plain.deserialize_any(visitor),
        }
    }

    /// A map is an object: `serde_json::Map` would also read null, as an empty one.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        match self.0 {
            serde_json::Value::Null => Err(serde_json::Error::invalid_type(Unexpected::Unit, &visitor)),
            other => Self(other).deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, serde_json::Error> {
        match self.0 {
            serde_json::Value::Object(object) if object.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(members(object)))
            }
            serde_json::Value::Object(_) => Err(serde_json::Error::invalid_type(Unexpected::Map, &visitor)),
            serde_json::Value::String(name) => visitor.visit_enum(name.into_deserializer()),
            other => other.deserialize_any(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char string bytes byte_buf unit unit_struct seq tuple
        tuple_struct identifier ignored_any
    }
}

/// Returns the problem of a document that does not fit a structure. Only the kind of serde's message is used, because
/// its text may repeat submitted values.
fn shape_problem(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in error.path() {
        match segment {
            Segment::Seq { index } => {
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer.push('/');
                pointer.push_str(&escape(key));
            }
            Segment::Unknown => {}
        }
    }
    let message = error.inner().to_string();
    let name = message.split('`').nth(1).unwrap_or_default();
    let code = if message.starts_with("missing field") {
        pointer.push('/');
        pointer.push_str(&escape(name));
        FaultCode::Required
    } else if message.starts_with("unknown field") {
        FaultCode::UnknownItem
    } else if message.starts_with("unknown variant") {
        FaultCode::UnknownOption
    } else if message.starts_with("invalid type") {
        FaultCode::WrongType
    } else {
        FaultCode::InvalidFormat
    };
    Problem::invalid(vec![Fault::new(pointer, code)])
}

/// Checks a document in one pass: valid JSON, no duplicate members, no NUL.
fn scan(bytes: &[u8]) -> Result<(), Problem> {
    let mut faults = Vec::new();
    let mut pointer = String::new();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let ended = Scan { pointer: &mut pointer, faults: &mut faults }.deserialize(&mut json).and_then(|()| json.end());
    if let Some(fault) = faults.pop() {
        let code = if fault.code == FaultCode::DuplicateKey { Code::DuplicateMember } else { Code::Invalid };
        return Err(Problem::with(code, vec![fault]));
    }
    ended.map_err(|error| {
        // JSON has no largest number, a double has: 1e400 is JSON.
        if error.to_string().starts_with("number out of range") {
            Problem::invalid(vec![Fault::new(pointer, FaultCode::OutOfRange)])
        } else {
            Code::MalformedJson.into()
        }
    })
}

struct Scan<'a> {
    pointer: &'a mut String,
    faults: &'a mut Vec<Fault>,
}

impl Scan<'_> {
    fn text<E: serde::de::Error>(&mut self, text: &str) -> Result<(), E> {
        if text.contains('\0') {
            self.faults.push(Fault::new(self.pointer.clone(), FaultCode::ForbiddenCharacter));
            return Err(E::custom("a forbidden character"));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Scan<'_> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_> {
    type Value = ();
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E: serde::de::Error>(mut self, text: &str) -> Result<(), E> {
        self.text(text)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let whole = self.pointer.len();
        let mut at = 0_usize;
        loop {
            self.pointer.push('/');
            self.pointer.push_str(&at.to_string());
            let more = items.next_element_seed(Scan { pointer: &mut *self.pointer, faults: &mut *self.faults })?;
            self.pointer.truncate(whole);
            at += 1;
            if more.is_none() {
                return Ok(());
            }
        }
    }
    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let whole = self.pointer.len();
        let mut seen = std::collections::HashSet::new();
        while let Some(name) = members.next_key::<std::borrow::Cow<'de, str>>()? {
            self.pointer.push('/');
            self.pointer.push_str(&escape(&name));
            self.text(&name)?;
            let name = composed(&name).into_owned();
            if seen.contains(&name) {
                self.faults.push(Fault::new(self.pointer.clone(), FaultCode::DuplicateKey));
                return Err(A::Error::custom("a duplicate member"));
            }
            seen.insert(name);
            members.next_value_seed(Scan { pointer: &mut *self.pointer, faults: &mut *self.faults })?;
            self.pointer.truncate(whole);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(bytes: &[u8]) -> Option<(Code, String)> {
        scan(bytes).err().map(|problem| {
            (problem.code, problem.errors.first().map(|fault| fault.pointer.clone()).unwrap_or_default())
        })
    }

    #[test]
    fn scan_finds_duplicate_members_at_any_depth() {
        assert_eq!(code(br#"{"a":1,"b":{"c":[{"d":1}]}}"#), None);
        assert_eq!(code(br#"{"a":1,"a":1}"#), Some((Code::DuplicateMember, "/a".into())));
        assert_eq!(code(br#"{"a":1,"\u0061":1}"#), Some((Code::DuplicateMember, "/a".into())));
        assert_eq!(code(br#"{"\u00e5":1,"a\u030a":1}"#), Some((Code::DuplicateMember, "/a\u{30a}".into())));
        assert_eq!(code(br#"{"b":[0,{"x":1,"x":2}]}"#), Some((Code::DuplicateMember, "/b/1/x".into())));
    }

    #[test]
    fn document_composes_names_and_texts() {
        let read = document("{\"a\u{30a}\":[\"bla\u{30a}b\u{e6}r\",{\"x\":\"\\u0061\\u030a\"}]}".as_bytes());
        let expected = serde_json::json!({"\u{e5}": ["bl\u{e5}b\u{e6}r", {"x": "\u{e5}"}]});
        assert_eq!(read.ok(), Some(expected));
    }

    #[test]
    fn deserialize_reads_rfc_3339_only() {
        #[derive(serde::Deserialize)]
        struct Times {
            days: Vec<Date>,
            at: Option<Timestamp>,
        }
        let read = |day: &str, at: &str| {
            let read = deserialize::<Times>(serde_json::json!({"days": [day], "at": at}));
            read.map(|times| (times.days.len(), times.at.is_some())).map_err(|problem| {
                problem.errors.first().map(|fault| (fault.pointer.clone(), fault.code)).expect("a fault")
            })
        };
        let fault = |pointer: &str| Err((pointer.to_owned(), FaultCode::InvalidFormat));
        assert_eq!(read("2026-01-31", "2026-01-31T12:00:00Z"), Ok((1, true)));
        assert_eq!(read("20260131", "2026-01-31T12:00:00Z"), fault("/days/0"));
        assert_eq!(read("2026-01-31", "2026-01-31T12:00:00+25:00"), fault("/at"));
    }

    #[test]
    fn scan_refuses_malformed_json() {
        for bad in [&b"{not json"[..], b"", b"{} {}", b"\xff", b"[1,]", br#""\ud800""#, &[b'['; 5000]] {
            assert_eq!(code(bad).map(|found| found.0), Some(Code::MalformedJson), "{bad:?}");
        }
    }

    #[test]
    fn scan_finds_numbers_out_of_range() {
        assert_eq!(code(br#"{"a":[1,{"b":1e400}]}"#), Some((Code::Invalid, "/a/1/b".into())));
        assert_eq!(code(br#"{"a":-1e400}"#), Some((Code::Invalid, "/a".into())));
        assert_eq!(code(br#"{"a":1e-400,"b":1e300}"#), None);
    }

    fn read<T: DeserializeOwned + ToSchema + 'static>(text: &str) -> Option<T> {
        parse(text.as_bytes(), Extent::Limits).ok()
    }

    #[test]
    fn parse_reads_whole_numbers_in_any_spelling() {
        for text in ["2", "2.0", "2e0", "20e-1", "\u{feff}2.0"] {
            assert_eq!(read::<i32>(text), Some(2), "{text}");
            assert_eq!(read::<Option<u8>>(text), Some(Some(2)), "{text}");
            assert_eq!(read::<f64>(text), Some(2.0), "{text}");
        }
        assert_eq!(read::<i32>("-0"), Some(0));
        for text in ["2.5", "1e10", "-1e300"] {
            assert_eq!(read::<i32>(text), None, "{text}");
        }
    }

    #[test]
    fn scan_finds_nul_in_values_and_names() {
        assert_eq!(code(br#"{"a":"x\u0000"}"#), Some((Code::Invalid, "/a".into())));
        assert_eq!(code(br#"{"a\u0000":1}"#).map(|found| found.0), Some(Code::Invalid));
    }
}
