//! The middleware of every request: its id, the headers of every answer, problems in the caller's language, metrics and
//! a log line. Reads no body.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpResponse, web};
use futures_util::FutureExt as _;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::auth::Remaining;
use crate::operations::Operation;
use crate::problem::{Code, Language, Problem};
use crate::request_info::RequestInfo;
use crate::state::State;
use crate::survivor::{self, Survivor};
use crate::wire::{Given, WrongParameters, header_faults};

/// Request headers that are copied into the answer if they are short and printable.
const ECHOED: &[&str] = &["traceparent", "nhn-event-id"];

/// Wraps every request.
pub async fn middleware(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let info = RequestInfo {
        id: request_id(&request),
        method: request.method().clone(),
        language: Language::negotiate(text(request.headers(), header::ACCEPT_LANGUAGE.as_str())),
    };
    let echoed: Vec<(&'static str, HeaderValue)> = ECHOED
        .iter()
        .filter_map(|name| {
            let value = request.headers().get(*name)?;
            let fit = value.len() <= 200 && value.to_str().is_ok();
            fit.then(|| (*name, value.clone()))
        })
        .collect();
    request.extensions_mut().insert(info.clone());
    // HEAD is GET without the body (RFC 9110 9.3.2), which is left out where the answer is written.
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let operation = operation_at(&request);
    if let Some(operation) = operation {
        request.extensions_mut().insert(operation);
    }
    let span = span_of(&info, operation);
    let answered = answered(request, next, operation, info, &echoed, started);
    answered.instrument(span).await
}

/// Returns the operation of a request; `None` where the path has none of this method.
fn operation_at(request: &ServiceRequest) -> Option<&'static Operation> {
    let operations = request.app_data::<web::Data<State>>()?.operations;
    operations.find(request.method(), &request.match_pattern()?)
}

/// Returns the span of a request. Its tenant is recorded once the caller is verified. No address, query string or
/// subject is in it: they may identify a person.
fn span_of(info: &RequestInfo, operation: Option<&Operation>) -> Span {
    // An error span, so that events of every level that is logged are inside it.
    tracing::error_span!(
        "request",
        request_id = %info.id,
        method = %info.method,
        route = operation.map_or("", |it| it.path.as_str()),
        operation = operation.map_or("unknown", |it| it.id.as_str()),
        tenant = Empty
    )
}

