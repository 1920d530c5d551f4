//! The request headers `If-Match` and `Idempotency-Key`.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpRequest};
use painreg_domain::fault::{Fault, FaultCode};
use painreg_tenants::{IdempotencyKey as RequestKey, StoreError};
use sha2::{Digest as _, Sha256};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::parameters::{header_parameter, parameter};
use crate::problem::{Code, Problem};

/// The `If-Match` header of a change (RFC 9110 13.1.1): the versions that it may change.
#[derive(Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: whichever version is stored.
    Any,
    /// The versions of the tags that [`etag`] returns. Other tags, weak ones included, are of no version.
    OneOf(Vec<i64>),
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let faults = || vec![Fault::new("/header/If-Match", FaultCode::Required)];
        if !request.headers().contains_key(header::IF_MATCH) {
            return ready(Err(Problem::with(Code::PreconditionRequired, faults())));
        }
        ready(Self::read(request.headers()).ok_or_else(|| parameter("header", "If-Match")))
    }
}

impl IfMatch {
    /// Reads the lines of the header, which are one list; `None` where it is neither `*` nor a list of entity tags.
    fn read(headers: &HeaderMap) -> Option<Self> {
        let lines: Vec<_> =
            headers.get_all(header::IF_MATCH).map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
        let text = lines.join(",");
        let mut rest = text.as_str().trim_matches(BLANKS);
        if rest == "*" {
            return Some(Self::Any);
        }
        let mut versions = Vec::new();
        let mut tags = 0;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix(',') {
                rest = after.trim_start_matches(BLANKS);
                continue;
            }
            let strong = !rest.starts_with("W/");
            let (tag, after) = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?.split_once('"')?;
            let is_of_tags = |letter: char| letter.is_ascii_graphic() || !letter.is_ascii();
            rest = after.trim_start_matches(BLANKS);
            if !tag.chars().all(is_of_tags) || !(rest.is_empty() || rest.starts_with(',')) {
                return None;
            }
            tags += 1;
            // Strong tags are compared byte by byte, so that `"v01"` is not `"v1"`.
            let version = tag.strip_prefix('v').and_then(|version| version.parse::<i64>().ok());
            versions.extend(version.filter(|it| strong && *it >= 0 && format!("v{it}") == tag));
        }
        (tags > 0).then_some(Self::OneOf(versions))
    }

    /// Returns the stored version where the change may be made to it.
    pub fn against(&self, stored: i64) -> Result<i64, StoreError> {
        match self {
            Self::OneOf(versions) if !versions.contains(&stored) => Err(StoreError::Stale),
            _ => Ok(stored),
        }
    }

    /// Returns the version to change. What is stored is read only where the header leaves it open.
    pub fn version<E: From<StoreError>>(&self, stored: impl FnOnce() -> Result<i64, E>) -> Result<i64, E> {
        match self {
            Self::OneOf(versions) => match versions.as_slice() {
                [] => Ok(NO_VERSION),
                [version] => Ok(*version),
                _ => stored().and_then(|stored| Ok(self.against(stored)?)),
            },
            Self::Any => stored(),
        }
    }

    /// As [`IfMatch::version`], where the operation also creates what is not stored: `*` needs something stored.
    pub fn version_if_any(&self, stored: impl FnOnce() -> Result<i64, StoreError>) -> Result<i64, StoreError> {
        self.version(stored)
            .map_err(|error| if matches!(error, StoreError::NotFound) { StoreError::Stale } else { error })
    }

    /// Returns the precondition as a part of a request's identity.
    pub fn to_bytes(&self) -> actix_web::web::Bytes {
        format!("{self:?}").into()
    }
}

/// White space between the parts of a header.
const BLANKS: [char; 2] = [' ', '\t'];

/// A version that nothing has.
const NO_VERSION: i64 = -1;

/// Returns the strong entity tag of a version.
pub fn etag(version: i64) -> String {
    format!("\"v{version}\"")
}

