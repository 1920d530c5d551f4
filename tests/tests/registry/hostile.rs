//! Input that means harm: refused with 4xx in a problem, never a 5xx, a panic or a word of what was sent.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use painreg_tests::{Actor, Answer, World};
use serde_json::{Value, json};

use crate::kit::{Judged as _, PATIENCE, answers_from, bearer, call, exchange, head};

/// A synthetic number that stands in everything we send: no answer may hold it.
const NUMBER: &str = "01818012337";

const PATIENTS: &str = "/v1/tenants/alpha/patients";

/// A world under attack. Every answer is kept and judged at the end.
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
        let mut seen = self.seen.lock().expect("nobody panicked");
        seen.extend(answers.iter().map(|answer| (what.to_owned(), answer.clone())));
    }

    /// A request of the clinician's.
    fn sends(&self, what: &str, method: &str, target: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        let mut all = vec![("Authorization", self.clinician.as_str())];
        all.extend_from_slice(headers);
        let answer = call(self.world.address, method, target, &all, body);
        self.keep(what, std::slice::from_ref(&answer));
        answer
    }

    /// A registration with this very body.
    fn registers(&self, what: &str, body: &[u8]) -> Answer {
        self.sends(what, "POST", PATIENTS, &[("Content-Type", "application/json")], Some(body))
    }

    /// Bytes as they are.
    fn throws(&self, what: &str, pieces: &[&[u8]]) -> Vec<Answer> {
        let answers = exchange(self.world.address, pieces, Duration::from_secs(7));
        self.keep(what, &answers);
        answers
    }

    /// What holds for everything that was sent.
    fn ends(self) {
        for (what, answer) in self.seen.into_inner().expect("nobody panicked") {
            assert!(answer.status < 500, "{what}: {} {}", answer.status, answer.text());
            assert!(!answer.headers.contains_key("server"), "{what}");
            let all = format!("{:?} {}", answer.headers, answer.text());
            assert!(!all.contains(NUMBER), "{what}: {all}");
            // What breaks the protocol itself is refused below the frame, without a body, and the connection is closed.
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
        // The server lives, nobody panicked, nothing was stored.
        let nobody = self.world.nobody();
        nobody.get("/health/live").expect(200);
        let metrics = nobody.get("/metrics").expect(200).text();
        assert!(!metrics.contains("painreg_panics_total"), "somebody panicked");
        assert_eq!(self.world.number("SELECT count(*) FROM {alpha}.patient"), 0);
        let clinician = self.world.alpha().clinician();
        clinician.registers(&self.world.person());
    }
}

/// A registration that would be fine.
fn sound() -> Value {
    json!({"national_id": {"type": "fnr", "value": NUMBER}, "sex": "unknown", "birth_date": "1980-01-31"})
}

