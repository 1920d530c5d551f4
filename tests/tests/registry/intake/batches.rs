//! Batches, one result for each line: `submission-batches` and `delivery-batches`.

use painreg_tests::{Actor, Answer, World};
use serde_json::{Value, json};

use super::{batch, line, outcomes, sends};
use crate::kit::AnswerAssertions as _;

#[test]
fn submit_many_stores_valid_lines_beside_faulty_ones() {
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
    // A repeated batch changes nothing, and quarantined lines are counted.
    let again = sends(&importer, "submission-batches", "application/x-ndjson", &text);
    assert_eq!(outcomes(&again)[..2], ["unchanged", "quarantined"], "what any revision says is known");
    assert_eq!(again[2]["quarantine_id"], results[2]["quarantine_id"]);
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.quarantine WHERE state = 'open'"), 5);
    assert_eq!(world.number("SELECT max(deliveries) FROM {alpha}.quarantine"), 2);
}

#[test]
fn submit_many_dry_run_answers_the_same_and_stores_nothing() {
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
fn submit_many_stores_thousands_in_order_and_once() {
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
fn submit_many_requires_ndjson_and_an_importer() {
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
