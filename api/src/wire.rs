//! What crosses the wire in every operation: bodies, preconditions, idempotency keys, pages. Parses; decides nothing.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::BytesMut;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use futures_util::StreamExt as _;
use painreg_domain::fault::{Fault, FaultCode, escape};
use painreg_domain::national_id::{Acceptance, IdType, NationalId};
use painreg_tenants::store::Listing;
use painreg_tenants::store::patients::KnownId;
use painreg_tenants::{Cursor, Reply};
use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use validator::{Validate, ValidationError, ValidationErrors, ValidationErrorsKind};

use crate::problem::{Code, Problem};

/// How long a body may take to arrive.
pub const BODY_DEADLINE: Duration = Duration::from_secs(10);
/// How large a body may be unless an operation says otherwise.
pub const BODY_LIMIT: usize = 256 * 1024;

/// A request's JSON body: read within limits, free of duplicate members and NUL, of known members only, validated.
pub struct Body<T> {
    /// The body.
    pub value: T,
    /// The bytes it came in.
    pub bytes: actix_web::web::Bytes,
}

impl<T: DeserializeOwned + Validate + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let media: &[&str] = if request.method() == actix_web::http::Method::PATCH {
            &["application/json", "application/merge-patch+json"]
        } else if request.path().contains("/fhir-") {
            &["application/json", "application/fhir+json"]
        } else {
            &["application/json"]
        };
        let checked = check_headers(request.headers(), media);
        let payload = payload.take();
        Box::pin(async move {
            let bytes = read_body(payload, checked?, BODY_LIMIT, BODY_DEADLINE).await?;
            let value = parse::<T>(&bytes)?;
            value.validate().map_err(|errors| Problem::invalid(validation_faults(&errors)))?;
            Ok(Self { value, bytes })
        })
    }
}

/// Reads a body of at most `most` bytes, all of it within the deadline.
pub async fn read_body(
    mut payload: Payload,
    announced: Option<usize>,
    most: usize,
    deadline: Duration,
) -> Result<actix_web::web::Bytes, Problem> {
    if announced.is_some_and(|length| length > most) {
        return Err(Code::TooLarge.into());
    }
    let read = async {
        let mut bytes = BytesMut::with_capacity(announced.unwrap_or(1024));
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Problem::from(Code::BadRequest))?;
            if bytes.len() + chunk.len() > most {
                return Err(Problem::from(Code::TooLarge));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    };
    tokio::time::timeout(deadline, read).await.map_err(|_| Problem::from(Code::RequestTimeout))?
}

/// A request's body of NDJSON: a document a line, empty lines skipped. The lines are not looked into yet: what is wrong
/// with one is that line's result.
pub struct Lines(pub Vec<(usize, actix_web::web::Bytes)>);

/// How large a body of lines may be.
pub const LINES_LIMIT: usize = 16 * 1024 * 1024;
/// How long a body of lines may take to arrive.
const LINES_DEADLINE: Duration = Duration::from_mins(1);
/// How many lines a body may have.
pub const MOST_LINES: usize = 10_000;

impl FromRequest for Lines {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_headers(request.headers(), &["application/x-ndjson", "application/ndjson"]);
        let payload = payload.take();
        Box::pin(async move {
            let bytes = read_body(payload, checked?, LINES_LIMIT, LINES_DEADLINE).await?;
            let mut lines = Vec::new();
            let mut from = 0;
            for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
                let to = from + line.len();
                if !line.trim_ascii().is_empty() {
                    lines.push((at + 1, bytes.slice(from..to)));
                }
                from = to + 1;
            }
            if lines.len() > MOST_LINES {
                return Err(Code::TooLarge.into());
            }
            Ok(Self(lines))
        })
    }
}

/// Whether the body is of an accepted media type, in UTF-8 and not compressed; its announced length.
pub fn check_headers(headers: &HeaderMap, accepted: &[&str]) -> Result<Option<usize>, Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::CONTENT_ENCODING).is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(Code::UnsupportedMediaType.into());
    }
    let mut media = text(header::CONTENT_TYPE).unwrap_or_default().split(';').map(str::trim);
    let known = accepted.contains(&media.next().unwrap_or_default().to_ascii_lowercase().as_str());
    let utf8 = media.all(|parameter| {
        parameter.to_ascii_lowercase().strip_prefix("charset=").is_none_or(|set| set.trim_matches('"') == "utf-8")
    });
    if !known || !utf8 {
        return Err(Code::UnsupportedMediaType.into());
    }
    Ok(text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()))
}

