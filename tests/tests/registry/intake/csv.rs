//! `delivery-batches` of CSV: line breaks, quotations, encodings, rows without text. A row is stored whole or not at all,
//! and its neighbours are stored.

use painreg_tests::{Actor, Patient, World};
use serde_json::{Value, json};

use super::{outcomes, sends};

const PATH: &str = "nettskjema/1000005/delivery-batches";
const HEADER: &str = "$submission_id;$created;fnr;pgic;relief_percent;complaints.other;complaints_other";

/// Returns a row with this text in its last cell.
fn row(patient: &Patient, submission: u64, text: &str) -> String {
    format!("{submission};2026-01-05T09:15:00;{};2;30;1;{text}", patient.person.national_id)
}

fn deliver(importer: &Actor<'_>, lines: &[&str]) -> Vec<Value> {
    sends(importer, PATH, "text/csv", &(lines.join("\n") + "\n"))
}

/// Returns the free text of every stored submission, by the number of the submission.
fn texts(reader: &Actor<'_>, results: &[Value]) -> Vec<Value> {
    let stored = results.iter().filter_map(|it| it["submission_id"].as_str());
    let read = |id: &str| reader.get(&reader.at(&format!("submissions/{id}"))).expect(200);
    stored.map(|id| read(id).body["answers"]["complaints_other"].clone()).collect()
}

#[test]
fn deliver_many_reads_csv_with_any_line_break() {
    let world = World::new();
    let (clinician, importer) = (world.alpha().clinician(), world.alpha().importer());
    let patient = clinician.registers(&world.person());
    for (line_break, outcome) in [("\n", "created"), ("\r\n", "unchanged"), ("\r", "unchanged")] {
        for end in ["", line_break] {
            let lines = ["\u{feff}sep=;", HEADER, &row(&patient, 1, "a"), ";;;;;;", &row(&patient, 2, "b")];
            let results = sends(&importer, PATH, "text/csv", &(lines.join(line_break) + end));
            let outcome = if end.is_empty() { outcome } else { "unchanged" };
            assert_eq!(outcomes(&results), [outcome; 2], "{line_break:?}");
            assert_eq!((&results[0]["line"], &results[1]["line"]), (&json!(3), &json!(5)));
            assert_eq!(texts(&clinician, &results), ["a", "b"]);
        }
    }
    let tabs = format!("{HEADER}\n{}\n", row(&patient, 1, "a")).replace(';', "\t");
    assert_eq!(outcomes(&sends(&importer, PATH, "text/csv", &tabs)), ["unchanged"]);
    let commas = format!("{HEADER}\n{}\n", row(&patient, 1, "a")).replace(';', ",");
    assert_eq!(outcomes(&sends(&importer, PATH, "text/csv", &commas)), ["unchanged"]);
}

#[test]
fn deliver_many_stores_quoted_line_breaks_whole() {
    let world = World::new();
    let (clinician, importer) = (world.alpha().clinician(), world.alpha().importer());
    let patient = clinician.registers(&world.person());
    let two = row(&patient, 1, "\"line 1\nline 2; \"\"quoted\"\"\r\n\rline 5\"");
    let results = deliver(&importer, &[HEADER, &two, &row(&patient, 2, "b")]);
    assert_eq!(outcomes(&results), ["created", "created"]);
    assert_eq!((&results[0]["line"], &results[1]["line"]), (&json!(2), &json!(6)));
    assert_eq!(texts(&clinician, &results), ["line 1\nline 2; \"quoted\"\r\n\rline 5", "b"]);
}

#[test]
fn deliver_many_quarantines_a_broken_quotation_and_stores_its_neighbours() {
    let world = World::new();
    let (clinician, importer, manager) = (world.alpha().clinician(), world.alpha().importer(), world.alpha().manager());
    let patient = clinician.registers(&world.person());
    let broken = [row(&patient, 2, "\"7 lang"), row(&patient, 4, "\"kjent\" plage"), row(&patient, 6, "\"8 lang")];
    let sound = [row(&patient, 1, "skrue 5\" lang"), row(&patient, 3, " \"x"), row(&patient, 5, "y")];
    for delimiter in [";", "\t"] {
        let lines = [HEADER, &sound[0], &broken[0], &sound[1], &broken[1], &sound[2], &broken[2]];
        let lines: Vec<String> = lines.iter().map(|it| it.replace(';', delimiter)).collect();
        let results = deliver(&importer, &lines.iter().map(String::as_str).collect::<Vec<_>>());
        let first = if delimiter == ";" { "created" } else { "unchanged" };
        let expected = [first, "quarantined", first, "quarantined", first, "quarantined"];
        assert_eq!(outcomes(&results), expected, "{delimiter:?}");
        for result in results.iter().filter(|it| it["outcome"] == "quarantined") {
            assert_eq!(result["reasons"], json!([{"pointer": "/complaints_other", "code": "invalid_format"}]));
        }
        assert_eq!(texts(&clinician, &results), ["skrue 5\" lang", " \"x", "y"]);
        let id = results[1]["quarantine_id"].as_str().expect("an id");
        let kept = manager.get(&manager.at(&format!("quarantine/{id}"))).expect(200);
        assert_eq!(kept.text_at("/payload"), format!("{}\n{}", lines[0], lines[2]), "the row as it was delivered");
    }
}

