//! Questionnaires in streams and in every shape; receipts; what cannot be placed, and how it is placed in the end.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use painreg_tests::{Actor, Answer, World};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::kit::Judged as _;

/// A submission in the registry's own words.
fn line(submission: &str, patient: &str, answers: &Value) -> Value {
    json!({
        "source": {"system": "painsoft", "form_id": "1", "submission_id": submission},
        "patient": {"id": patient}, "form": "opr-baseline", "submitted_at": "2026-01-05T08:15:00Z", "answers": answers,
    })
}

/// The results of a body of lines.
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

/// A TSD delivery of these answers.
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

/// The claims of a receipt, checked with the registry's published key by another library than the one that signed it.
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
fn whatever_one_line_does_the_others_are_stored() {
    let world = World::new();
    let importer = world.alpha().importer();
    let patient = world.alpha().secretary().registers(&world.person());
    let good = |at: &str| line(at, &patient.id, &json!({"isi_01": 1}));
    let stranger = world.clock.random_id().to_string();
    let text = [
        good("1").to_string(),
        "{not json".to_owned(),
        line("2", &patient.id, &json!({"isi_01": 5})).to_string(),
        line("3", &stranger, &json!({"isi_01": 1})).to_string(),
        String::new(),
        good("1").to_string(),
        line("1", &patient.id, &json!({"isi_01": 2})).to_string(),
        good("4").to_string(),
        "[]".to_owned(),
        r#"{"source": {"system": "painsoft", "form_id": "1", "submission_id": "5"}, "source": 1}"#.to_owned(),
    ]
    .join("\n");
    let results = sends(&importer, "submission-batches", "application/x-ndjson", &text);
    assert_eq!(
        outcomes(&results),
        [
            "created",
            "quarantined",
            "quarantined",
            "quarantined",
            "unchanged",
            "revised",
            "created",
            "quarantined",
            "quarantined"
        ]
    );
    let numbers: Vec<u64> = results.iter().filter_map(|result| result["line"].as_u64()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 6, 7, 8, 9, 10], "an empty line is none");
    assert_eq!(results[5]["version"], json!(2));
    assert_eq!(results[2]["reasons"], json!([{"pointer": "/answers/isi_01", "code": "out_of_range"}]));
    assert_eq!(results[3]["reasons"], json!([{"pointer": "/patient", "code": "unknown_reference"}]));
    assert_eq!(results[8]["reasons"], json!([{"pointer": "/source", "code": "duplicate_key"}]));
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.submission"), 3);
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.quarantine WHERE state = 'open'"), 5);
    // The same once more: nothing happens, and what waits is counted.
    let again = sends(&importer, "submission-batches", "application/x-ndjson", &text);
    assert_eq!(
        outcomes(&again)[..2],
        ["revised", "quarantined"],
        "the first line says what the source said before last"
    );
    assert_eq!(again[2]["quarantine_id"], results[2]["quarantine_id"]);
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.quarantine WHERE state = 'open'"), 5);
    assert_eq!(world.number("SELECT max(deliveries) FROM {alpha}.quarantine"), 2);
}

#[test]
fn a_dry_run_says_the_same_and_leaves_nothing() {
    let world = World::new();
    let importer = world.alpha().importer();
    let patient = world.alpha().secretary().registers(&world.person());
    let lines = [line("1", &patient.id, &json!({"isi_01": 1})), line("2", &patient.id, &json!({"surprise": 1}))];
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let results = sends(&importer, "submission-batches?dry_run=true", "application/x-ndjson", &body);
    assert_eq!(outcomes(&results), ["acceptable", "quarantined"]);
    assert!(results.iter().all(|result| result["receipt"].is_null() && result["submission_id"].is_null()));
    assert!(results.iter().all(|result| result["quarantine_id"].is_null()));
    for table in ["submission", "score", "quarantine"] {
        assert_eq!(world.number(&format!("SELECT count(*) FROM {{alpha}}.{table}")), 0, "{table}");
    }
    assert!(world.number("SELECT count(*) FROM {alpha}.audit_event WHERE outcome = 'rehearsed'") > 0);
    assert_eq!(outcomes(&batch(&importer, &lines)), ["created", "quarantined"]);
}