#[test]
fn json_that_is_none_or_means_two_things() {
    let siege = Siege::new();
    let sound = sound().to_string();
    let with = |more: &str| format!("{}, {more}}}", sound.trim_end_matches('}')).into_bytes();
    let nested =
        |open: &str, close: &str, depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth)).into_bytes();
    let malformed: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("a space", b" ".to_vec()),
        ("half of it", sound.as_bytes()[..sound.len() / 2].to_vec()),
        ("twice", [sound.as_bytes(), sound.as_bytes()].concat()),
        ("a comma too many", with("")),
        ("single quotes", sound.replace('"', "'").into_bytes()),
        ("a comment", format!("{sound} // comment").into_bytes()),
        ("5 000 lists deep", nested("[", "]", 5_000)),
        ("100 000 lists deep", nested("[", "]", 100_000)),
        ("5 000 lists never closed", b"[".repeat(5_000)),
        ("5 000 objects deep", nested("{\"a\":", "}", 5_000)),
        (
            "200 deep in a member",
            format!("{{\"answers\":{}}}", String::from_utf8(nested("[", "]", 200)).expect("text")).into_bytes(),
        ),
        ("a lone surrogate", with("\"language\": \"\\ud800\"")),
        ("surrogates the wrong way round", with("\"language\": \"\\udc00\\ud800\"")),
        ("a lone surrogate in a name", with("\"\\ud800\": 1")),
        ("no UTF-8", [b"{\"language\": \"".as_slice(), &[0xff, 0xfe], b"\"}"].concat()),
        ("overlong UTF-8", [b"{\"language\": \"".as_slice(), &[0xc0, 0xaf], b"\"}"].concat()),
        ("a surrogate in UTF-8", [b"{\"language\": \"".as_slice(), &[0xed, 0xa0, 0x80], b"\"}"].concat()),
        ("a byte order mark", ["\u{feff}".as_bytes(), sound.as_bytes()].concat()),
        ("UTF-16", sound.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a raw control character", b"{\"language\": \"\n\"}".to_vec()),
        ("a raw NUL", b"{\"language\": \"\0\"}".to_vec()),
        ("a bad escape", b"{\"language\": \"\\x41\"}".to_vec()),
        ("NaN", b"{\"version\": NaN}".to_vec()),
        ("Infinity", b"{\"version\": -Infinity}".to_vec()),
        ("a number beyond all", b"{\"version\": 1e999}".to_vec()),
        ("a leading zero", b"{\"version\": 01}".to_vec()),
        ("hexadecimal", b"{\"version\": 0x1}".to_vec()),
        ("a name without quotes", b"{version: 1}".to_vec()),
        ("XML", b"<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><x>&e;</x>".to_vec()),
    ];
    for (what, body) in malformed {
        let answer = siege.registers(what, &body);
        assert_eq!((answer.status, answer.code()), (400, "malformed_json"), "{what}");
    }
    for (what, more, pointer) in [
        ("at the top", "\"sex\": \"male\"", "/sex"),
        ("with an escape", "\"s\\u0065x\": \"male\"", "/sex"),
        ("nested", "\"contact\": {\"email\": null, \"email\": \"x@example.org\"}", "/contact/email"),
        ("in a list", "\"x\": [0, {\"y\": 1, \"y\": 2}]", "/x/1/y"),
        ("with an empty name", "\"\": 1, \"\": 2", "/"),
        ("with a slash", "\"a/b~\": 1, \"a/b~\": 2", "/a~1b~0"),
    ] {
        let answer = siege.registers(what, &with(more));
        assert_eq!(answer.code(), "duplicate_member", "{what}: {}", answer.text());
        answer.fault(400, pointer, "duplicate_key");
    }
    for (what, more, pointer) in [
        ("NUL in a text", "\"language\": \"n\\u0000b\"", "/language"),
        ("NUL in a nested text", "\"contact\": {\"email\": \"\\u0000\"}", "/contact/email"),
    ] {
        let answer = siege.registers(what, &with(more));
        answer.fault(422, pointer, "forbidden_character");
    }
    let answer = siege.registers("NUL in a name", &with("\"a\\u0000\": 1"));
    assert_eq!((answer.status, answer.faults()[0].1.as_str()), (422, "forbidden_character"));
    for (what, more) in [
        ("another type", "\"interpreter_needed\": []"),
        ("a huge whole number", "\"interpreter_needed\": 123456789012345678901234567890"),
        ("the largest number", "\"interpreter_needed\": 1.7976931348623157e308"),
        ("a name of 10 KB", &format!("\"{}\": 1", "x".repeat(10_000))),
        ("a language of 100 KB", &format!("\"language\": \"{}\"", "x".repeat(100_000))),
        ("a thousand members", &(0..1000).map(|at| format!("\"m{at}\": 1")).collect::<Vec<_>>().join(",")),
        ("__proto__", "\"__proto__\": {\"admin\": true}"),
        ("SQL", "\"language\": \"'; DROP TABLE patient; --\""),
        ("a template", "\"language\": \"{{7*7}}\""),
        ("a right-to-left mark", "\"language\": \"\u{202e}bn\""),
    ] {
        let answer = siege.registers(what, &with(more));
        assert_eq!((answer.status, answer.code()), (422, "invalid"), "{what}: {}", answer.text());
        assert!(answer.bytes.len() < 1500, "{what}: what was sent does not come back");
    }
    for (what, body) in [
        ("null", "null"),
        ("true", "true"),
        ("a number", "1"),
        ("a text", "\"x\""),
        ("a list", "[]"),
        ("an empty object", "{}"),
        (
            "a list of the members' values",
            "[{\"type\":\"fnr\",\"value\":\"01818012337\"},null,\"unknown\",\"1980-01-31\",\"nb\",false,false,false,null,{}]",
        ),
    ] {
        let answer = siege.registers(what, body.as_bytes());
        assert_eq!((answer.status, answer.code()), (422, "invalid"), "{what}");
    }
    siege.ends();
}

