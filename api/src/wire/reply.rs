//! Responses that can be stored under an idempotency key, and JSON that is passed on unchanged.

use actix_web::HttpResponse;
use actix_web::http::header;
use painreg_tenants::Reply;
use serde::Serialize;

use super::headers::etag;
use crate::problem::Problem;

/// A code in a list, for the specification only, where every text has a limit.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, max_length = 64)]
pub struct ListedCode(pub String);

/// JSON that is passed on unchanged.
#[derive(serde::Serialize)]
#[serde(transparent)]
pub struct Raw(Box<serde_json::value::RawValue>);

impl Raw {
    /// Wraps JSON that the database or serde wrote.
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

/// Returns a reply that can be stored and repeated.
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

/// Converts a stored or new reply to an HTTP response.
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
