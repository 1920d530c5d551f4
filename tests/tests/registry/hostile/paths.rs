//! Paths, methods and media types that do not exist.

use super::{PATIENTS, Siege};
use crate::kit::{AnswerAssertions as _, bearer, call, head};

#[test]
fn number_in_the_name_of_a_parameter_is_redacted() {
    let siege = Siege::new();
    let target = "/v1/tenants/alpha/diagnoses?01818012337=1";
    siege.sends("a number", "GET", target, &[], None).fault(400, "/query/###########", "unknown_item");
    siege.ends();
}

#[test]
fn path_traversal_is_not_found() {
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
    // An absolute address in the request line is the same request.
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

/// Path parameters that are no ids, with a value that exists.
const NAMES: [(&str, &str); 10] = [
    ("tenant", "alpha"),
    ("system", "icd10"),
    ("code", "M79.7"),
    ("form", "opr-baseline"),
    ("version", "1"),
    ("instrument", "isi"),
    ("form_id", "1000001"),
    ("project", "scene-project"),
    ("language", "nb"),
    ("list", "unit"),
];

/// Returns the path with a value in the place of every parameter: an id, if [`NAMES`] has none.
fn with_values(path: &str, id: &str) -> String {
    let value = |part: &str| {
        let name = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let named = name.map(|name| NAMES.iter().find(|(known, _)| *known == name).map_or(id, |(_, value)| *value));
        named.unwrap_or(part).to_owned()
    };
    path.split('/').map(value).collect::<Vec<_>>().join("/")
}

#[test]
fn unsupported_methods_are_refused() {
    let siege = Siege::new();
    let document = siege.world.unauthenticated().get("/openapi.json").expect(200).body;
    let id = "11111111-1111-4111-8111-111111111111";
    let mut paths = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        let target = with_values(path, id);
        assert!(!target.contains('{'), "{target}");
        let mut offered: Vec<String> =
            item.as_object().expect("operations").keys().map(|name| name.to_uppercase()).collect();
        offered.retain(|name| ["GET", "PUT", "POST", "DELETE", "PATCH"].contains(&name.as_str()));
        offered.extend(offered.contains(&"GET".to_owned()).then(|| "HEAD".to_owned()));
        offered.sort_unstable();
        for method in
            ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "TRACE", "CONNECT", "PROPFIND", "get", "GETT", "QUERY"]
        {
            if offered.iter().any(|known| known == method) {
                continue;
            }
            // HEAD and CONNECT are answered without a body.
            let answers = siege.sends_bytes(
                method,
                &[&head(siege.world.address, method, &target, &[("Authorization", &siege.clinician)])],
            );
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
            "no CORS: pages of other origins have no access"
        );
        paths += 1;
    }
    assert!(paths >= 20);
    // A method in another header is ignored.
    for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        let answer = siege.sends(name, "GET", PATIENTS, &[(name, "DELETE")], None);
        assert_eq!((answer.status, answer.items().len()), (200, 0));
    }
    siege.ends();
}

#[test]
fn accept_header_without_json_is_refused() {
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