#[test]
fn thousands_of_lines_are_stored_in_order_and_once() {
    let world = World::new();
    let importer = world.alpha().importer();
    let patients: Vec<String> = (0..5).map(|_| world.alpha().secretary().registers(&world.person()).id).collect();
    let lines: Vec<Value> = (0..1200)
        .map(|at| line(&format!("{}", at % 1000), &patients[at % 1000 % 5], &json!({"isi_01": at % 1000 % 5})))
        .collect();
    let results = batch(&importer, &lines);
    let numbers: Vec<usize> = results.iter().filter_map(|it| it["line"].as_u64()?.try_into().ok()).collect();
    assert_eq!(numbers, (1..=1200).collect::<Vec<_>>());
    assert_eq!(outcomes(&results).iter().filter(|outcome| **outcome == "created").count(), 1000);
    assert_eq!(outcomes(&results).iter().filter(|outcome| **outcome == "unchanged").count(), 200);
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.submission"), 1000);
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.score"), 1000);
    // Every line opened a record, and the log says so.
    let events =
        "SELECT count(*) FROM {alpha}.audit_event WHERE action = 'SubmitAnswersInBulk' AND patient_id IS NOT NULL";
    assert_eq!(world.number(events), 1200);
}

#[test]
fn the_body_is_lines_and_the_caller_an_importer() {
    let world = World::new();
    let importer = world.alpha().importer();
    let send = |actor: &Actor<'_>, media: &str, body: &[u8]| -> Answer {
        actor.request("POST", &actor.at("submission-batches")).body(media, body.to_vec()).send()
    };
    send(&importer, "application/json", b"{}").problem(415, "unsupported_media_type");
    send(&importer, "application/x-ndjson", b"").fault(422, "", "required");
    send(&importer, "application/x-ndjson", b"\n \n").fault(422, "", "required");
    send(&importer, "application/x-ndjson", &vec![b'x'; 300_000]).problem(413, "too_large");
    send(&world.alpha().clinician(), "application/x-ndjson", b"{}").problem(403, "forbidden");
    send(&world.alpha().manager(), "application/x-ndjson", b"{}").problem(403, "forbidden");
}

