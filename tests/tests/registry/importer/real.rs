//! The importer and the real server: every format, dry runs, quarantine, deaths, and Infopad's exports.

use std::time::Duration;

use painreg_tests::{Actor, World};
use serde_json::{Value, json};

use super::encrypted::Key;
use super::program::{Finished, Folder, run, start};

/// Returns the command that imports into the registry of this actor.
fn import(world: &World, folder: &Folder, importer: &Actor<'_>, arguments: &[&str]) -> std::process::Command {
    let mut command = folder.program(&["import"]);
    command.args(arguments).args(["--server", &format!("http://{}", world.address), "--tenant", "alpha"]);
    command.args(["--report", "report", "--patience", "20s"]);
    command.env("PAINREG_TOKEN", importer.token().expect("a token"));
    command
}

fn imports(world: &World, folder: &Folder, arguments: &[&str], code: i32) -> (Finished, Value) {
    let finished = run(import(world, folder, &world.alpha().importer(), arguments)).expect(code);
    let report = folder.json("report");
    (finished, report)
}

fn stored(world: &World) -> i64 {
    world.number("SELECT count(*) FROM {alpha}.submission")
}

fn tsd(number: &str, submission: u64, answers: &Value) -> Value {
    json!({
        "version": "2024-09", "version_minor": 2,
        "metadata": {
            "created": "2026-01-05T09:15:00+01:00", "answer_time": 265_150, "submission_id": submission,
            "respondent": {"provider": "idporten", "personal_identifier": number},
        },
        "answers": answers,
    })
}

#[test]
fn import_stores_every_shape_once_with_equal_answers() {
    let (world, folder, key) = (World::new(), Folder::new(), Key::new());
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let number = patient.person.national_id.as_str();
    let at = "sns/0123456789ABCDEF/1000001";
    let elements = json!([
        {"elementId": 1, "elementType": "NATIONAL_ID_NUMBER", "externalElementId": "fnr"},
        {"elementId": 2, "elementType": "LINEAR_SCALE", "externalElementId": "nrs_average"},
        {"elementId": 3, "elementType": "MATRIX_RADIO", "externalElementId": "isi",
            "answerOptions": [{"answerOptionId": 31, "externalAnswerOptionId": "2"}],
            "subElements": [{"subElementId": 11, "externalElementId": "01"}]},
    ]);
    folder.file(&format!("{at}/form.json.asc"), key.encrypts(&elements.to_string()));
    let document = |id: u64| tsd(number, id, &json!({"nrs_average": 6, "isi": {"01": "2"}}));
    folder.file(&format!("{at}/1.json"), serde_json::to_string_pretty(&document(1)).expect("JSON"));
    folder.file(&format!("{at}/2.json.asc"), key.encrypts(&document(2).to_string()));
    folder.file(&format!("{at}/3.json"), json!([document(3), document(4)]).to_string());
    let answers = |id: u64| {
        [
            json!({"elementId": 1, "externalElementId": "fnr", "textAnswer": number, "elementType": "NATIONAL_ID_NUMBER"}),
            json!({"elementId": 2, "externalElementId": "nrs_average", "textAnswer": "6", "elementType": "LINEAR_SCALE"}),
            json!({"elementId": 3, "externalElementId": "isi", "externalAnswerOptionIds": ["2"], "answerOptionIds": [31],
                "elementType": "MATRIX_RADIO", "subElementId": 11}),
        ]
        .map(|mut answer| {
            answer["submissionId"] = json!(id);
            answer
        })
    };
    let v3 = |id: u64| {
        let about = json!({"formId": 1_000_001, "submissionId": id, "createdDate": "2026-01-05T09:15:00"});
        json!({"submissionMetadata": about, "answers": answers(id)}).to_string() + "\n"
    };
    folder.file(&format!("{at}/v3.ndjson"), v3(5) + &v3(6));
    let long = |id: u64| -> String {
        let line = |mut answer: Value| {
            answer["formId"] = json!(1_000_001);
            answer["createdDate"] = json!("2026-01-05T09:15:00");
            answer.to_string() + "\n"
        };
        answers(id).into_iter().map(line).collect()
    };
    folder.file(&format!("{at}/long.ndjson.asc"), key.encrypts(&(long(7) + &long(8))));
    folder.file(
        &format!("{at}/all.csv"),
        format!(
            "\"$submission_id\";\"$created\";\"fnr\";\"nrs_average\";\"isi.01\";\"$answer_time_ms\"\r\n\
             \"9\";\"2026-01-05T09:15:00+01:00\";\"{number}\";\"6.0\";\"2\";\"1000\"\r\n\
             \"10\";\"2026-01-05T09:15:00+01:00\";\"{number}\";\"6.0\";\"2\";\"1000\"\r\n"
        ),
    );
    folder.file("key.asc", key.armoured());
    let arguments = ["nettskjema", "sns", "--pgp-key", "key.asc", "--receipts", "receipts"];

    let (finished, report) = imports(&world, &folder, &[&arguments[..], &["--dry-run"]].concat(), 2);
    assert!(finished.said.contains("A dry run"), "{}", finished.said);
    // Without the definition, which a dry run does not send, rows of a matrix cannot be read.
    assert_eq!(report["outcomes"], json!({"acceptable": 6, "quarantined": 4}), "{report}");
    assert_eq!((stored(&world), world.number("SELECT count(*) FROM {alpha}.quarantine")), (0, 0));

    let (_, report) = imports(&world, &folder, &arguments, 0);
    assert_eq!((&report["outcomes"], &report["definitions"]), (&json!({"created": 10}), &json!(1)), "{report}");
    assert_eq!(stored(&world), 10);
    let alike = "SELECT count(DISTINCT answers::text) FROM {alpha}.submission";
    assert_eq!(world.number(alike), 1);
    assert_eq!(folder.text("receipts").lines().filter(|it| it.contains("\"receipt\":\"eyJ")).count(), 10);

    let (_, report) = imports(&world, &folder, &[&arguments[..], &["--no-journal"]].concat(), 0);
    assert_eq!(report["outcomes"], json!({"unchanged": 10}));
    let (_, report) = imports(&world, &folder, &arguments, 0);
    assert_eq!(report["outcomes"], json!({}));
    assert_eq!(stored(&world), 10);
}

