//! Every kind of faulty request, at every operation: the answer is a problem with a registered code, in the caller's
//! language, that conforms to the document and repeats nothing that was submitted.

mod parameters;

use std::collections::BTreeMap;

use painreg_api::problem::Code;
use painreg_domain::policy::Role;
use painreg_tests::{Answer, Setup, World};
use serde_json::{Value, json};
use strum::IntoEnumIterator as _;

use crate::document::{Document, Operation};
use crate::scene::{Prepared, Scene, may, roles};

/// A marker in submitted values: no answer may hold it.
const MARKER: &str = "zq7-submitted-7qz";

/// The expected answer to a faulty request.
type Expected = (u16, &'static str);

/// Fails unless the answer is a registered problem in this language.
fn is_problem(answer: &Answer, language: &str, request_id: &str) -> Result<Code, String> {
    let result = |what: &str| Err(format!("{what}: {} {}", answer.status, answer.text()));
    let Some(code) = Code::iter().find(|code| code.name() == answer.code()) else {
        return result("no registered code");
    };
    let title = if language == "nb" { code.nb() } else { code.en() };
    if answer.header("content-type") != "application/problem+json" {
        return result("another media type");
    }
    if (answer.status, &answer.body["status"]) != (code.status(), &json!(code.status())) {
        return result("another status");
    }
    if answer.text_at("/title") != title || answer.header("content-language") != language {
        return result("another language");
    }
    if answer.text_at("/type") != format!("urn:painreg:problem:{}", code.name()) {
        return result("another type");
    }
    if answer.text_at("/instance") != format!("urn:painreg:request:{request_id}")
        || answer.header("x-request-id") != request_id
    {
        return result("another instance");
    }
    if answer.header("cache-control") != "no-store" || answer.header("x-content-type-options") != "nosniff" {
        return result("headers are missing");
    }
    let everything = format!("{:?} {}", answer.headers, answer.text());
    if everything.contains(MARKER) {
        return result("it repeats what was submitted");
    }
    Ok(code)
}

/// A wrong request and its expected answer.
type Wrong = (&'static str, Prepared, Expected);

fn wrong_bodies(document: &Document, operation: &Operation, good: &Prepared) -> Vec<Wrong> {
    let Some(schema) = document.body_of(operation) else { return Vec::new() };
    // A faulty line is reported in the line's result, not as the request's problem.
    if operation.media() == Some("application/x-ndjson") {
        return Vec::new();
    }
    let body = |bytes: String| good.clone().with_body(bytes);
    let media = |media: &str| {
        let mut request = good.clone();
        request.body = request.body.map(|(_, bytes)| (media.to_owned(), bytes));
        request
    };
    let much = if operation.path.contains("/fhir-") { 2_100_000 } else { 300_000 };
    let mut wrong = vec![
        ("nothing", body(String::new()), (400, "malformed_json")),
        ("no JSON", body(format!("{{\"a\": {MARKER}")), (400, "malformed_json")),
        ("two documents", body("{} {}".to_owned()), (400, "malformed_json")),
        ("very deep", body("[".repeat(50_000)), (400, "malformed_json")),
        ("a lone surrogate", body(format!(r#"{{"a":"{MARKER}\ud800"}}"#)), (400, "malformed_json")),
        ("a member twice", body(format!(r#"{{"x":"{MARKER}","x":"{MARKER}"}}"#)), (400, "duplicate_member")),
        ("NUL", body(format!(r#"{{"x":"{MARKER}\u0000"}}"#)), (422, "invalid")),
        ("NUL in a name", body(r#"{"x\u0000":1}"#.to_owned()), (422, "invalid")),
        ("a number beyond doubles", body(r#"{"x":1e400}"#.to_owned()), (422, "invalid")),
        ("an array", body("[]".to_owned()), (422, "invalid")),
        ("an array of much", body(format!(r#"["{MARKER}",1,2,3,4,5,6,7,8,9]"#)), (422, "invalid")),
        ("a string", body(format!("\"{MARKER}\"")), (422, "invalid")),
        ("null", body("null".to_owned()), (422, "invalid")),
        ("too much", body(format!(r#"{{"x":"{}{MARKER}"}}"#, "x".repeat(much))), (413, "too_large")),
        ("another media type", media("text/plain"), (415, "unsupported_media_type")),
        ("compressed", good.clone().with("content-encoding", "gzip"), (415, "unsupported_media_type")),
    ];
    let members: Value =
        good.body.as_ref().map(|(_, bytes)| serde_json::from_slice(bytes).expect("JSON")).unwrap_or_default();
    if schema["additionalProperties"] == false {
        let mut more = members.clone();
        more["zz_unknown"] = json!(MARKER);
        wrong.push(("an unknown member", body(more.to_string()), (422, "invalid")));
        let mut long = members.clone();
        long["z".repeat(3000)] = json!(MARKER);
        wrong.push(("an unknown member with a long name", body(long.to_string()), (422, "invalid")));
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let member = document.resolve(member);
        let put = |value: Value| {
            let mut changed = members.clone();
            changed[name] = value;
            body(changed.to_string())
        };
        // A value of a type that no member has.
        wrong.push(("a member of another type", put(json!([[{"zz": MARKER}]])), (422, "invalid")));
        let kinds = |member: &Value, kind: &str| {
            let named = |schema: &Value| {
                schema["type"] == kind || schema["type"].as_array().is_some_and(|kinds| kinds.contains(&json!(kind)))
            };
            named(member)
                || member["oneOf"]
                    .as_array()
                    .is_some_and(|several| several.iter().any(|one| named(document.resolve(one))))
        };
        if kinds(member, "object") && !kinds(member, "array") {
            wrong.push(("an array for an object", put(json!([])), (422, "invalid")));
            wrong.push(("a full array for an object", put(json!(["fnr", MARKER, null, null, null])), (422, "invalid")));
        }
        let closed = member["additionalProperties"] == false || member.get("oneOf").is_some();
        if let Some(inner) = members[name].as_object().filter(|_| closed) {
            let mut more = inner.clone();
            more.insert("zz_unknown".to_owned(), json!(MARKER));
            wrong.push(("an unknown member inside", put(more.into()), (422, "invalid")));
        }
        if member["type"] == "object" && member.get("properties").is_none() {
            wrong.push(("an item with a long name", put(json!({"z".repeat(3000): MARKER})), (422, "invalid")));
        }
        if kinds(member, "string") && member.get("enum").is_none() {
            let limit = member["maxLength"].as_u64().unwrap_or(0);
            let long = format!("{MARKER}{}", "x".repeat(usize::try_from(limit).unwrap_or(0)));
            wrong.push(("too long a text", put(json!(long)), (422, "invalid")));
        }
        if schema["required"].as_array().is_some_and(|required| required.contains(&json!(name))) {
            let mut less = members.clone();
            less.as_object_mut().expect("an object").remove(name);
            wrong.push(("a member less", body(less.to_string()), (422, "invalid")));
        }
    }
    wrong
}

fn wrong_headers(operation: &Operation, good: &Prepared) -> Vec<Wrong> {
    let mut wrong =
        vec![("no media type that is ours", good.clone().with("accept", "video/mp4"), (406, "not_acceptable"))];
    if operation.takes("header", "If-Match") {
        wrong.push(("no If-Match", good.clone().without("if-match"), (428, "precondition_required")));
        let quoted = format!("\"{MARKER}\"");
        for tag in ["\"v999999\"", "W/\"v1\"", "\"v999998\", \"v999999\"", "\"\"", &quoted] {
            wrong.push(("another If-Match", good.clone().with("if-match", tag), (412, "stale")));
        }
        for tag in ["v1", "", "\"v1", "\"v1\"x", "*, \"v1\"", MARKER] {
            wrong.push((
                "no If-Match that can be read",
                good.clone().with("if-match", tag),
                (400, "invalid_parameter"),
            ));
        }
    }
    if operation.takes("header", "Idempotency-Key") {
        for key in ["", "\"\"", "two words", &"x".repeat(201), "\"half"] {
            wrong.push(("an unusable key", good.clone().with("idempotency-key", key), (400, "invalid_parameter")));
        }
    }
    wrong
}

fn wrong_places(operation: &Operation, good: &Prepared) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let mut at = |what, place: &str, expected: Expected| {
        let mut request = good.clone();
        place.clone_into(&mut request.path);
        wrong.push((what, request, expected));
    };
    if operation.takes("path", "tenant") {
        let mut parts: Vec<&str> = good.path.split('/').collect();
        for slug in ["nowhere", MARKER, "ALPHA", "alpha%00", "..%2Falpha", "alpha%20"] {
            parts[3] = slug;
            at("another registry", &parts.join("/"), (404, "not_found"));
        }
    }
    for parameter in operation.parameters("path").filter_map(|it| it["name"].as_str()).filter(|name| *name != "tenant")
    {
        let place = operation.path.split('/').position(|part| part == format!("{{{parameter}}}")).expect("its place");
        let mut parts: Vec<&str> = good.path.split('/').collect();
        for id in [MARKER, "00000000-0000-0000-0000-000000000000", "%00", "x%00", "%ff", "1", &"1".repeat(2000)] {
            // Deliveries of an unknown form are kept; it can be described and mapped.
            let is_one = parameter == "version" && operation.id == "readFollowUpPlan";
            if id == "1" && (is_one || parameter == "form_id" && good.method != "GET") {
                continue;
            }
            parts[place] = id;
            at("another object", &parts.join("/"), (404, "not_found"));
        }
    }
    wrong
}

#[test]
fn every_operation_answers_faults_with_a_problem() {
    let scene = Scene::new();
    let mut seen: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut complaints = Vec::new();
    for operation in scene.document.protected() {
        let actor = scene.permitted_actor(operation);
        let good = scene.prepare(operation, &actor, &scene.alpha);
        let mut wrong = wrong_bodies(&scene.document, operation, &good);
        wrong.extend(wrong_headers(operation, &good));
        wrong.extend(wrong_places(operation, &good));
        for (at, (what, request, expected)) in wrong.into_iter().enumerate() {
            // Alternately in one language and the other.
            let language = if at.is_multiple_of(2) { "nb" } else { "en" };
            let id = format!("wrong-{:06}", scene.next());
            let request = request.with("x-request-id", &id).with("accept-language", language);
            let answer = request.send(&actor);
            let result = is_problem(&answer, language, &id);
            let named = format!("{} {what} ({language}): {}", operation.id, request.path);
            if (answer.status, answer.code()) != expected {
                complaints.push(format!("{named}: {expected:?} expected: {} {}", answer.status, answer.text()));
            }
            match result {
                Ok(code) => *seen.entry(code.name()).or_default() += 1,
                Err(complaint) => complaints.push(format!("{named}: {complaint}")),
            }
            complaints
                .extend(scene.document.faults(operation, &answer).into_iter().map(|fault| format!("{named}: {fault}")));
        }
    }
    complaints.iter_mut().for_each(|complaint| complaint.truncate(700));
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
    assert!(seen.len() >= 10, "{seen:?}");
}

#[test]
fn every_operation_requires_an_idempotency_key_of_machines() {
    let scene = Scene::new();
    for operation in scene.document.protected().filter(|operation| operation.takes("header", "Idempotency-Key")) {
        for role in roles().filter(|role| may(*role, operation) && role.is_machine()) {
            let machine = scene.actor("alpha", role, &scene.alpha);
            let mut request = scene.prepare(operation, &machine, &scene.alpha).without("idempotency-key");
            request.bare = true;
            let answer = request.send(&machine).problem(400, "idempotency_key_missing");
            scene.document.check(operation, &answer);
        }
        let actor = scene.permitted_actor(operation);
        let key = scene.world.clock.random_id().to_string();
        let first = scene.prepare(operation, &actor, &scene.alpha).with("idempotency-key", &key);
        assert!(first.send(&actor).status < 300, "{}", operation.id);
        let other = scene.prepare(operation, &actor, &scene.alpha);
        // A line has its key: the fault is in the line's result.
        if operation.media() == Some("application/x-ndjson") {
            let answer = other.with("idempotency-key", &key).send(&actor).expect(200);
            assert_eq!(answer.text_at("/problem/code"), "key_reused");
        } else if first.body != other.body {
            let answer = other.with("idempotency-key", &key).send(&actor).problem(422, "key_reused");
            scene.document.check(operation, &answer);
        }
    }
}

#[test]
fn unsupported_methods_are_405_with_allow() {
    let scene = Scene::new();
    let manager = scene.world.alpha().manager();
    let mut paths: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for operation in &scene.document.operations {
        let actor = if operation.public { scene.world.unauthenticated() } else { scene.permitted_actor(operation) };
        let path = scene.prepare(operation, &actor, &scene.alpha).path;
        paths.entry(operation.path.clone()).or_insert((path, Vec::new())).1.push(operation.method.clone());
    }
    for (path, methods) in paths.values() {
        for method in
            ["GET", "POST", "PUT", "PATCH", "DELETE"].iter().filter(|method| !methods.contains(&(**method).to_owned()))
        {
            for (who, actor) in [("a manager", &manager), ("a stranger", &scene.world.unauthenticated())] {
                let answer = actor.request(method, path).header("x-request-id", "method-1").send();
                assert_eq!((answer.status, answer.code()), (405, "method_not_allowed"), "{method} {path} {who}");
                let mut allowed: Vec<String> = answer.header("allow").split(", ").map(str::to_owned).collect();
                let mut methods = methods.clone();
                methods.extend(methods.contains(&"GET".to_owned()).then(|| "HEAD".to_owned()));
                allowed.sort();
                methods.sort();
                assert_eq!(allowed, methods, "{method} {path}");
                is_problem(&answer, "en", "method-1").unwrap();
            }
        }
    }
    for path in ["/", "/v1", "/v1/nothing", "/v2/tenants", "/v1/tenants/alpha/nothing", "/favicon.ico", "/v1//tenants"]
    {
        let answer = manager.request("GET", &format!("{path}?{MARKER}")).header("x-request-id", "nowhere-1").send();
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{path}");
        is_problem(&answer, "en", "nowhere-1").unwrap();
    }
}

#[test]
fn suspended_registry_is_503_at_every_operation_until_resumed() {
    let scene = Scene::new();
    let operator = scene.world.operator();
    let version = operator.get("/v1/tenants/beta").expect(200).body["version"].as_i64().expect("a version");
    operator.put("/v1/tenants/beta/suspension", version).expect(200);
    for operation in scene.document.protected() {
        for role in roles().filter(|role| may(*role, operation) && *role != Role::Operator) {
            let actor = scene.actor("beta", role, &scene.beta);
            let answer = scene.prepare(operation, &actor, &scene.beta).with("x-request-id", "suspended").send(&actor);
            assert_eq!((answer.status, answer.code()), (503, "suspended"), "{role} {}", operation.id);
            assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
            scene.document.check(operation, &answer);
            is_problem(&answer, "en", "suspended").unwrap();
        }
    }
    scene.world.alpha().manager().lists_patients("").expect(200);
    operator.delete("/v1/tenants/beta/suspension", version + 1).expect(200);
    scene.world.beta().manager().lists_patients("").expect(200);
}

#[test]
fn rate_limit_answers_429_with_retry_after() {
    let world = World::with(&Setup { people_per_second: 2, machines_per_second: 3, ..Setup::default() });
    let document = Document::of(&world);
    let list = document.protected().find(|operation| operation.id == "listPatients").expect("a list");
    let manager = world.alpha().manager();
    let answers: Vec<Answer> = (0..4).map(|_| manager.lists_patients("")).collect();
    let refused: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert_eq!(answers[0].status, 200);
    assert_eq!(answers[0].header("ratelimit-policy"), "\"caller\";q=2;w=1");
    assert!(!refused.is_empty());
    for answer in refused {
        document.check(list, answer);
        assert_eq!(answer.code(), "too_many_requests");
        assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    }
    // The rate limit of one caller does not affect another.
    manager.clone().called("another").lists_patients("").expect(200);
    world.beta().manager().lists_patients("").expect(200);
}

#[test]
fn duplicates_are_409_and_name_the_member() {
    let scene = Scene::new();
    for id in ["registerPatient", "createTenant"] {
        let operation = scene.document.protected().find(|operation| operation.id == id).expect("an operation");
        let actor = scene.permitted_actor(operation);
        let request = scene.prepare(operation, &actor, &scene.alpha);
        assert_eq!(request.send(&actor).status, 201);
        let again = request.with("x-request-id", "exists-1").send(&actor).problem(409, "already_exists");
        scene.document.check(operation, &again);
        is_problem(&again, "en", "exists-1").unwrap();
        assert_eq!(again.faults().len(), 1);
        assert_eq!(again.faults()[0].1, "already_exists");
        assert!(!again.text().contains(&scene.alpha.person.national_id));
    }
}
