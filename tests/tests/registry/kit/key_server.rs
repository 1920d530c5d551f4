//! A server of key sets.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};

/// Serves one answer at `/jwks` and another at `/elsewhere`, and counts requests.
pub struct KeyServer {
    pub address: SocketAddr,
    state: Arc<Served>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Served {
    answer: Mutex<Vec<u8>>,
    elsewhere: Mutex<Vec<u8>>,
    asked: AtomicUsize,
    asked_elsewhere: AtomicUsize,
    stop: AtomicBool,
}

impl KeyServer {
    pub fn start(keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Served::default());
        let of_thread = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if of_thread.stop.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                let mut buffer = [0; 4096];
                let count = stream.read(&mut buffer).unwrap_or(0);
                let elsewhere = buffer.get(..count).unwrap_or_default().starts_with(b"GET /elsewhere");
                let (answer, counter) = if elsewhere {
                    (&of_thread.elsewhere, &of_thread.asked_elsewhere)
                } else {
                    (&of_thread.answer, &of_thread.asked)
                };
                counter.fetch_add(1, Ordering::SeqCst);
                let answer = answer.lock().expect("a lock").clone();
                let _ = stream.write_all(&answer);
                let _ = stream.shutdown(Shutdown::Write);
            }
        });
        let server = Self { address, state, thread: Some(thread) };
        server.serve(keys);
        server
    }

    pub fn url(&self) -> String {
        format!("http://{}/jwks", self.address)
    }

    /// Serves these keys from now on.
    pub fn serve(&self, keys: &[Value]) {
        self.answer("200 OK", &[], json!({ "keys": keys }).to_string().as_bytes());
    }

    /// Sets the answer from now on.
    pub fn answer(&self, status: &str, headers: &[&str], body: &[u8]) {
        *self.state.answer.lock().expect("a lock") = reply(status, headers, body);
    }

    pub fn answer_elsewhere(&self, body: &[u8]) {
        *self.state.elsewhere.lock().expect("a lock") = reply("200 OK", &[], body);
    }

    pub fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    pub fn asked_elsewhere(&self) -> usize {
        self.state.asked_elsewhere.load(Ordering::SeqCst)
    }
}

fn reply(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
