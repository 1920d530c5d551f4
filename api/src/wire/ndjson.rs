//! Bodies of lines, read while they arrive, and answers of lines, written while they are computed: memory does not grow
//! with the number of lines. Splits bodies into lines, of CSV into records, and chunks; does not parse a line.

use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{Buf as _, Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use futures_util::{Stream, StreamExt as _, stream};
use painreg_domain::delimited::{self, Scanner};
use painreg_domain::encoding::{UTF_8_MARK, is_utf_16};
use serde::Serialize;

use super::body::{BODY_LIMIT, check_headers, read_body};
use crate::problem::{Code, Problem, ProblemView};
use crate::request_info::RequestInfo;

/// The longest silence before a body is refused.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest wait for further lines of a chunk that has some.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest time for a body that is read completely before it is processed.
const WHOLE_DEADLINE: Duration = Duration::from_mins(1);
/// The most lines of a chunk.
const CHUNK_LINES: usize = 250;
/// The size in bytes at which a chunk is complete.
const CHUNK_BYTES: usize = 1024 * 1024;
/// The largest body in bytes that is read completely before it is processed.
pub const LINES_LIMIT: usize = 16 * 1024 * 1024;
/// The most lines of a body that is processed line by line.
const MOST_LINES: usize = 10_000;

/// A line of a body: its number, from 1, and its bytes without the line break.
pub type Line = (usize, Bytes);

/// A body of lines. A body with a `Content-Length` of at most [`LINES_LIMIT`] is read before the first result is
/// written, so that a client may send all of it and then read; the client of a longer body must read results while it
/// sends.
pub struct Lines {
    /// The media type, without parameters.
    pub media_type: &'static str,
    payload: Payload,
    announced: Option<usize>,
    buffer: BytesMut,
    line: usize,
    ended: bool,
    /// The search for the end of a record of CSV, once the delimiter is known.
    records: Option<Scanner>,
}

/// The media type of a JSON document per line.
pub const NDJSON: &str = "application/x-ndjson";
/// The media type of comma-separated values (RFC 4180), with any separator.
pub const CSV: &str = "text/csv";
/// The media type of one document.
pub const JSON: &str = "application/json";

impl FromRequest for Lines {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_headers(request.headers(), &[NDJSON, "application/ndjson", CSV]);
        let declared = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = if declared.is_some_and(|it| it.to_ascii_lowercase().starts_with(CSV)) { CSV } else { NDJSON };
        let mut payload = payload.take();
        Box::pin(async move {
            let announced = checked?;
            let mut buffer = BytesMut::new();
            if announced.is_some_and(|length| length <= LINES_LIMIT) {
                buffer = read_body(payload, announced, LINES_LIMIT, WHOLE_DEADLINE).await?.into();
                payload = Payload::None;
            }
            Ok(Self { media_type, payload, announced, buffer, line: 0, ended: false, records: None })
        })
    }
}

