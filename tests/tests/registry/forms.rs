//! Forms, from the first draft to the difference between two versions: faults are reported, a published version never
//! changes, and an exported file is imported unchanged.

use std::sync::Barrier;

use painreg_tests::{Actor, Answer, World};
use serde_json::{Value, json};

use crate::examples::{form, questionnaire};
use crate::kit::{AnswerAssertions as _, pages};

fn begins(manager: &Actor<'_>, definition: &Value) -> Answer {
    manager.post(&manager.at("forms"), &json!({"definition": definition}))
}

fn replaces(manager: &Actor<'_>, code: &str, version: i64, definition: &Value) -> Answer {
    let request = manager.request("PUT", &manager.at(&format!("forms/{code}/draft")));
    request.header("if-match", &format!("\"v{version}\"")).json(&json!({"definition": definition})).send()
}

fn publishes(manager: &Actor<'_>, code: &str, version: i64) -> Answer {
    let request = manager.request("POST", &manager.at(&format!("forms/{code}/versions")));
    request.header("if-match", &format!("\"v{version}\"")).send()
}

/// Returns the definition with this value at the pointer.
fn with(definition: &Value, pointer: &str, value: Value) -> Value {
    let mut changed = definition.clone();
    *changed.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} leads nowhere")) = value;
    changed
}

#[test]
fn form_draft_reports_faults_and_is_published_without_any() {
    let world = World::new();
    let manager = world.alpha().manager();
    let sound = form("walks", "1");
    let faulty = with(&with(&sound, "/items/0/label/nb", json!("")), "/items/0/kind/integer/max", json!(-1));

    let draft = begins(&manager, &faulty).expect(201);
    assert_eq!((draft.header("location"), draft.header("etag")), ("/v1/tenants/alpha/forms/walks/draft", "\"v1\""));
    let faults = json!([
        {"pointer": "/items/0/kind/integer/max", "code": "out_of_range"},
        {"pointer": "/items/0/label/nb", "code": "required"},
    ]);
    assert_eq!(draft.body["faults"], faults);
    let read = manager.get(&manager.at("forms/walks/draft")).expect(200);
    assert_eq!((&read.body, read.header("etag")), (&draft.body, "\"v1\""));
    assert_eq!(
        publishes(&manager, "walks", 1).expect(422).faults(),
        [("/definition/items/0/kind/integer/max", "out_of_range"), ("/definition/items/0/label/nb", "required")]
            .map(|(pointer, code)| (pointer.to_owned(), code.to_owned()))
    );
    manager.get(&manager.at("forms/walks")).problem(404, "not_found");

    let mended = replaces(&manager, "walks", 1, &sound).expect(200);
    assert_eq!((&mended.body["faults"], mended.header("etag")), (&json!([]), "\"v2\""));
    let published = publishes(&manager, "walks", 2).expect(201);
    assert_eq!(published.header("location"), "/v1/tenants/alpha/forms/walks/versions/1");
    assert_eq!(published.body["definition"]["items"][0]["code"], "walks");
    manager.get(&manager.at("forms/walks/draft")).problem(404, "not_found");
    for path in ["forms/walks", "forms/walks/versions/1"] {
        assert_eq!(world.alpha().clinician().get(&manager.at(path)).expect(200).body, published.body);
    }

    // It can be answered at once.
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let answers = json!({"source": {"system": "test", "form_id": "1", "submission_id": "s"}, "form": "walks",
        "patient": {"id": patient.id}, "submitted_at": "2026-01-05T08:15:00Z", "answers": {"walks": 7}});
    clinician.post(&clinician.at("submissions"), &answers).expect(201);
}

#[test]
fn begin_form_refuses_malformed_definitions() {
    let world = World::new();
    let manager = world.alpha().manager();
    let sound = form("walks", "1");
    begins(&manager, &with(&sound, "/code", json!("Walks"))).fault(422, "/definition/code", "invalid_format");
    begins(&manager, &with(&sound, "/wave", json!("never"))).fault(422, "/definition/wave", "unknown_option");
    let more = with(&sound, "/items/0/kind", json!({"integer": {"min": 0, "max": 7, "step": 2}}));
    begins(&manager, &more).fault(422, "/definition/items/0/kind/integer/step", "unknown_item");
    begins(&manager, &sound).expect(201);
    begins(&manager, &sound).fault(409, "/definition/code", "already_exists");
    let other = with(&sound, "/code", json!("other"));
    replaces(&manager, "walks", 1, &other).fault(422, "/definition/code", "contradiction");
    replaces(&manager, "other", 1, &other).problem(404, "not_found");
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.form_draft"), 1);
}