#[test]
fn a_receipt_proves_what_was_delivered_and_tells_of_nobody() {
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
    // What waits has one too, and every line of a batch.
    let kept = importer.delivers(&delivery(&patient.person.national_id, 8, &json!({"nrs_average": 11}))).expect(202);
    let receipt = claims(&importer, &kept.body["receipt"]);
    assert_eq!(receipt["sub"], json!(format!("quarantine/{}", kept.text_at("/quarantine_id"))));
    let results = batch(&importer, &[line("1", &patient.id, &json!({"isi_01": 1}))]);
    assert_eq!(claims(&importer, &results[0]["receipt"])["revision"], json!(1));
    // Another registry's key is another key, and a changed receipt is none.
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
fn a_key_that_has_changed_waits_with_a_proposal_and_is_placed_when_it_is_mapped() {
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
    // Nobody who may only list sees what was answered; whoever opens it does, and the log says so.
    assert!(!listed.text().contains("married"));
    let opened = manager.get(&manager.at(&format!("quarantine/{id}"))).expect(200);
    assert_eq!(opened.body["payload"], json!(document.to_string()));
    let looked = format!(
        "SELECT count(*) FROM {{alpha}}.audit_event WHERE object = 'quarantine/{id}' AND action = 'ReadQuarantine'"
    );
    assert_eq!(world.number(&looked), 1);
    // It lies sealed.
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
    // The same delivery again is known, however it was placed.
    assert_eq!(importer.delivers(&document).expect(200).body["delivered"], json!("unchanged"));
}

#[test]
fn what_waits_is_placed_by_registering_by_correcting_or_by_its_source_and_nothing_gets_lost() {
    let world = World::new();
    let (importer, manager) = (world.alpha().importer(), world.alpha().manager());
    let (known, person) = (world.alpha().secretary().registers(&world.person()), world.person());
    let kept = |document: &Value| importer.delivers(document).expect(202).text_at("/quarantine_id").to_owned();
    let unknown = kept(&delivery(&person.national_id, 1, &json!({"nrs_average": 5})));
    let wrong = kept(&delivery(&known.person.national_id, 2, &json!({"isi": {"01": "9"}, "nrs_average": 4})));
    let nobody = kept(&json!({
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
    // By correcting: a value, and whose it is.
    let correct = |id: &str, corrections: &Value| {
        manager.post(&manager.at(&format!("quarantine/{id}/replays")), &json!({"corrections": corrections})).expect(200)
    };
    let still = correct(&wrong, &json!({"values": [{"pointer": "/answers/isi/01", "value": "8"}]}));
    assert_eq!(still.body["reasons"], json!([{"pointer": "/answers/isi/01", "code": "out_of_range"}]));
    let done = correct(&wrong, &json!({"values": [{"pointer": "/answers/isi/01", "value": "4"}]}));
    assert_eq!(done.body["outcome"], json!("created"));
    let stored = manager.get(&manager.at(&format!("submissions/{}", done.text_at("/submission_id")))).expect(200);
    assert_eq!(stored.body["answers"], json!({"isi_01": 4, "nrs_average": 4}));
    let done = correct(&nobody, &json!({"patient_id": known.id}));
    assert_eq!(done.body["outcome"], json!("created"));
    let read = manager.get(&manager.at(&format!("quarantine/{wrong}"))).expect(200);
    assert!(read.text_at("/payload").contains("\"9\""), "what was delivered stays as it came");
    assert_eq!(read.body["corrections"]["values"][0]["value"], json!("4"));
    // By its source: delivered again, well; and delivered again, no better.
    importer.delivers(&delivery(&known.person.national_id, 4, &json!({"nrs_average": 10}))).expect(201);
    let worse = kept(&delivery(&known.person.national_id, 5, &json!({"nrs_average": 13})));
    let state = |id: &str| manager.get(&manager.at(&format!("quarantine/{id}"))).expect(200);
    assert_eq!(state(&changed).body["about"]["state"], json!("placed"));
    assert_eq!(state(&test).body["about"]["state"], json!("superseded"));
    // By deciding that it is not to be placed.
    let version = state(&worse).body["about"]["version"].as_i64().expect("a version");
    let aside = |version: i64| manager.put(&manager.at(&format!("quarantine/{worse}/dismissal")), version);
    aside(version + 1).problem(412, "stale");
    assert_eq!(aside(version).expect(200).body["state"], json!("set_aside"));
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.quarantine WHERE state = 'open'"), 0);
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.quarantine"), 6, "nothing leaves it");
    // The same test once more waits anew: it was set aside, not forgotten.
    assert_ne!(kept(&delivery(&known.person.national_id, 5, &json!({"nrs_average": 13}))), worse);
}

#[test]
fn what_the_patient_does_not_allow_is_not_even_kept_in_quarantine() {
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
fn one_submission_is_the_same_in_every_shape() {
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
fn a_row_that_does_not_fit_waits_with_its_header() {
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
fn scoring_again_adds_versions_where_the_result_is_another() {
    let world = World::new();
    let manager = world.alpha().manager();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let eq5d = json!({"eq5d_mo": 3, "eq5d_sc": 1, "eq5d_ua": 3, "eq5d_pd": 4, "eq5d_ad": 2, "eq5d_vas": 45});
    let made = clinician.submits(&patient, "1", &eq5d).expect(201);
    let rescore = |sets: &[&str]| {
        let body = json!({"instrument": "eq5d5l", "value_sets": sets});
        let accepted = manager.post(&manager.at("rescorings"), &body);
        crate::operations::completes(&world, &manager, &accepted)["result"].clone()
    };
    assert_eq!(rescore(&["NO_5L_2024"]), json!({"examined": 1, "rescored": 0}));
    assert_eq!(rescore(&["NO_5L_2024", "DK_5L_2021"]), json!({"examined": 1, "rescored": 1}));
    assert_eq!(rescore(&["NO_5L_2024", "DK_5L_2021"])["rescored"], 0, "the same again is nothing new");
    let versions = clinician.get(&format!("{}/scores", made.header("location"))).expect(200);
    let told: Vec<(&Value, usize)> = versions
        .items()
        .iter()
        .map(|version| {
            let sets = version["score"]["scales"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|scale| scale.get("value_set").is_some());
            (&version["version"], sets.count())
        })
        .collect();
    assert_eq!(told, [(&json!(2), 2), (&json!(1), 1)]);
    let stored = clinician.get(made.header("location")).expect(200);
    assert_eq!(stored.body["scores"].as_array().map(Vec::len), Some(1), "the newest counts");
    assert_eq!(stored.body["scores"][0]["scales"], versions.items()[0]["score"]["scales"]);
    // Each result counts once in the registry's means.
    for _ in 0..4 {
        let other = clinician.registers(&world.person());
        clinician.submits(&other, &other.id, &eq5d).expect(201);
    }
    let means = clinician.get(&clinician.at("summary")).expect(200).body["means"].clone();
    let vas = means.as_array().into_iter().flatten().find(|mean| mean["scale"] == "vas").expect("a mean").clone();
    assert_eq!(vas["n"], json!(5));
}

#[test]
fn a_changed_delivery_tells_what_changed() {
    let world = World::new();
    let (importer, clinician) = (world.alpha().importer(), world.alpha().clinician());
    let patient = clinician.registers(&world.person());
    let number = patient.person.national_id.as_str();
    let first = importer.delivers(&delivery(number, 1, &json!({"nrs_average": 5, "isi": {"01": "1"}}))).expect(201);
    let second = importer.delivers(&delivery(number, 1, &json!({"nrs_average": 7, "isi": {"02": "3"}}))).expect(201);
    let told = clinician.get(&format!("{}/differences", second.header("location"))).expect(200).body;
    assert_eq!(
        told["differences"],
        json!([{"item": "isi_01", "before": 1}, {"item": "isi_02", "after": 3}, {"item": "nrs_average", "before": 5, "after": 7}])
    );
    assert_eq!((&told["version"], &told["supersedes"]), (&json!(2), &first.body["id"]));
    let none = clinician.get(&format!("{}/differences", first.header("location"))).expect(200).body;
    assert_eq!((&none["differences"], &none["supersedes"]), (&json!([]), &Value::Null));
}

#[test]
fn an_answer_that_the_clinic_must_see_raises_an_alert_that_somebody_takes_on() {
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
    // Delivered again it is not raised again.
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
    // Another unit's clinician sees none of it, and an importer nothing at all.
    let elsewhere = world.alpha().clinician().of_unit("elsewhere");
    assert_eq!(elsewhere.get(&elsewhere.at("alerts")).expect(200).items().len(), 0);
    elsewhere.put(&path, 2).problem(404, "not_found");
    importer.get(&importer.at("alerts")).problem(403, "forbidden");
}

#[test]
fn what_was_hidden_what_was_left_open_and_what_was_not_ticked_are_three() {
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
    // What was written in words lies sealed, and nowhere else.
    let plain = "SELECT count(*) FROM {alpha}.submission WHERE answers::text LIKE '%brenner%' OR position('brenner'::bytea IN free_text) > 0";
    assert_eq!(world.number(plain), 0);
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.submission WHERE free_text IS NOT NULL"), 1);
}

#[test]
fn what_was_stored_before_is_known_again_although_no_more_of_it_would_be_taken() {
    let world = World::new();
    let (importer, manager, clinician) = (world.alpha().importer(), world.alpha().manager(), world.alpha().clinician());
    let patient = clinician.registers(&world.person());
    let number = patient.person.national_id.as_str();
    let first = delivery(number, 1, &json!({"nrs_average": 5}));
    let made = importer.delivers(&first).expect(201);
    let by_hand = clinician.submits(&patient, "1", &json!({"nrs_average": 5})).expect(201);
    let settings = manager.at("settings");
    let read = manager.get(&settings).expect(200);
    let block = json!({"use_outside_licence": "block"});
    manager.request("PATCH", &settings).header("if-match", read.header("etag")).json(&block).send().expect(200);

    let again = importer.delivers(&first).expect(200);
    assert_eq!((&again.body["delivered"], &again.body["id"]), (&json!("unchanged"), &made.body["id"]));
    let again = clinician.submits(&patient, "1", &json!({"nrs_average": 5})).expect(200);
    assert_eq!((&again.body["delivered"], &again.body["id"]), (&json!("unchanged"), &by_hand.body["id"]));
    let results =
        sends(&importer, "nettskjema/1000001/delivery-batches", "application/x-ndjson", &format!("{first}\n"));
    assert_eq!(outcomes(&results), ["unchanged"]);
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.quarantine"), 0);
    // What it says anew is taken no more: it waits.
    let changed = importer.delivers(&delivery(number, 1, &json!({"nrs_average": 6}))).expect(202);
    assert_eq!(changed.body["reasons"][0]["code"], json!("licence_missing"));
    clinician.submits(&patient, "1", &json!({"nrs_average": 6})).problem(409, "licence_blocked");
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.submission"), 2);
}
