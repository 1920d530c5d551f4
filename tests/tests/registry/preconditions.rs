//! Preconditions: a change without a tag or with an old one is refused, and no saved change is lost.

use std::collections::HashMap;
use std::sync::Barrier;

use painreg_tests::{Answer, World};
use serde_json::{Value, json};

use crate::kit::{AnswerAssertions as _, version};
use crate::scene::Scene;

#[test]
fn update_patient_requires_the_current_etag() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let path = clinician.at(&format!("patients/{}", patient.id));
    let read = clinician.get(&path).expect(200);
    assert_eq!(read.header("etag"), "\"v1\"");
    let body = json!({"language": "en"});
    clinician.request("PATCH", &path).json(&body).send().problem(428, "precondition_required");
    let with = |tag: &str| clinician.request("PATCH", &path).header("if-match", tag).json(&body).send();
    let others = [
        "\"v0\"",
        "\"v2\"",
        "W/\"v1\"",
        "\"1\"",
        "\"\"",
        "\"v01\"",
        "\"V1\"",
        "\"v99999999999999999999\"",
        "\"v2\", \"v3\"",
    ];
    for tag in others {
        let answer = with(tag);
        assert_eq!((answer.status, answer.code()), (412, "stale"), "{tag}");
    }
    for tag in ["v1", "", "\"v1", "\"v 1\"", "\"v1\"x", "*, \"v1\"", "\"v1\" \"v2\""] {
        with(tag).problem(400, "invalid_parameter").fault(400, "/header/If-Match", "invalid_format");
    }
    assert_eq!(clinician.get(&path).expect(200).bytes, read.bytes, "nothing has changed");
    let changed = with("\"v1\"").expect(200);
    assert_eq!(changed.header("etag"), "\"v2\"");
    assert_eq!(changed.body["version"], json!(2));
    // Reading returns what the change answered.
    let read = clinician.get(&path).expect(200);
    assert_eq!((read.body, read.headers.get("etag")), (changed.body.clone(), changed.headers.get("etag")));
    with("\"v1\"").problem(412, "stale");
    // A change without effect is a new version too.
    let same = clinician.patch(&path, 2, &json!({})).expect(200);
    assert_eq!(version(&same.body), 3);
}

/// Returns the path of another operation with the values that a request has for its path parameters.
fn with_values_of(pattern: &str, sent: &str, other: &str) -> String {
    let sent = sent.split('?').next().unwrap_or_default();
    let values: HashMap<&str, &str> = pattern.split('/').zip(sent.split('/')).collect();
    let filled: Vec<&str> = other
        .split('/')
        .map(|part| if part.starts_with('{') { *values.get(part).expect("a path parameter of both") } else { part })
        .collect();
    filled.join("/")
}

#[test]
fn every_change_takes_the_tag_that_a_read_shows() {
    let scene = Scene::new();
    let mut walked = 0;
    for operation in scene.document.protected().filter(|operation| operation.takes("header", "If-Match")) {
        let parameter = operation.parameters("header").find(|it| it["name"] == "If-Match").expect("the parameter");
        let id = parameter["description"].as_str().and_then(|text| text.split('`').nth(3)).unwrap_or_default();
        let read = scene.document.operations.iter().find(|it| it.id == id && it.method == "GET");
        let read = read.unwrap_or_else(|| panic!("{}: `{id}` is no operation that reads", operation.id));
        let (actor, reader) = (scene.permitted_actor(operation), scene.permitted_actor(read));
        for list in [true, false] {
            let good = scene.prepare(operation, &actor, &scene.alpha);
            let shown = reader.get(&with_values_of(&operation.path, &good.path, &read.path)).expect(200);
            let tag = shown.header("etag");
            assert!(
                good.headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("if-match") && value == tag),
                "{}",
                operation.id
            );
            let value = if list { format!("\"nope\", W/{tag} , \"v999999\",{tag}") } else { "*".to_owned() };
            let answer = good.with("if-match", &value).send(&actor);
            assert!(answer.status < 300, "{} {value}: {}", operation.id, answer.text());
            walked += 1;
        }
    }
    assert!(walked > 100, "{walked}");
}

#[test]
fn update_tenant_requires_the_current_etag() {
    let world = World::new();
    let operator = world.operator();
    let body = json!({"name": "Another"});
    operator.request("PATCH", "/v1/tenants/alpha").json(&body).send().problem(428, "precondition_required");
    operator.request("PUT", "/v1/tenants/alpha/suspension").send().problem(428, "precondition_required");
    operator.request("DELETE", "/v1/tenants/alpha/suspension").send().problem(428, "precondition_required");
    operator.request("DELETE", "/v1/tenants/alpha").send().problem(428, "precondition_required");
    operator.patch("/v1/tenants/alpha", 7, &body).problem(412, "stale");
    operator.put("/v1/tenants/alpha/suspension", 7).problem(412, "stale");
    operator.delete("/v1/tenants/alpha/suspension", 7).problem(412, "stale");
    operator.delete("/v1/tenants/alpha", 7).problem(412, "stale");
    let before = operator.get("/v1/tenants/alpha").expect(200);
    let answer = operator.patch("/v1/tenants/alpha", version(&before.body), &body).expect(200);
    assert_eq!(answer.header("etag"), format!("\"v{}\"", version(&before.body) + 1));
    operator.patch("/v1/tenants/alpha", version(&before.body), &body).problem(412, "stale");
}

