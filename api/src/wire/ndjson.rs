//! Bodies of lines that are read as they come: a million lines need no more memory than a few hundred. Cuts into lines and
//! chunks; does not look into them.

use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt as _;

use super::body::{BODY_LIMIT, check_headers, read_body};
use crate::problem::{Code, Problem};

/// For how long nothing may come before the body is given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// For how long more lines are waited for before those that are here are worked on.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a body that is read whole may take.
const WHOLE_DEADLINE: Duration = Duration::from_mins(1);
/// How many lines make a chunk, and how many bytes.
const CHUNK_LINES: usize = 250;
const CHUNK_BYTES: usize = 1024 * 1024;

/// One line of a body: its number, from 1, and its bytes without the line's end.
pub type Line = (usize, Bytes);

/// A body of lines. One of an announced length of no more than 16 MiB is read before the first answer is written, so that
/// a client may send it whole and then listen; of a longer one the answers are to be read while it is sent.
pub struct LineBody {
    /// The media type, without parameters.
    pub media_type: &'static str,
    payload: Payload,
    buffer: BytesMut,
    line: usize,
    ended: bool,
}

/// The media types of bodies of lines.
pub const NDJSON: &str = "application/x-ndjson";
/// Comma-separated values (RFC 4180), of whatever separator.
pub const CSV: &str = "text/csv";

impl FromRequest for LineBody {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_headers(request.headers(), &[NDJSON, "application/ndjson", CSV]);
        let declared = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = if declared.is_some_and(|it| it.to_ascii_lowercase().starts_with(CSV)) { CSV } else { NDJSON };
        let mut payload = payload.take();
        Box::pin(async move {
            let mut buffer = BytesMut::new();
            if let Some(length) = checked?
                && length <= LINES_LIMIT
            {
                let whole = read_body(payload, Some(length), LINES_LIMIT, WHOLE_DEADLINE).await?;
                payload = Payload::None;
                buffer = BytesMut::from(whole);
            }
            Ok(Self { media_type, payload, buffer, line: 0, ended: false })
        })
    }
}

impl LineBody {
    /// The next lines that are not empty: as many as are here, up to a chunk's worth; none at the end.
    pub async fn chunk(&mut self) -> Result<Vec<Line>, Problem> {
        let mut lines: Vec<Line> = Vec::with_capacity(CHUNK_LINES);
        let mut bytes = 0;
        while lines.len() < CHUNK_LINES && bytes < CHUNK_BYTES {
            if let Some((number, line)) = self.cut()? {
                if !line.trim_ascii().is_empty() {
                    bytes += line.len();
                    lines.push((number, line));
                }
                continue;
            }
            if self.ended {
                break;
            }
            let patience = if lines.is_empty() { PATIENCE } else { PAUSE };
            match tokio::time::timeout(patience, self.payload.next()).await {
                Ok(Some(Ok(more))) => self.buffer.extend_from_slice(&more),
                Ok(Some(Err(_))) => return Err(Code::BadRequest.into()),
                Ok(None) => self.ended = true,
                Err(_) if lines.is_empty() => return Err(Code::RequestTimeout.into()),
                Err(_) => break,
            }
        }
        Ok(lines)
    }

    /// How many lines have been read.
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The next line that is here whole.
    fn cut(&mut self) -> Result<Option<Line>, Problem> {
        let end = self.buffer.iter().position(|byte| *byte == b'\n');
        if end.unwrap_or(self.buffer.len()) > BODY_LIMIT {
            return Err(Code::TooLarge.into());
        }
        let line = match end {
            Some(end) => {
                let mut line = self.buffer.split_to(end + 1);
                line.truncate(end);
                line
            }
            None if self.ended && !self.buffer.is_empty() => self.buffer.split(),
            None => return Ok(None),
        };
        self.line += 1;
        Ok(Some((self.line, line.freeze())))
    }
}

/// A request's body of NDJSON: a document a line, empty lines skipped. The lines are not looked into yet: what is wrong
/// with one is that line's result.
pub struct Lines(pub Vec<(usize, actix_web::web::Bytes)>);

/// How large a body of lines may be.
pub const LINES_LIMIT: usize = 16 * 1024 * 1024;
/// How long a body of lines may take to arrive.
const LINES_DEADLINE: Duration = Duration::from_mins(1);
/// How many lines a body may have.
pub const MOST_LINES: usize = 10_000;

impl FromRequest for Lines {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_headers(request.headers(), &["application/x-ndjson", "application/ndjson"]);
        let payload = payload.take();
        Box::pin(async move {
            let bytes = read_body(payload, checked?, LINES_LIMIT, LINES_DEADLINE).await?;
            let mut lines = Vec::new();
            let mut from = 0;
            for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
                let to = from + line.len();
                if !line.trim_ascii().is_empty() {
                    lines.push((at + 1, bytes.slice(from..to)));
                }
                from = to + 1;
            }
            if lines.len() > MOST_LINES {
                return Err(Code::TooLarge.into());
            }
            Ok(Self(lines))
        })
    }
}