#[test]
fn deliver_many_quarantines_nul_with_its_column() {
    let world = World::new();
    let importer = world.alpha().importer();
    let patient = world.alpha().secretary().registers(&world.person());
    let good = row(&patient, 1, "a");
    let columns: Vec<&str> = HEADER.split(';').collect();
    for (at, column) in columns.iter().enumerate() {
        let mut cells: Vec<String> = good.split(';').map(str::to_owned).collect();
        cells[at].push('\0');
        let results = deliver(&importer, &[HEADER, &cells.join(";")]);
        let reasons = json!([{"pointer": format!("/{column}"), "code": "forbidden_character"}]);
        assert_eq!((outcomes(&results), &results[0]["reasons"]), (vec!["quarantined"], &reasons));
    }
    let results = deliver(&importer, &[&format!("{HEADER};a\0b"), &format!("{good};x")]);
    let reasons = json!([{"pointer": "/a\u{fffd}b", "code": "forbidden_character"}]);
    assert_eq!((outcomes(&results), &results[0]["reasons"]), (vec!["quarantined"], &reasons));
}

#[test]
fn deliver_many_refuses_utf_16() {
    let world = World::new();
    let importer = world.alpha().importer();
    let text = format!("\u{feff}{HEADER}\r\n");
    for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        let body: Vec<u8> = text.encode_utf16().flat_map(bytes).collect();
        let answer = importer.request("POST", &importer.at(PATH)).body("text/csv", body).send();
        answer.problem(415, "unsupported_media_type");
    }
}

#[test]
fn redelivery_in_another_composition_changes_nothing() {
    let world = World::new();
    let (clinician, importer) = (world.alpha().clinician(), world.alpha().importer());
    let patient = clinician.registers(&world.person());
    let results = deliver(&importer, &[HEADER, &row(&patient, 1, "bl\u{e5} t\u{e6}r")]);
    assert_eq!(outcomes(&results), ["created"]);
    let again = deliver(&importer, &[HEADER, &row(&patient, 1, "bla\u{30a} t\u{e6}r")]);
    assert_eq!((outcomes(&again), texts(&clinician, &again)), (vec!["unchanged"], vec![json!("bl\u{e5} t\u{e6}r")]));
    let document = |text: &str| {
        json!({"version": "2024-09", "version_minor": 2.0,
            "metadata": {"created": "2026-01-05T09:15:00", "answer_time": 1e3, "submission_id": 1.0,
                "respondent": {"provider": "idporten", "personal_identifier": patient.person.national_id}},
            "answers": {"pgic": 2.0, "relief_percent": "30,0", "complaints": {"other": true}, "complaints_other": text}})
    };
    let path = importer.at("nettskjema/1000005/deliveries");
    for text in ["bl\u{e5} t\u{e6}r", "bla\u{30a} t\u{e6}r"] {
        assert_eq!(importer.post(&path, &document(text)).expect(200).body["delivered"], "unchanged");
    }
}

#[test]
fn submit_many_passes_over_a_byte_order_mark() {
    let world = World::new();
    let importer = world.alpha().importer();
    let patient = world.alpha().secretary().registers(&world.person());
    let line = super::line("1", &patient.id, &json!({"isi_01": 2.0}));
    let results = sends(&importer, "submission-batches", "application/x-ndjson", &format!("\u{feff}{line}\n"));
    assert_eq!(outcomes(&results), ["created"]);
    let line = line.to_string().replace("2.0", "2e400");
    let results = sends(&importer, "submission-batches", "application/x-ndjson", &line);
    assert_eq!(results[0]["reasons"], json!([{"pointer": "/answers/isi_01", "code": "out_of_range"}]));
}
