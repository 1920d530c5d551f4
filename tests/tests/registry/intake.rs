//! Questionnaires in streams and in every format; receipts, rescoring and alerts.

mod batches;
mod csv;
mod order;
mod quarantine;
mod rescoring;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use painreg_tests::{Actor, World};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::kit::AnswerAssertions as _;

/// Returns a submission in the registry's format.
fn line(submission: &str, patient: &str, answers: &Value) -> Value {
    json!({
        "source": {"system": "painsoft", "form_id": "1", "submission_id": submission},
        "patient": {"id": patient}, "form": "opr-baseline", "submitted_at": "2026-01-05T08:15:00Z", "answers": answers,
    })
}

/// Sends a body of lines and returns the results.
fn sends(actor: &Actor<'_>, path: &str, media: &str, body: &str) -> Vec<Value> {
    let answer = actor.request("POST", &actor.at(path)).body(media, body.as_bytes().to_vec()).send().expect(200);
    answer.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn batch(actor: &Actor<'_>, lines: &[Value]) -> Vec<Value> {
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    sends(actor, "submission-batches", "application/x-ndjson", &body)
}

fn outcomes(results: &[Value]) -> Vec<&str> {
    results.iter().filter_map(|result| result["outcome"].as_str()).collect()
}

/// Returns a TSD delivery of these answers.
fn delivery(number: &str, submission: u64, answers: &Value) -> Value {
    json!({
        "version": "2024-09", "version_minor": 2,
        "metadata": {
            "created": "2026-01-05T09:15:00+01:00", "answer_time": 265_150, "submission_id": submission,
            "respondent": {"provider": "idporten", "personal_identifier": number},
        },
        "answers": answers,
    })
}

/// Returns the claims of a receipt, verified with the registry's published key by another library than the one that
/// signed it.
fn claims(actor: &Actor<'_>, receipt: &Value) -> Value {
    let keys = actor.get(&actor.at("receipt-keys")).expect(200).body;
    let key =
        jsonwebtoken::DecodingKey::from_ed_components(keys["keys"][0]["x"].as_str().expect("a key")).expect("a key");
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    let receipt = receipt.as_str().expect("a receipt");
    let header = jsonwebtoken::decode_header(receipt).expect("a header");
    assert_eq!(header.kid.as_deref(), keys["keys"][0]["kid"].as_str());
    jsonwebtoken::decode::<Value>(receipt, &key, &validation).expect("a good signature").claims
}

#[test]
fn receipt_proves_the_delivery_and_identifies_no_patient() {
    let world = World::new();
    let importer = world.alpha().importer();
    let patient = world.alpha().secretary().registers(&world.person());
    let document = delivery(&patient.person.national_id, 7, &json!({"nrs_average": 5}));
    let made = importer.delivers(&document).expect(201);
    let receipt = claims(&importer, &made.body["receipt"]);
    assert_eq!(receipt["sub"], json!(format!("submissions/{}", made.text_at("/id"))));
    assert_eq!((&receipt["tenant"], &receipt["revision"]), (&json!("alpha"), &json!(1)));
    assert_eq!(receipt["source"], json!({"system": "nettskjema", "form_id": "1000001", "submission_id": "7"}));
    let hash: String = Sha256::digest(document.to_string()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(receipt["payload_sha256"], json!(hash));
    assert!(!receipt.to_string().contains(&patient.id), "no patient in a receipt");
    // A quarantined delivery has a receipt too, as has every line of a batch.
    let kept = importer.delivers(&delivery(&patient.person.national_id, 8, &json!({"nrs_average": 11}))).expect(202);
    let receipt = claims(&importer, &kept.body["receipt"]);
    assert_eq!(receipt["sub"], json!(format!("quarantine/{}", kept.text_at("/quarantine_id"))));
    let results = batch(&importer, &[line("1", &patient.id, &json!({"isi_01": 1}))]);
    assert_eq!(claims(&importer, &results[0]["receipt"])["revision"], json!(1));
    // Another registry's key does not verify it, nor does the key verify a changed receipt.
    let (alpha, beta) = (importer.get(&importer.at("receipt-keys")), world.beta().importer());
    assert_ne!(alpha.body["keys"][0]["x"], beta.get(&beta.at("receipt-keys")).body["keys"][0]["x"]);
    let text = made.text_at("/receipt");
    let mut parts: Vec<String> = text.split('.').map(str::to_owned).collect();
    parts[1] = URL_SAFE_NO_PAD.encode(receipt.to_string());
    let key =
        jsonwebtoken::DecodingKey::from_ed_components(alpha.body["keys"][0]["x"].as_str().expect("x")).expect("a key");
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    assert!(jsonwebtoken::decode::<Value>(text, &key, &validation).is_ok());
    assert!(jsonwebtoken::decode::<Value>(parts.join("."), &key, &validation).is_err());
}

#[test]
fn deliver_recognises_one_submission_in_every_shape() {
    let world = World::new();
    let importer = world.alpha().importer();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let number = patient.person.national_id.as_str();
    let elements = json!([
        {"elementId": 1, "elementType": "NATIONAL_ID_NUMBER", "externalElementId": "fnr"},
        {"elementId": 2, "elementType": "LINEAR_SCALE", "externalElementId": "nrs_average"},
        {"elementId": 3, "elementType": "MATRIX_RADIO", "externalElementId": "isi",
            "answerOptions": [{"answerOptionId": 31, "externalAnswerOptionId": "2"}],
            "subElements": [{"subElementId": 11, "externalElementId": "01"}, {"subElementId": 12, "externalElementId": "02"}]},
        {"elementId": 4, "elementType": "RADIO", "externalElementId": "sivilstand"},
    ]);
    importer.post(&importer.at("nettskjema/1000001/definitions"), &elements).expect(201);
    let answers = [
        json!({"elementId": 1, "externalElementId": "fnr", "textAnswer": number, "elementType": "NATIONAL_ID_NUMBER"}),
        json!({"elementId": 2, "externalElementId": "nrs_average", "textAnswer": "6", "elementType": "LINEAR_SCALE"}),
        json!({"elementId": 3, "externalElementId": "isi", "externalAnswerOptionIds": ["2"], "answerOptionIds": [31],
            "elementType": "MATRIX_RADIO", "subElementId": 11}),
        json!({"elementId": 3, "externalElementId": "isi", "externalAnswerOptionIds": ["2"], "answerOptionIds": [31],
            "elementType": "MATRIX_RADIO", "subElementId": 12}),
        json!({"elementId": 4, "externalElementId": "sivilstand", "externalAnswerOptionIds": ["married"],
            "elementType": "RADIO"}),
    ];
    let api_v3 = json!({"submissionMetadata": {"formId": 1_000_001, "submissionId": 99, "createdDate": "2026-01-05T09:15:00"},
        "answers": answers});
    let mut tsd =
        delivery(number, 99, &json!({"nrs_average": 6, "isi": {"01": "2", "02": "2"}, "sivilstand": "married"}));
    tsd["metadata"]["created"] = json!("2026-01-05T09:15:00+01:00");
    let long: String = answers
        .iter()
        .map(|answer| {
            let mut answer = answer.clone();
            for (member, value) in [
                ("formId", json!(1_000_001)),
                ("submissionId", json!(99)),
                ("createdDate", json!("2026-01-05T09:15:00")),
            ] {
                answer[member] = value;
            }
            format!("{answer}\n")
        })
        .collect();
    let csv = format!(
        "\"$submission_id\";\"$created\";\"fnr\";\"nrs_average\";\"isi.01\";\"isi.02\";\"sivilstand\";\"$answer_time_ms\"\r\n\
         \"99\";\"2026-01-05T09:15:00+01:00\";\"{number}\";\"6.0\";\"2\";\"2\";\"married\";\"1000\"\r\n"
    );
    let first = importer.delivers(&tsd).expect(201);
    assert_eq!(importer.delivers(&api_v3).expect(200).body["delivered"], json!("unchanged"));
    let path = "nettskjema/1000001/delivery-batches";
    for (media, body) in [
        ("application/x-ndjson", format!("{tsd}\n")),
        ("application/x-ndjson", format!("{api_v3}\n")),
        ("application/x-ndjson", long),
        ("text/csv", csv),
    ] {
        let results = sends(&importer, path, media, &body);
        assert_eq!(outcomes(&results), ["unchanged"], "{results:?}");
        assert_eq!(results[0]["submission_id"], first.body["id"]);
    }
    let stored = clinician.get(first.header("location")).expect(200);
    let wanted = json!({"civil_status": "married", "isi_01": 2, "isi_02": 2, "nrs_average": 6});
    assert_eq!(stored.body["answers"], wanted);
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.submission"), 1);
}

#[test]
fn submit_answers_raises_an_alert_that_is_acknowledged_once() {
    let world = World::new();
    let (clinician, manager, importer) = (world.alpha().clinician(), world.alpha().manager(), world.alpha().importer());
    let patient = clinician.registers(&world.person());
    let number = patient.person.national_id.as_str();
    let calm = importer.delivers(&delivery(number, 1, &json!({"hscl": {"20": "1", "01": "4"}}))).expect(201);
    assert_eq!(calm.body["alerts"], json!([]));
    let raised = importer.delivers(&delivery(number, 2, &json!({"hscl": {"20": "2"}}))).expect(201);
    assert_eq!(raised.body["alerts"], json!([{"instrument": "hscl25", "code": "suicidal_thoughts"}]));
    let batched = batch(&importer, &[line("1", &patient.id, &json!({"hscl_20": 4}))]);
    assert_eq!(batched[0]["alerts"][0]["code"], json!("suicidal_thoughts"));
    // A redelivery raises no second alert.
    importer.delivers(&delivery(number, 2, &json!({"hscl": {"20": "2"}}))).expect(200);
    let open = || clinician.get(&clinician.at("alerts?open=true")).expect(200);
    assert_eq!(open().items().len(), 2);
    let alert = open().items()[1].clone();
    assert_eq!((&alert["patient_id"], &alert["submission_id"]), (&json!(patient.id), &raised.body["id"]));
    assert!(alert.get("answers").is_none() && !alert.to_string().contains("hscl_20"), "what was answered is not here");
    let path = clinician.at(&format!("alerts/{}/acknowledgement", alert["id"].as_str().expect("an id")));
    clinician.put(&path, 2).problem(412, "stale");
    let taken = clinician.put(&path, 1).expect(200);
    assert_eq!((&taken.body["acknowledged_by"], taken.header("etag")), (&json!(clinician.claims.subject), "\"v2\""));
    manager.put(&path, 1).problem(412, "stale");
    assert_eq!(open().items().len(), 1);
    assert_eq!(clinician.get(&clinician.at("alerts")).expect(200).items().len(), 2, "nothing goes away");
    // A clinician of another unit sees no alert, and an importer has no access.
    let elsewhere = world.alpha().clinician().of_unit("elsewhere");
    assert_eq!(elsewhere.get(&elsewhere.at("alerts")).expect(200).items().len(), 0);
    elsewhere.put(&path, 2).problem(404, "not_found");
    importer.get(&importer.at("alerts")).problem(403, "forbidden");
}

#[test]
fn deliver_distinguishes_hidden_empty_and_unticked_items() {
    let world = World::new();
    let (manager, clinician) = (world.alpha().manager(), world.alpha().clinician());
    let words = |text: &str| json!({"nb": text, "en": text});
    let form = json!({
        "code": "three", "version": "1", "title": words("Three"), "wave": "project",
        "items": [
            {"code": "pain", "kind": {"choice": {"options": ["yes", "no"]}}, "label": words("Pain")},
            {"code": "where", "kind": {"multiple": {"options": ["back", "neck"]}}, "label": words("Where"),
                "visible_if": {"equals": {"item": "pain", "value": "yes"}}},
            {"code": "words", "kind": {"text": {"max_length": 100}}, "label": words("In words")},
            {"code": "years", "kind": {"integer": {"min": 0, "max": 100}}, "label": words("Years")},
        ],
    });
    let draft = manager.post(&manager.at("forms"), &json!({"definition": form})).expect(201);
    let publish = manager.request("POST", &manager.at("forms/three/versions"));
    publish.header("if-match", draft.header("etag")).send().expect(201);
    let patient = clinician.registers(&world.person());
    let read = |submission: &str, answers: &Value| {
        let mut body = line(submission, &patient.id, answers);
        body["form"] = json!("three");
        let made = clinician.post(&clinician.at("submissions"), &body).expect(201);
        clinician.get(made.header("location")).expect(200).body
    };
    let shown = read("1", &json!({"pain": "yes", "where": {"back": true, "neck": false}, "words": "brenner"}));
    assert_eq!(shown["answers"], json!({"pain": "yes", "where": {"back": true, "neck": false}, "words": "brenner"}));
    assert_eq!((&shown["hidden"], &shown["unanswered"]), (&json!([]), &json!(["years"])));
    let hidden = read("2", &json!({"pain": "no", "years": 3}));
    assert_eq!((&hidden["hidden"], &hidden["unanswered"]), (&json!(["where"]), &json!(["words"])));
    let mut body = line("3", &patient.id, &json!({"pain": "no", "where": {"back": true}}));
    body["form"] = json!("three");
    clinician.post(&clinician.at("submissions"), &body).fault(422, "/answers/where", "hidden_item");
    // Free text is encrypted and stored in no other place.
    let plain = "SELECT count(*) FROM {alpha}.submission WHERE answers::text LIKE '%brenner%' OR position('brenner'::bytea IN free_text) > 0";
    assert_eq!(world.number(plain), 0);
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.submission WHERE free_text IS NOT NULL"), 1);
}
