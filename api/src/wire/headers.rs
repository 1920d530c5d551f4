//! The request headers `If-Match` and `Idempotency-Key`.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use painreg_tenants::IdempotencyKey as RequestKey;
use sha2::{Digest as _, Sha256};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::parameters::{header_parameter, parameter};
use crate::problem::{Code, Problem};

/// The `If-Match` header of a change (RFC 9110): one strong tag as [`etag`] returns it.
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
        // Strong tags are compared byte by byte, so that `"v01"` is not `"v1"`.
        ready(version.filter(|version| etag(*version) == tag).map(Self).ok_or_else(|| Code::Stale.into()))
    }
}

/// Returns the strong entity tag of a version.
pub fn etag(version: i64) -> String {
    format!("\"v{version}\"")
}

/// The optional `Idempotency-Key` header: 1 to 200 visible characters, with or without quotes.
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
    /// Returns the key of one line of a request. It has a space, which a key from a header cannot have.
    #[must_use]
    pub fn of_line(self, line: usize) -> Self {
        Self(self.0.map(|key| format!("{key} {line}")))
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

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header_parameter("If-Match", true, 50, "The ETag that was read.")]
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let help = "Makes a repetition safe; required of machine clients.";
        vec![header_parameter("Idempotency-Key", false, 200, help)]
    }
}
