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
    ] {
        assert_eq!(holds(Path::new(name)), expected, "{name}");
    }
}
