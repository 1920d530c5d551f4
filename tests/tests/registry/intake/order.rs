//! The order of the source: whatever arrives in which order and however often, the last change of the source is current.

use painreg_tests::{Actor, World};
use serde_json::{Value, json};

use super::{batch, delivery, line, outcomes};
use crate::examples::form;
use crate::kit::{AnswerAssertions as _, with};

/// Returns a submission with the instant of its last change.
fn changed(patient: &str, answers: &Value, modified_at: &str) -> Value {
    with(&line("1", patient, answers), &json!({"modified_at": modified_at}))
}

fn current(actor: &Actor<'_>, patient: &str) -> Vec<Value> {
    let path = actor.at(&format!("patients/{patient}/timeline"));
    actor.get(&path).expect(200).items().iter().map(|line| line["entry"]["id"].clone()).collect()
}

#[test]
fn superseded_answers_delivered_again_change_nothing() {
    let world = World::new();
    let (importer, clinician) = (world.alpha().importer(), world.alpha().clinician());
    let patient = clinician.registers(&world.person());
    let number = patient.person.national_id.as_str();
    let document = |answer: i64| delivery(number, 1, &json!({"nrs_average": answer}));
    let first = importer.delivers(&document(5)).expect(201).body;
    let second = importer.delivers(&document(7)).expect(201).body;
    assert_eq!((&second["delivered"], &second["version"]), (&json!("revised"), &json!(2)));
    for answer in [5, 7, 5] {
        let again = importer.delivers(&document(answer)).expect(200);
        assert_eq!((&again.body["delivered"], &again.body["id"]), (&json!("unchanged"), &second["id"]));
        assert_eq!((&again.body["version"], again.header("etag")), (&json!(2), "\"v2\""));
        // The scores are of the current revision, or not shown.
        assert_eq!(again.body["scores"].as_array().is_some_and(Vec::is_empty), answer == 5);
    }
    // The receipt of an old delivery names the revision that holds it.
    let receipt = super::claims(&importer, &importer.delivers(&document(5)).expect(200).body["receipt"]);
    assert_eq!(receipt["sub"], json!(format!("submissions/{}", first["id"].as_str().expect("an id"))));
    // Another format of the old answers, and a batch of all of them.
    let spaced = serde_json::to_string_pretty(&document(5)).expect("JSON");
    let path = importer.at("nettskjema/1000001/deliveries");
    let again = importer.request("POST", &path).body("application/json", spaced.into_bytes()).send().expect(200);
    assert_eq!((&again.body["delivered"], &again.body["id"]), (&json!("unchanged"), &second["id"]));
    let path = "nettskjema/1000001/delivery-batches";
    let lines = format!("{}\n{}\n{}\n", document(5), document(7), document(5));
    let results = super::sends(&importer, path, "application/x-ndjson", &lines);
    assert_eq!(outcomes(&results), ["unchanged"; 3]);
    assert!(results.iter().all(|result| result["submission_id"] == second["id"] && result["version"] == json!(2)));
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.submission"), 2);
    assert_eq!(current(&clinician, &patient.id), [second["id"].clone()]);
}

#[test]
fn change_that_arrives_late_is_stored_beside_the_current_revision() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let put = |answer: i64, at: &str| {
        clinician.post(&clinician.at("submissions"), &changed(&patient.id, &json!({"hscl_20": answer}), at))
    };
    let newer = put(1, "2026-01-05T12:00:00Z").expect(201).body;
    let late = put(2, "2026-01-05T11:00:00Z").expect(200);
    assert_eq!((&late.body["delivered"], &late.body["id"]), (&json!("superseded"), &newer["id"]));
    assert_eq!((&late.body["version"], &late.body["scores"]), (&json!(1), &json!([])));
    // Nothing that was delivered is lost, and what the late answers raised is seen.
    let all = clinician.reads_answers_of(&patient).expect(200);
    let kept = all.items().iter().find(|it| it["id"] != newer["id"]).expect("the late one");
    assert_eq!((&kept["superseded_by"], &kept["answers"]), (&newer["id"], &json!({"hscl_20": 2})));
    assert_eq!((&kept["version"], &kept["modified_at"]), (&json!(2), &json!("2026-01-05T11:00:00Z")));
    assert_eq!(clinician.get(&clinician.at("alerts")).expect(200).items().len(), 1);
    assert_eq!(current(&clinician, &patient.id), [newer["id"].clone()]);
    assert_eq!(put(2, "2026-01-05T11:00:00Z").expect(200).body["delivered"], json!("unchanged"));
    // The source confirms what is current; what it had changed before that stays outdated.
    assert_eq!(put(1, "2026-01-05T14:00:00Z").expect(200).body["delivered"], json!("unchanged"));
    assert_eq!(put(3, "2026-01-05T13:00:00Z").expect(200).body["delivered"], json!("superseded"));
    // It returns to earlier answers: a new revision, because the source changed last.
    let returned = put(2, "2026-01-05T15:00:00Z").expect(201).body;
    assert_eq!((&returned["delivered"], &returned["version"]), (&json!("revised"), &json!(4)));
    assert_eq!(current(&clinician, &patient.id), [returned["id"].clone()]);
    let read = clinician.get(&clinician.at(&format!("submissions/{}", returned["id"].as_str().expect("an id"))));
    assert_eq!(read.expect(200).body["supersedes"], newer["id"]);
    put(4, "not an instant").fault(422, "/modified_at", "invalid_format");
    put(4, "2027-01-05T15:00:00Z").fault(422, "/modified_at", "invalid_date");
}

