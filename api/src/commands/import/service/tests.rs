use ureq::http::HeaderValue;

use super::*;

fn headers(name: &'static str, value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(ureq::http::HeaderName::from_static(name), HeaderValue::from_static(value))])
}

#[test]
fn retry_after_reads_seconds_and_dates() {
    let asked = |text| retry_after(&headers("retry-after", text));
    assert_eq!(asked("7"), Some(Duration::from_secs(7)));
    assert_eq!(asked("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
    assert!(asked("Tue, 31 Dec 2199 23:59:59 GMT") > Some(Duration::from_secs(1_000_000)));
    assert_eq!(asked("soon"), None);
}

#[test]
fn exhausted_rate_limit_waits_for_the_next_window() {
    let left = |text| exhausted(&headers("ratelimit", text));
    assert_eq!(left("\"caller\";r=0;t=3"), Some(Duration::from_secs(3)));
    assert_eq!(left("\"caller\"; r=0"), Some(Duration::from_secs(1)));
    assert_eq!(left("\"caller\";r=12;t=3"), None);
    assert_eq!(left("something else"), None);
}

#[test]
fn refusal_shows_code_title_and_pointers() {
    let refusal = Refusal {
        service: "the registry",
        status: 422,
        code: Some("invalid".to_owned()),
        text: "The request is not valid".to_owned(),
        faults: vec![Fault { pointer: "/answers/x".to_owned(), code: "unknown_item".to_owned() }],
    };
    let expected = "the registry answered 422: invalid: The request is not valid; /answers/x unknown_item";
    assert_eq!(refusal.to_string(), expected);
}