#[test]
fn import_reports_quarantine_and_the_next_run_resolves_it() {
    let (world, folder) = (World::new(), Folder::new());
    let secretary = world.alpha().secretary();
    let (known, stranger) = (secretary.registers(&world.person()), world.person());
    let number = known.person.national_id.as_str();
    let lines = [
        tsd(number, 1, &json!({"nrs_average": 5})).to_string(),
        tsd(&stranger.national_id, 2, &json!({"nrs_average": 5})).to_string(),
        tsd(number, 3, &json!({"nrs_average": 11})).to_string(),
        "{not json".to_owned(),
    ];
    folder.file("in.ndjson", lines.join("\n"));
    let arguments = ["nettskjema", "in.ndjson", "--form", "1000001"];
    let (finished, report) = imports(&world, &folder, &arguments, 2);
    assert_eq!(report["outcomes"], json!({"created": 1, "quarantined": 3}), "{report}");
    let mut reasons: Vec<String> = report["unplaced"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| {
            assert!(it["quarantine_id"].is_string(), "{it}");
            format!("{} {}", it["number"], it["reasons"][0]["code"].as_str().unwrap_or_default())
        })
        .collect();
    reasons.sort();
    assert_eq!(reasons[..2], ["2 unknown_reference", "3 out_of_range"]);
    for text in [&finished.said, &finished.log, &folder.text("report"), &folder.text("in.ndjson.painreg-journal")] {
        assert!(!text.contains(number) && !text.contains(&*stranger.national_id), "{text}");
    }

    secretary.registers(&stranger);
    let (_, report) = imports(&world, &folder, &arguments, 2);
    assert_eq!(report["outcomes"], json!({"created": 1, "earlier": 1, "quarantined": 2}), "{report}");
    assert_eq!(stored(&world), 2);
}