#[test]
fn any_order_of_one_history_ends_in_its_last_answers() {
    let world = World::new();
    let (importer, clinician) = (world.alpha().importer(), world.alpha().clinician());
    let history: Vec<Value> = (0..4).map(|hour| json!({"nrs_average": 3 + hour % 3})).collect();
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]] {
        let patient = clinician.registers(&world.person());
        let part = |at: usize| {
            let mut part = changed(&patient.id, &history[at], &format!("2026-01-05T1{at}:00:00Z"));
            part["source"]["submission_id"] = json!(format!("{order:?}"));
            part
        };
        // One by one, and all of it again in one body.
        for at in order {
            batch(&importer, &[part(at)]);
        }
        let again: Vec<Value> = order.into_iter().rev().chain(order).map(part).collect();
        assert!(outcomes(&batch(&importer, &again)).iter().all(|outcome| *outcome == "unchanged"), "{order:?}");
        let [current] = &current(&clinician, &patient.id)[..] else { panic!("one current revision of {order:?}") };
        let read = clinician.get(&clinician.at(&format!("submissions/{}", current.as_str().expect("an id"))));
        assert_eq!(read.expect(200).body["answers"], history[3], "{order:?}");
    }
}

#[test]
fn modified_date_of_nettskjema_decides_which_answers_are_current() {
    let world = World::new();
    let (importer, clinician) = (world.alpha().importer(), world.alpha().clinician());
    let patient = clinician.registers(&world.person());
    let number = patient.person.national_id.as_str();
    let document = |answer: &str, modified: &str| {
        json!({
            "submissionMetadata": {"formId": 1_000_001, "submissionId": 5, "createdDate": "2026-01-05T09:15:00",
                "modifiedDate": modified},
            "answers": [
                {"elementId": 1, "externalElementId": "fnr", "textAnswer": number, "elementType": "NATIONAL_ID_NUMBER"},
                {"elementId": 2, "externalElementId": "nrs_average", "textAnswer": answer, "elementType": "LINEAR_SCALE"},
            ]
        })
    };
    let newer = importer.delivers(&document("7", "2026-01-05T11:00:00")).expect(201).body;
    let older = importer.delivers(&document("6", "2026-01-05T10:00:00")).expect(200).body;
    assert_eq!((&older["delivered"], &older["id"]), (&json!("superseded"), &newer["id"]));
    let last = importer.delivers(&document("8", "2026-01-05T12:00:00")).expect(201).body;
    assert_eq!((&last["delivered"], &last["version"]), (&json!("revised"), &json!(3)));
    importer.delivers(&document("9", "2099-01-05T12:00:00")).kept("/submissionMetadata/modifiedDate", "invalid_date");
}

