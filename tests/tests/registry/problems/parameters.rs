//! Every wrong parameter at every operation: the refusal names it, and all wrong parameters of a request together.

use serde_json::Value;

use super::{MARKER, is_problem};
use crate::document::{Document, Operation};
use crate::scene::{Prepared, Scene};

/// Returns values that a parameter's schema forbids, and the code of the problem.
fn wrong_values(document: &Document, parameter: &Value) -> (&'static str, Vec<String>) {
    let schema = document.resolve(&parameter["schema"]);
    let name = parameter["name"].as_str().expect("a name");
    if matches!(name, "cursor" | "after") {
        return ("invalid_cursor", vec!["AAAA".to_owned(), MARKER.to_owned()]);
    }
    let mut values = vec!["%00".to_owned(), "%f".to_owned(), "%ff".to_owned(), String::new()];
    match (schema["type"].as_str().expect("a type"), schema["format"].as_str()) {
        _ if schema.get("enum").is_some() => {
            let word = schema["enum"][0].as_str().expect("a word");
            values.extend([MARKER.to_owned(), word.to_uppercase(), format!("{word}%20")]);
        }
        ("integer", _) => {
            let bound = |name: &str| schema[name].as_i64();
            values.extend(["1.5", "01", "1e1", "%2B1", "99999999999999999999", MARKER].map(str::to_owned));
            values.extend(bound("minimum").map(|least| (least - 1).to_string()));
            values.extend(bound("maximum").map(|most| (most + 1).to_string()));
        }
        ("boolean", _) => values.extend(["1", "True", "yes", MARKER].map(str::to_owned)),
        ("string", Some("date")) => {
            let wrong = ["2025-02-30", "20250601", "2025-06-01T00:00:00Z", "2025-6-1", "%2B002025-06-01", MARKER];
            values.extend(wrong.map(str::to_owned));
        }
        ("string", Some("date-time")) => {
            let wrong =
                ["2025-06-01", "2025-02-30T08:00:00Z", "2025-06-01T08:00Z", "2025-06-01%2008:00:00Z", "0", MARKER];
            values.extend(wrong.map(str::to_owned));
        }
        ("string", Some("uuid")) => values.extend(["1", "00000000000000000000000000000000", MARKER].map(str::to_owned)),
        ("string", None) => {
            let most = schema["maxLength"].as_u64().unwrap_or_else(|| panic!("{name} has no limit"));
            assert!(schema["minLength"].as_u64() > Some(0), "{name} may be empty");
            values.push("x".repeat(usize::try_from(most).expect("small") + 1));
        }
        other => panic!("no wrong value of {name}: {other:?}"),
    }
    ("invalid_parameter", values)
}

/// Returns the request with more in its query, which replaces what the request has of these names.
fn at(good: &Prepared, query: &str) -> Prepared {
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    let names: Vec<String> = query.split('&').map(name).collect();
    let (path, given) = good.path.split_once('?').unwrap_or((&good.path, ""));
    let kept = given.split('&').filter(|pair| !pair.is_empty() && !names.contains(&name(pair)));
    let mut request = good.clone();
    request.path = format!("{path}?{}", kept.chain([query]).collect::<Vec<_>>().join("&"));
    request
}

/// Returns wrong requests: what is wrong, the request, the code, and the pointers of its faults.
fn wrong(document: &Document, operation: &Operation, good: &Prepared) -> Vec<(String, Prepared, String, Vec<String>)> {
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut wrong = vec![
        ("an unknown name".to_owned(), at(good, &format!("zz={MARKER}")), named(&["/query/zz"])),
        ("two unknown names".to_owned(), at(good, "as_off&zz=1&zz=2"), named(&["/query/as_off", "/query/zz"])),
        ("a number as a name".to_owned(), at(good, "01818012337=1"), named(&["/query/###########"])),
        ("a name in other letters".to_owned(), at(good, "Limit=1"), named(&["/query/Limit"])),
    ]
    .into_iter()
    .map(|(what, request, names)| (what, request, "invalid_parameter".to_owned(), names))
    .collect::<Vec<_>>();
    let mut everything = (String::from("zz=1"), vec!["/query/zz".to_owned()]);
    for parameter in operation.parameters("query") {
        let name = parameter["name"].as_str().expect("a name");
        let place = vec![format!("/query/{name}")];
        let (code, values) = wrong_values(document, parameter);
        for value in values {
            let query = format!("{name}={value}");
            wrong.push((query.clone(), at(good, &query), code.to_owned(), place.clone()));
        }
        let twice = at(good, &format!("{name}={MARKER}&{name}={MARKER}"));
        if code == "invalid_parameter" {
            wrong.push((format!("{name} twice"), twice, code.to_owned(), place.clone()));
            everything.0 += &format!("&{name}=%00");
            everything.1.extend(place);
        }
    }
    let mut all = at(good, &everything.0);
    for (name, value) in [("Idempotency-Key", "two words"), ("If-Match", "v1")] {
        if operation.takes("header", name) {
            let alone = good.clone().with(name, value);
            let place = format!("/header/{name}");
            wrong.push((format!("{name}: {value}"), alone, "invalid_parameter".to_owned(), vec![place.clone()]));
            all = all.with(name, value);
            everything.1.push(place);
        }
    }
    wrong.push(("everything".to_owned(), all, "invalid_parameter".to_owned(), everything.1));
    wrong
}

#[test]
fn every_operation_names_its_wrong_parameters() {
    let scene = Scene::new();
    let mut complaints = Vec::new();
    let mut sent = 0;
    for operation in &scene.document.operations {
        let actor = if operation.public { scene.world.unauthenticated() } else { scene.permitted_actor(operation) };
        let good = scene.prepare(operation, &actor, &scene.alpha);
        for (what, request, code, mut names) in wrong(&scene.document, operation, &good) {
            sent += 1;
            let id = format!("wrong-{:06}", scene.next());
            let answer = request.with("x-request-id", &id).send(&actor);
            let mut found: Vec<String> = answer.faults().into_iter().map(|(pointer, _)| pointer).collect();
            found.sort();
            names.sort();
            if (answer.status, answer.code(), &found) != (400, &code, &names) {
                complaints.push(format!("{} {what}: {code} {names:?} expected: {}", operation.id, answer.text()));
            }
            complaints.extend(is_problem(&answer, "en", &id).err().map(|it| format!("{} {what}: {it}", operation.id)));
        }
    }
    complaints.iter_mut().for_each(|complaint| complaint.truncate(600));
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
    assert!(sent > 2000, "only {sent} requests");
}

#[test]
fn refusals_before_the_parameters_come_first() {
    let scene = Scene::new();
    let clinician = scene.world.alpha().clinician();
    // Nothing is named of what does not exist.
    for path in ["/v1/nothing", "/v1/tenants/alpha/nothing"] {
        let answer = clinician.get(&format!("{path}?zz=1")).problem(404, "not_found");
        assert!(answer.faults().is_empty(), "{path}");
    }
    clinician.request("POST", "/health/live?zz=1").send().problem(405, "method_not_allowed");
    let stranger = scene.world.unauthenticated();
    stranger.get("/v1/tenants/alpha/patients?zz=1").problem(401, "unauthenticated");
    clinician.get("/v1/tenants/beta/patients?zz=1").problem(404, "not_found");
}
