//! Names, encodings and line breaks of files: a file that is named is imported, or the exit status says that it was not.

use serde_json::json;

use super::program::{Folder, csv, long, run, tsd};
use super::stand_in::StandIn;
use super::{held, ndjson};

#[test]
fn import_reads_every_named_file_with_a_known_ending() {
    let names = [
        ("DATA.CSV", csv(&[(1, "a")])),
        ("7_answers.json", tsd(2, "x").to_string()),
        ("7-answers.NDJSON", ndjson([tsd(3, "x")])),
        ("formId-7_submissionId-4.json", tsd(4, "x").to_string()),
        ("Form answers.json", json!([tsd(5, "x"), tsd(6, "x")]).to_string()),
        ("Unicode Text.txt", csv(&[(7, "a")])),
        ("one.tsv", "$submission_id\t$created\n8\t2026-03-01T10:00:00\n".to_owned()),
    ];
    let (folder, into) = (Folder::new(), StandIn::new());
    for (name, text) in &names {
        folder.file(name, text);
    }
    let sources: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    let finished = run(folder.import(&into, &[&sources[..], &["--form", "7"]].concat())).expect(0);
    assert_eq!(held(&into, "7"), ["1", "2", "3", "4", "5", "6", "7", "8"], "{}", finished.said);
    assert!(into.held().definitions.is_empty());
}

#[test]
fn import_reports_named_files_that_it_cannot_read() {
    for (name, bytes, why) in [
        ("answers.xlsx", &b"PK"[..], "it is neither JSON, NDJSON nor CSV"),
        ("answers", b"{}", "it is neither JSON, NDJSON nor CSV"),
        ("1_signed.pdf", b"%PDF", "it is neither JSON, NDJSON nor CSV"),
        ("1.json.gpg", b"x", "it is encrypted"),
        ("1.JSON.PGP", b"x", "it is encrypted"),
        ("empty.json", b" \n", "it is empty"),
        ("empty.csv", b"\r\n", "it is empty"),
        ("wide.csv", b"$\0s\0u\0b\0;\0\n\0", "UTF-16 without a byte order mark"),
        ("half.csv", b"\xFF\xFE$", "is not UTF-16"),
        ("cut.json", b"{\"metadata\":", "no JSON"),
    ] {
        let (folder, into) = (Folder::new(), StandIn::new());
        folder.file(name, bytes);
        folder.file("2.json", tsd(2, "x").to_string());
        let finished = run(folder.import(&into, &[name, "2.json", "--form", "7", "--report", "report"])).expect(2);
        let line = finished.said.lines().find(|line| line.starts_with(&format!("not taken: {name}: ")));
        assert!(line.is_some_and(|line| line.contains(why)), "{name}: {}", finished.said);
        assert!(finished.said.contains("1 files were not taken, 1 of them need attention"), "{}", finished.said);
        assert_eq!(folder.json("report")["files_not_taken"][0]["failed"], true);
        assert_eq!(held(&into, "7"), ["2"], "the other file is imported");
    }
    let (folder, into) = (Folder::new(), StandIn::new());
    run(folder.import(&into, &["missing.json", "--form", "7"])).expect(1);
}

#[test]
fn import_counts_and_lists_files_of_a_folder_that_are_no_answers() {
    let (folder, into) = (Folder::new(), StandIn::new());
    folder.file("in/7/1.JSON", tsd(1, "x").to_string());
    folder.file("in/7/data-9-2026-06-01-1200.txt", csv(&[(2, "x")]));
    folder.file("in/7/1-picture.png", "x");
    folder.file("in/7/1_upload.json", tsd(3, "a patient's upload").to_string());
    folder.file("in/7/notes.txt", "x");
    let finished = run(folder.import(&into, &["in"])).expect(0);
    assert_eq!((held(&into, "7"), held(&into, "9")), (vec!["1".to_owned()], vec!["2".to_owned()]));
    assert!(finished.said.contains("3 files were not taken, 0 of them need attention"), "{}", finished.said);
    for name in ["1-picture.png", "1_upload.json", "notes.txt"] {
        assert!(finished.said.contains(&format!("not taken: in/7/{name}: ")), "{}", finished.said);
    }
}

#[test]
fn import_reads_utf_16_and_byte_order_marks() {
    let texts = [
        ("a.csv", csv(&[(1, "blå; \"tær\"")])),
        ("b.json", tsd(2, "blå tær").to_string()),
        ("c.ndjson", ndjson([tsd(3, "blå 🙂")]) + &long(7, 4, &["x", "y"])),
    ];
    let marked = |text: &str| format!("\u{feff}{text}").into_bytes();
    let little = |text: &str| marked_units(text).flat_map(u16::to_le_bytes).collect();
    let big = |text: &str| marked_units(text).flat_map(u16::to_be_bytes).collect();
    let plain = imported(&texts, &|text| text.as_bytes().to_vec());
    assert_eq!(plain.len(), 4);
    assert_eq!(imported(&texts, &marked), plain);
    assert_eq!(imported(&texts, &little), plain);
    assert_eq!(imported(&texts, &big), plain);
}

fn marked_units(text: &str) -> impl Iterator<Item = u16> {
    let units: Vec<u16> = format!("\u{feff}{text}").encode_utf16().collect();
    units.into_iter()
}

/// Returns what the registry holds after an import of these texts in an encoding.
fn imported(texts: &[(&str, String)], encoded: &dyn Fn(&str) -> Vec<u8>) -> Vec<String> {
    let (folder, into) = (Folder::new(), StandIn::new());
    for (name, text) in texts {
        folder.file(&format!("in/{name}"), encoded(text));
    }
    run(folder.import(&into, &["in", "--form", "7"])).expect(0);
    into.held().stored.values().map(|texts| texts.concat()).collect()
}

#[test]
fn import_reads_rows_with_any_line_break_and_passes_over_empty_ones() {
    for line_break in ["\n", "\r\n", "\r"] {
        let (folder, into) = (Folder::new(), StandIn::new());
        let lines = ["sep=;", "$submission_id;$created;words", "1;now;skrue 5\" lang", ";;", "2;now;x", "\"\";;"];
        folder.file("a.csv", lines.join(line_break));
        run(folder.import(&into, &["a.csv", "--form", "7", "--report", "report"])).expect(0);
        assert_eq!(held(&into, "7"), ["1", "2"], "{line_break:?}");
        assert_eq!(folder.json("report")["outcomes"], json!({"created": 2}));
    }
}

#[test]
fn import_refuses_a_row_with_a_broken_quotation_alone() {
    let (folder, into) = (Folder::new(), StandIn::new());
    folder.file("a.csv", "$submission_id;words\n1;x\n2;\"7 lang\n3;y\n4;\"kjent\" plage\n5;z\n");
    let finished = run(folder.import(&into, &["a.csv", "--form", "7", "--report", "report"])).expect(2);
    assert_eq!(held(&into, "7"), ["1", "3", "5"]);
    let report = folder.json("report");
    assert_eq!(report["outcomes"], json!({"created": 3, "refused": 2}));
    let refused: Vec<_> =
        report["unplaced"].as_array().expect("a list").iter().map(|it| it["submission"].clone()).collect();
    assert_eq!(refused, ["2", "4"]);
    assert_eq!(report["unplaced"][0]["reasons"], json!([{"pointer": "/words", "code": "invalid_format"}]));
    assert!(!finished.said.contains("lang") && !finished.log.contains("lang"));
}