#[test]
fn placed_delivery_is_known_whatever_the_mapping_is_today() {
    let world = World::new();
    let (importer, manager) = (world.alpha().importer(), world.alpha().manager());
    let (patient, stranger) = (manager.registers(&world.person()), world.person());
    let mapping = manager.at("nettskjema/1000001/mapping");
    let saves = |version: i64, change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let mut body = manager.get(&mapping).expect(200).body;
        change(body["keys"].as_object_mut().expect("keys"));
        let body = json!({"form": body["form"], "form_version": body["form_version"], "keys": body["keys"]});
        manager.request("PUT", &mapping).header("if-match", &format!("\"v{version}\"")).json(&body).send().expect(200)
    };
    let renamed = delivery(&patient.person.national_id, 1, &json!({"smerte": 5}));
    let unknown = delivery(&stranger.national_id, 2, &json!({"isi": {"01": "1"}}));
    let plain = delivery(&patient.person.national_id, 3, &json!({"isi": {"01": "2"}}));
    let kept = |document: &Value| importer.delivers(document).expect(202).text_at("/quarantine_id").to_owned();
    let replays = |id: &str, body: &Value| {
        let path = manager.at(&format!("quarantine/{id}/replays"));
        manager.post(&path, body).expect(200).text_at("/submission_id").to_owned()
    };
    let (first, second) = (kept(&renamed), kept(&unknown));
    saves(1, &|keys| drop(keys.insert("smerte".to_owned(), json!("nrs_average"))));
    let placed = [
        (&renamed, replays(&first, &json!({}))),
        (&unknown, replays(&second, &json!({"corrections": {"patient_id": patient.id}}))),
        (&plain, importer.delivers(&plain).expect(201).text_at("/id").to_owned()),
    ];
    // The mapping changes: one key is not known any more, another leads elsewhere.
    saves(2, &|keys| {
        keys.remove("smerte");
        keys.insert("isi.01".to_owned(), json!("isi_07"));
    });
    for (document, id) in &placed {
        let again = importer.delivers(document).expect(200).body;
        assert_eq!((&again["delivered"], &again["id"]), (&json!("unchanged"), &json!(id)), "{document}");
        assert_eq!((&again["version"], &again["patient_id"]), (&json!(1), &json!(patient.id)));
        let path = "nettskjema/1000001/delivery-batches";
        let results = super::sends(&importer, path, "application/x-ndjson", &format!("{document}\n"));
        assert_eq!((&results[0]["outcome"], &results[0]["submission_id"]), (&json!("unchanged"), &json!(id)));
    }
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.quarantine WHERE state = 'open'"), 0);
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.submission"), 3);
    // The same bytes for another Nettskjema form are another delivery.
    let other = importer.at("nettskjema/1000003/deliveries");
    importer.post(&other, &renamed).expect(202);
}

#[test]
fn earlier_delivery_supersedes_nothing_in_quarantine() {
    let world = World::new();
    let (importer, manager) = (world.alpha().importer(), world.alpha().manager());
    let patient = manager.registers(&world.person());
    let part = |answer: Value, hour: u8| {
        changed(&patient.id, &json!({ "nrs_average": answer }), &format!("2026-01-05T{hour}:00:00Z"))
    };
    let takes = |document: &Value| batch(&importer, std::slice::from_ref(document)).remove(0);
    let state = |result: &Value| {
        let id = result["quarantine_id"].as_str().expect("an id").to_owned();
        manager.get(&manager.at(&format!("quarantine/{id}"))).expect(200).body["about"].clone()
    };
    let newer = takes(&part(json!(12), 12));
    let older = takes(&part(json!(11), 11));
    assert_eq!((&state(&newer)["state"], &state(&older)["state"]), (&json!("open"), &json!("superseded")));
    // Again: counted, and nothing else.
    assert_eq!(takes(&part(json!(11), 11))["quarantine_id"], older["quarantine_id"]);
    assert_eq!((&state(&newer)["state"], &state(&older)["deliveries"]), (&json!("open"), &json!(2)));
    // An older change that fits is stored; the newer one still waits.
    assert_eq!(takes(&part(json!(5), 10))["outcome"], json!("created"));
    assert_eq!(state(&newer)["state"], json!("open"));
    // The last change settles it.
    assert_eq!(takes(&part(json!(6), 13))["outcome"], json!("revised"));
    assert_eq!(state(&newer)["state"], json!("placed"));
}

#[test]
fn submit_recognises_what_the_newest_form_would_refuse() {
    let world = World::new();
    let (manager, clinician) = (world.alpha().manager(), world.alpha().clinician());
    let patient = clinician.registers(&world.person());
    let publish = |version: &str, most: i64| {
        let mut form = form("walks", version);
        form["items"][0]["kind"]["integer"]["max"] = json!(most);
        let draft = manager.post(&manager.at("forms"), &json!({"definition": form})).expect(201);
        let request = manager.request("POST", &manager.at("forms/walks/versions"));
        request.header("if-match", draft.header("etag")).send().expect(201);
    };
    publish("1", 7);
    let body = with(&line("1", &patient.id, &json!({"walks": 6})), &json!({"form": "walks"}));
    let first = clinician.post(&clinician.at("submissions"), &body).expect(201).body;
    publish("2", 5);
    let again = clinician.post(&clinician.at("submissions"), &body).expect(200).body;
    assert_eq!((&again["delivered"], &again["id"]), (&json!("unchanged"), &first["id"]));
    let other = with(&body, &json!({"answers": {"walks": 7}}));
    clinician.post(&clinician.at("submissions"), &other).fault(422, "/answers/walks", "out_of_range");
    // A form for a project may be answered with nothing.
    let empty =
        with(&body, &json!({"answers": {}, "source": {"system": "painsoft", "form_id": "1", "submission_id": "2"}}));
    clinician.post(&clinician.at("submissions"), &empty).expect(201);
}
