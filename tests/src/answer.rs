//! An answer of the service.

use serde_json::Value;
use ureq::http::HeaderMap;

/// An answer of the service.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// The headers, in order.
    pub headers: HeaderMap,
    /// The body as JSON; null for other formats.
    pub body: Value,
    /// The bytes of the body.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// Returns the answer; fails unless it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// Returns the answer; fails unless it is a problem with this code and its status.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        self
    }

    /// Returns the value of a header, empty if absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Returns the code of the problem, empty if the answer is no problem.
    pub fn code(&self) -> &str {
        self.text_at("/code")
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Returns the text at an RFC 6901 pointer, empty if absent.
    pub fn text_at(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the items of a list.
    pub fn items(&self) -> &[Value] {
        self.body.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the lines of an NDJSON body.
    pub fn lines(&self) -> Vec<Value> {
        let lines = self.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).expect("a line of JSON")).collect()
    }

    /// Returns pointers and codes of the faults.
    pub fn faults(&self) -> Vec<(String, String)> {
        let text = |fault: &Value, name: &str| fault[name].as_str().unwrap_or_default().to_owned();
        let faults = self.body.get("errors").and_then(Value::as_array).into_iter().flatten();
        faults.map(|fault| (text(fault, "pointer"), text(fault, "code"))).collect()
    }
}
