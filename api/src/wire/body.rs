//! Request bodies: media type, size, deadline, shape limits.

use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::BytesMut;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::json::parse;
use super::schema::Extent;
use crate::problem::{Code, Problem};

/// The longest time for a body to arrive.
pub const BODY_DEADLINE: Duration = Duration::from_secs(10);
/// The largest body in bytes, except for batches and FHIR resources.
pub const BODY_LIMIT: usize = 256 * 1024;
/// The largest FHIR resource in bytes. A Questionnaire holds value sets, translations and narrative, and its answers the
/// texts of all questions: published ones reach 1 MiB.
pub const FHIR_LIMIT: usize = 2 * 1024 * 1024;

/// The JSON body of a request: within the size limit, without duplicate members or NUL, and conforming to its schema.
pub struct Body<T, const LIMITS: bool = true> {
    /// The parsed body.
    pub value: T,
    /// The bytes of the body, for hashes and for storing.
    pub bytes: actix_web::web::Bytes,
}

/// A body whose limits the domain checks together with its rules, so that the faults of both are reported at once.
pub type Document<T> = Body<T, false>;

impl<T: DeserializeOwned + ToSchema + 'static, const LIMITS: bool> FromRequest for Body<T, LIMITS> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (media, most): (&[&str], usize) = if request.method() == actix_web::http::Method::PATCH {
            (&["application/json", "application/merge-patch+json"], BODY_LIMIT)
        } else if request.path().contains("/fhir-") {
            (&["application/json", "application/fhir+json"], FHIR_LIMIT)
        } else {
            (&["application/json"], BODY_LIMIT)
        };
        let checked = check_headers(request.headers(), media);
        let payload = payload.take();
        Box::pin(async move {
            let bytes = read_body(payload, checked?, most, BODY_DEADLINE).await?;
            let value = parse(&bytes, if LIMITS { Extent::Limits } else { Extent::Shape })?;
            Ok(Self { value, bytes })
        })
    }
}

/// Reads a body of at most `most` bytes within the deadline.
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

/// Checks that the body has an accepted media type, is UTF-8 and is not compressed. Returns its `Content-Length`.
pub fn check_headers(headers: &HeaderMap, accepted: &[&str]) -> Result<Option<usize>, Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::CONTENT_ENCODING).is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(Code::UnsupportedMediaType.into());
    }
    let media = text(header::CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    let mut parts = media.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let is_json = kind == "application/json" || kind.ends_with("+json");
    // JSON is UTF-8, and a character set beside it says nothing (RFC 8259 11).
    let is_utf8 = |parameter: &str| {
        let set = parameter.strip_prefix("charset=").map(|set| set.trim_matches('"'));
        matches!(set, None | Some("utf-8" | "utf8"))
    };
    if !accepted.contains(&kind) || !(is_json || parts.all(is_utf8)) {
        return Err(Code::UnsupportedMediaType.into());
    }
    Ok(text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()))
}

/// A FHIR R4 resource, with members as FHIR names them.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub struct Resource(pub serde_json::Map<String, serde_json::Value>);
