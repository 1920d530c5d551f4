//! Ambiguous requests, oversized headers and queries, and request ids.

use std::time::Duration;

use super::{NUMBER, PATIENTS, Siege, sound};
use crate::kit::{exchange, head};

#[test]
fn ambiguous_requests_are_refused() {
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
        let answers = siege.sends_bytes(what, &[bytes.as_bytes()]);
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
        for answer in siege.sends_bytes(what, &[bytes.as_bytes()]) {
            assert!((400..500).contains(&answer.status), "{what}: {}", answer.status);
        }
    }
    // Two valid requests on one connection are answered in order.
    let answers = exchange(address, &[smuggled.repeat(2).as_bytes()], Duration::from_secs(3));
    siege.keep("two requests", &answers);
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 200]);
    siege.ends();
}

#[test]
fn oversized_headers_and_queries_are_refused() {
    let siege = Siege::new();
    let big = "x".repeat(64 * 1024);
    siege.sends("a header of 64 KB", "GET", PATIENTS, &[("X-Big", &big)], None).problem(431, "headers_too_large");
    let half = "x".repeat(17 * 1024);
    let headers = [("X-One", half.as_str()), ("X-Other", half.as_str())];
    siege.sends("two of 17 KB", "GET", PATIENTS, &headers, None).problem(431, "headers_too_large");
    siege.sends("one of 17 KB", "GET", PATIENTS, &headers[..1], None).expect(200);
    let huge = "x".repeat(200 * 1024);
    let bytes = head(siege.world.address, "GET", PATIENTS, &[("X-Huge", &huge)]);
    for answer in siege.sends_bytes("a header of 200 KB", &[&bytes]) {
        assert!(matches!(answer.status, 400 | 431), "{}", answer.status);
    }
    let many: Vec<(String, String)> = (0..300).map(|at| (format!("X-Header-{at}"), "x".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let bytes = head(siege.world.address, "GET", PATIENTS, &many);
    for answer in siege.sends_bytes("300 headers", &[&bytes]) {
        assert!((400..500).contains(&answer.status), "{}", answer.status);
    }
    let query: String = (0..10_000).map(|at| format!("p{at}=1&")).collect();
    let target = format!("{PATIENTS}?{query}");
    let bytes = head(siege.world.address, "GET", &target, &[("Authorization", siege.clinician.as_str())]);
    for answer in siege.sends_bytes("10 000 parameters", &[&bytes]) {
        assert!((400..500).contains(&answer.status), "{}", answer.status);
    }
    let query: String = (0..5_000).map(|at| format!("p{at}=1&")).collect();
    siege.sends("5 000 parameters", "GET", &format!("{PATIENTS}?{query}"), &[], None).problem(400, "invalid_parameter");
    siege
        .sends("a cursor of 50 KB", "GET", &format!("{PATIENTS}?cursor={}", "A".repeat(50_000)), &[], None)
        .problem(400, "invalid_parameter");
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
fn request_id_is_single_and_sanitised() {
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
        NUMBER,
        "from-01818012337.1",
        "${jndi:ldap}",
    ] {
        let answer = siege.sends(bad, "GET", PATIENTS, &[("X-Request-Id", bad)], None);
        let given = answer.header("x-request-id");
        assert!(given != bad && uuid::Uuid::parse_str(given).is_ok(), "{bad}: {given}");
    }
    // Of two headers one is used and returned.
    let two = [("X-Request-Id", "first-id-1"), ("X-Request-Id", "second-id-2")];
    let answer = siege.sends("two ids", "GET", PATIENTS, &two, None);
    assert_eq!(answer.headers.get_all("x-request-id").iter().count(), 1);
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let answer = siege.sends("a trace", "GET", PATIENTS, &[("traceparent", trace), ("nhn-event-id", "event-1")], None);
    assert_eq!((answer.header("traceparent"), answer.header("nhn-event-id")), (trace, "event-1"));
    let answer = siege.sends("a long trace", "GET", PATIENTS, &[("traceparent", &"x".repeat(300))], None);
    assert!(!answer.headers.contains_key("traceparent"));
    // Problems are in the caller's language, from every layer.
    let nb = siege.sends("bokmål", "GET", "/v1/nowhere", &[("Accept-Language", "nb-NO, en;q=0.5")], None);
    assert_eq!((nb.header("content-language"), nb.status), ("nb", 404));
    let en = siege.sends("English", "GET", "/v1/nowhere", &[], None);
    assert_eq!((en.header("content-language"), nb.text_at("/title") == en.text_at("/title")), ("en", false));
    siege.ends();
}
