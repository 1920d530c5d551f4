//! Access tokens: given, in a file, or fetched with OAuth 2.0 client credentials (RFC 6749, 4.4) and kept until they expire.

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

use super::service::{Refusal, Retry, Stop, setback};
use crate::commands::Failure;

/// How long before it expires a token is renewed.
const MARGIN: Duration = Duration::from_secs(20);
/// What fetches tokens is called in what is told.
const ISSUER: &str = "the token service";

/// Where access tokens come from.
pub enum Credentials {
    /// One token.
    Given(SecretString),
    /// A file that something else keeps fresh.
    File(PathBuf),
    /// A client of an OAuth 2.0 authorisation server.
    Client(Box<Client>),
}

/// A client of an authorisation server.
pub struct Client {
    url: String,
    id: String,
    secret: SecretString,
    scope: Option<String>,
    held: Mutex<Option<Held>>,
}

/// A token and when to renew it.
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
    /// A token that is not the one that was `refused`.
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
    /// The client `id` of the token endpoint at `url`; `scope`: what to ask for, if the server wants to be told.
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
            return Err(match setback(ISSUER, answer) {
                Retry::Never(Stop::Refused(refusal)) => Stop::LockedOut(refusal).into(),
                other => other,
            });
        }
        let granted: Granted = answer
            .body_mut()
            .read_json()
            .map_err(|_| Retry::After(None, format!("{ISSUER} gave an answer that is no token")))?;
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

/// A secret in a file, without the line's end.
pub fn read_secret(path: &Path) -> Result<SecretString, Failure> {
    let text =
        zeroize::Zeroizing::new(std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?);
    Ok(SecretString::from(text.trim_end_matches(['\r', '\n'])))
}

/// `application/x-www-form-urlencoded`, as RFC 6749 (2.3.1) asks of ids and secrets.
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
