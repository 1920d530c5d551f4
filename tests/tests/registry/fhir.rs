//! The registry's FHIR resources are valid according to an independent validator (`validate_fhir.py`), which rejects
//! invalid ones.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use painreg_tests::{Actor, World};
use serde_json::{Value, json};

use crate::examples::response;
use crate::kit::AnswerAssertions as _;
use crate::scene::isi;

const FORMS: [&str; 6] =
    ["opr-baseline", "opr-baseline-short", "opr-follow-up-short", "opr-follow-up-full", "opr-rf", "opr-scs"];

/// Returns a case for the validator: a questionnaire and responses to it.
fn case(questionnaire: &Value, responses: &[Value]) -> Value {
    json!({"questionnaire": questionnaire, "responses": responses})
}

/// Returns the validator's messages about each case: a list of sentences for each resource.
fn validated(cases: &[Value]) -> Vec<Vec<Vec<String>>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let python = root.join(".painreg/fhir/bin/python");
    assert!(python.exists(), "the FHIR validator is not installed: start the tests with `make test`");
    let mut validator = Command::new(python)
        .arg(root.join("tests/tests/registry/validate_fhir.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a validator");
    let given = json!(cases).to_string();
    validator.stdin.take().expect("its input").write_all(given.as_bytes()).expect("it reads");
    let said = validator.wait_with_output().expect("it ends");
    assert!(said.status.success(), "the validator failed");
    serde_json::from_slice(&said.stdout).expect("its verdict")
}

fn questionnaire(actor: &Actor<'_>, form: &str) -> Value {
    actor.get(&actor.at(&format!("forms/{form}/versions/1/fhir-questionnaire"))).expect(200).body
}

/// Returns a form with every feature that a form can have.
fn everything() -> Value {
    let words = |nb: &str, en: &str| json!({"nb": nb, "en": en, "se": "Sámegiella"});
    let label = words("Et felt", "An item");
    json!({
        "code": "everything", "version": "1", "title": words("Alt", "Everything"), "wave": "project",
        "languages": ["se"], "instruments": ["isi", "pgic"],
        "pages": [
            {"code": "first", "title": label, "holds": ["count", "weight", "reason", "sites", "pgic"]},
            {"code": "second", "title": label, "holds": ["isi", "since", "agreed", "note"],
             "visible_if": {"any": [{"at_least": {"item": "pgic", "value": 2}}, {"answered": {"item": "weight"}}]}},
        ],
        "items": [
            {"code": "count", "kind": {"integer": {"min": 0, "max": 18}}, "label": label, "required": true},
            {"code": "weight", "kind": {"decimal": {"min": 0.5, "max": 300.25, "decimals": 2}}, "label": label},
            {"code": "reason", "kind": {"choice": {"options": ["a", "b"]}}, "label": label, "help": label,
             "option_labels": {"a": label, "b": label}},
            {"code": "sites", "kind": {"multiple": {"options": ["neck", "back"]}}, "label": label, "help": label,
             "visible_if": {"one_of": {"item": "reason", "values": ["a", "b"]}}},
            {"code": "since", "kind": "date", "label": label,
             "visible_if": {"all": [{"ticked": {"item": "sites", "option": "back"}}, {"any": [
                {"equals": {"item": "reason", "value": "b"}}, {"at_most": {"item": "isi_01", "value": 1}}]}]}},
            {"code": "agreed", "kind": "boolean", "label": label},
            {"code": "note", "kind": {"text": {"max_length": 100}}, "label": label,
             "visible_if": {"all": [{"answered": {"item": "sites"}}, {"equals": {"item": "agreed", "value": true}}]}},
        ],
    })
}

fn publish_everything(manager: &Actor<'_>) {
    manager.post(&manager.at("forms"), &json!({"definition": everything()})).expect(201);
    let path = manager.at("forms/everything/versions");
    manager.request("POST", &path).header("if-match", "\"v1\"").send().expect(201);
}

