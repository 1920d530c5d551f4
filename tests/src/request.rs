//! A request builder.

use serde_json::Value;
use ureq::http;

use crate::actor::Actor;
use crate::answer::Answer;

/// The ends of paths of drafts: one that is discarded and begun again counts its versions from 1 again.
const BEGUN_AGAIN: &[&str] = &["/draft", "/follow-up-plan-draft"];

/// A request before it is sent.
pub struct Request<'a, 'w> {
    pub(crate) actor: &'a Actor<'w>,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) bare: bool,
}

impl Request<'_, '_> {
    /// Sends only the given headers: no `Idempotency-Key` is added for machine clients.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// Adds this header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds this `Idempotency-Key`.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// Sets this JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        let media = if self.method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        self.body(media, body.to_string().into_bytes())
    }

    /// Sets these bytes of this media type as the body.
    #[must_use]
    pub fn body(mut self, media: &str, bytes: Vec<u8>) -> Self {
        self.body = Some(bytes);
        self.header("content-type", media)
    }

    /// Sends the request and returns the answer.
    #[track_caller]
    pub fn send(self) -> Answer {
        let world = self.actor.world;
        let mut request =
            http::Request::builder().method(self.method.as_str()).uri(format!("http://{}{}", world.address, self.path));
        let given = |name: &str| self.headers.iter().any(|(header, _)| header.eq_ignore_ascii_case(name));
        if !given("authorization")
            && let Some(token) = self.actor.token()
        {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !self.bare && self.method == "POST" && self.actor.claims.role.is_machine() && !given("idempotency-key") {
            request = request.header("idempotency-key", world.clock.random_id().to_string());
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let takes_body = matches!(self.method.as_str(), "POST" | "PUT" | "PATCH");
        let answered = match self.body {
            None if !takes_body => world.agent.run(request.body(()).expect("a request")),
            body => world.agent.run(request.body(body.unwrap_or_default()).expect("a request")),
        };
        let mut answered = answered.unwrap_or_else(|error| panic!("{} {}: {error}", self.method, self.path));
        let bytes = answered.body_mut().with_config().limit(64 << 20).read_to_vec().expect("a body");
        let answer = Answer {
            status: answered.status().as_u16(),
            headers: answered.headers().clone(),
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
            bytes,
        };
        let begun_again = BEGUN_AGAIN.iter().any(|end| self.path.ends_with(end));
        if self.method == "GET" && answer.status == 200 && !answer.header("etag").is_empty() && !begun_again {
            let role = format!("{:?}", self.actor.claims.role);
            let key = (self.path.clone(), role, answer.header("etag").to_owned());
            let mut shown = world.shown.lock().expect("no thread panicked");
            let first = shown.entry(key).or_insert_with(|| answer.bytes.clone());
            let before = String::from_utf8_lossy(first);
            assert_eq!(before, answer.text(), "{}: one tag, two representations", self.path);
        }
        answer
    }
}
