use super::*;

#[test]
fn holds_reads_the_file_name() {
    for (name, expected) in [
        ("27685292.json", Ok(Holds::Documents)),
        ("27685292.json.asc", Ok(Holds::Documents)),
        ("answers.ndjson", Ok(Holds::Lines)),
        ("data-123-2026.csv.asc", Ok(Holds::Rows)),
        ("form.json", Ok(Holds::Definition)),
        ("form_123-v2.json.asc", Ok(Holds::Definition)),
        ("27685292-picture.json", Err("it is an attachment")),
        ("27685292_signed.pdf.asc", Err("it is an attachment")),
        ("formId-395025_submissionId-31089868_signed.pdf", Err("it is an attachment")),
        ("7.painreg-journal", Err("the journal of an import")),
        ("notes.txt", Err("it is neither JSON, NDJSON nor CSV")),
        ("json", Err("it is neither JSON, NDJSON nor CSV")),
        ("DATA.CSV", Ok(Holds::Rows)),
        ("1.JSON.GPG", Ok(Holds::Documents)),
        ("1.ndjson.pgp", Ok(Holds::Lines)),
        ("data-123-2026-06-01-1200.txt", Ok(Holds::Rows)),
        ("27685292-picture.JSON", Err("it is an attachment")),
    ] {
        assert_eq!(holds(Path::new(name), false), expected, "{name}");
    }
}

#[test]
fn holds_reads_every_named_file_with_a_known_ending() {
    for (name, expected) in [
        ("1000005_answers.json", Ok(Holds::Documents)),
        ("1000005-answers.CSV.asc", Ok(Holds::Rows)),
        ("formId-395025_submissionId-31089868.ndjson", Ok(Holds::Lines)),
        ("Unicode Text.TXT", Ok(Holds::Rows)),
        ("answers.tsv", Ok(Holds::Rows)),
        ("answers.jsonl", Ok(Holds::Lines)),
        ("27685292_signed.pdf", Err("it is neither JSON, NDJSON nor CSV")),
        ("7.painreg-journal", Err("the journal of an import")),
    ] {
        assert_eq!(holds(Path::new(name), true), expected, "{name}");
    }
}

#[test]
fn form_of_reads_the_name_of_a_report() {
    assert_eq!(form_of(Path::new("data-123-2026-06-01-1200.txt")).as_deref(), Some("123"));
    assert_eq!(form_of(Path::new("DATA-123.CSV.GPG")).as_deref(), Some("123"));
    assert_eq!(form_of_name(Path::new("data-2x-2026.csv")), None);
    assert!(is_encrypted(Path::new("a.Asc")) && !is_encrypted(Path::new("a.csv")));
}
