//! Quarantine: reasons and resolutions.

use jiff::SignedDuration;
use painreg_tests::World;
use serde_json::{Value, json};

use super::{batch, delivery, line, outcomes, sends};
use crate::kit::{AnswerAssertions as _, pages};

#[test]
fn changed_key_is_quarantined_with_a_proposal_and_replayed_when_mapped() {
    let world = World::new();
    let (importer, manager) = (world.alpha().importer(), world.alpha().manager());
    let patient = world.alpha().secretary().registers(&world.person());
    let describe = |key: &str, day: &str| {
        json!({"generatedDate": format!("{day}T09:00:00+01:00"), "elements": [
            {"elementId": 501, "elementType": "RADIO", "externalElementId": key,
                "answerOptions": [{"answerOptionId": 1, "externalAnswerOptionId": "married"}]},
            {"elementId": 502, "elementType": "LINEAR_SCALE", "externalElementId": "nrs_average"},
        ]})
    };
    let definitions = importer.at("nettskjema/1000001/definitions");
    importer.post(&definitions, &describe("sivilstand", "2025-12-01")).expect(201);
    importer.post(&definitions, &describe("sivilstand", "2025-12-01")).expect(200);
    let second = importer.post(&definitions, &describe("samlivsform", "2026-01-02")).expect(201);
    assert_eq!((&second.body["version"], &second.body["paths"]), (&json!(2), &json!(["samlivsform", "nrs_average"])));

    let document = delivery(&patient.person.national_id, 1, &json!({"samlivsform": "married", "nrs_avrage": 5}));
    let kept = importer.delivers(&document).expect(202);
    assert_eq!(
        kept.body["reasons"],
        json!([
            {"pointer": "/answers/nrs_avrage", "code": "unknown_item",
                "proposals": [{"path": "nrs_avrage", "item": "nrs_average", "because": "similar_name"}]},
            {"pointer": "/answers/samlivsform", "code": "unknown_item",
                "proposals": [{"path": "samlivsform", "item": "civil_status", "because": "same_element"}]},
        ])
    );
    let id = kept.text_at("/quarantine_id").to_owned();
    let listed = manager.get(&manager.at("quarantine?state=open&form_id=1000001&code=unknown_item")).expect(200);
    assert_eq!(listed.items().len(), 1);
    assert_eq!((&listed.items()[0]["id"], &listed.items()[0]["reasons"]), (&json!(id), &kept.body["reasons"]));
    // The list shows no answers; reading an item does, and the log names the reader.
    assert!(!listed.text().contains("married"));
    let opened = manager.get(&manager.at(&format!("quarantine/{id}"))).expect(200);
    assert_eq!(opened.body["payload"], json!(document.to_string()));
    let looked = format!(
        "SELECT count(*) FROM {{alpha}}.audit_event WHERE object = 'quarantine/{id}' AND action = 'ReadQuarantine'"
    );
    assert_eq!(world.number(&looked), 1);
    // The delivery is encrypted.
    let bytes = "SELECT count(*) FROM {alpha}.quarantine WHERE position('samlivsform'::bytea IN sealed) > 0";
    assert_eq!(world.number(bytes), 0);

    let replay = |body: &Value| manager.post(&manager.at(&format!("quarantine/{id}/replays")), body);
    assert_eq!(replay(&json!({})).expect(200).body["outcome"], json!("quarantined"));
    let mapping = manager.at("nettskjema/1000001/mapping");
    let read = manager.get(&mapping).expect(200);
    let mut keys = read.body["keys"].clone();
    let members = keys.as_object_mut().expect("keys");
    members.remove("sivilstand");
    members.insert("samlivsform".to_owned(), json!("civil_status"));
    members.insert("nrs_avrage".to_owned(), json!("nrs_average"));
    let save = |version: i64, keys: &Value| {
        let body = json!({"form": "opr-baseline", "form_version": read.body["form_version"], "keys": keys});
        manager.request("PUT", &mapping).header("if-match", &format!("\"v{version}\"")).json(&body).send()
    };
    save(0, &keys).problem(412, "stale");
    save(1, &json!({"x": "nothing"})).fault(422, "/keys/x", "unknown_reference");
    save(1, &json!({"a b": "isi_01"})).fault(422, "/keys/a b", "invalid_format");
    save(1, &json!({"a": "isi_01", "b": "isi_01"})).fault(422, "/keys/b", "contradiction");
    assert_eq!(save(1, &keys).expect(200).header("etag"), "\"v2\"");
    save(1, &keys).problem(412, "stale");
    let placed = replay(&json!({})).expect(200);
    assert_eq!(placed.body["outcome"], json!("created"));
    let stored = manager.get(&manager.at(&format!("submissions/{}", placed.text_at("/submission_id")))).expect(200);
    assert_eq!(stored.body["answers"], json!({"civil_status": "married", "nrs_average": 5}));
    assert_eq!(stored.body["source"]["submission_id"], json!("1"));
    replay(&json!({})).problem(409, "state_conflict");
    let state = manager.get(&manager.at(&format!("quarantine/{id}"))).expect(200).body;
    assert_eq!((&state["about"]["state"], &state["about"]["submission_id"]), (&json!("placed"), &stored.body["id"]));
    // A repeated delivery is recognised, however it was placed.
    assert_eq!(importer.delivers(&document).expect(200).body["delivered"], json!("unchanged"));
}