#[test]
fn bodies_that_are_too_large_or_not_json_at_all() {
    let siege = Siege::new();
    let large = format!("{{\"language\": \"{}\"}}", "x".repeat(300 * 1024));
    let json = ("Content-Type", "application/json");
    let authorization = ("Authorization", siege.clinician.as_str());
    // Announced: refused before it is sent.
    for length in ["307200", "99999999999", "262145", "18446744073709551615"] {
        let head = head(siege.world.address, "POST", PATIENTS, &[authorization, json, ("Content-Length", length)]);
        let answers = siege.throws("a large body, announced", &[&head]);
        let answer = answers.into_iter().next().expect("an answer");
        answer.problem(413, "too_large");
    }
    // Sent in chunks, of which nobody knows how many will come.
    let head = head(siege.world.address, "POST", PATIENTS, &[authorization, json, ("Transfer-Encoding", "chunked")]);
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    let mut pieces = vec![head.as_slice()];
    pieces.extend(std::iter::repeat_n(chunk.as_bytes(), 9));
    let answers = siege.throws("a large body in chunks", &pieces);
    answers.into_iter().next().expect("an answer").problem(413, "too_large");
    // Just within the limit it is read.
    let fits = format!("{{\"language\": \"{}\"}}", "x".repeat(256 * 1024 - 16));
    assert_eq!(fits.len(), 256 * 1024);
    siege.registers("as large as may be", fits.as_bytes()).problem(422, "invalid");
    siege.registers("one byte more", format!("{fits} ").as_bytes()).problem(413, "too_large");
    drop(large);

    let sound = sound().to_string();
    for encoding in ["gzip", "br", "deflate", "zstd", "compress", "gzip, identity", "GZIP", "x", "identity, gzip"] {
        let headers = [json, ("Content-Encoding", encoding)];
        let answer = siege.sends(encoding, "POST", PATIENTS, &headers, Some(sound.as_bytes()));
        assert_eq!((answer.status, answer.code()), (415, "unsupported_media_type"), "{encoding}");
    }
    for kind in [
        "",
        "text/plain",
        "text/json",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json; charset=utf-16",
        "application/json; charset=iso-8859-1",
        "application/problem+json",
        "application/merge-patch+json",
        "*/*",
        "json",
    ] {
        let answer = siege.sends(kind, "POST", PATIENTS, &[("Content-Type", kind)], Some(sound.as_bytes()));
        assert_eq!((answer.status, answer.code()), (415, "unsupported_media_type"), "{kind}");
    }
    siege.sends("no type", "POST", PATIENTS, &[], Some(sound.as_bytes())).problem(415, "unsupported_media_type");
    siege.ends();
}