#[test]
fn replace_form_draft_refuses_a_stale_version() {
    let world = World::new();
    let manager = world.alpha().manager();
    let sound = form("walks", "1");
    begins(&manager, &sound).expect(201);
    let title = |title: &str| with(&sound, "/title/en", json!(title));
    replaces(&manager, "walks", 1, &title("First")).expect(200);
    replaces(&manager, "walks", 1, &title("Second")).problem(412, "stale");
    publishes(&manager, "walks", 1).problem(412, "stale");
    manager.delete(&manager.at("forms/walks/draft"), 1).problem(412, "stale");
    let path = manager.at("forms/walks/versions");
    manager.request("POST", &path).send().problem(428, "precondition_required");
    assert_eq!(manager.get(&manager.at("forms/walks/draft")).body["definition"]["title"]["en"], "First");
    manager.delete(&manager.at("forms/walks/draft"), 2).expect(204);
    manager.delete(&manager.at("forms/walks/draft"), 2).problem(404, "not_found");
    publishes(&manager, "walks", 2).problem(404, "not_found");
    for actor in [world.alpha().clinician(), world.alpha().importer(), world.alpha().dpo()] {
        begins(&actor, &sound).problem(403, "forbidden");
        actor.get(&actor.at("forms/walks/draft")).problem(403, "forbidden");
    }
}

#[test]
fn publish_form_succeeds_once_under_concurrency() {
    let world = World::new();
    let manager = world.alpha().manager();
    begins(&manager, &form("walks", "1")).expect(201);
    let start = Barrier::new(6);
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let publishing = |_| {
            scope.spawn(|| {
                start.wait();
                publishes(&world.alpha().manager(), "walks", 1).status
            })
        };
        let threads: Vec<_> = (0..6).map(publishing).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 404, 404, 404, 404, 404]);
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.form_version WHERE code = 'walks'"), 1);
    assert_eq!(
        world.number("SELECT count(*) FROM {alpha}.audit_event WHERE action = 'ManageForms' AND outcome = 'ok'"),
        2
    );
}

#[test]
fn published_form_version_is_immutable_and_differences_are_by_item() {
    let world = World::new();
    let manager = world.alpha().manager();
    let first = form("walks", "1");
    begins(&manager, &first).expect(201);
    let one = publishes(&manager, "walks", 1).expect(201);
    // The name of a version cannot be reused.
    let mut second = with(&first, "/title/en", json!("Another title"));
    second["items"][0]["required"] = json!(true);
    begins(&manager, &second).expect(201);
    publishes(&manager, "walks", 1).fault(409, "/definition/version", "already_exists");
    second["version"] = json!("2");
    second["items"].as_array_mut().expect("items").push(json!({"code": "why", "kind": {"text": {"max_length": 100}},
        "visible_if": {"at_most": {"item": "walks", "value": 1}}, "label": {"nb": "Hvorfor", "en": "Why"}}));
    replaces(&manager, "walks", 1, &second).expect(200);
    world.advance(jiff::SignedDuration::from_secs(1));
    publishes(&manager, "walks", 2).expect(201);

    assert_eq!(manager.get(&manager.at("forms/walks/versions/1")).expect(200).body, one.body);
    assert_eq!(manager.get(&manager.at("forms/walks")).expect(200).body["version"], "2");
    let versions: Vec<Value> = pages(&manager, &manager.at("forms/walks/versions?limit=1")).concat();
    let names: Vec<&Value> = versions.iter().map(|version| &version["version"]).collect();
    assert_eq!(names, ["2", "1"]);
    assert_ne!(versions[0]["digest"], versions[1]["digest"]);

    let expected = json!({"from": "1", "to": "2", "items": [
        {"pointer": "/items/walks/required", "before": false, "after": true},
        {"pointer": "/items/why", "after": {"code": "why", "kind": {"text": {"max_length": 100}}, "required": false,
            "visible_if": {"at_most": {"item": "walks", "value": 1}}, "label": {"nb": "Hvorfor", "en": "Why"}}},
        {"pointer": "/title", "before": {"nb": "Et skjema", "en": "A form"},
            "after": {"nb": "Et skjema", "en": "Another title"}},
    ]});
    for query in ["", "?from=1", "?from=1&to=2", "?to=2"] {
        assert_eq!(manager.get(&manager.at(&format!("forms/walks/differences{query}"))).expect(200).body, expected);
    }
    let same = manager.get(&manager.at("forms/walks/differences?to=1")).expect(200);
    assert_eq!(same.body, json!({"from": "1", "to": "1", "items": []}));
    manager.get(&manager.at("forms/walks/differences?from=3")).fault(400, "/query/from", "invalid_format");
    manager.get(&manager.at("forms/runs/differences")).problem(404, "not_found");
    manager.get(&manager.at("forms/runs/versions")).problem(404, "not_found");
}

