//! HEAD wherever GET: the same status and headers without a body.

use painreg_tests::Answer;

use crate::scene::Scene;

/// Headers whose values differ from answer to answer.
const CHANGING: &[&str] = &["date", "ratelimit", "x-request-id"];

fn headers(answer: &Answer, changing: &[&str]) -> Vec<(String, String)> {
    let text = |value: &ureq::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let mut all: Vec<_> = answer.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    all.retain(|(name, _)| !changing.contains(&name.as_str()));
    all.sort();
    all
}

#[test]
fn every_get_is_answered_as_head_without_a_body() {
    let scene = Scene::new();
    let mut complaints = Vec::new();
    let mut compared = 0;
    for operation in scene.document.operations.iter().filter(|operation| operation.method == "GET") {
        let actor = if operation.public { scene.world.unauthenticated() } else { scene.permitted_actor(operation) };
        let get = scene.prepare(operation, &actor, &scene.alpha);
        let mut head = get.clone();
        head.method = "HEAD".to_owned();
        let (got, headed) = (get.send(&actor), head.send(&actor));
        // Cursors and measurements differ in length too; other tests move the measurements at any time.
        let is_measurement = got.header("content-type").starts_with("text/plain");
        let is_long_alike = !is_measurement && got.bytes.len() == get.send(&actor).bytes.len();
        let changing = if is_long_alike { CHANGING.to_vec() } else { [CHANGING, &["content-length"]].concat() };
        let changing = if got.headers.contains_key("link") { [&changing[..], &["link"]].concat() } else { changing };
        if headed.status != got.status || headers(&headed, &changing) != headers(&got, &changing) {
            complaints.push(format!("{}: {:?} is not {:?}", operation.id, headed.headers, got.headers));
        }
        if !headed.bytes.is_empty() {
            complaints.push(format!("{}: {} bytes", operation.id, headed.bytes.len()));
        }
        compared += 1;
    }
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
    assert!(compared > 100, "{compared}");
}

#[test]
fn head_of_what_is_not_found_or_not_read_is_refused_without_a_body() {
    let scene = Scene::new();
    let clinician = scene.world.alpha().clinician();
    for (path, status) in [
        ("/v1/tenants/alpha/patients/00000000-0000-0000-0000-000000000000", 404),
        ("/v1/nothing", 404),
        ("/v1/tenants/alpha/patient-lookups", 405),
        ("/v1/tenants/alpha/patients?zz=1", 400),
    ] {
        let answer = clinician.request("HEAD", path).send();
        assert_eq!((answer.status, answer.bytes.len()), (status, 0), "{path}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
    }
    // The connection is still in step after answers without a body.
    assert_eq!(clinician.request("HEAD", "/health/live").send().status, 200);
    clinician.get("/health/live").expect(200);
}
