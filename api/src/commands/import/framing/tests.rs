use std::io::BufReader;

use super::*;

/// Form, submission, text, and whether the text is too long.
type Seen = (Option<String>, Option<String>, String, bool);

/// Everything that is cut, whatever pieces the text comes in, and why it ended before its end.
fn cuts(
    read: fn(&mut dyn BufRead, &mut Emit<'_>) -> Result<(), FramingError>,
    text: &str,
) -> (Vec<Seen>, Option<String>) {
    let by = |piece: usize| {
        let mut cuts = Vec::new();
        let mut input = BufReader::with_capacity(piece, text.as_bytes());
        let read = read(&mut input, &mut |cut| {
            cuts.push((cut.form, cut.submission, String::from_utf8(cut.text.to_vec()).unwrap(), cut.too_long));
            Ok(())
        });
        let why = match read {
            Ok(()) => None,
            Err(FramingError::Unreadable(why)) => Some(why),
            Err(FramingError::Stop(stop)) => panic!("{stop}"),
        };
        (cuts, why)
    };
    let whole = by(1 << 20);
    for piece in [1, 2, 7, 64] {
        assert_eq!(by(piece), whole, "in pieces of {piece}");
    }
    whole
}

fn one(form: Option<&str>, submission: Option<&str>, text: &str) -> Seen {
    (form.map(str::to_owned), submission.map(str::to_owned), text.to_owned(), false)
}

#[test]
fn lines_groups_answer_lines_of_one_submission() {
    let tsd = r#"{"version":"2024-09","metadata":{"submission_id":1},"answers":{"a":"é"}}"#;
    let v3 = r#"{"submissionMetadata":{"formId":7,"submissionId":2},"answers":[]}"#;
    let long = |id: u8, n: u8| format!(r#"{{"formId":7,"submissionId":{id},"answerId":{n}}}"#);
    let text = format!(
        "{tsd}\r\n\n{v3}\n{}\n{}\n{}\n{tsd}\n{}\n  \n{}\nno json\n{}",
        long(3, 1),
        long(3, 2),
        long(4, 1),
        long(4, 2),
        long(4, 3),
        long(5, 1)
    );
    let (cut, why) = cuts(lines, &text);
    assert_eq!(
        cut,
        [
            one(None, Some("1"), tsd),
            one(Some("7"), Some("2"), v3),
            one(Some("7"), Some("3"), &format!("{}\n{}", long(3, 1), long(3, 2))),
            one(Some("7"), Some("4"), &long(4, 1)),
            one(None, Some("1"), tsd),
            one(Some("7"), Some("4"), &format!("{}\n{}\nno json", long(4, 2), long(4, 3))),
            one(Some("7"), Some("5"), &long(5, 1)),
        ]
    );
    assert_eq!(why, None);
}

#[test]
fn documents_become_one_line_each() {
    let text =
        " {\n \"metadata\": {\r\n\t\"submission_id\": 1}}\n[ {\"metadata\":{\"submission_id\":2}} ,\n 3, []]\n{}";
    let (cut, why) = cuts(documents, text);
    assert_eq!(
        cut,
        [
            one(None, Some("1"), "{  \"metadata\": {  \t\"submission_id\": 1}}"),
            one(None, Some("2"), "{\"metadata\":{\"submission_id\":2}}"),
            one(None, None, "3"),
            one(None, None, "[]"),
            one(None, None, "{}"),
        ]
    );
    assert_eq!(why, None);
    let (cut, why) = cuts(documents, "[{\"metadata\":{\"submission_id\":2}},\n{\"secret\" 1}]");
    assert_eq!((cut.len(), why.as_deref()), (1, Some("no JSON at line 2")));
    assert_eq!(cuts(documents, " \n"), (Vec::new(), Some("it is empty".to_owned())));
    assert_eq!(cuts(documents, "[]"), (Vec::new(), None));
}

#[test]
fn ids_with_other_characters_are_dropped() {
    let (cut, _) =
        cuts(lines, "{\"metadata\":{\"submission_id\":\"Kari Nordmann\"}}\n{\"metadata\":{\"submission_id\":\"12\"}}");
    assert_eq!((&cut[0].1, &cut[1].1), (&None, &Some("12".to_owned())));
    let (cut, _) = cuts(lines, "{\"metadata\":{\"submission_id\":12.0}}\n{\"metadata\":{\"submission_id\":-1.5}}");
    assert_eq!((&cut[0].1, &cut[1].1), (&Some("12".to_owned()), &None));
}

#[test]
fn rows_keep_line_breaks_in_quotations() {
    let text = "\u{feff}\"$created\";\"$submission_id\";\"a\"\r\n\"x\";\"1\";\"b;\"\"\nc\"\r\n\r\n\"y\";\"2\";\"\"\r\n";
    let (cut, why) = cuts(rows, text);
    let first = "\"x\";\"1\";\"b;\"\"\nc\"";
    assert_eq!(cut, [one(None, Some("1"), first), one(None, Some("2"), "\"y\";\"2\";\"\"")]);
    assert_eq!(why, None);
    let (cut, _) = cuts(rows, "$submission_id\tname\n11\tx\n");
    assert_eq!(cut, [one(None, Some("11"), "11\tx")]);
    assert_eq!(cuts(rows, "$submission_id\n"), (Vec::new(), None));
    assert_eq!(cuts(rows, ""), (Vec::new(), Some("it is empty".to_owned())));
    let (cut, why) = cuts(rows, "$submission_id;a\0b\n1;2\n");
    assert!(cut.is_empty() && why.is_some_and(|why| why.contains("UTF-16 without")));
}

#[test]
fn rows_name_the_column_of_a_broken_quotation() {
    let mut faults = Vec::new();
    let mut input = "$submission_id;a\n1;\"x\n2;5\" y\n3;z\n".as_bytes();
    let read = rows(&mut input, &mut |cut| {
        faults.push((cut.submission, cut.fault));
        Ok(())
    });
    assert!(read.is_ok());
    let id = |id: &str| Some(id.to_owned());
    let broken = Some(Fault::at("a", FaultCode::InvalidFormat));
    assert_eq!(faults, [(id("1"), broken), (id("2"), None), (id("3"), None)]);
}

#[test]
fn long_deliveries_are_truncated() {
    let long = "x".repeat(BODY_LIMIT + 1);
    let mut input = BufReader::new(long.as_bytes());
    let mut seen = Vec::new();
    let read = lines(&mut input, &mut |cut| {
        seen.push((cut.text.len() <= BODY_LIMIT, cut.too_long));
        Ok(())
    });
    assert!(read.is_ok());
    assert_eq!(seen, [(true, true)]);
    // Many lines of one submission, none of them too long.
    let line = format!("{{\"submissionId\":1,\"textAnswer\":\"{}\"}}\n", "x".repeat(BODY_LIMIT / 2));
    let (cut, _) = cuts(lines, &line.repeat(LONGEST / line.len() + 2));
    assert_eq!((cut.len(), cut[0].3), (1, true));
    assert!(cut[0].2.len() <= LONGEST);
}