/// The optional `Idempotency-Key` header: a string of a structured field (RFC 9651) of 1 to 200 characters, or as many
/// visible characters without quotes.
#[derive(Clone)]
pub struct IdempotencyKey(Option<String>);

impl FromRequest for IdempotencyKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::read(request.headers()).ok_or_else(|| parameter("header", "Idempotency-Key")))
    }
}

/// The longest key, in characters.
const LONGEST_KEY: usize = 200;

impl IdempotencyKey {
    /// Reads the key of a request, which may have none; `None` where the header is not one key.
    fn read(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all("idempotency-key");
        let Some(value) = values.next() else { return Some(Self(None)) };
        let text = value.to_str().ok().filter(|_| values.next().is_none())?.trim_matches(BLANKS);
        let key = match text.strip_prefix('"') {
            Some(rest) => {
                let (key, rest) = quoted(rest)?;
                parameters(rest)?;
                key
            }
            None => text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"').then(|| text.to_owned())?,
        };
        (1..=LONGEST_KEY).contains(&key.len()).then_some(Self(Some(key)))
    }
}

/// Reads a string of a structured field (RFC 9651 3.3.3) after its opening quote; returns it and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.chars();
    loop {
        match letters.next()? {
            '"' => return Some((value, letters.as_str())),
            '\\' => value.push(letters.next().filter(|letter| matches!(letter, '"' | '\\'))?),
            letter if letter == ' ' || letter.is_ascii_graphic() => value.push(letter),
            _ => return None,
        }
    }
}

/// Checks that a text is the parameters of a structured field (RFC 9651 3.1.2), which say nothing about a key.
fn parameters(mut text: &str) -> Option<()> {
    while let Some(parameter) = text.strip_prefix(';') {
        let parameter = parameter.trim_start_matches(' ');
        parameter.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '*').then_some(())?;
        let named = parameter.trim_start_matches(|letter: char| {
            letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '_' | '-' | '.' | '*')
        });
        text = named.strip_prefix('=').map_or(Some(named), after_value)?;
    }
    text.is_empty().then_some(())
}

/// Returns what follows the value of a parameter.
fn after_value(text: &str) -> Option<&str> {
    if let Some(string) = text.strip_prefix('"') {
        return quoted(string).map(|(_, rest)| rest);
    }
    let rest = text
        .trim_start_matches(|letter: char| letter.is_ascii_graphic() && !matches!(letter, '"' | ';' | ',' | '(' | ')'));
    (rest.len() < text.len()).then_some(rest)
}

impl IdempotencyKey {
    /// Returns the key of one line of a request. It has a line break, which a key from a header cannot have.
    #[must_use]
    pub fn of_line(self, line: usize) -> Self {
        Self(self.0.map(|key| format!("{key}\n{line}")))
    }

    /// Returns the key with a hash of the operation and the body.
    pub fn of(self, operation: &str, body: &[u8]) -> Option<RequestKey> {
        let key = self.0?;
        let mut hash = Sha256::new();
        hash.update(operation.as_bytes());
        hash.update([0]);
        hash.update(body);
        Some(RequestKey { key, request_hash: hash.finalize().into() })
    }
}