#[test]
fn concurrent_updates_of_one_version_refuse_the_second() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    // Two front ends change different fields of what they both read.
    let changes = [json!({"language": "en"}), json!({"interpreter_needed": true})];
    let mut at = 1;
    for _ in 0..5 {
        let barrier = Barrier::new(2);
        let answers: Vec<Answer> = std::thread::scope(|threads| {
            let sent: Vec<_> = changes
                .iter()
                .map(|change| {
                    threads.spawn(|| {
                        barrier.wait();
                        clinician.changes(&patient, at, change)
                    })
                })
                .collect();
            sent.into_iter().map(|one| one.join().expect("an answer")).collect()
        });
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
        // The loser reads again and repeats: now both changes are there.
        let loser = usize::from(answers[0].status == 200);
        let read = clinician.reads(&patient).expect(200).body;
        assert_eq!(version(&read), at + 1);
        let both = clinician.changes(&patient, at + 1, &changes[loser]).expect(200).body;
        assert_eq!((&both["language"], &both["interpreter_needed"]), (&json!("en"), &json!(true)));
        let back =
            clinician.changes(&patient, at + 2, &json!({"language": "nb", "interpreter_needed": false})).expect(200);
        at = version(&back.body);
    }
}

#[test]
fn patch_null_clears_and_absence_keeps() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let mut at = 1;
    let mut change = |body: Value| {
        let answer = clinician.changes(&patient, at, &body).expect(200);
        at = version(&answer.body);
        assert_eq!(clinician.reads(&patient).expect(200).body, answer.body, "{body}");
        answer.body
    };
    let before = change(json!({"deceased_on": "2026-01-02"}));
    assert_eq!(before["deceased_on"], json!("2026-01-02"));
    let contact = json!({"mobile": patient.person.mobile, "email": patient.person.email});
    assert_eq!(before["contact"], contact);
    // Absent: every other member is unchanged.
    let after = change(json!({"language": "se"}));
    for (name, value) in before.as_object().expect("an object") {
        if !matches!(name.as_str(), "language" | "version" | "updated_at") {
            assert_eq!(&after[name], value, "{name}");
        }
    }
    assert_eq!(change(json!({"deceased_on": null}))["deceased_on"], Value::Null);
    // RFC 7396 merges member by member at every level.
    let merged = change(json!({"contact": {"mobile": "+46701740699"}}));
    assert_eq!(merged["contact"], json!({"mobile": "+46701740699", "email": patient.person.email}));
    let cleared = change(json!({"contact": {"email": null}}));
    assert_eq!(cleared["contact"], json!({"mobile": "+46701740699", "email": null}));
    assert_eq!(change(json!({"contact": {}}))["contact"], cleared["contact"]);
    assert_eq!(change(json!({"contact": null}))["contact"], json!({"mobile": null, "email": null}));
}

#[test]
fn patch_null_is_refused_for_required_members() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    for member in
        ["unit", "sex", "birth_date", "language", "interpreter_needed", "cognitive_impairment", "protected_address"]
    {
        let answer = clinician.changes(&patient, 1, &json!({ member: null }));
        answer.fault(422, &format!("/{member}"), "wrong_type");
    }
    assert_eq!(clinician.reads(&patient).expect(200).body, patient.body);
    let operator = world.operator();
    let alpha = operator.get("/v1/tenants/alpha").expect(200).body;
    for member in ["name", "issuers"] {
        let answer = operator.patch("/v1/tenants/alpha", version(&alpha), &json!({ member: null }));
        answer.fault(422, &format!("/{member}"), "wrong_type");
    }
}

#[test]
fn faulty_patch_changes_nothing() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    for (body, pointer, code) in [
        (json!({"language": "en", "sex": "other"}), "/sex", "unknown_option"),
        (json!({"language": "en", "birth_date": "2999-01-01"}), "/birth_date", "invalid_date"),
        (json!({"language": "en", "birth_date": "1999-02-30"}), "/birth_date", "invalid_format"),
        (json!({"language": "en", "deceased_on": "1800-01-01"}), "/deceased_on", "contradiction"),
        (json!({"language": "norsk"}), "/language", "invalid_format"),
        (json!({"language": "en", "unit": ""}), "/unit", "invalid_format"),
        (json!({"language": "en", "contact": {"mobile": "1"}}), "/contact/mobile", "invalid_format"),
        (json!({"language": "en", "contact": {"email": "x"}}), "/contact/email", "invalid_format"),
        (json!({"language": "en", "contact": {"fax": "1"}}), "/contact/fax", "unknown_item"),
        (json!({"language": "en", "version": 9}), "/version", "unknown_item"),
        (json!({"language": "en", "national_ids": []}), "/national_ids", "unknown_item"),
        (json!({"language": "en", "interpreter_needed": "yes"}), "/interpreter_needed", "wrong_type"),
    ] {
        clinician.changes(&patient, 1, &body).fault(422, pointer, code);
    }
    clinician
        .request("PATCH", &clinician.at(&format!("patients/{}", patient.id)))
        .header("if-match", "\"v1\"")
        .body("application/json-patch+json", b"[]".to_vec())
        .send()
        .problem(415, "unsupported_media_type");
    assert_eq!(clinician.reads(&patient).expect(200).body, patient.body);
}
