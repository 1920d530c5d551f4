//! `painreg score`: a result a line, and the exit status.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::importer::program::Folder;

/// Returns the results and the exit status for these lines.
fn scores(lines: &[&str]) -> (Vec<Value>, Option<i32>) {
    let folder = Folder::new();
    let mut child = folder.program(&["score", "isi"]).stdin(Stdio::piped()).spawn().expect("a program");
    child.stdin.take().expect("an input").write_all((lines.join("\n") + "\n").as_bytes()).expect("written");
    let output = child.wait_with_output().expect("an end");
    let results = String::from_utf8(output.stdout).expect("UTF-8");
    (results.lines().map(|it| serde_json::from_str(it).expect("JSON")).collect(), output.status.code())
}

#[test]
fn score_exits_with_1_when_a_line_is_rejected() {
    let (results, code) = scores(&[r#"{"isi_01": 2}"#, "", r#"{"isi_01": 2.0}"#]);
    assert_eq!((results.len(), &results[0], code), (2, &results[1], Some(0)));

    let lines = ["{", r#"{"isi_01": 2.5}"#, r#"{"isi_01": 1e400}"#, r#"{"isi_01": 2}"#, r#"{"isi_0\u0000": 2}"#];
    let (rejected, code) = scores(&lines);
    assert_eq!((rejected.len(), &rejected[3], code), (5, &results[0], Some(1)), "the line after them is scored");
    let faults: Vec<_> = rejected.iter().map(|it| it["errors"].clone()).collect();
    let fault = |pointer: &str, code: &str| json!([{"pointer": pointer, "code": code}]);
    let expected = [
        fault("", "invalid_format"),
        fault("/isi_01", "wrong_type"),
        fault("/isi_01", "out_of_range"),
        Value::Null,
        fault("/isi_0\u{fffd}", "forbidden_character"),
    ];
    assert_eq!(faults, expected);
}
