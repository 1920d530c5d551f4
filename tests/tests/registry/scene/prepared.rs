//! A request that can be sent, and modified before.

use painreg_tests::{Actor, Answer};

/// The patients that the audit trace of a prepared request names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Traced {
    /// These patients and those merged into them.
    Records(Vec<String>),
    /// Exactly these patients.
    Exactly(Vec<String>),
    /// The patient with the id at this pointer of the answer.
    Answered(&'static str),
    /// Every patient of the list.
    Listed,
}

/// A request that can be sent.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The HTTP method, in capitals.
    pub method: String,
    /// The path and the query.
    pub path: String,
    /// The headers except the media type.
    pub headers: Vec<(String, String)>,
    /// The media type and the body.
    pub body: Option<(String, Vec<u8>)>,
    /// Whether the request names one of the objects, and is answered with 404 if they do not exist.
    pub refers: bool,
    /// The patients that the audit trace names.
    pub traced: Traced,
    /// Whether only the given headers are sent, without an added key.
    pub bare: bool,
}

impl Prepared {
    /// Sends the request.
    #[track_caller]
    pub fn send(&self, actor: &Actor<'_>) -> Answer {
        let mut request = actor.request(&self.method, &self.path);
        if self.bare {
            request = request.bare();
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some((media, bytes)) = &self.body {
            request = request.body(media, bytes.clone());
        }
        request.send()
    }

    /// Returns the request with this header, which replaces one of the same name.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the request without this header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| !header.eq_ignore_ascii_case(name));
        self
    }

    /// Returns the request with another body.
    #[must_use]
    pub fn with_body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        if let Some((_, body)) = &mut self.body {
            *body = bytes.into();
        }
        self
    }
}