/// Returns a fault for each documented header of a request that cannot be read.
pub fn header_faults(documented: &[String], headers: &HeaderMap) -> Vec<Fault> {
    let is_read = |name: &str| match name {
        "Idempotency-Key" => IdempotencyKey::read(headers).is_some(),
        "If-Match" => !headers.contains_key(header::IF_MATCH) || IfMatch::read(headers).is_some(),
        _ => true,
    };
    let wrong = documented.iter().filter(|name| !is_read(name));
    wrong.map(|name| Fault::new(format!("/header/{name}"), FaultCode::InvalidFormat)).collect()
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header_parameter("If-Match", true, 1000, "The ETag that was read.")]
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let help = "Makes a repetition safe; required of machine clients.";
        vec![header_parameter("Idempotency-Key", false, 200, help)]
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn key(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_str(value).expect("a header's value");
            headers.append(HeaderName::from_static("idempotency-key"), value);
        }
        IdempotencyKey::read(&headers).map(|IdempotencyKey(key)| key.unwrap_or_default())
    }

    fn preconditions(lines: &[&str]) -> Option<IfMatch> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::IF_MATCH, HeaderValue::from_str(line).expect("a header's value"));
        }
        IfMatch::read(&headers)
    }

    #[test]
    fn if_match_is_a_star_or_a_list_of_tags() {
        for (lines, wanted) in [
            (vec!["*"], IfMatch::Any),
            (vec!["\"v1\""], IfMatch::OneOf(vec![1])),
            (vec![" \"v9\" ,\"nope\",, W/\"v2\",\"v1\", "], IfMatch::OneOf(vec![9, 1])),
            (vec!["\"v1\"", "\"v2\""], IfMatch::OneOf(vec![1, 2])),
            (vec!["\"a,b\""], IfMatch::OneOf(Vec::new())),
            (vec!["\"\""], IfMatch::OneOf(Vec::new())),
            (vec!["\"v01\", \"v+1\", \"v-1\", \"V1\", \"v99999999999999999999\""], IfMatch::OneOf(Vec::new())),
        ] {
            assert_eq!(preconditions(&lines), Some(wanted), "{lines:?}");
        }
        for line in ["", ",", "v1", "\"v1", "\"v1\"x", "\"v1\" \"v2\"", "\"v 1\"", "*, \"v1\"", "w/\"v1\"", "\"v1\",*"]
        {
            assert_eq!(preconditions(&[line]), None, "{line}");
        }
    }

    #[test]
    fn stored_version_is_read_only_where_the_header_leaves_it_open() {
        let unread = || -> Result<i64, StoreError> { unreachable!("one tag is enough") };
        assert!(matches!(IfMatch::OneOf(vec![3]).version(unread), Ok(3)));
        assert!(matches!(IfMatch::OneOf(Vec::new()).version(unread), Ok(NO_VERSION)));
        let stored = || Ok::<_, StoreError>(5);
        assert!(matches!(IfMatch::Any.version(stored), Ok(5)));
        assert!(matches!(IfMatch::OneOf(vec![4, 5]).version(stored), Ok(5)));
        assert!(matches!(IfMatch::OneOf(vec![4, 6]).version(stored), Err(StoreError::Stale)));
        assert!(matches!(IfMatch::OneOf(vec![4]).against(5), Err(StoreError::Stale)));
    }

    #[test]
    fn keys_are_items_of_structured_fields_or_visible_text() {
        assert_eq!(key(&[]).as_deref(), Some(""));
        for (value, wanted) in [
            ("a-b", "a-b"),
            (" a-b\t", "a-b"),
            ("\"a-b\"", "a-b"),
            ("\"order 66\"", "order 66"),
            (r#""a\"b\\c""#, r#"a"b\c"#),
            ("\"a\";p=1", "a"),
            ("\"a\"; p; q=\"x;y\";r=?0;*s=:YQ==:", "a"),
            ("a;b=1", "a;b=1"),
        ] {
            assert_eq!(key(&[value]).as_deref(), Some(wanted), "{value}");
        }
        let wrong = [
            "",
            "\"\"",
            "two words",
            "\"half",
            "half\"",
            "\"a\"b",
            "\"a\" b",
            "\"a\";",
            "\"a\";P=1",
            "\"a\";p=",
            "\"a\";p=1,",
            "\"a\", \"b\"",
            "\"a\\n\"",
            "\"a\tb\"",
        ];
        for value in wrong {
            assert_eq!(key(&[value]), None, "{value}");
        }
        assert_eq!(key(&[&"x".repeat(201)]), None);
        assert_eq!(key(&["a", "a"]), None);
    }
}
