//! Texts as people and systems write them: telephone numbers with punctuation, letters composed or decomposed, options
//! with the keys of their source.

use painreg_tests::{World, registration};
use serde_json::json;

#[test]
fn register_patient_takes_contact_details_as_people_write_them() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let mut body = registration(&world.person());
    body["contact"] = json!({"mobile": "(+47) (0) 90.00-00 01", "email": "a\u{30a}se@bla\u{30a}b\u{e6}r.no"});
    let stored = clinician.post(&clinician.at("patients"), &body).expect(201);
    let read = clinician.get(&clinician.at(&format!("patients/{}", stored.text_at("/id")))).expect(200).body;
    assert_eq!(read["contact"], json!({"mobile": "+4790000001", "email": "\u{e5}se@bl\u{e5}b\u{e6}r.no"}));

    let mut body = registration(&world.person());
    body["contact"] = json!({"mobile": "4790000001", "email": null});
    let stored = clinician.post(&clinician.at("patients"), &body).expect(201);
    assert_eq!(stored.body["contact"]["mobile"], "+4790000001");
}

#[test]
fn submit_answers_compares_and_stores_composed_texts() {
    let world = World::new();
    let (manager, importer, clinician) = (world.alpha().manager(), world.alpha().importer(), world.alpha().clinician());
    let patient = clinician.registers(&world.person());
    let label = json!({"nb": "Et felt", "en": "An item"});
    let definition = json!({
        "code": "keys", "version": "1", "title": {"nb": "Na\u{30a}", "en": "Now"}, "wave": "project",
        "items": [
            {"code": "often", "kind": {"choice": {"options": ["1", "-1", "3-4 dager", "A\u{30a}"]}}, "label": label},
            {"code": "sites", "kind": {"multiple": {"options": ["-1", "kne\u{301}"]}}, "label": label},
            {"code": "note", "kind": {"text": {"max_length": 2}}, "label": label},
        ],
    });
    let draft = manager.post(&manager.at("forms"), &json!({"definition": definition})).expect(201);
    assert_eq!((&draft.body["faults"], &draft.body["definition"]["title"]["nb"]), (&json!([]), &json!("N\u{e5}")));
    let path = manager.at("forms/keys/versions");
    manager.request("POST", &path).header("if-match", "\"v1\"").send().expect(201);

    let submits = |id: &str, answers: serde_json::Value| {
        let body = json!({"source": {"system": "test", "form_id": "1", "submission_id": id}, "form": "keys",
            "patient": {"id": patient.id}, "submitted_at": "2026-01-05T08:15:00Z", "answers": answers});
        let stored = clinician.post(&clinician.at("submissions"), &body).expect(201);
        let path = format!("submissions/{}", stored.text_at("/id"));
        clinician.get(&clinician.at(&path)).expect(200).body["answers"].clone()
    };
    // Two characters in the limit of two, though four were sent.
    let decomposed = json!({"often": "A\u{30a}", "sites": {"kne\u{301}": true}, "note": "a\u{30a}o\u{301}"});
    let composed = json!({"often": "\u{c5}", "sites": {"kn\u{e9}": true}, "note": "\u{e5}\u{f3}"});
    assert_eq!(submits("1", decomposed), composed);
    assert_eq!(submits("2", composed.clone()), composed);
    let own_keys = json!({"often": "-1", "sites": {"-1": true}});
    assert_eq!(submits("3", own_keys.clone()), own_keys);

    let mapping = json!({"form": "keys", "form_version": "1", "keys": {}});
    let path = manager.at("nettskjema/4711/mapping");
    manager.request("PUT", &path).header("if-match", "\"v0\"").json(&mapping).send().expect(200);
    let mut delivery = world.delivery(&patient.person, 4712);
    delivery["answers"] = json!({"often": "-1", "sites": {"-1": true, "kne\u{301}": false}, "note": "a\u{30a}"});
    let path = importer.at("nettskjema/4711/deliveries");
    let stored = importer.post(&path, &delivery).expect(201);
    let path = clinician.at(&format!("submissions/{}", stored.text_at("/id")));
    let expected = json!({"often": "-1", "sites": {"-1": true, "kn\u{e9}": false}, "note": "\u{e5}"});
    assert_eq!(clinician.get(&path).expect(200).body["answers"], expected);
}