#[test]
fn submit_answers_refuses_hidden_items() {
    let world = World::new();
    let (manager, clinician) = (world.alpha().manager(), world.alpha().clinician());
    let mut definition = form("walks", "1");
    definition["items"].as_array_mut().expect("items").push(
        json!({"code": "why", "kind": {"text": {"max_length": 100}},
        "required": true, "visible_if": {"at_most": {"item": "walks", "value": 1}},
        "label": {"nb": "Hvorfor", "en": "Why"}}),
    );
    begins(&manager, &definition).expect(201);
    publishes(&manager, "walks", 1).expect(201);
    let patient = clinician.registers(&world.person());
    let submits = |id: &str, answers: Value| {
        let body = json!({"source": {"system": "test", "form_id": "1", "submission_id": id}, "form": "walks",
            "patient": {"id": patient.id}, "submitted_at": "2026-01-05T08:15:00Z", "answers": answers});
        clinician.post(&clinician.at("submissions"), &body)
    };
    submits("a", json!({"walks": 1})).fault(422, "/answers/why", "required");
    submits("b", json!({"walks": 2, "why": "x"})).fault(422, "/answers/why", "hidden_item");
    submits("c", json!({"walks": 9, "why": "x"})).fault(422, "/answers/walks", "out_of_range");
    submits("d", json!({"walks": 1, "why": "x"})).expect(201);
    submits("e", json!({"walks": 2})).expect(201);
}

#[test]
fn export_form_is_imported_by_another_registry() {
    let world = World::new();
    let (here, there) = (world.alpha().manager(), world.beta().manager());
    let definition = form("walks", "1");
    begins(&here, &definition).expect(201);
    let published = publishes(&here, "walks", 1).expect(201);
    let file = here.get(&here.at("forms/walks/versions/1/file")).expect(200).body;
    assert_eq!(here.get(&here.at("forms/walks/versions")).items()[0]["digest"], file["digest"]);

    // The exporting registry has the form already.
    let files = here.at("form-files");
    let known = json!({"code": "walks", "version": "1", "published": true, "faults": [], "ignored": []});
    assert_eq!(here.post(&files, &file).expect(200).body, known);
    let taken = there.post(&there.at("form-files"), &file).expect(201);
    assert_eq!(taken.header("location"), "/v1/tenants/beta/forms/walks/draft");
    assert_eq!(taken.body, json!({"code": "walks", "version": "1", "published": false, "faults": [], "ignored": []}));
    assert_eq!(there.post(&there.at("form-files"), &file).expect(200).body, taken.body);
    assert_eq!(publishes(&there, "walks", 1).expect(201).body, published.body);
    assert_eq!(there.get(&there.at("forms/walks/versions/1/file")).expect(200).body, file);

    // Another file of the same name is a conflict.
    let changed = with(&file, "/definition/title/en", json!("Changed on the way"));
    there.post(&there.at("form-files"), &changed).fault(422, "/digest", "invalid_checksum");
    there.post(&there.at("form-files"), &with(&file, "/format", json!("painreg-form/9"))).fault(
        422,
        "/format",
        "unknown_version",
    );
    begins(&here, &with(&with(&definition, "/title/en", json!("Longer")), "/version", json!("2"))).expect(201);
    publishes(&here, "walks", 1).expect(201);
    let newer = here.get(&here.at("forms/walks/versions/2/file")).expect(200).body;
    begins(&there, &with(&with(&definition, "/title/en", json!("Shorter")), "/version", json!("2"))).expect(201);
    there.post(&there.at("form-files"), &newer).fault(409, "/definition/code", "already_exists");
    publishes(&there, "walks", 1).expect(201);
    there.post(&there.at("form-files"), &newer).fault(409, "/definition/version", "already_exists");
}

#[test]
fn import_fhir_questionnaire_drops_nothing_unlisted() {
    let world = World::new();
    let manager = world.alpha().manager();
    let path = manager.at("fhir-questionnaires");
    let resource = questionnaire("walks");
    let draft = manager.post(&path, &resource).expect(201);
    assert_eq!(draft.header("location"), "/v1/tenants/alpha/forms/walks/draft");
    let missing = [("/items/0/label/en", "required"), ("/title/en", "required")];
    assert_eq!(draft.body["faults"], json!(missing.map(|(pointer, code)| json!({"pointer": pointer, "code": code}))));
    let mut dated = resource.clone();
    dated["date"] = json!("2026-01-01");
    let listed = json!([{"element": "Questionnaire.date", "pointer": "/date", "count": 1}]);
    assert_eq!(manager.post(&path, &dated).expect(200).body["ignored"], listed);
    dated["item"][0]["repeats"] = json!(true);
    manager.post(&path, &dated).fault(422, "/item/0/repeats", "unknown_item");
    // FHIR's media type is JSON too.
    let fhir = |path: &str, body: &Value| {
        manager.request("POST", &manager.at(path)).body("application/fhir+json", body.to_string().into_bytes()).send()
    };
    assert_eq!(fhir("fhir-questionnaires", &resource).expect(200).body, draft.body);
    fhir("forms", &json!({"definition": form("runs", "1")})).problem(415, "unsupported_media_type");
}