#[test]
fn quarantine_is_resolved_by_registration_correction_or_redelivery() {
    let world = World::new();
    let (importer, manager) = (world.alpha().importer(), world.alpha().manager());
    let (known, person) = (world.alpha().secretary().registers(&world.person()), world.person());
    let kept = |document: &Value| importer.delivers(document).expect(202).text_at("/quarantine_id").to_owned();
    let unknown = kept(&delivery(&person.national_id, 1, &json!({"nrs_average": 5})));
    let wrong = kept(&delivery(&known.person.national_id, 2, &json!({"isi": {"01": "9"}, "nrs_average": 4})));
    let unplaced = kept(&json!({
        "version": "2024-09", "version_minor": 2, "answers": {"nrs_average": 3},
        "metadata": {"created": "2026-01-05T09:15:00+01:00", "answer_time": 1, "submission_id": 3},
    }));
    let changed = kept(&delivery(&known.person.national_id, 4, &json!({"nrs_average": 11})));
    let test = kept(&delivery(&known.person.national_id, 5, &json!({"nrs_average": 12})));
    let all = |body: &Value| manager.post(&manager.at("quarantine-replays"), body).expect(200).body;
    let none = all(&json!({"form_id": "1000001"}));
    assert_eq!(none["results"].as_array().map(Vec::len), Some(5));
    assert!(none["results"].as_array().into_iter().flatten().all(|result| result["outcome"] == "quarantined"));
    // By registering.
    world.alpha().secretary().registers(&person);
    let replayed = all(&json!({"code": "unknown_reference"}));
    assert_eq!(
        (&replayed["results"][0]["id"], &replayed["results"][0]["outcome"]),
        (&json!(unknown), &json!("created"))
    );
    // By correction: a value, and the patient.
    let correct = |id: &str, corrections: &Value| {
        manager.post(&manager.at(&format!("quarantine/{id}/replays")), &json!({"corrections": corrections})).expect(200)
    };
    let still = correct(&wrong, &json!({"values": [{"pointer": "/answers/isi/01", "value": "8"}]}));
    assert_eq!(still.body["reasons"], json!([{"pointer": "/answers/isi/01", "code": "out_of_range"}]));
    let done = correct(&wrong, &json!({"values": [{"pointer": "/answers/isi/01", "value": "4"}]}));
    assert_eq!(done.body["outcome"], json!("created"));
    let stored = manager.get(&manager.at(&format!("submissions/{}", done.text_at("/submission_id")))).expect(200);
    assert_eq!(stored.body["answers"], json!({"isi_01": 4, "nrs_average": 4}));
    let done = correct(&unplaced, &json!({"patient_id": known.id}));
    assert_eq!(done.body["outcome"], json!("created"));
    let read = manager.get(&manager.at(&format!("quarantine/{wrong}"))).expect(200);
    assert!(read.text_at("/payload").contains("\"9\""), "what was delivered stays as it came");
    assert_eq!(read.body["corrections"]["values"][0]["value"], json!("4"));
    // By its source: delivered again with valid content, and with content that is still faulty.
    importer.delivers(&delivery(&known.person.national_id, 4, &json!({"nrs_average": 10}))).expect(201);
    let worse = kept(&delivery(&known.person.national_id, 5, &json!({"nrs_average": 13})));
    let state = |id: &str| manager.get(&manager.at(&format!("quarantine/{id}"))).expect(200);
    assert_eq!(state(&changed).body["about"]["state"], json!("placed"));
    assert_eq!(state(&test).body["about"]["state"], json!("superseded"));
    // By dismissal.
    let version = state(&worse).body["about"]["version"].as_i64().expect("a version");
    let aside = |version: i64| manager.put(&manager.at(&format!("quarantine/{worse}/dismissal")), version);
    aside(version + 1).problem(412, "stale");
    assert_eq!(aside(version).expect(200).body["state"], json!("set_aside"));
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.quarantine WHERE state = 'open'"), 0);
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.quarantine"), 6, "nothing leaves it");
    // The same test delivery again is quarantined again: it was dismissed, not stored.
    assert_ne!(kept(&delivery(&known.person.national_id, 5, &json!({"nrs_average": 13}))), worse);
}

