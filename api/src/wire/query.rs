//! The query of a request. It is read by the parameters that the specification documents, before the request is routed: no
//! operation accepts a parameter that it does not document, or a value that the parameter's schema forbids.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use jiff::Timestamp;
use painreg_domain::fault::{Fault, FaultCode, escape};
use painreg_domain::rfc3339;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::json::deserialize;
use crate::problem::{Code, Problem};

/// A query parameter as the specification documents it.
#[derive(Debug)]
pub struct Documented {
    name: String,
    required: bool,
    shape: Shape,
}

/// The values that a parameter's schema permits.
#[derive(Debug)]
enum Shape {
    Day,
    Flag,
    Id,
    Instant,
    /// A whole number, from the least to the greatest.
    Number(i64, i64),
    /// Text, from the fewest to the most characters.
    Text(usize, usize),
    Word(Vec<String>),
}

impl Documented {
    /// Reads a parameter from its name and schema; `None` for a schema that says nothing about the value.
    pub fn of(name: &str, required: bool, schema: &Value) -> Option<Self> {
        let length = |bound: &str| schema.get(bound).and_then(Value::as_u64).and_then(|it| usize::try_from(it).ok());
        let bound = |bound: &str| schema.get(bound).and_then(Value::as_i64);
        let shape = match (schema.get("enum"), schema.get("type")?.as_str()?, schema.get("format")) {
            (Some(Value::Array(words)), ..) => {
                Shape::Word(words.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            }
            (None, "boolean", _) => Shape::Flag,
            (None, "integer", _) => {
                Shape::Number(bound("minimum").unwrap_or(i64::MIN), bound("maximum").unwrap_or(i64::MAX))
            }
            (None, "string", Some(Value::String(format))) => match format.as_str() {
                "date" => Shape::Day,
                "date-time" => Shape::Instant,
                "uuid" => Shape::Id,
                _ => return None,
            },
            (None, "string", None) => Shape::Text(length("minLength").unwrap_or(0), length("maxLength")?),
            _ => return None,
        };
        Some(Self { name: name.to_owned(), required, shape })
    }
}

impl Shape {
    fn value(&self, text: String) -> Result<Value, FaultCode> {
        if text.contains('\0') {
            return Err(FaultCode::ForbiddenCharacter);
        }
        let letters = text.chars().count();
        match self {
            Self::Day if rfc3339::date(&text).is_some() => Ok(text.into()),
            Self::Instant if rfc3339::instant(&text).is_some() => Ok(text.into()),
            Self::Id if text.len() == 36 && uuid::Uuid::try_parse(&text).is_ok() => Ok(text.into()),
            Self::Flag if matches!(text.as_str(), "true" | "false") => Ok((text == "true").into()),
            Self::Number(least, most) => match text.parse::<i64>() {
                Ok(number) if number.to_string() != text => Err(FaultCode::InvalidFormat),
                Ok(number) if (least..=most).contains(&&number) => Ok(number.into()),
                Ok(_) => Err(FaultCode::OutOfRange),
                Err(_) => Err(FaultCode::InvalidFormat),
            },
            Self::Word(words) if words.contains(&text) => Ok(text.into()),
            Self::Word(_) => Err(FaultCode::UnknownOption),
            Self::Text(_, most) if letters > *most => Err(FaultCode::TooLong),
            Self::Text(fewest, _) if letters >= *fewest => Ok(text.into()),
            Self::Day | Self::Instant | Self::Flag | Self::Id | Self::Text(..) => Err(FaultCode::InvalidFormat),
        }
    }
}

/// The query of a request by name, each value of the JSON type of its schema.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given(pub Map<String, Value>);

impl Given {
    /// Reads a query; returns a fault for every parameter that is unknown, wrong, repeated or missing.
    pub fn read(query: &str, documented: &[Documented]) -> Result<Self, Vec<Fault>> {
        let mut given = Map::new();
        let mut faults = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // A name that cannot be decoded is the name of no parameter.
            let name = decoded(name).unwrap_or_else(|| name.to_owned());
            let value = match documented.iter().find(|it| it.name == name) {
                None => Err(FaultCode::UnknownItem),
                Some(_) if given.contains_key(&name) => Err(FaultCode::DuplicateKey),
                Some(known) => decoded(value).ok_or(FaultCode::InvalidFormat).and_then(|text| known.shape.value(text)),
            };
            match value {
                Ok(value) => drop(given.insert(name, value)),
                Err(code) => faults.push(at(&name, code)),
            }
        }
        let missing = documented.iter().filter(|it| it.required && !given.contains_key(&it.name));
        faults.extend(missing.map(|it| at(&it.name, FaultCode::Required)));
        faults.sort();
        faults.dedup();
        if faults.is_empty() { Ok(Self(given)) } else { Err(faults) }
    }