#[test]
fn import_killed_against_the_server_ends_the_same() {
    let (world, folder) = (World::new(), Folder::new());
    let secretary = world.alpha().secretary();
    let patients: Vec<_> = (0..10).map(|_| secretary.registers(&world.person())).collect();
    let deliveries = (0..400_u64).map(|id| {
        let patient = &patients[usize::try_from(id % 10).expect("small")];
        world.delivery(&patient.person, id + 1).to_string() + "\n"
    });
    folder.file("in.ndjson", deliveries.collect::<String>());
    let arguments = ["nettskjema", "in.ndjson", "--form", "1000001", "--batch", "20"];
    let importer = world.alpha().importer();
    for more in [20, 90, 200] {
        let mut child = start(import(&world, &folder, &importer, &arguments));
        world.within(Duration::from_secs(60), || (stored(&world) >= more).then_some(()));
        child.kill().expect("a kill");
        child.wait().expect("an end");
    }
    let (_, report) = imports(&world, &folder, &arguments, 0);
    assert!(report["outcomes"]["earlier"].as_u64().expect("some") >= 100, "{report}");
    assert_eq!(stored(&world), 400, "{report}");
    assert_eq!(world.number("SELECT max(revision) FROM {alpha}.submission"), 1);
}

const MAPPING: &str = r#"
    form = "opr-baseline"
    version = "1"
    dates = "%d.%m.%Y"
    patient = "Fnr"
    submission = ["Pasient", "Skjema"]
    submitted_at = { column = "Levert", format = "%d.%m.%Y %H:%M" }
    missing = ["-"]

    [columns]
    "Smerte" = { item = "nrs_average" }
    "Søvn 1" = { item = "isi_01", values = { "Aldri" = 0, "Ofte" = 3 } }

    [ignored]
    "Versjon" = "the vendor's number"
"#;

#[test]
fn import_infopad_applies_the_mapping() {
    let (world, folder) = (World::new(), Folder::new());
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let (number, stranger) = (patient.person.national_id.as_str(), world.person().national_id.to_string());
    let rows = format!(
        "{number};17;1;01.06.2019 14:30;6;Ofte;3\n{number};17;2;01.06.2020 14:30;-;Aldri;3\n\
         {number};17;3;01.06.2020 14:30;5;Sjelden;3\n{stranger};18;1;01.06.2020 14:30;5;Aldri;3\n"
    );
    let version = clinician.get(&clinician.at("forms/opr-baseline")).expect(200).text_at("/version").to_owned();
    folder.file("mapping.toml", MAPPING.replace("version = \"1\"", &format!("version = \"{version}\"")));
    folder.file("export.csv", format!("Fnr;Pasient;Skjema;Levert;Smerte;Søvn 1;Versjon\n{rows}"));
    let arguments = ["infopad", "export.csv", "--mapping", "mapping.toml"];

    let (finished, report) = imports(&world, &folder, &[&arguments[..], &["--dry-run"]].concat(), 2);
    for line in ["mapped    Smerte: nrs_average", "mapped    Søvn 1: isi_01", "ignored   Versjon: the vendor's number"]
    {
        assert!(finished.said.contains(line), "{}", finished.said);
    }
    assert_eq!(report["outcomes"], json!({"acceptable": 2, "quarantined": 1, "refused": 1}), "{report}");
    assert_eq!(stored(&world), 0);

    let (finished, report) = imports(&world, &folder, &arguments, 2);
    assert_eq!(report["outcomes"], json!({"created": 2, "quarantined": 1, "refused": 1}), "{report}");
    assert_eq!(report["columns"]["mapped"], json!(["Smerte", "Søvn 1"]));
    let refused = report["unplaced"].as_array().expect("a list").iter().find(|it| it["outcome"] == "refused");
    let refused = refused.expect("a refused row");
    assert_eq!((&refused["number"], &refused["reasons"][0]["pointer"]), (&json!(4), &json!("/Søvn 1")), "{refused}");
    assert!(!finished.said.contains(number) && !finished.said.contains("Sjelden") && !finished.log.contains("Sjelden"));
    let answers = clinician.reads_answers_of(&patient).expect(200);
    assert_eq!(answers.items().len(), 2, "{}", answers.text());
    let sources = world.rows("SELECT source_system, source_submission_id FROM {alpha}.submission ORDER BY 2");
    let first = (&sources[0]["source_system"], &sources[0]["source_submission_id"]);
    assert_eq!(first, (&json!("infopad"), &json!("17-1")), "{sources:?}");

    let (_, report) = imports(&world, &folder, &arguments, 2);
    assert_eq!(report["outcomes"], json!({"earlier": 2, "quarantined": 1, "refused": 1}), "{report}");

    // An unmapped column stops the import, unless it may be dropped.
    folder.file(
        "export.csv",
        "Fnr;Pasient;Skjema;Levert;Smerte;Søvn 1;Versjon;Ny\r\n".to_owned()
            + &format!("{number};17;9;01.06.2021 14:30;6;Ofte;3;x\r\n"),
    );
    let finished = run(import(&world, &folder, &world.alpha().importer(), &arguments)).expect(1);
    assert!(
        finished.said.contains("unmapped  Ny") && finished.log.contains("nothing was sent"),
        "{}{}",
        finished.said,
        finished.log
    );
    assert_eq!(stored(&world), 2);
    imports(&world, &folder, &[&arguments[..], &["--allow-unmapped"]].concat(), 0);
    assert_eq!(stored(&world), 3);
}

