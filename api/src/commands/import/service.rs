//! An HTTP client with retries: it renews credentials, waits as the service asks, and gives up after the configured
//! time. It must not know the requests' meaning.

use std::fmt;
use std::io::Read as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use painreg_tenants::Clock;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use ureq::http::{HeaderMap, Response, header};
use ureq::{Agent, Body};

use super::credentials::Credentials;
use super::report::Fault;

/// The first back-off where the service names no wait, and the longest wait of any kind.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_mins(2);
/// The timeout of a silent connection.
const SILENCE: Duration = Duration::from_mins(2);
/// The most bytes of an error response that are read.
const ERROR_BYTES: u64 = 64 * 1024;

/// An error that ends an import early.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// A service refused a request, and a retry would not help.
    #[error("{0}")]
    Refused(Refusal),
    /// No token is accepted.
    #[error("{0}")]
    LockedOut(Refusal),
    /// No success for as long as `--patience` allows.
    #[error("gave up: {0}")]
    GaveUp(String),
    /// Another thread of the import has failed.
    #[error("stopped")]
    Halted,
    /// The disk failed, or a response cannot be understood.
    #[error("{0}")]
    Broken(String),
}

/// The refusal of a service. It never repeats what was sent.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The name of the service.
    pub service: &'static str,
    /// The HTTP status of the response.
    pub status: u16,
    /// The registry's problem code, if it is one of its problems.
    pub code: Option<String>,
    /// The title of the problem, or Nettskjema's message.
    pub text: String,
    /// The faults of the request.
    pub faults: Vec<Fault>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered {}", self.service, self.status)?;
        for word in self.code.iter().chain((!self.text.is_empty()).then_some(&self.text)) {
            write!(f, ": {word}")?;
        }
        self.faults.iter().try_for_each(|it| write!(f, "; {it}"))
    }
}

/// The result of a failed attempt.
#[derive(Debug)]
pub enum Retry {
    /// A retry may help: after the wait that the service asked for, or with growing back-off.
    After(Option<Duration>, String),
    /// A retry does not help.
    Never(Stop),
}

impl From<Stop> for Retry {
    fn from(stop: Stop) -> Self {
        Self::Never(stop)
    }
}

/// The body and headers of a POST.
pub struct Sent<'a> {
    /// The media type of the body.
    pub media: &'a str,
    /// The value of the `Idempotency-Key` header.
    pub key: &'a str,
    /// The bytes of the body.
    pub body: &'a [u8],
}

/// A client of one HTTP service.
pub struct Service {
    name: &'static str,
    base: String,
    agent: Agent,
    credentials: Credentials,
    patience: Duration,
    halted: Arc<AtomicBool>,
    /// The instant before which no request is sent, because the service asked for a pause.
    not_before: Mutex<Option<Instant>>,
}

/// The error body of the registry (RFC 9457), Nettskjema or an OAuth server.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    code: Option<String>,
    title: Option<String>,
    message: Option<String>,
    error: Option<String>,
    errors: serde_json::Value,
}