async fn answered(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    operation: Option<&Operation>,
    info: RequestInfo,
    echoed: &[(&'static str, HeaderValue)],
    started: Instant,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Err(problem) = admit(&request, operation) {
        let refused = problem.answer(info.language, &info.id);
        return Ok(finish(request.into_response(refused), &info, echoed, started));
    }
    // A panic must not close the connection.
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(Ok(answered)) => {
            let answered = answered.map_into_boxed_body();
            let problem = problem_of(&answered);
            let answered = match problem {
                Some(answer) => answered.into_response(answer(&info)),
                None => answered,
            };
            Ok(finish(answered, &info, echoed, started))
        }
        Ok(Err(error)) => Err(Unhandled::new(info, code_of(error.as_response_error().status_code())).into()),
        Err(_) => {
            tracing::error!("handler panicked");
            metrics::counter!("painreg_panics_total").increment(1);
            Err(Unhandled::new(info, Code::Internal).into())
        }
    }
}

/// Returns what turns a refusal into a problem in the caller's language; `None` where the answer stays.
fn problem_of(answered: &ServiceResponse<BoxBody>) -> Option<impl FnOnce(&RequestInfo) -> HttpResponse + use<>> {
    let status = answered.status();
    let shown = match answered.response().error().and_then(|error| error.as_error::<Problem>()) {
        Some(problem) => {
            if let Some(source) = problem.source.as_deref() {
                tracing::error!(code = problem.code.name(), error = chain(source), "request failed");
            }
            Some((
                Problem {
                    code: problem.code,
                    errors: problem.errors.clone(),
                    retry_after: problem.retry_after,
                    source: None,
                },
                None,
            ))
        }
        None if status.as_u16() >= 400 && !is_problem(answered.headers()) => {
            let allow = answered.headers().get(header::ALLOW).cloned();
            Some((Problem::from(code_of(status)), allow))
        }
        None => None,
    };
    shown.map(|(problem, allow)| {
        move |info: &RequestInfo| {
            let mut answer = problem.answer(info.language, &info.id);
            if let Some(allow) = allow {
                answer.headers_mut().insert(header::ALLOW, allow);
            }
            answer
        }
    })
}

/// An error and its causes; database errors name tables and constraints, never values.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

fn is_problem(headers: &HeaderMap) -> bool {
    text(headers, "content-type").is_some_and(|kind| kind.starts_with("application/problem+json"))
}

/// Returns the problem code for a status that the framework chose.
fn code_of(status: StatusCode) -> Code {
    match status.as_u16() {
        401 => Code::Unauthenticated,
        403 => Code::Forbidden,
        404 => Code::NotFound,
        405 => Code::MethodNotAllowed,
        406 => Code::NotAcceptable,
        408 => Code::RequestTimeout,
        413 => Code::TooLarge,
        415 => Code::UnsupportedMediaType,
        431 => Code::HeadersTooLarge,
        status if status < 500 => Code::BadRequest,
        _ => Code::Internal,
    }
}

/// Adds the headers of every answer, records metrics and logs the request.
fn finish(
    mut answered: ServiceResponse<BoxBody>,
    info: &RequestInfo,
    echoed: &[(&'static str, HeaderValue)],
    started: Instant,
) -> ServiceResponse<BoxBody> {
    let remaining = answered.request().extensions().get::<Remaining>().copied();
    let status = answered.status().as_u16();
    let own = if answered.status().is_success() { Survivor::content_location(answered.request()) } else { None };
    let headers = answered.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("x-request-id", &info.id);
    set("x-content-type-options", "nosniff");
    set("referrer-policy", "no-referrer");
    if let Some(Remaining { quota, left }) = remaining {
        set("ratelimit-policy", &format!("\"caller\";q={quota};w=1"));
        set("ratelimit", &format!("\"caller\";r={left};t=1"));
    }
    if let Some(own) = own {
        set(survivor::HEADER, &own);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    for (name, value) in echoed {
        headers.insert(HeaderName::from_static(name), value.clone());
    }
    let seconds = started.elapsed().as_secs_f64();
    metrics::histogram!("painreg_request_seconds").record(seconds);
    metrics::counter!("painreg_requests_total", "status" => status.to_string()).increment(1);
    tracing::info!(status, milliseconds = seconds * 1000.0, "request completed");
    answered
}

/// An error or panic that no handler answered, with what its answer needs.
#[derive(Debug, thiserror::Error)]
#[error("{}", problem.code.en())]
struct Unhandled {
    info: RequestInfo,
    problem: Problem,
}

impl Unhandled {
    fn new(info: RequestInfo, code: Code) -> Self {
        Self { info, problem: code.into() }
    }
}

impl actix_web::ResponseError for Unhandled {
    fn status_code(&self) -> StatusCode {
        self.problem.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = self.problem.answer(self.info.language, &self.info.id);
        let headers = answer.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Ok(id) = HeaderValue::from_str(&self.info.id) {
            headers.insert(HeaderName::from_static("x-request-id"), id);
        }
        answer
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Returns the caller's request id if it is 8 to 64 letters, digits, `-`, `_` or `.`, without eleven or twelve digits in
/// a row, which may be a national id; else a new one.
fn request_id(request: &ServiceRequest) -> String {
    let fit = |id: &&str| {
        (8..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
            && !id.split(|letter: char| !letter.is_ascii_digit()).any(|run| matches!(run.len(), 11 | 12))
    };
    let drawn = || {
        request
            .app_data::<web::Data<State>>()
            .map(|state| state.registry.clock().ordered_id().to_string())
            .unwrap_or_default()
    };
    text(request.headers(), "x-request-id").filter(fit).map_or_else(drawn, str::to_owned)
}

/// How large a request's headers may be together, names included.
const HEADERS_LIMIT: usize = 32 * 1024;

/// Refuses a request before routing, or reads its query for the operation.
fn admit(request: &ServiceRequest, operation: Option<&Operation>) -> Result<(), Problem> {
    let headers = request.headers();
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > HEADERS_LIMIT {
        return Err(Code::HeadersTooLarge.into());
    }
    // PostgreSQL's text cannot contain NUL: nothing has such a name.
    if request.path().contains("%00") {
        return Err(Code::NotFound.into());
    }
    if !acceptable(headers) {
        return Err(Code::NotAcceptable.into());
    }
    if let Some(operation) = operation {
        // Every wrong parameter of the request is named in one answer.
        let mut faults = header_faults(&operation.headers, headers);
        match Given::read(request.query_string(), &operation.query) {
            Ok(given) => drop(request.extensions_mut().insert(given)),
            Err(of_query) => faults.extend(of_query),
        }
        if !faults.is_empty() {
            let wrong = Problem::with(Code::InvalidParameter, faults);
            if operation.public {
                return Err(wrong);
            }
            // Refused once the caller is known: without credentials the answer is 401, whatever the parameters.
            request.extensions_mut().insert(WrongParameters(wrong));
        }
    }
    Ok(())
}

/// Whether the caller accepts JSON or a media type of the documentation pages.
fn acceptable(headers: &HeaderMap) -> bool {
    text(headers, "accept").is_none_or(|accept| {
        accept.trim().is_empty()
            || accept.split(',').any(|range| {
                let mut parts = range.split(';').map(str::trim);
                let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
                let refused = parts.any(|part| part.strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0)));
                let ours = kind.starts_with("application/")
                    || matches!(
                        kind.as_str(),
                        "*/*" | "text/html" | "text/css" | "text/*" | "text/plain" | "image/*" | "image/png"
                    );
                ours && !refused
            })
    })
}