/// Parses a body: syntax is 400, meaning is 422 with a pointer.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    meaning(document(bytes)?)
}

/// Parses JSON without duplicate members and NUL.
pub fn document(bytes: &[u8]) -> Result<serde_json::Value, Problem> {
    scan(bytes)?;
    serde_json::from_slice(bytes).map_err(|_| Problem::from(Code::MalformedJson))
}

/// A structure of ours from a document that was put together here; faults point into the document.
pub fn meaning<T: DeserializeOwned>(document: serde_json::Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(Node(document)).map_err(|error| shape_problem(&error))
}

/// Merges a patch into an object (RFC 7396): null removes, objects are merged, anything else replaces.
pub fn merge(into: &mut serde_json::Map<String, serde_json::Value>, patch: serde_json::Map<String, serde_json::Value>) {
    use serde_json::Value;
    for (name, value) in patch {
        match (value, into.get_mut(&name)) {
            (Value::Null, _) => {
                into.remove(&name);
            }
            (Value::Object(inner), Some(Value::Object(known))) => merge(known, inner),
            (Value::Object(inner), _) => {
                let mut fresh = serde_json::Map::new();
                merge(&mut fresh, inner);
                into.insert(name, Value::Object(fresh));
            }
            (value, _) => {
                into.insert(name, value);
            }
        }
    }
}

/// A document that becomes structures of ours from objects only: serde would also take an array of their members.
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
            plain => plain.deserialize_any(visitor),
        }
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
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// What a well-formed document that is not of the asked shape is told. serde's message is read for its kind only: it
/// may hold what was submitted.
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

/// What the validator found, as faults.
pub fn validation_faults(errors: &ValidationErrors) -> Vec<Fault> {
    let mut faults = Vec::new();
    collect(errors, "", &mut faults);
    faults.sort();
    faults
}

fn collect(errors: &ValidationErrors, prefix: &str, faults: &mut Vec<Fault>) {
    for (field, kind) in errors.errors() {
        let pointer = format!("{prefix}/{}", escape(field));
        match kind {
            ValidationErrorsKind::Field(found) => faults.extend(found.iter().map(|error| {
                let code = match error.code.as_ref() {
                    "length" if is_too_short(error) => FaultCode::InvalidFormat,
                    "length" => FaultCode::TooLong,
                    "range" => FaultCode::OutOfRange,
                    "required" => FaultCode::Required,
                    _ => FaultCode::InvalidFormat,
                };
                Fault::new(pointer.clone(), code)
            })),
            ValidationErrorsKind::Struct(inner) => collect(inner, &pointer, faults),
            ValidationErrorsKind::List(list) => {
                for (at, inner) in list {
                    collect(inner, &format!("{pointer}/{at}"), faults);
                }
            }
        }
    }
}

/// Whether a length is refused for being too small.
fn is_too_short(error: &ValidationError) -> bool {
    let least = error.params.get("min").and_then(serde_json::Value::as_u64).unwrap_or(0);
    let length = match error.params.get("value") {
        Some(serde_json::Value::String(text)) => text.chars().count(),
        Some(serde_json::Value::Array(items)) => items.len(),
        _ => return false,
    };
    u64::try_from(length).is_ok_and(|length| length < least)
}

/// One pass over the whole document before anything is made of it: JSON at all, no member twice in one object, no NUL.
fn scan(bytes: &[u8]) -> Result<(), Problem> {
    let mut faults = Vec::new();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let ended =
        Scan { pointer: &mut String::new(), faults: &mut faults }.deserialize(&mut json).and_then(|()| json.end());
    if let Some(fault) = faults.pop() {
        let code = if fault.code == FaultCode::DuplicateKey { Code::DuplicateMember } else { Code::Invalid };
        return Err(Problem::with(code, vec![fault]));
    }
    ended.map_err(|_| Code::MalformedJson.into())
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

/// A number that identifies a person. Of an H-number the assigner is part, because it is unique only there.
#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NationalId)]
pub struct NationalIdBody {
    /// Its type.
    r#type: IdType,
    /// The digits, nothing else.
    #[schema(min_length = 11, max_length = 12, pattern = "^[0-9]{11,12}$", example = "01818012337")]
    value: String,
    /// Who assigned it; required of `hnr`, refused of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    assigner: Option<String>,
}

impl NationalIdBody {
    /// The number, checked; faults are at `prefix`.
    pub fn meaning(&self, prefix: &str, acceptance: Acceptance) -> Result<NationalId, Vec<Fault>> {
        NationalId::parse(self.r#type, &self.value, self.assigner.as_deref(), acceptance).map_err(|code| {
            let member = match code {
                FaultCode::Required | FaultCode::Contradiction | FaultCode::TooLong | FaultCode::ForbiddenCharacter => {
                    "assigner"
                }
                _ => "value",
            };
            vec![Fault::new(format!("{prefix}/{member}"), code)]
        })
    }
}