#[test]
fn requests_that_mean_two_things() {
    let siege = Siege::new();
    let (address, authorization) = (siege.world.address, siege.clinician.clone());
    let sound = sound().to_string();
    let start = format!(
        "POST {PATIENTS} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\nContent-Type: application/json\r\n"
    );
    let smuggled =
        format!("GET /v1/tenants/alpha/patients HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\n\r\n");
    let length = sound.len();
    for (what, headers, body) in [
        (
            "length and chunks",
            "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n".to_owned(),
            format!("0\r\n\r\n{smuggled}"),
        ),
        (
            "chunks and length",
            "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n".to_owned(),
            format!("0\r\n\r\n{smuggled}"),
        ),
        ("two lengths", format!("Content-Length: {length}\r\nContent-Length: 0\r\n"), format!("{sound}{smuggled}")),
        (
            "two equal lengths",
            format!("Content-Length: {length}\r\nContent-Length: {length}\r\n"),
            format!("{sound}{smuggled}"),
        ),
        ("a list of lengths", format!("Content-Length: {length}, {length}\r\n"), format!("{sound}{smuggled}")),
        ("a negative length", "Content-Length: -1\r\n".to_owned(), smuggled.clone()),
        ("a signed length", format!("Content-Length: +{length}\r\n"), format!("{sound}{smuggled}")),
        ("a hexadecimal length", "Content-Length: 0x10\r\n".to_owned(), smuggled.clone()),
        ("a length of words", "Content-Length: many\r\n".to_owned(), smuggled.clone()),
        ("an empty length", "Content-Length:\r\n".to_owned(), smuggled.clone()),
        ("a length beyond all", "Content-Length: 99999999999999999999999\r\n".to_owned(), smuggled.clone()),
        (
            "chunks twice",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n".to_owned(),
            format!("0\r\n\r\n{smuggled}"),
        ),
        (
            "chunks and something else",
            "Transfer-Encoding: chunked, identity\r\n".to_owned(),
            format!("0\r\n\r\n{smuggled}"),
        ),
        ("gzip and chunks", "Transfer-Encoding: gzip, chunked\r\n".to_owned(), format!("0\r\n\r\n{smuggled}")),
        ("chunks misspelt", "Transfer-Encoding: xchunked\r\n".to_owned(), format!("0\r\n\r\n{smuggled}")),
        (
            "a space before the colon",
            format!("Transfer-Encoding : chunked\r\nContent-Length: {length}\r\n"),
            format!("{sound}{smuggled}"),
        ),
        ("a folded header", format!("X-Folded: a\r\n b\r\nContent-Length: {length}\r\n"), format!("{sound}{smuggled}")),
        ("a chunk of no size", "Transfer-Encoding: chunked\r\n".to_owned(), format!("\r\n\r\n{smuggled}")),
        (
            "a chunk of an odd size",
            "Transfer-Encoding: chunked\r\n".to_owned(),
            format!("zz\r\nabc\r\n0\r\n\r\n{smuggled}"),
        ),
        (
            "a chunk of a negative size",
            "Transfer-Encoding: chunked\r\n".to_owned(),
            format!("-1\r\nabc\r\n0\r\n\r\n{smuggled}"),
        ),
        (
            "a chunk beyond all",
            "Transfer-Encoding: chunked\r\n".to_owned(),
            format!("ffffffffffffffffff\r\nabc\r\n0\r\n\r\n{smuggled}"),
        ),
        (
            "a chunk without its end",
            "Transfer-Encoding: chunked\r\n".to_owned(),
            format!("3\r\nabcXX0\r\n\r\n{smuggled}"),
        ),
    ] {
        let bytes = format!("{start}{headers}\r\n{body}");
        let answers = siege.throws(what, &[bytes.as_bytes()]);
        assert!(answers.len() <= 1, "{what}: {} answers, so something came through", answers.len());
        for answer in &answers {
            assert!((400..500).contains(&answer.status), "{what}: {}", answer.status);
        }
    }
    for (what, bytes) in [
        ("no HTTP at all", "hello\r\n\r\n".to_owned()),
        ("no version", format!("GET {PATIENTS}\r\n\r\n")),
        ("an odd version", format!("GET {PATIENTS} HTTP/3.0\r\nHost: x\r\n\r\n")),
        ("a space in the target", format!("GET {PATIENTS} x HTTP/1.1\r\nHost: x\r\n\r\n")),
        ("a NUL in a header", format!("GET {PATIENTS} HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n")),
        ("a bare CR in a header", format!("GET {PATIENTS} HTTP/1.1\r\nHost: x\r\nX-A: a\rb\r\n\r\n")),
        ("a header without a colon", format!("GET {PATIENTS} HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n")),
        ("a header without a name", format!("GET {PATIENTS} HTTP/1.1\r\nHost: x\r\n: x\r\n\r\n")),
        ("HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("TLS", "\u{16}\u{3}\u{1}\u{2}\r\n\r\n".to_owned()),
    ] {
        for answer in siege.throws(what, &[bytes.as_bytes()]) {
            assert!((400..500).contains(&answer.status), "{what}: {}", answer.status);
        }
    }
    // Two honest requests one behind the other are answered one behind the other.
    let answers = exchange(address, &[smuggled.repeat(2).as_bytes()], Duration::from_secs(3));
    siege.keep("two requests", &answers);
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 200]);
    siege.ends();
}