#[test]
fn validate_fhir_accepts_exports_and_refuses_broken_ones() {
    let world = World::new();
    let (manager, clinician) = (world.alpha().manager(), world.alpha().clinician());
    let patient = clinician.registers(&world.person());
    let mut sound: Vec<Value> = FORMS.map(|form| case(&questionnaire(&manager, form), &[])).to_vec();

    let first = clinician.submits(&patient, "first", &isi()).expect(201);
    let importer = world.alpha().importer();
    importer.delivers(&world.delivery(&patient.person, 4711)).expect(201);
    let delivered = world.rows("SELECT id FROM {alpha}.submission WHERE source_system = 'nettskjema'");
    let ids = [first.text_at("/id"), delivered[0]["id"].as_str().expect("an id")];
    let responses = ids.map(|id| {
        clinician.get(&clinician.at(&format!("submissions/{id}/fhir-questionnaire-response"))).expect(200).body
    });
    let baseline = questionnaire(&manager, "opr-baseline");
    sound.push(case(&baseline, &responses));

    publish_everything(&manager);
    let all = questionnaire(&manager, "everything");
    let answers = [
        json!({"count": 1, "weight": 4.5, "reason": "b", "sites": {"neck": false, "back": true}, "since": "2024-02-29",
            "isi_01": 3, "agreed": true, "note": "Fritekst æøå"}),
        json!({"count": 0, "pgic": 1}),
    ];
    let responses = answers.map(|answers| {
        let id = world.clock.random_id().to_string();
        let body = json!({"source": {"system": "test", "form_id": "1", "submission_id": id}, "form": "everything",
            "patient": {"id": patient.id}, "submitted_at": "2026-01-05T08:15:00Z", "answers": answers});
        let stored = clinician.post(&clinician.at("submissions"), &body).expect(201);
        let path = format!("submissions/{}/fhir-questionnaire-response", stored.text_at("/id"));
        clinician.get(&clinician.at(&path)).expect(200).body
    });
    sound.push(case(&all, &responses));
    for (case, verdicts) in sound.iter().zip(validated(&sound)) {
        assert!(verdicts.iter().all(Vec::is_empty), "{}: {verdicts:?}", case["questionnaire"]["url"]);
    }

    // The validator rejects invalid resources.
    let mut broken = Vec::new();
    let break_at = |resource: &Value, pointer: &str, value: Value| {
        let mut broken = resource.clone();
        *broken.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} leads nowhere")) = value;
        broken
    };
    for (pointer, value, why) in [
        ("/item/0/item/0/type", json!("number"), "type"),
        ("/item/0/item/1/linkId", json!("count"), "que-2"),
        ("/item/1/enableWhen/1/answerBoolean", json!("yes"), "another type"),
        ("/item/1/enableWhen/0/question", json!("nothing"), "question"),
        ("/item/1/enableBehavior", json!("some"), "behavior"),
        ("/item/0/item/2/answerOption/0/valueCoding", json!({"codes": "a"}), "codes"),
        ("/item/0/item/0/required", json!("true"), "another type"),
        ("/status", json!("published"), "status"),
    ] {
        broken.push((case(&break_at(&all, pointer, value), &[]), pointer, why));
    }
    for (pointer, value, why) in [
        ("/authored", json!("2026-1-5"), "authored"),
        ("/item/0/item/0/linkId", json!("nothing"), "linkId"),
        ("/item/0/item/0/answer/0", json!({"valueInteger": "1"}), "another type"),
        ("/item/0/item/2/answer/0/valueCoding/code", json!("a"), "hidden: since"),
        ("/status", json!("final"), "status"),
    ] {
        broken.push((case(&all, &[break_at(&responses[0], pointer, value)]), pointer, why));
    }
    let cases: Vec<Value> = broken.iter().map(|(case, ..)| case.clone()).collect();
    for ((_, pointer, why), verdicts) in broken.iter().zip(validated(&cases)) {
        let verdict = verdicts.concat().join("\n");
        assert!(verdict.contains(why), "{pointer}: {verdict}");
    }
}

#[test]
fn import_fhir_questionnaire_restores_the_exported_form() {
    let world = World::new();
    let (here, there) = (world.alpha().manager(), world.beta().manager());
    publish_everything(&here);
    let resource = questionnaire(&here, "everything");
    there.post(&there.at("fhir-questionnaires"), &resource).expect(201);
    let draft = there.get(&there.at("forms/everything/draft")).expect(200);
    let file = here.get(&here.at("forms/everything/versions/1/file")).expect(200).body;
    assert_eq!((&draft.body["definition"], &draft.body["faults"]), (&file["definition"], &json!([])));
}

#[test]
fn submit_fhir_response_stores_a_submission() {
    let world = World::new();
    let (importer, clinician) = (world.alpha().importer(), world.alpha().clinician());
    let patient = clinician.registers(&world.person());
    let base = format!("http://{}/v1/tenants/alpha/forms", world.address);
    let good = response(&base, &patient.id, "r-1");
    let path = importer.at("fhir-questionnaire-responses");
    let stored = importer.post(&path, &good).expect(201);
    assert_eq!((&stored.body["wave"], &stored.body["delivered"]), (&json!("follow_up_short"), &json!("created")));
    assert_eq!(stored.body["scores"][0]["instrument"], "pgic");
    assert_eq!(importer.post(&path, &good).expect(200).body["delivered"], "unchanged");
    let id = stored.text_at("/id");
    let read = clinician.get(&clinician.at(&format!("submissions/{id}"))).expect(200).body;
    assert_eq!((&read["answers"], &read["source"]["system"]), (&json!({"pgic": 2}), &json!("portal")));

    // The registry accepts its own resources, and a changed one is a new revision.
    let given = clinician.get(&clinician.at(&format!("submissions/{id}/fhir-questionnaire-response"))).expect(200).body;
    let mut changed = given.clone();
    changed["item"][0]["item"][0]["answer"][0]["valueInteger"] = json!(3);
    let revised = importer.post(&path, &changed).expect(201);
    assert_eq!((&revised.body["delivered"], &revised.body["version"]), (&json!("revised"), &json!(2)));

    let refused = |pointer: &str, value: Value| {
        let mut wrong = good.clone();
        let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
        wrong.pointer_mut(parent).expect("leads somewhere")[member] = value;
        importer.post(&path, &wrong)
    };
    let answer = "/item/0/item/0/answer/0";
    refused(&format!("{answer}/valueInteger"), json!(8)).fault(422, answer, "out_of_range");
    refused("/item/0/item/0/linkId", json!("pgi")).fault(422, "/item/0/item/0/answer", "unknown_item");
    refused("/questionnaire", json!(format!("{base}/opr-follow-up-short|9"))).fault(
        422,
        "/questionnaire",
        "unknown_reference",
    );
    refused("/questionnaire", json!("https://elsewhere.example/a|1")).fault(422, "/questionnaire", "unknown_reference");
    refused("/subject/reference", json!(format!("Patient/{}", world.clock.random_id()))).fault(
        404,
        "/subject/reference",
        "unknown_reference",
    );
    refused("/subject/reference", json!("Group/1")).fault(404, "/subject/reference", "unknown_reference");
    refused("/identifier/system", json!("https://elsewhere.example")).fault(422, "/identifier", "invalid_format");
    refused("/status", json!("in-progress")).fault(422, "/status", "unknown_option");
    refused("/authored", json!("1980-01-01T00:00:00Z")).fault(422, "/authored", "invalid_date");
    refused("/partsOf", json!([])).fault(422, "/partsOf", "unknown_item");
}