/// Creates an agent that follows no redirects and uses the machine's trust store: hospitals have private certificate
/// authorities.
pub fn agent() -> Agent {
    let tls = ureq::tls::TlsConfig::builder()
        .provider(ureq::tls::TlsProvider::Rustls)
        .root_certs(ureq::tls::RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .timeout_per_write(Some(SILENCE))
        .build()
        .new_agent()
}

impl Service {
    /// Creates a client of the service at `base`, which error messages call `name`.
    pub fn new(
        name: &'static str,
        base: &str,
        credentials: Credentials,
        patience: Duration,
        halted: Arc<AtomicBool>,
    ) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        Self { name, base, agent: agent(), credentials, patience, halted, not_before: Mutex::default() }
    }

    /// Sends one request: a GET of `path`, or a POST to it. Refused credentials are renewed once.
    pub fn ask(&self, path: &str, sent: Option<&Sent<'_>>) -> Result<Response<Body>, Retry> {
        let url = format!("{}{path}", self.base);
        let mut refused: Option<SecretString> = None;
        loop {
            let token = self.credentials.token(&self.agent, refused.as_ref())?;
            let bearer = format!("Bearer {}", token.expose_secret());
            let answered = match sent {
                None => self.agent.get(&url).header(header::AUTHORIZATION, &bearer).call(),
                Some(sent) => self
                    .agent
                    .post(&url)
                    .header(header::AUTHORIZATION, &bearer)
                    .header(header::CONTENT_TYPE, sent.media)
                    .header("idempotency-key", sent.key)
                    .send(sent.body),
            };
            let answer = answered.map_err(|error| self.torn(&error))?;
            if let Some(pause) = exhausted(answer.headers()) {
                self.hold(pause);
            }
            match answer.status().as_u16() {
                200..=299 => return Ok(answer),
                401 if refused.is_none() => refused = Some(token),
                _ => return Err(retry_of(self.name, answer)),
            }
        }
    }

    /// Returns the retry for a connection that broke before or during the response.
    pub fn torn(&self, error: &dyn fmt::Display) -> Retry {
        Retry::After(None, format!("{}: {error}", self.name))
    }

    /// Retries until success, a permanent refusal, or the end of the configured time without success.
    pub fn persist<T>(&self, mut attempt: impl FnMut() -> Result<T, Retry>) -> Result<T, Stop> {
        let mut failing: Option<Instant> = None;
        let mut wait = FIRST_WAIT;
        loop {
            self.wait_turn()?;
            let (asked, why) = match attempt() {
                Ok(done) => return Ok(done),
                Err(Retry::Never(stop)) => return Err(stop),
                Err(Retry::After(asked, why)) => (asked, why),
            };
            if failing.get_or_insert_with(Instant::now).elapsed() >= self.patience {
                return Err(Stop::GaveUp(why));
            }
            tracing::warn!(why, "request failed; retried");
            if let Some(pause) = asked {
                self.hold(pause.max(FIRST_WAIT));
            } else {
                self.pause(wait)?;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }

    /// Waits until the time is over or the import stops.
    pub fn pause(&self, time: Duration) -> Result<(), Stop> {
        let until = Instant::now() + time;
        loop {
            if self.halted.load(Ordering::Relaxed) {
                return Err(Stop::Halted);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(Duration::from_millis(50)));
        }
    }

    /// Delays every request to this service.
    fn hold(&self, pause: Duration) {
        let until = Instant::now() + pause.min(LONGEST_WAIT);
        let mut held = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        *held = (*held).max(Some(until));
    }

    fn wait_turn(&self) -> Result<(), Stop> {
        let until = *self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        self.pause(until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now())))
    }
}

/// Returns whether and when to retry after an error response.
pub fn retry_of(service: &'static str, answer: Response<Body>) -> Retry {
    let status = answer.status().as_u16();
    let wait = retry_after(answer.headers());
    let mut text = Vec::new();
    // Where the body cannot be read, the status is the error.
    let _ = answer.into_body().into_reader().take(ERROR_BYTES).read_to_end(&mut text);
    let body: ErrorBody = serde_json::from_slice(&text).unwrap_or_default();
    let faults = serde_json::from_value(body.errors).unwrap_or_default();
    let text = body.message.or(body.title).or(body.error).unwrap_or_default();
    let refusal = Refusal { service, status, code: body.code, text, faults };
    let in_progress = status == 409 && wait.is_some();
    if in_progress || matches!(status, 408 | 425 | 429 | 500..=599) {
        Retry::After(wait, refusal.to_string())
    } else {
        Retry::Never(Stop::Refused(refusal))
    }
}

/// Reads `Retry-After`, in seconds or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(until.duration_since(Clock::system().now()).try_into().unwrap_or_default())
}

/// Returns the wait where `RateLimit` (draft-ietf-httpapi-ratelimit-headers) has no request left.
fn exhausted(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("ratelimit")?.to_str().ok()?;
    let member = |name: &str| text.split(';').find_map(|it| it.trim().strip_prefix(name)?.parse::<u64>().ok());
    (member("r=")? == 0).then(|| Duration::from_secs(member("t=").unwrap_or(1)))
}

#[cfg(test)]
mod tests;