impl From<KnownId> for NationalIdBody {
    fn from(it: KnownId) -> Self {
        Self { r#type: it.kind, value: it.value, assigner: it.assigner }
    }
}

/// The `If-Match` header of a change (RFC 9110): one strong tag of ours.
pub struct IfMatch(pub i64);

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(value) = request.headers().get(header::IF_MATCH) else {
            return ready(Err(Code::PreconditionRequired.into()));
        };
        let tag = value.to_str().unwrap_or_default().trim();
        let version = tag.strip_prefix("\"v").and_then(|rest| rest.strip_suffix('"')?.parse().ok());
        // One spelling only: strong tags are compared byte for byte.
        ready(version.filter(|version| etag(*version) == tag).map(Self).ok_or_else(|| Code::Stale.into()))
    }
}

/// The strong entity tag of a version.
pub fn etag(version: i64) -> String {
    format!("\"v{version}\"")
}

/// The `Idempotency-Key` header, if there is one: 1 to 200 visible characters, in quotes or not.
#[derive(Clone)]
pub struct IdempotencyKey(Option<String>);

impl FromRequest for IdempotencyKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(value) = request.headers().get("idempotency-key") else { return ready(Ok(Self(None))) };
        let key = value.to_str().map(str::trim).unwrap_or_default();
        let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
        let valid = (1..=200).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
        ready(if valid { Ok(Self(Some(key.to_owned()))) } else { Err(parameter("header", "Idempotency-Key")) })
    }
}

impl IdempotencyKey {
    /// The key of one line of a request: no key that comes in a header is spelled like it.
    #[must_use]
    pub fn of_line(self, line: usize) -> Self {
        Self(self.0.map(|key| format!("{key} {line}")))
    }

    /// The key together with what was asked for.
    pub fn of(self, operation: &str, body: &[u8]) -> Option<painreg_tenants::IdempotencyKey> {
        let key = self.0?;
        let mut hash = Sha256::new();
        hash.update(operation.as_bytes());
        hash.update([0]);
        hash.update(body);
        Some(painreg_tenants::IdempotencyKey { key, request_hash: hash.finalize().into() })
    }
}

/// A query parameter that anything may equal: some text, not too long.
pub fn short(name: &str, value: Option<String>, most: usize) -> Result<Option<String>, Problem> {
    let fits = |text: &str| (1..=most).contains(&text.chars().count()) && !text.contains('\0');
    if value.as_deref().is_some_and(|text| !fits(text)) { Err(parameter("query", name)) } else { Ok(value) }
}

/// An unusable query parameter or header: 400.
pub fn parameter(kind: &str, name: &str) -> Problem {
    Problem::with(Code::InvalidParameter, vec![Fault::new(format!("/{kind}/{name}"), FaultCode::InvalidFormat)])
}

/// A member of a merge patch (RFC 7396) that null clears.
#[derive(Debug, Default)]
pub enum Change<T> {
    /// The member is absent.
    #[default]
    Keep,
    /// The member is null.
    Clear,
    /// The member has a value.
    Set(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

/// A merge patch (RFC 7396).
pub struct Patch(pub serde_json::Map<String, serde_json::Value>);

impl<'de> Deserialize<'de> for Patch {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Object(members) => Ok(Self(members)),
            _ => Err(D::Error::invalid_type(Unexpected::Other("no object"), &"an object")),
        }
    }
}

impl Validate for Patch {
    /// What comes of it is examined.
    fn validate(&self) -> Result<(), ValidationErrors> {
        Ok(())
    }
}

/// A code in a list, for the specification only: texts have limits there.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, max_length = 64)]
pub struct ListedCode(pub String);

/// A member of a merge patch that may be absent and, where it is there, has a value: null would clear what cannot be
/// empty.
pub fn given<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    match Option::deserialize(deserializer)? {
        Some(value) => Ok(Some(value)),
        None => Err(D::Error::invalid_type(Unexpected::Unit, &"a value")),
    }
}

/// A FHIR R4 resource: its structure is FHIR's, its members are named as FHIR names them.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub struct Resource(pub serde_json::Map<String, serde_json::Value>);

impl Validate for Resource {
    /// The domain says what is wrong with it.
    fn validate(&self) -> Result<(), ValidationErrors> {
        Ok(())
    }
}

