//! Hostile input: refused with 4xx and a problem, never a 5xx, a panic or an echo of the input.

mod bodies;
mod headers;
mod paths;

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::Duration;

use painreg_tests::{Actor, Answer, World};
use serde_json::{Value, json};

use crate::kit::{bearer, call, exchange, head};

/// A synthetic number in every request: no answer may hold it.
const NUMBER: &str = "01818012337";

const PATIENTS: &str = "/v1/tenants/alpha/patients";

/// A world under attack. Every answer is kept and checked at the end.
struct Siege {
    world: World,
    clinician: String,
    seen: Mutex<Vec<(String, Answer)>>,
}

impl Siege {
    fn new() -> Self {
        let world = World::new();
        let clinician = bearer(&world.alpha().clinician());
        Self { world, clinician, seen: Mutex::default() }
    }

    fn keep(&self, what: &str, answers: &[Answer]) {
        let mut seen = self.seen.lock().expect("no thread panicked");
        seen.extend(answers.iter().map(|answer| (what.to_owned(), answer.clone())));
    }

    /// Sends a request of the clinician.
    fn sends(&self, what: &str, method: &str, target: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        let mut all = vec![("Authorization", self.clinician.as_str())];
        all.extend_from_slice(headers);
        let answer = call(self.world.address, method, target, &all, body);
        self.keep(what, std::slice::from_ref(&answer));
        answer
    }

    /// Sends a registration with exactly this body.
    fn registers(&self, what: &str, body: &[u8]) -> Answer {
        self.sends(what, "POST", PATIENTS, &[("Content-Type", "application/json")], Some(body))
    }

    /// Sends raw bytes.
    fn sends_bytes(&self, what: &str, pieces: &[&[u8]]) -> Vec<Answer> {
        let answers = exchange(self.world.address, pieces, Duration::from_secs(7));
        self.keep(what, &answers);
        answers
    }

    /// Checks all answers.
    fn ends(self) {
        for (what, answer) in self.seen.into_inner().expect("no thread panicked") {
            assert!(answer.status < 500, "{what}: {} {}", answer.status, answer.text());
            assert!(!answer.headers.contains_key("server"), "{what}");
            let all = format!("{:?} {}", answer.headers, answer.text());
            assert!(!all.contains(NUMBER), "{what}: {all}");
            // Violations of the protocol are refused below the middleware, without a body, and the connection is
            // closed.
            if answer.bytes.is_empty() && matches!(answer.status, 400 | 408 | 431) {
                continue;
            }
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
            assert_eq!(answer.header("cache-control"), "no-store", "{what}");
            assert!(!answer.header("x-request-id").is_empty(), "{what}");
            if answer.status >= 400 {
                assert_eq!(answer.header("content-type"), "application/problem+json", "{what}: {}", answer.text());
                assert_eq!(answer.body["status"], json!(answer.status), "{what}");
                let instance = format!("urn:painreg:request:{}", answer.header("x-request-id"));
                assert_eq!(answer.text_at("/instance"), instance, "{what}");
            }
        }
        // The server runs, no thread panicked, nothing was stored.
        let stranger = self.world.unauthenticated();
        stranger.get("/health/live").expect(200);
        let metrics = stranger.get("/metrics").expect(200).text();
        assert!(!metrics.contains("painreg_panics_total"), "a thread panicked");
        assert_eq!(self.world.number("SELECT count(*) FROM {alpha}.patient"), 0);
        let clinician = self.world.alpha().clinician();
        clinician.registers(&self.world.person());
    }
}

/// Returns a valid registration.
fn sound() -> Value {
    json!({"national_id": {"type": "fnr", "value": NUMBER}, "sex": "unknown", "birth_date": "1980-01-31"})
}

#[test]
fn concurrent_requests_are_all_answered() {
    let siege = Siege::new();
    let clinician: Actor<'_> = siege.world.alpha().clinician();
    std::thread::scope(|threads| {
        for at in 0..8 {
            let (siege, clinician) = (&siege, &clinician);
            threads.spawn(move || {
                for round in 0..10 {
                    match (at + round) % 4 {
                        0 => drop(siege.registers("half a body", b"{\"sex\":")),
                        1 => drop(siege.sends("a page", "GET", PATIENTS, &[], None).expect(200)),
                        2 => drop(siege.sends_bytes("a broken request", &[b"GET /\0 HTTP/1.1\r\n\r\n"])),
                        _ => drop(clinician.lists_patients("?limit=0").problem(400, "invalid_parameter")),
                    }
                }
            });
        }
        // Callers who disconnect in the middle of a request.
        for _ in 0..40 {
            let mut stream = TcpStream::connect(siege.world.address).expect("the server listens");
            let bytes = head(
                siege.world.address,
                "POST",
                PATIENTS,
                &[("Authorization", &siege.clinician), ("Content-Type", "application/json"), ("Content-Length", "500")],
            );
            let _ = stream.write_all(&bytes);
        }
    });
    siege.ends();
}
