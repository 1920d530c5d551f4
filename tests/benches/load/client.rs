//! The load generator: prepared request bytes over keep-alive connections, one thread a connection, so that it uses
//! little of the machine.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Error, ErrorKind, Read as _, Result, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The placeholder of the fresh number in a template: twelve digits, like the numbers themselves.
pub const FRESH: &str = "777777777777";

/// A request without its fresh number.
#[derive(Clone)]
pub struct Template {
    bytes: Vec<u8>,
    spots: Vec<usize>,
}

impl Template {
    /// Creates a request; `body` may hold [`FRESH`] anywhere, and an idempotency key is derived from the number.
    pub fn new(method: &str, path: &str, token: &str, body: Option<&str>) -> Self {
        let mut text = format!(
            "{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n"
        );
        if let Some(body) = body {
            let _ = write!(
                text,
                "Content-Type: application/json\r\nIdempotency-Key: 1000000{FRESH}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
        } else {
            text += "\r\n";
        }
        let spots = text.match_indices(FRESH).map(|(at, _)| at).collect();
        Self { bytes: text.into_bytes(), spots }
    }

    /// Returns the request with its number filled in.
    pub fn with(&mut self, number: u64) -> &[u8] {
        let digits = number.to_string();
        for spot in &self.spots {
            if let Some(place) = self.bytes.get_mut(*spot..*spot + digits.len()) {
                place.copy_from_slice(digits.as_bytes());
            }
        }
        &self.bytes
    }
}

/// Fresh numbers of twelve digits: never repeated and in no order, like the random ones that pgbench draws.
pub struct Numbers(AtomicU64);

impl Numbers {
    /// Starts with the first number.
    pub const fn new() -> Self {
        Self(AtomicU64::new(1))
    }

    /// Returns a number that was not returned before.
    pub fn next(&self) -> u64 {
        // The factor shares no divisor with the modulus, so the products are all different.
        let mixed = u128::from(self.0.fetch_add(1, Ordering::Relaxed)) * 618_033_988_751 % 900_000_000_000;
        100_000_000_000 + u64::try_from(mixed).unwrap_or(0)
    }
}

/// A keep-alive connection to the server.
pub struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// An answer: its status and the bounds of its body.
pub struct Answer<'a> {
    /// The status of the answer.
    pub status: u16,
    /// The body of the answer.
    pub body: &'a [u8],
}

impl Connection {
    /// Creates a connection that is opened by its first request.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: vec![0; 4 * 1024 * 1024] }
    }

    /// Sends a request and reads the whole answer.
    pub fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        let mut stream = if let Some(stream) = self.stream.take() {
            stream
        } else {
            let stream = TcpStream::connect(self.address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            stream
        };
        stream.write_all(request)?;
        let mut filled = 0;
        let mut whole = None;
        let (status, head, end) = loop {
            let room = self.buffer.get_mut(filled..).unwrap_or_default();
            let read = stream.read(room)?;
            if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            filled += read;
            let so_far = self.buffer.get(..filled).unwrap_or_default();
            if whole.is_none() {
                whole = head(so_far)?;
            }
            if let Some((status, head, end)) = whole
                && filled >= end
            {
                break (status, head, end);
            }
        };
        self.stream = Some(stream);
        Ok(Answer { status, body: self.buffer.get(head..end).unwrap_or_default() })
    }
}

/// Returns status, length of the head and length of the whole answer once the head is complete.
fn head(bytes: &[u8]) -> Result<Option<(u16, usize, usize)>> {
    let wrong = || Error::from(ErrorKind::InvalidData);
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = bytes.get(..end).and_then(|head| std::str::from_utf8(head).ok()).ok_or_else(wrong)?;
    let status = text.get(9..12).and_then(|digits| digits.parse().ok()).ok_or_else(wrong)?;
    let length = text.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Ok(Some((status, end + 4, end + 4 + length.ok_or_else(wrong)?)))
}

/// The measurements of one load.
#[derive(Default)]
pub struct Outcome {
    /// Latencies of 2xx answers in microseconds, sorted.
    pub latencies: Vec<u64>,
    /// Number of failed requests by status or error.
    pub errors: BTreeMap<String, u64>,
    /// The body or message of the first error.
    pub first_error: Option<String>,
    /// The measured duration of the load.
    pub elapsed: Duration,
}

impl Outcome {
    /// Returns the number of 2xx answers a second.
    pub fn rate(&self) -> f64 {
        count(self.latencies.len()) / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// Returns a quantile of the latencies in milliseconds.
    pub fn quantile(&self, permille: usize) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let micros = self.latencies.get(last * permille / 1000).copied().unwrap_or(0);
        Duration::from_micros(micros).as_secs_f64() * 1000.0
    }

    /// Returns the number of failed requests.
    pub fn error_count(&self) -> u64 {
        self.errors.values().sum()
    }
}

/// Converts a count to a float; counts here are far below 2^32.
pub fn count(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Sends requests for `time` over `clients` connections at once; each request is a random one of `templates`.
pub fn load(address: SocketAddr, templates: &[Template], numbers: &Numbers, clients: u32, time: Duration) -> Outcome {
    let started = Instant::now();
    let ends = started + time;
    let mut whole = std::thread::scope(|threads| {
        let running: Vec<_> = (0..clients)
            .map(|client| {
                let own = templates.to_vec();
                threads.spawn(move || ask(address, own, numbers, client, ends))
            })
            .collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).fold(Outcome::default(), |mut sum, one| {
            sum.latencies.extend(one.latencies);
            for (what, times) in one.errors {
                *sum.errors.entry(what).or_insert(0) += times;
            }
            sum.first_error = sum.first_error.or(one.first_error);
            sum
        })
    });
    whole.elapsed = started.elapsed();
    whole.latencies.sort_unstable();
    whole
}

fn ask(address: SocketAddr, mut templates: Vec<Template>, numbers: &Numbers, client: u32, ends: Instant) -> Outcome {
    let mut outcome = Outcome::default();
    let mut connection = Connection::new(address);
    let mut state = u64::from(client).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ numbers.next();
    loop {
        let started = Instant::now();
        if started >= ends {
            return outcome;
        }
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = usize::try_from(state >> 33).unwrap_or(0) % templates.len().max(1);
        let Some(template) = templates.get_mut(at) else { return outcome };
        let (what, said) = match connection.exchange(template.with(numbers.next())) {
            Ok(answer) if (200..300).contains(&answer.status) => {
                let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
                outcome.latencies.push(micros);
                continue;
            }
            Ok(answer) => (answer.status.to_string(), String::from_utf8_lossy(answer.body).into_owned()),
            Err(error) => (error.kind().to_string(), error.to_string()),
        };
        outcome.first_error.get_or_insert_with(|| format!("{what}: {said}"));
        *outcome.errors.entry(what).or_insert(0) += 1;
    }
}
