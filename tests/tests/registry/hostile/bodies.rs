//! Bodies: malformed, ambiguous, too large, too slow, and without a token.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use painreg_tests::Answer;

use super::{PATIENTS, Siege, sound};
use crate::kit::{AnswerAssertions as _, PATIENCE, answers_from, call, exchange, head};

#[test]
fn malformed_or_ambiguous_json_is_refused() {
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
        ("two byte order marks", ["\u{feff}\u{feff}".as_bytes(), sound.as_bytes()].concat()),
        ("UTF-16", sound.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a raw control character", b"{\"language\": \"\n\"}".to_vec()),
        ("a raw NUL", b"{\"language\": \"\0\"}".to_vec()),
        ("a bad escape", b"{\"language\": \"\\x41\"}".to_vec()),
        ("NaN", b"{\"version\": NaN}".to_vec()),
        ("Infinity", b"{\"version\": -Infinity}".to_vec()),
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
        ("a number beyond doubles", "\"interpreter_needed\": 1e999"),
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
fn oversized_bodies_and_wrong_media_types_are_refused() {
    let siege = Siege::new();
    let large = format!("{{\"language\": \"{}\"}}", "x".repeat(300 * 1024));
    let json = ("Content-Type", "application/json");
    let authorization = ("Authorization", siege.clinician.as_str());
    // An announced length: refused before the body is sent.
    for length in ["307200", "99999999999", "262145", "18446744073709551615"] {
        let head = head(siege.world.address, "POST", PATIENTS, &[authorization, json, ("Content-Length", length)]);
        let answers = siege.sends_bytes("a large body, announced", &[&head]);
        let answer = answers.into_iter().next().expect("an answer");
        answer.problem(413, "too_large");
    }
    // Sent in chunks, without an announced length.
    let head = head(siege.world.address, "POST", PATIENTS, &[authorization, json, ("Transfer-Encoding", "chunked")]);
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    let mut pieces = vec![head.as_slice()];
    pieces.extend(std::iter::repeat_n(chunk.as_bytes(), 9));
    let answers = siege.sends_bytes("a large body in chunks", &pieces);
    answers.into_iter().next().expect("an answer").problem(413, "too_large");
    // A body just within the limit is read.
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
        "application/problem+json",
        "application/merge-patch+json",
        "*/*",
        "json",
    ] {
        let answer = siege.sends(kind, "POST", PATIENTS, &[("Content-Type", kind)], Some(sound.as_bytes()));
        assert_eq!((answer.status, answer.code()), (415, "unsupported_media_type"), "{kind}");
    }
    siege.sends("no type", "POST", PATIENTS, &[], Some(sound.as_bytes())).problem(415, "unsupported_media_type");
    // A character set beside JSON says nothing (RFC 8259 11): the bytes must be UTF-8.
    for set in ["utf-8", "UTF8", "\"utf-8\"", "iso-8859-1", "utf-16"] {
        let kind = format!("application/json; charset={set}");
        let answer = siege.sends(set, "POST", PATIENTS, &[("Content-Type", &kind)], Some(br#"{"national_id":1}"#));
        answer.problem(422, "invalid");
        let answer =
            siege.sends(set, "POST", PATIENTS, &[("Content-Type", &kind)], Some(b"{\"national_id\":\"\xe6\"}"));
        answer.problem(400, "malformed_json");
    }
    siege.ends();
}

#[test]
fn unauthenticated_requests_are_401_before_the_body_is_read() {
    let siege = Siege::new();
    let unauthenticated = |what: &str, body: &[u8], kind: &str| {
        let answer = call(siege.world.address, "POST", PATIENTS, &[("Content-Type", kind)], Some(body));
        siege.keep(what, std::slice::from_ref(&answer));
        answer.problem(401, "unauthenticated");
    };
    unauthenticated("a sound body", sound().to_string().as_bytes(), "application/json");
    unauthenticated("no JSON", b"{", "application/json");
    unauthenticated("a wrong body", b"{\"surprise\": 1}", "application/json");
    unauthenticated("another type", b"x", "text/plain");
    unauthenticated("a deep body", &b"[".repeat(5000), "application/json");
    let large = head(
        siege.world.address,
        "POST",
        PATIENTS,
        &[("Content-Type", "application/json"), ("Content-Length", "300000")],
    );
    for answer in siege.sends_bytes("a large body", &[&large]) {
        answer.problem(401, "unauthenticated");
    }
    siege.ends();
}

/// The only slow test: eleven seconds, because the deadline is ten.
#[test]
fn slow_bodies_are_cut_off() {
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
                // A byte every 100 ms: never silent, never complete.
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
        // Other callers are served in the same time.
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