#[test]
fn delivery_of_an_opted_out_patient_is_not_quarantined() {
    let world = World::new();
    let importer = world.alpha().importer();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let path = clinician.at(&format!("patients/{}/legal-basis", patient.id));
    let reservation =
        json!({"basis": "reservation", "against": "registry", "valid_from": "2025-01-01", "source": "paper"});
    clinician.post(&path, &reservation).expect(201);
    importer
        .delivers(&delivery(&patient.person.national_id, 1, &json!({"nrs_average": 5})))
        .problem(409, "not_permitted");
    let results = batch(&importer, &[line("1", &patient.id, &json!({"isi_01": 1}))]);
    assert_eq!((&results[0]["outcome"], &results[0]["problem"]["code"]), (&json!("refused"), &json!("not_permitted")));
    for table in ["submission", "quarantine"] {
        assert_eq!(world.number(&format!("SELECT count(*) FROM {{alpha}}.{table}")), 0, "{table}");
    }
}

#[test]
fn deliver_many_quarantines_a_csv_row_with_its_header() {
    let world = World::new();
    let (importer, manager) = (world.alpha().importer(), world.alpha().manager());
    let patient = world.alpha().secretary().registers(&world.person());
    let number = patient.person.national_id.as_str();
    let csv = format!(
        "\"$submission_id\";\"$created\";\"fnr\";\"nrs_average\"\n\"1\";\"2026-01-05T09:15:00+01:00\";\"{number}\";\"6\"\n\
         \"2\";\"2026-01-05T09:15:00+01:00\";\"{number}\";\"11\"\n\"3\";\"yesterday\";\"{number}\";\"1\"\n\"4\";\"\"\n"
    );
    let results = sends(&importer, "nettskjema/1000001/delivery-batches", "text/csv", &csv);
    assert_eq!(outcomes(&results), ["created", "quarantined", "quarantined", "quarantined"]);
    assert_eq!(results[1]["line"], json!(3));
    let id = results[1]["quarantine_id"].as_str().expect("an id");
    let opened = manager.get(&manager.at(&format!("quarantine/{id}"))).expect(200);
    assert_eq!(opened.text_at("/payload").lines().count(), 2);
    let corrected = json!({"corrections": {"values": [{"pointer": "/answers/nrs_average", "value": "10"}]}});
    let done = manager.post(&manager.at(&format!("quarantine/{id}/replays")), &corrected).expect(200);
    assert_eq!(done.body["outcome"], json!("created"));
}

#[test]
fn list_quarantine_pages_through_deliveries_of_one_instant() {
    let world = World::new();
    let (importer, manager) = (world.alpha().importer(), world.alpha().manager());
    let patient = world.alpha().secretary().registers(&world.person());
    for number in 1..=4 {
        if number == 4 {
            world.advance(SignedDuration::from_secs(1));
        }
        let answers = json!({ "nrs_avrage": number });
        importer.delivers(&delivery(&patient.person.national_id, number, &answers)).expect(202);
    }
    let whole = manager.get(&manager.at("quarantine")).expect(200).items().to_vec();
    assert_eq!(whole.len(), 4);
    for filter in ["", "&state=open", "&form_id=1000001&code=unknown_item"] {
        let paged = pages(&manager, &manager.at(&format!("quarantine?limit=1{filter}")));
        assert_eq!(paged.concat(), whole, "{filter}");
    }
    assert!(manager.get(&manager.at("quarantine?code=required")).expect(200).items().is_empty());
}