impl Lines {
    /// Returns the next lines that are not empty, of CSV the next records: those that have arrived, at most a chunk;
    /// none at the end.
    pub async fn chunk(&mut self) -> Result<Vec<Line>, Problem> {
        let mut lines: Vec<Line> = Vec::with_capacity(CHUNK_LINES);
        let mut bytes = 0;
        while lines.len() < CHUNK_LINES && bytes < CHUNK_BYTES {
            if let Some((number, line)) = self.cut(BODY_LIMIT)? {
                if !line.trim_ascii().is_empty() {
                    bytes += line.len();
                    lines.push((number, line));
                }
                continue;
            }
            if self.ended {
                break;
            }
            let patience = if lines.is_empty() { IDLE_TIMEOUT } else { PAUSE };
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

    /// Returns every line of NDJSON that is not empty: at most `MOST_LINES` lines and `LINES_LIMIT` bytes.
    pub async fn whole(mut self) -> Result<Vec<Line>, Problem> {
        if self.media_type != NDJSON {
            return Err(Code::UnsupportedMediaType.into());
        }
        if !matches!(self.payload, Payload::None) {
            self.buffer = read_body(self.payload, self.announced, LINES_LIMIT, WHOLE_DEADLINE).await?.into();
            self.payload = Payload::None;
        }
        self.ended = true;
        let mut lines = Vec::new();
        while let Some((number, line)) = self.cut(LINES_LIMIT)? {
            if !line.trim_ascii().is_empty() {
                lines.push((number, line));
            }
        }
        if lines.len() > MOST_LINES {
            return Err(Code::TooLarge.into());
        }
        Ok(lines)
    }

    /// Returns the number of lines that have been read.
    pub const fn line(&self) -> usize {
        self.line
    }

    /// Returns the next complete line or record of at most so many bytes.
    fn cut(&mut self, most: usize) -> Result<Option<Line>, Problem> {
        if self.media_type == CSV {
            return self.cut_record(most);
        }
        let end = self.buffer.iter().position(|byte| *byte == b'\n');
        if end.unwrap_or(self.buffer.len()) > most {
            return Err(Code::TooLarge.into());
        }
        let mut line = match end {
            Some(end) => {
                let mut line = self.buffer.split_to(end + 1);
                line.truncate(end);
                line
            }
            None if self.ended && !self.buffer.is_empty() => self.buffer.split(),
            None => return Ok(None),
        };
        self.line += 1;
        if self.line == 1 && line.starts_with(UTF_8_MARK) {
            line.advance(UTF_8_MARK.len());
        }
        Ok(Some((self.line, line.freeze())))
    }

    /// Returns the next complete record of CSV that has text, with the number of its first line.
    fn cut_record(&mut self, most: usize) -> Result<Option<Line>, Problem> {
        loop {
            let ended = self.ended || self.buffer.len() > most;
            let seen = self.buffer.get(..=most).unwrap_or(&self.buffer);
            let Some(records) = &mut self.records else {
                if is_utf_16(seen) {
                    return Err(Code::UnsupportedMediaType.into());
                }
                let Some(head) = delimited::head(seen, ended) else { return Ok(None) };
                self.buffer.advance(head.skipped);
                self.line += head.lines;
                self.records = Some(Scanner::new(head.delimiter));
                continue;
            };
            let Some(cut) = records.find(seen, ended) else { return Ok(None) };
            if cut.whole > most {
                return Err(Code::TooLarge.into());
            }
            let number = self.line + 1;
            let delimiter = records.delimiter();
            let mut record = self.buffer.split_to(cut.whole);
            record.truncate(cut.text);
            self.line += cut.lines;
            if cut.broken_at.is_some() || !delimited::is_blank(delimiter, &record) {
                return Ok(Some((number, record.freeze())));
            }
        }
    }
}

/// Returns a response with a line of NDJSON per result. Each chunk of results is sent as soon as it is computed, within
/// the span of the request.
pub fn lines_answer<T: Serialize>(chunks: impl Stream<Item = Vec<T>> + 'static) -> HttpResponse {
    let span = tracing::Span::current();
    let mut texts = chunks.map(|results| Ok::<_, Problem>(text_of(&results))).boxed_local();
    let body = stream::poll_fn(move |context| span.in_scope(|| texts.poll_next_unpin(context)));
    HttpResponse::Ok().content_type(NDJSON).streaming(body)
}

fn text_of<T: Serialize>(results: &[T]) -> Bytes {
    let mut text = Vec::with_capacity(results.len() * 1024);
    for result in results {
        let start = text.len();
        match serde_json::to_writer(&mut text, result) {
            Ok(()) => text.push(b'\n'),
            Err(_) => text.truncate(start),
        }
    }
    text.into()
}

/// Returns the problem of a refused line as its result shows it, and logs the cause of an internal one.
pub fn line_problem(line: usize, problem: &Problem, info: &RequestInfo) -> ProblemView {
    if let Some(source) = problem.source.as_deref() {
        tracing::error!(line, code = problem.code.name(), error = %source, "line failed");
    }
    problem.view(info.language, &info.id)
}