#[test]
fn headers_and_queries_that_are_too_much() {
    let siege = Siege::new();
    let big = "x".repeat(64 * 1024);
    siege.sends("a header of 64 KB", "GET", PATIENTS, &[("X-Big", &big)], None).problem(431, "headers_too_large");
    let half = "x".repeat(17 * 1024);
    let headers = [("X-One", half.as_str()), ("X-Other", half.as_str())];
    siege.sends("two of 17 KB", "GET", PATIENTS, &headers, None).problem(431, "headers_too_large");
    siege.sends("one of 17 KB", "GET", PATIENTS, &headers[..1], None).expect(200);
    let huge = "x".repeat(200 * 1024);
    let bytes = head(siege.world.address, "GET", PATIENTS, &[("X-Huge", &huge)]);
    for answer in siege.throws("a header of 200 KB", &[&bytes]) {
        assert!(matches!(answer.status, 400 | 431), "{}", answer.status);
    }
    let many: Vec<(String, String)> = (0..300).map(|at| (format!("X-Header-{at}"), "x".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let bytes = head(siege.world.address, "GET", PATIENTS, &many);
    for answer in siege.throws("300 headers", &[&bytes]) {
        assert!((400..500).contains(&answer.status), "{}", answer.status);
    }
    let query: String = (0..10_000).map(|at| format!("p{at}=1&")).collect();
    let target = format!("{PATIENTS}?{query}");
    let bytes = head(siege.world.address, "GET", &target, &[("Authorization", siege.clinician.as_str())]);
    for answer in siege.throws("10 000 parameters", &[&bytes]) {
        assert!((400..500).contains(&answer.status), "{}", answer.status);
    }
    let query: String = (0..5_000).map(|at| format!("p{at}=1&")).collect();
    siege.sends("5 000 parameters", "GET", &format!("{PATIENTS}?{query}"), &[], None).problem(400, "invalid_parameter");
    siege
        .sends("a cursor of 50 KB", "GET", &format!("{PATIENTS}?cursor={}", "A".repeat(50_000)), &[], None)
        .problem(400, "invalid_cursor");
    siege
        .sends("a path of 50 KB", "GET", &format!("{PATIENTS}/{}", "a".repeat(50_000)), &[], None)
        .problem(404, "not_found");
    siege
        .sends("a form of 50 KB", "GET", &format!("/v1/tenants/alpha/forms/{}", "a".repeat(50_000)), &[], None)
        .problem(404, "not_found");
    for bad in [
        "?limit=%",
        "?limit=%zz",
        "?limit=%ff",
        "?%00=1",
        "?limit=1%00",
        "?a=%F0%28%8C%28",
        "?=",
        "?limit=1;drop",
        "?limit=1&limit=1",
    ] {
        siege.sends(bad, "GET", &format!("{PATIENTS}{bad}"), &[], None).problem(400, "invalid_parameter");
    }
    siege.ends();
}

#[test]
fn paths_that_lead_astray() {
    let siege = Siege::new();
    let stranger = siege.world.beta().clinician().registers(&siege.world.person());
    for target in [
        "/v1/tenants/alpha/../beta/patients",
        "/v1/tenants/alpha/%2e%2e/beta/patients",
        "/v1/tenants/alpha/%2E%2E/beta/patients",
        "/v1/tenants/alpha%2f..%2fbeta/patients",
        "/v1/tenants/alpha/..%2fbeta/patients",
        "/v1/tenants/alpha/%252e%252e/beta/patients",
        "/v1/tenants/alpha\\..\\beta/patients",
        "/v1/tenants/alpha/.%2e/beta/patients",
        "/v1/tenants/./alpha/patients",
        "/v1/tenants/alpha/patients/.",
        "/v1/tenants/alpha/patients/..",
        "/v1/tenants//patients",
        "/v1/tenants/alpha//patients",
        "//v1/tenants/alpha/patients",
        "/v1/tenants/beta/patients",
        &format!("/v1/tenants/alpha/patients/{}", stranger.id),
        &format!("/v1/tenants/alpha/patients/../../beta/patients/{}", stranger.id),
        &format!("/v1/tenants/alpha/patients/{}", stranger.id.to_uppercase()),
        "/v1/tenants/alpha/patients/1",
        "/v1/tenants/alpha/patients/null",
        "/v1/tenants/alpha/patients/%00",
        "/v1/tenants/alpha/forms/%00",
        "/v1/tenants/alpha/forms/opr-baseline%00",
        "/v1/tenants/alpha/forms/..%2f..%2fetc%2fpasswd",
        "/v1/tenants/alpha/forms/'%20OR%201=1--",
        "/v1/tenants/alpha/forms/%ff%fe",
        "/v1/tenants/alpha/instruments/%00",
        "/v1/tenants/alpha/instruments/%ff",
        "/v1/tenants/alpha/submissions/%00",
        "/v1/tenants/alpha/patients/00000000-0000-0000-0000-000000000000",
        "/v1/tenants/alpha/patients;jsessionid=1",
        "/v1/tenants/alpha/patients%3flimit=1",
        "/v1/tenants/alpha/patients%23",
        "/v1/tenants/alpha/patients.json",
        "/v2/tenants/alpha/patients",
        "/v1",
        "/",
        "/.git/config",
        "/.env",
        "/actuator/env",
        "/docs/../v1/tenants/alpha/patients",
        "/docs/..%2f..%2fetc%2fpasswd",
        "/docs/%00",
        "/metrics/",
        "/health",
        "/openapi.yaml",
    ] {
        let answer = siege.sends(target, "GET", target, &[], None);
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{target}: {}", answer.text());
    }
    // The whole address in the request line is the same request.
    let target = format!("http://{}/v1/tenants/alpha/patients", siege.world.address);
    let answer = siege.sends("an absolute target", "GET", &target, &[], None);
    assert!(matches!(answer.status, 200 | 404), "{}", answer.status);
    let answer =
        siege.sends("an absolute target elsewhere", "GET", "http://evil.example/v1/tenants/beta/patients", &[], None);
    assert_eq!(answer.status, 404);
    for path in ["nettskjema/%00/deliveries", "nettskjema/%ff/deliveries", "instruments/%00/scores"] {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", "key-1")];
        let importer = bearer(&siege.world.alpha().importer());
        let all = [("Authorization", importer.as_str()), headers[0], headers[1]];
        let answer = call(
            siege.world.address,
            "POST",
            &siege.world.alpha().importer().at(path),
            &all,
            Some(b"{\"answers\":{}}"),
        );
        siege.keep(path, std::slice::from_ref(&answer));
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{path}: {}", answer.text());
    }
    siege.ends();
}

#[test]
fn methods_that_are_not_offered() {
    let siege = Siege::new();
    let document = siege.world.nobody().get("/openapi.json").expect(200).body;
    let id = "11111111-1111-4111-8111-111111111111";
    let mut paths = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        let target = path
            .replace("{tenant}", "alpha")
            .replace("{patient}", id)
            .replace("{submission}", id)
            .replace("{system}", "icd10")
            .replace("{code}", "M79.7")
            .replace("{form}", "opr-baseline")
            .replace("{version}", "1")
            .replace("{instrument}", "isi")
            .replace("{form_id}", "1000001")
            .replace("{entry}", id)
            .replace("{merge}", id)
            .replace("{project}", "scene-project")
            .replace("{quarantined}", id)
            .replace("{alert}", id)
            .replace("{licence}", id)
            .replace("{language}", "nb")
            .replace("{invitation}", id)
            .replace("{webhook}", id)
            .replace("{list}", "unit");
        assert!(!target.contains('{'), "{target}");
        let mut offered: Vec<String> =
            item.as_object().expect("operations").keys().map(|name| name.to_uppercase()).collect();
        offered.retain(|name| ["GET", "PUT", "POST", "DELETE", "PATCH"].contains(&name.as_str()));
        offered.sort_unstable();
        for method in
            ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "TRACE", "CONNECT", "PROPFIND", "get", "GETT", "QUERY"]
        {
            if offered.iter().any(|known| known == method) {
                continue;
            }
            // HEAD and CONNECT are answered without a body.
            let answers = siege
                .throws(method, &[&head(siege.world.address, method, &target, &[("Authorization", &siege.clinician)])]);
            for answer in answers {
                let expected: &[u16] = if method == "CONNECT" { &[400, 404, 405] } else { &[405] };
                assert!(expected.contains(&answer.status), "{method} {target}: {}", answer.status);
                if answer.status == 405 {
                    let mut allowed: Vec<&str> = answer.header("allow").split(", ").collect();
                    allowed.sort_unstable();
                    assert_eq!(allowed, offered, "{method} {target}");
                }
            }
        }
        let answer = siege.sends(
            "OPTIONS",
            "OPTIONS",
            &target,
            &[("Origin", "https://evil.example"), ("Access-Control-Request-Method", "GET")],
            None,
        );
        assert_eq!(answer.status, 204, "{target}");
        assert!(!answer.header("allow").is_empty());
        assert!(
            !answer.headers.keys().any(|name| name.as_str().starts_with("access-control")),
            "nobody else's pages call us"
        );
        paths += 1;
    }
    assert!(paths >= 20);
    // A method in another header is not the method.
    for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        let answer = siege.sends(name, "GET", PATIENTS, &[(name, "DELETE")], None);
        assert_eq!((answer.status, answer.items().len()), (200, 0));
    }
    siege.ends();
}

