//! Access tokens: given, in a file, or fetched with OAuth 2.0 client credentials (RFC 6749, 4.4) and kept until they
//! expire.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use ureq::Agent;
use ureq::http::header;

use super::service::{Refusal, Retry, Stop, retry_of};
use crate::commands::Failure;

/// The time before expiry at which a token is renewed.
const MARGIN: Duration = Duration::from_secs(20);
/// The name of the token endpoint in error messages.
const ISSUER: &str = "the token service";

/// The source of access tokens.
pub enum Credentials {
    /// A fixed token.
    Given(SecretString),
    /// A file that another program keeps up to date.
    File(PathBuf),
    /// A client of an OAuth 2.0 authorisation server.
    Client(Box<Client>),
}

/// A client of an OAuth 2.0 token endpoint.
pub struct Client {
    url: String,
    id: String,
    secret: SecretString,
    scope: Option<String>,
    held: Mutex<Option<Held>>,
}

/// A token and the instant at which to renew it.
struct Held {
    token: SecretString,
    until: Option<Instant>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<u64>,
}

impl Credentials {
    /// Returns a token other than the `refused` one.
    pub fn token(&self, agent: &Agent, refused: Option<&SecretString>) -> Result<SecretString, Retry> {
        let token = match self {
            Self::Given(token) => token.clone(),
            Self::File(path) => read_secret(path).map_err(|error| Stop::Broken(error.to_string()))?,
            Self::Client(client) => return client.token(agent, refused),
        };
        if same(Some(&token), refused) {
            let text = "the access token is not accepted".to_owned();
            return Err(Stop::LockedOut(Refusal {
                service: "the service",
                status: 401,
                code: None,
                text,
                faults: Vec::new(),
            })
            .into());
        }
        Ok(token)
    }
}

impl Client {
    /// Creates the client `id` of the token endpoint at `url`. `scope` is requested where it is given.
    pub fn new(url: &str, id: &str, secret: SecretString, scope: Option<String>) -> Self {
        Self { url: url.to_owned(), id: id.to_owned(), secret, scope, held: Mutex::default() }
    }

    fn token(&self, agent: &Agent, refused: Option<&SecretString>) -> Result<SecretString, Retry> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_ref()
            && held.until.is_none_or(|until| Instant::now() < until)
            && !same(Some(&held.token), refused)
        {
            return Ok(held.token.clone());
        }
        *held = None;
        let basic = STANDARD.encode(format!("{}:{}", encoded(&self.id), encoded(self.secret.expose_secret())));
        let scope = self.scope.as_deref().map(|scope| ("scope", scope));
        let mut answer = agent
            .post(&self.url)
            .header(header::AUTHORIZATION, format!("Basic {basic}"))
            .send_form(std::iter::once(("grant_type", "client_credentials")).chain(scope))
            .map_err(|error| Retry::After(None, format!("{ISSUER}: {error}")))?;
        if answer.status().as_u16() != 200 {
            return Err(match retry_of(ISSUER, answer) {
                Retry::Never(Stop::Refused(refusal)) => Stop::LockedOut(refusal).into(),
                other => other,
            });
        }
        let granted: Granted =
            answer.body_mut().read_json().map_err(|_| Retry::After(None, format!("{ISSUER} returned no token")))?;
        let until =
            granted.expires_in.map(|seconds| Instant::now() + Duration::from_secs(seconds).saturating_sub(MARGIN));
        let token = SecretString::from(granted.access_token);
        *held = Some(Held { token: token.clone(), until });
        Ok(token)
    }
}

fn same(one: Option<&SecretString>, other: Option<&SecretString>) -> bool {
    other.is_some() && one.map(ExposeSecret::expose_secret) == other.map(ExposeSecret::expose_secret)
}

/// Reads a secret from a file, without the line break at its end.
pub fn read_secret(path: &Path) -> Result<SecretString, Failure> {
    let text =
        zeroize::Zeroizing::new(std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?);
    Ok(SecretString::from(text.trim_end_matches(['\r', '\n'])))
}

/// Encodes an id or secret as `application/x-www-form-urlencoded` (RFC 6749, 2.3.1).
fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut done, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            done.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(done, "%{byte:02X}");
        }
        done
    })
}
