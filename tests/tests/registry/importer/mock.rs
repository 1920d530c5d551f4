//! Simulated services over real sockets: minimal HTTP, so that an answer can be broken off anywhere.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

/// A request that was received.
pub struct Request {
    /// The path with its query.
    pub path: String,
    /// The headers, with names in lower case.
    pub headers: HashMap<String, String>,
    /// The bytes of the body.
    pub body: Vec<u8>,
}

impl Request {
    /// Returns a header, empty if absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }
}

/// An answer to be sent.
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Headers besides the content length.
    pub headers: Vec<(&'static str, String)>,
    /// The bytes of the body.
    pub body: Vec<u8>,
    /// The number of bytes of the body after which the connection breaks.
    pub torn_at: Option<usize>,
}

impl Reply {
    /// Creates a complete answer.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), torn_at: None }
    }

    /// Adds a header.
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// Breaks the answer off after this number of bytes of the body.
    pub fn torn_at(mut self, bytes: usize) -> Self {
        self.torn_at = Some(bytes);
        self
    }
}

/// Serves until the process ends.
pub fn serve(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            // A client that was killed leaves half a request behind.
            std::thread::spawn(move || converse(stream, answer.as_ref()).ok());
        }
    });
    address
}

fn converse(stream: TcpStream, answer: &impl Fn(&Request) -> Reply) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").map_or(0, |it| it.parse().expect("a length"));
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let Reply { status, headers, body, torn_at } = answer(&Request { path, headers, body });
        write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: {}\r\n", body.len())?;
        for (name, value) in headers {
            write!(stream, "{name}: {value}\r\n")?;
        }
        stream.write_all(b"\r\n")?;
        stream.write_all(&body[..torn_at.unwrap_or(body.len())])?;
        if torn_at.is_some() {
            return Ok(());
        }
    }
}
