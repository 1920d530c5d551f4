//! HTTP from raw bytes.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use painreg_tests::Answer;
use ureq::http::{HeaderMap, HeaderName, HeaderValue};

use super::PATIENCE;

/// Sends pieces of bytes, reads until the server closes or is silent for `patience`, and splits the received bytes into
/// answers.
pub fn exchange(address: SocketAddr, pieces: &[&[u8]], patience: Duration) -> Vec<Answer> {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(patience)).expect("a timeout can be set");
    for piece in pieces {
        // The server may have refused and closed already: its answer is still to be read.
        if stream.write_all(piece).and_then(|()| stream.flush()).is_err() {
            break;
        }
    }
    answers_from(&mut stream)
}

/// Reads until the server closes or is silent, and splits the received bytes into answers.
pub fn answers_from(stream: &mut TcpStream) -> Vec<Answer> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 65536];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => bytes.extend_from_slice(buffer.get(..count).unwrap_or_default()),
        }
        let closing = |answer: &Answer| answer.header("connection").eq_ignore_ascii_case("close");
        if cut(&bytes).is_some_and(|(answer, rest)| rest.is_empty() && closing(&answer)) {
            break;
        }
    }
    let mut answers = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some((answer, after)) = cut(rest) {
        answers.push(answer);
        rest = after;
    }
    answers
}

/// Returns the first whole answer in `bytes`, and the bytes after it.
fn cut(bytes: &[u8]) -> Option<(Answer, &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(bytes.get(..end)?).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        headers.append(
            name.trim().parse::<HeaderName>().expect("a header's name"),
            HeaderValue::from_bytes(value.trim().as_bytes()).expect("a header's value"),
        );
    }
    let rest = bytes.get(end + 4..)?;
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (bytes, rest) = if value("transfer-encoding").is_some() {
        unchunk(rest)?
    } else if let Some(length) = value("content-length") {
        let length: usize = length.parse().ok()?;
        (rest.get(..length)?.to_vec(), rest.get(length..)?)
    } else {
        (Vec::new(), rest)
    };
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    Some((Answer { status, headers, body, bytes }, rest))
}

fn unchunk(mut bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(bytes.get(..end)?).ok()?, 16).ok()?;
        bytes = bytes.get(end + 2..)?;
        body.extend_from_slice(bytes.get(..size)?);
        bytes = bytes.get(size + 2..)?;
        if size == 0 {
            return Some((body, bytes));
        }
    }
}

/// Sends one request on a new connection and returns its answer. The target is sent exactly as given.
pub fn call(address: SocketAddr, method: &str, target: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
    let mut bytes = head(address, method, target, headers);
    if let Some(body) = body {
        bytes.truncate(bytes.len() - 2);
        bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
        bytes.extend_from_slice(body);
    }
    let answers = exchange(address, &[&bytes], PATIENCE);
    answers.into_iter().next().unwrap_or_else(|| panic!("no answer to {method} {target}"))
}

/// Returns the head of a request, including the empty line.
pub fn head(address: SocketAddr, method: &str, target: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}