    /// Returns the query of a request.
    pub(super) fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_default()
    }
}

/// The refusal of a request's parameters, until its caller is known.
pub struct WrongParameters(pub Problem);

fn at(name: &str, code: FaultCode) -> Fault {
    Fault::new(format!("/query/{}", escape(name)), code)
}

/// Decodes `application/x-www-form-urlencoded` text; `None` for a percent sign without two digits, and for bytes that are
/// not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                digit()? * 16 + digit()?
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Members of the query as a structure. Members of other structures and of the page are not its concern.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Given(members) = Given::of(request);
        let read = deserialize(Value::Object(members)).map(Self);
        ready(read.map_err(|problem| {
            let faults = problem.errors.into_iter().map(|fault| fault.under("/query")).collect();
            Problem::with(Code::InvalidParameter, faults)
        }))
    }
}

/// The instant whose state is read.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AsOf {
    /// Return the state that the registry stored at this instant, instead of the current state. Merges of patients are
    /// read in their current state.
    #[param(max_length = 40)]
    pub as_of: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn documented() -> Vec<Documented> {
        [
            ("day", json!({"type": "string", "format": "date"})),
            ("limit", json!({"type": "integer", "minimum": 1, "maximum": 200})),
            ("open", json!({"type": "boolean"})),
            ("state", json!({"type": "string", "enum": ["open", "placed"]})),
            ("unit", json!({"type": "string", "minLength": 1, "maxLength": 5})),
        ]
        .iter()
        .filter_map(|(name, schema)| Documented::of(name, false, schema))
        .collect()
    }

    #[test]
    fn values_have_the_type_of_their_schema() {
        let given = Given::read("&day=2021-06-01&limit=7&open=true&state=open&unit=a+%C3%A6&", &documented());
        let members = json!({"day": "2021-06-01", "limit": 7, "open": true, "state": "open", "unit": "a æ"});
        assert_eq!(given.map(|Given(members)| members.into()), Ok(members));
    }

    #[test]
    fn every_wrong_parameter_is_named_at_once() {
        use FaultCode::{
            DuplicateKey, ForbiddenCharacter, InvalidFormat, OutOfRange, TooLong, UnknownItem, UnknownOption,
        };
        for (query, wanted) in [
            ("limit=0&zz=1&open=1", vec![("limit", OutOfRange), ("open", InvalidFormat), ("zz", UnknownItem)]),
            ("state=Open&unit=", vec![("state", UnknownOption), ("unit", InvalidFormat)]),
            ("limit=1&limit=1", vec![("limit", DuplicateKey)]),
            ("limit=01", vec![("limit", InvalidFormat)]),
            ("limit", vec![("limit", InvalidFormat)]),
            ("unit=%00", vec![("unit", ForbiddenCharacter)]),
            ("unit=%f", vec![("unit", InvalidFormat)]),
            ("unit=%ff", vec![("unit", InvalidFormat)]),
            ("unit=%zz", vec![("unit", InvalidFormat)]),
            ("unit=123456", vec![("unit", TooLong)]),
            ("%ff=1", vec![("%ff", UnknownItem)]),
            ("01818012337=1", vec![("###########", UnknownItem)]),
            ("=", vec![("", UnknownItem)]),
        ] {
            let faults: Vec<Fault> = wanted.into_iter().map(|(name, code)| at(name, code)).collect();
            assert_eq!(Given::read(query, &documented()), Err(faults), "{query}");
        }
    }

    #[test]
    fn required_parameters_are_named() {
        let required = Documented::of("day", true, &json!({"type": "string", "format": "date"}));
        let faults = Given::read("", required.as_slice());
        assert_eq!(faults, Err(vec![at("day", FaultCode::Required)]));
    }
}