/// One page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T: utoipa::ToSchema> {
    /// The items.
    #[schema(max_items = 1000)]
    pub items: Vec<T>,
    /// Send this as `cursor` to read on; null on the last page.
    #[schema(max_length = 1000)]
    pub next_cursor: Option<String>,
}

/// How much of a list is asked for, and from where.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// How many items at the most, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<i64>,
    /// Where to read on: the `next_cursor` of the page before.
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
}

impl PageParams {
    /// The cursor, to be opened inside the transaction.
    pub fn cursor(&self) -> Option<Cursor> {
        self.cursor.as_deref().map(Cursor::received)
    }

    /// The limit, checked.
    pub fn limit(&self) -> Result<i64, Problem> {
        match self.limit.unwrap_or(50) {
            limit @ 1..=200 => Ok(limit),
            _ => Err(parameter("query", "limit")),
        }
    }
}

/// A stretch of a list as a page; `seal` names the place of its last item.
pub fn page<T, V: From<T> + utoipa::ToSchema>(listing: Listing<T>, seal: impl FnOnce(&T) -> Cursor) -> Page<V> {
    let next_cursor = listing.items.last().filter(|_| listing.more).map(|last| seal(last).as_str().to_owned());
    Page { items: listing.items.into_iter().map(V::from).collect(), next_cursor }
}

/// JSON that is passed on as it is.
#[derive(serde::Serialize)]
#[serde(transparent)]
pub struct Raw(Box<serde_json::value::RawValue>);

impl Raw {
    /// JSON that the database or serde wrote.
    pub fn new(json: String) -> Result<Self, Problem> {
        serde_json::value::RawValue::from_string(json).map(Self).map_err(Problem::internal)
    }
}

impl utoipa::PartialSchema for Raw {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new().into()
    }
}

impl utoipa::ToSchema for Raw {}

/// One page of a list as an answer, with `Link` to the next (RFC 8288).
pub fn page_answer<T: Serialize + utoipa::ToSchema>(request: &HttpRequest, page: &Page<T>) -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    if let Some(cursor) = &page.next_cursor {
        let others = request.query_string().split('&').filter(|part| !part.is_empty() && !part.starts_with("cursor="));
        let query = others.chain([format!("cursor={cursor}").as_str()]).collect::<Vec<_>>().join("&");
        answer.insert_header((header::LINK, format!("<{}?{query}>; rel=\"next\"", request.path())));
    }
    answer.json(page)
}

/// An answer that can be stored and given again.
pub fn reply<T: Serialize>(status: u16, location: Option<String>, version: Option<i64>, body: &T) -> Reply {
    Reply {
        status,
        location,
        etag: version.map(etag),
        media_type: Reply::JSON,
        body: serde_json::to_vec(body).unwrap_or_default(),
        patient: None,
        replayed: false,
    }
}

/// A stored or fresh answer as HTTP.
pub fn answer(reply: Reply) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(reply.status)
        .unwrap_or(actix_web::http::StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = HttpResponse::build(status);
    answer.content_type(reply.media_type.as_ref());
    if let Some(location) = reply.location {
        answer.insert_header((header::LOCATION, location));
    }
    if let Some(etag) = reply.etag {
        answer.insert_header((header::ETAG, etag));
    }
    if reply.replayed {
        answer.insert_header(("Idempotency-Replayed", "true"));
    }
    answer.body(reply.body)
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
    fn members_that_stand_twice_are_found_wherever_they_are() {
        assert_eq!(code(br#"{"a":1,"b":{"c":[{"d":1}]}}"#), None);
        assert_eq!(code(br#"{"a":1,"a":1}"#), Some((Code::DuplicateMember, "/a".into())));
        assert_eq!(code(br#"{"a":1,"\u0061":1}"#), Some((Code::DuplicateMember, "/a".into())));
        assert_eq!(code(br#"{"b":[0,{"x":1,"x":2}]}"#), Some((Code::DuplicateMember, "/b/1/x".into())));
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        for bad in [&b"{not json"[..], b"", b"{} {}", b"\xff", b"[1,]", br#""\ud800""#, &[b'['; 5000]] {
            assert_eq!(code(bad).map(|found| found.0), Some(Code::MalformedJson), "{bad:?}");
        }
    }

    #[test]
    fn nul_is_found_in_values_and_names() {
        assert_eq!(code(br#"{"a":"x\u0000"}"#), Some((Code::Invalid, "/a".into())));
        assert_eq!(code(br#"{"a\u0000":1}"#).map(|found| found.0), Some(Code::Invalid));
    }
}