#[test]
fn answers_come_in_json_or_not_at_all() {
    let siege = Siege::new();
    for accept in [
        "application/json",
        "*/*",
        "application/*",
        "",
        "text/html, application/json;q=0.5",
        "application/problem+json",
        "image/webp, */*;q=0.1",
        "APPLICATION/JSON",
        "application/json;version=1",
    ] {
        let answer = siege.sends(accept, "GET", PATIENTS, &[("Accept", accept)], None);
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{accept}");
    }
    for accept in [
        "image/webp",
        "image/webp, image/avif",
        "application/json;q=0",
        "audio/*",
        "*/*;q=0",
        "x",
        "video/mp4;q=1.0",
        "text/csv",
    ] {
        let answer = siege.sends(accept, "GET", PATIENTS, &[("Accept", accept)], None);
        assert_eq!((answer.status, answer.code()), (406, "not_acceptable"), "{accept}");
    }
    siege.ends();
}

#[test]
fn a_request_has_one_id_and_it_is_harmless() {
    let siege = Siege::new();
    let long = "x".repeat(64);
    for good in ["12345678", "abcDEF-_.0", "01a2-b3c4.d5e6_f7", long.as_str()] {
        let answer = siege.sends(good, "GET", PATIENTS, &[("X-Request-Id", good)], None);
        assert_eq!(answer.header("x-request-id"), good);
        let refused = siege.sends(good, "GET", "/v1/nowhere", &[("X-Request-Id", good)], None);
        assert_eq!(refused.text_at("/instance"), format!("urn:painreg:request:{good}"));
    }
    let longer = "x".repeat(65);
    for bad in [
        "",
        "1234567",
        longer.as_str(),
        "a b c d e",
        "<script>alert(1)</script>",
        "\"quoted-id\"",
        "../../etc/passwd",
        "æøåæøåæøå",
        "12345678; DROP",
        "${jndi:ldap}",
    ] {
        let answer = siege.sends(bad, "GET", PATIENTS, &[("X-Request-Id", bad)], None);
        let given = answer.header("x-request-id");
        assert!(given != bad && uuid::Uuid::parse_str(given).is_ok(), "{bad}: {given}");
    }
    // Two of them: one is taken, and only one is given.
    let two = [("X-Request-Id", "first-id-1"), ("X-Request-Id", "second-id-2")];
    let answer = siege.sends("two ids", "GET", PATIENTS, &two, None);
    assert_eq!(answer.headers.get_all("x-request-id").iter().count(), 1);
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let answer = siege.sends("a trace", "GET", PATIENTS, &[("traceparent", trace), ("nhn-event-id", "event-1")], None);
    assert_eq!((answer.header("traceparent"), answer.header("nhn-event-id")), (trace, "event-1"));
    let answer = siege.sends("a long trace", "GET", PATIENTS, &[("traceparent", &"x".repeat(300))], None);
    assert!(!answer.headers.contains_key("traceparent"));
    // Problems speak the caller's language, whoever refuses.
    let nb = siege.sends("bokmål", "GET", "/v1/nowhere", &[("Accept-Language", "nb-NO, en;q=0.5")], None);
    assert_eq!((nb.header("content-language"), nb.status), ("nb", 404));
    let en = siege.sends("English", "GET", "/v1/nowhere", &[], None);
    assert_eq!((en.header("content-language"), nb.text_at("/title") == en.text_at("/title")), ("en", false));
    siege.ends();
}