#[test]
fn import_infopad_reads_any_line_break_and_refuses_a_broken_quotation_alone() {
    let (world, folder) = (World::new(), Folder::new());
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let version = clinician.get(&clinician.at("forms/opr-baseline")).expect(200).text_at("/version").to_owned();
    folder.file("mapping.toml", MAPPING.replace("version = \"1\"", &format!("version = \"{version}\"")));
    let row = |number: u8, slept: &str, version: &str| {
        format!("{};17;{number};01.06.2019 14:30;6,0;{slept};{version}", patient.person.national_id)
    };
    let rows = [row(1, "Ofte", "3\""), row(2, "Ofte", "\"3"), ";;;;;;".to_owned(), row(3, "Aldri", "3")];
    let text = |line_break: &str| {
        let header = "Fnr;Pasient;Skjema;Levert;Smerte;Søvn 1;Versjon".to_owned();
        ["sep=;".to_owned(), header].iter().chain(&rows).cloned().collect::<Vec<_>>().join(line_break)
    };
    let arguments = ["infopad", "export.csv", "--mapping", "mapping.toml", "--no-journal"];
    for (line_break, outcome) in [("\r", "created"), ("\n", "unchanged"), ("\r\n", "unchanged")] {
        folder.file("export.csv", text(line_break));
        let (_, report) = imports(&world, &folder, &arguments, 2);
        assert_eq!(report["outcomes"], json!({outcome: 2, "refused": 1}), "{line_break:?} {report}");
        let refused = &report["unplaced"][0];
        assert_eq!((&refused["number"], &refused["reasons"][0]["pointer"]), (&json!(4), &json!("/Versjon")));
    }
    let wide: Vec<u8> = format!("\u{feff}{}", text("\r\n")).encode_utf16().flat_map(u16::to_be_bytes).collect();
    folder.file("export.csv", wide);
    let (_, report) = imports(&world, &folder, &arguments, 2);
    assert_eq!(report["outcomes"], json!({"unchanged": 2, "refused": 1}), "{report}");
}

#[test]
fn import_of_superseded_answers_changes_nothing() {
    let (world, folder) = (World::new(), Folder::new());
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let file = |name: &str, answer: i64| {
        let document = |id| tsd(&patient.person.national_id, id, &json!({ "nrs_average": answer }));
        folder.file(name, (1..=3).map(|id| document(id).to_string() + "\n").collect::<String>());
    };
    file("old/1000001.ndjson", 5);
    file("new/1000001.ndjson", 7);
    let runs = |of: &str| imports(&world, &folder, &["nettskjema", of, "--form", "1000001", "--no-journal"], 0).1;
    assert_eq!(runs("old")["outcomes"], json!({"created": 3}));
    assert_eq!(runs("new")["outcomes"], json!({"revised": 3}));
    assert_eq!(runs("old")["outcomes"], json!({"unchanged": 3}));
    assert_eq!(runs("new")["outcomes"], json!({"unchanged": 3}));
    assert_eq!(stored(&world), 6);
    let lines = clinician.reads_timeline_of(&patient, "").expect(200);
    let current = lines.items().iter().map(|line| &line["entry"]["answers"]);
    assert!(current.eq(&vec![json!({"nrs_average": 7}); 3]), "{}", lines.text());
}