#[test]
fn an_attacker_without_a_token_learns_nothing_of_bodies() {
    let siege = Siege::new();
    let nobody = |what: &str, body: &[u8], kind: &str| {
        let answer = call(siege.world.address, "POST", PATIENTS, &[("Content-Type", kind)], Some(body));
        siege.keep(what, std::slice::from_ref(&answer));
        answer.problem(401, "unauthenticated");
    };
    nobody("a sound body", sound().to_string().as_bytes(), "application/json");
    nobody("no JSON", b"{", "application/json");
    nobody("a wrong body", b"{\"surprise\": 1}", "application/json");
    nobody("another type", b"x", "text/plain");
    nobody("a deep body", &b"[".repeat(5000), "application/json");
    let large = head(
        siege.world.address,
        "POST",
        PATIENTS,
        &[("Content-Type", "application/json"), ("Content-Length", "300000")],
    );
    for answer in siege.throws("a large body", &[&large]) {
        answer.problem(401, "unauthenticated");
    }
    siege.ends();
}

/// The one slow test: eleven seconds, because the deadline is ten.
#[test]
fn a_body_that_trickles_is_cut_off() {
    let siege = Siege::new();
    let address = siege.world.address;
    let authorization = siege.clinician.clone();
    let start = |length: usize| {
        head(
            address,
            "POST",
            PATIENTS,
            &[
                ("Authorization", authorization.as_str()),
                ("Content-Type", "application/json"),
                ("Content-Length", length.to_string().as_str()),
            ],
        )
    };
    let started = Instant::now();
    let (trickled, silent, slow_head) = std::thread::scope(|threads| {
        let trickled = threads.spawn(|| {
            let mut stream = TcpStream::connect(address).expect("the server listens");
            stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            stream.write_all(&start(1000)).expect("the head");
            let mut reader = stream.try_clone().expect("a second handle");
            let feeder = std::thread::spawn(move || {
                // A byte every 100 ms: never silent, never done.
                for _ in 0..130 {
                    if stream.write_all(b" ").is_err() {
                        return;
                    }
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
            let answers = answers_from(&mut reader);
            let waited = started.elapsed();
            drop(reader);
            let _ = feeder.join();
            (answers, waited)
        });
        let silent = threads.spawn(|| (exchange(address, &[&start(1000)], PATIENCE), started.elapsed()));
        // A head that never ends is cut off sooner.
        let slow_head =
            threads.spawn(|| (exchange(address, &[b"GET / HTTP/1.1\r\nHost: x\r\nX-"], PATIENCE), started.elapsed()));
        // Meanwhile others are served.
        for _ in 0..20 {
            let asked = Instant::now();
            siege.sends("another caller", "GET", PATIENTS, &[], None).expect(200);
            assert!(asked.elapsed() < Duration::from_secs(5));
        }
        [trickled, silent, slow_head].map(|one| one.join().expect("an answer")).into()
    });
    let _: &(Vec<Answer>, Duration) = &slow_head;
    for (what, (answers, waited)) in [("trickled", trickled), ("silent", silent)] {
        siege.keep(what, &answers);
        assert!(waited >= Duration::from_secs(9) && waited < Duration::from_secs(14), "{what}: {waited:?}");
        let answer = answers.into_iter().next().unwrap_or_else(|| panic!("{what}: no answer"));
        answer.problem(408, "request_timeout");
    }
    let (answers, waited) = slow_head;
    assert!(waited < Duration::from_secs(9), "{waited:?}");
    assert!(answers.iter().all(|answer| answer.status == 408));
    siege.ends();
}

#[test]
fn many_at_once_are_all_answered() {
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
                        2 => drop(siege.throws("a broken request", &[b"GET /\0 HTTP/1.1\r\n\r\n"])),
                        _ => drop(clinician.lists_patients("?limit=0").problem(400, "invalid_parameter")),
                    }
                }
            });
        }
        // And callers who leave in the middle of it.
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
