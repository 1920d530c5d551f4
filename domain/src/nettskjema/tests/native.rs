//! The refusals of each shape, and its spelling of values.

use serde_json::json;

use super::recorded::{API_V3, CSV, DEFINITION, PAGES, definition, json, read_rows, rows, rows_of};
use super::*;

/// The recorded API v3 submission with these answers.
fn given(answers: &[Value]) -> Value {
    let mut document = json(API_V3);
    document["answers"] = answers.into();
    document
}

fn answer(key: &str, kind: &str, text: &str) -> Value {
    json!({"externalElementId": key, "elementType": kind, "textAnswer": text})
}

fn one(document: &Value) -> Result<Value, Vec<Fault>> {
    let delivery = parse("7", document, None)?;
    Ok(delivery.answers.into_iter().next().map_or(Value::Null, |(_, value)| value))
}

#[test]
fn api_v3_reads_its_spelling_of_values() {
    for (kind, text, value) in [
        ("NUMBER", "4,5", json!(4.5)),
        ("NUMBER", "4.50", json!(4.5)),
        ("NUMBER", "-77,0", json!(-77)),
        ("LINEAR_SCALE", "3", json!(3)),
        ("LINEAR_SCALE", "0", json!(0)),
        ("NUMBER", "-0,0", json!(0)),
        ("NUMBER", "1e3", json!(1000)),
        ("DATE", "01.06.2023", json!("2023-06-01")),
        ("DATE", "2023-06-01", json!("2023-06-01")),
        ("DATE", "01.06.2023 11:11", json!("2023-06-01T11:11")),
        ("DATE", "2023-06-01T11:11", json!("2023-06-01T11:11")),
        ("DATE", "12:00", json!("12:00")),
        ("QUESTION", "4,5", json!("4,5")),
        ("PHONE", "", Value::Null),
        ("SOMETHING_NEW", "x", json!("x")),
    ] {
        assert_eq!(one(&given(&[answer("a", kind, text)])), Ok(value), "{kind} {text}");
    }
    for (kind, text, code) in [
        ("NUMBER", "4,5,6", FaultCode::WrongType),
        ("NUMBER", "1e16", FaultCode::WrongType),
        ("NUMBER", "NaN", FaultCode::WrongType),
        ("NUMBER", "1234567890123456", FaultCode::WrongType),
        ("DATE", "31.02.2023", FaultCode::InvalidDate),
        ("DATE", "2023-06-01T25:00", FaultCode::InvalidDate),
        ("DATE", "1.6.2023", FaultCode::InvalidDate),
    ] {
        assert_eq!(one(&given(&[answer("a", kind, text)])), Err(vec![Fault::new("/answers/0", code)]), "{kind} {text}");
    }
    let attached = json!({"externalElementId": "a", "elementType": "ATTACHMENT", "textAnswer": "x.png",
        "answerAttachmentId": 538_819, "filename": "x.png", "mediaType": "image/png", "size": 628_613});
    assert_eq!(one(&given(&[attached])), Ok(json!({"original_filename": "x.png", "file_id": "538819"})));
}

#[test]
fn instant_reads_local_time_as_norwegian_time() {
    for (text, instant) in [
        ("2026-01-15T12:00:00", Some("2026-01-15T11:00:00Z")),
        ("2026-07-15T12:00", Some("2026-07-15T10:00:00Z")),
        ("2026-07-15T12:00:00.5+05:00", Some("2026-07-15T07:00:00.5Z")),
        // Summer time ends: the hour comes twice, and the first one is meant.
        ("2026-10-25T02:30:00", Some("2026-10-25T00:30:00Z")),
        // Summer time begins: the hour does not come, and the clock had been put forward.
        ("2026-03-29T02:30:00", Some("2026-03-29T01:30:00Z")),
        ("2026-07-15", None),
        ("2026-02-30T12:00:00", None),
        ("x", None),
    ] {
        let mut document = given(&[]);
        document["submissionMetadata"]["createdDate"] = json!(text);
        let read = parse("7", &document, None).map(|delivery| delivery.created.to_string());
        let place = "/submissionMetadata/createdDate";
        assert_eq!(read.ok().as_deref(), instant, "{text}");
        if instant.is_none() {
            let faults = parse("7", &document, None).expect_err("refused");
            assert_eq!(faults, [Fault::new(place, FaultCode::InvalidDate)]);
        }
    }
}

#[test]
fn api_v3_refuses_unknown_elements() {
    use FaultCode::{Contradiction, InvalidFormat, Required, UnknownReference, WrongType};
    let known = definition(DEFINITION);
    let refused = |document: &Value| parse("7", document, Some(&known)).expect_err("refused");
    let radio =
        |options: Value| json!({"externalElementId": "a", "elementType": "RADIO", "externalAnswerOptionIds": options});
    for (answers, place, code) in [
        (vec![json!(1)], "/answers/0", WrongType),
        (vec![json!({"elementType": "RADIO"})], "/answers/0/externalElementId", Required),
        (vec![json!({"externalElementId": "a"})], "/answers/0/elementType", Required),
        (vec![answer("a.b", "QUESTION", "x")], "/answers/0", InvalidFormat),
        (vec![radio(json!(["1", "2"]))], "/answers/0", Contradiction),
        (vec![radio(json!([null]))], "/answers/0/externalAnswerOptionIds", UnknownReference),
        (vec![radio(json!("1"))], "/answers/0/externalAnswerOptionIds", WrongType),
        (vec![radio(json!(["1"])), radio(json!(["1"]))], "/answers/1", Contradiction),
        (vec![answer("isi", "MATRIX_RADIO", "")], "/answers/0/subElementId", Required),
        (
            vec![json!({"externalElementId": "isi", "elementType": "MATRIX_RADIO", "subElementId": 9})],
            "/answers/0",
            UnknownReference,
        ),
        (
            vec![json!({"submissionId": 1, "externalElementId": "a", "elementType": "TEXT"})],
            "/answers/0/submissionId",
            Contradiction,
        ),
    ] {
        assert_eq!(refused(&given(&answers)), [Fault::new(place, code)], "{answers:?}");
    }
    for (place, value, code) in [
        ("/submissionMetadata", Value::Null, Required),
        ("/submissionMetadata/formId", json!(8), Contradiction),
        ("/submissionMetadata/formId", Value::Null, Required),
        ("/submissionMetadata/submissionId", json!("a"), WrongType),
        ("/submissionMetadata/createdDate", json!(1), WrongType),
        ("/submissionMetadata/modifiedDate", json!("yesterday"), FaultCode::InvalidDate),
        ("/answers", Value::Null, Required),
        ("/answers", json!({}), WrongType),
    ] {
        let mut document = given(&[]);
        *document.pointer_mut(place).expect("is there") = value;
        assert_eq!(refused(&document), [Fault::new(place, code)], "{place}");
    }
    // Rows are known by the definition only; keys and options that the codebook left out, too.
    let row = json!({"externalElementId": "isi", "elementType": "MATRIX_RADIO", "subElementId": 3002, "answerOptionIds": [2103], "externalAnswerOptionIds": [null]});
    assert_eq!(parse("7", &given(std::slice::from_ref(&row)), None).expect_err("refused").len(), 1);
    assert_eq!(parse("7", &given(&[row]), Some(&known)).expect("reads").answers["isi"]["02"], "3");
    let unnamed = json!({"elementId": 107, "elementType": "LINEAR_SCALE", "textAnswer": "5"});
    assert_eq!(parse("7", &given(&[unnamed]), Some(&known)).expect("reads").answers["years"], 5);
}

#[test]
fn v1_requires_the_definition() {
    let document = json(include_str!("../recorded/submission.v1.json"));
    let faults = parse("7", &document, None).expect_err("refused");
    assert_eq!(faults.len(), document["answers"].as_array().map_or(0, Vec::len));
    assert!(faults.contains(&Fault::new("/answers/0", FaultCode::UnknownReference)));
    let known = definition(PAGES);
    for (member, value, code) in [
        ("submissionId", Value::Null, FaultCode::Required),
        ("formId", json!(8), FaultCode::Contradiction),
        ("createdDate", json!("soon"), FaultCode::InvalidDate),
        ("answers", json!(3), FaultCode::WrongType),
    ] {
        let mut document = document.clone();
        document[member] = value;
        assert_eq!(parse("7", &document, Some(&known)).expect_err("refused"), [Fault::at(member, code)], "{member}");
    }
}

fn header(names: &str) -> Vec<Fault> {
    read_rows(names.as_bytes(), None).err().expect("refused")
}

#[test]
fn csv_v1_refuses_a_header_with_its_column() {
    use FaultCode::{Contradiction, DuplicateKey, InvalidFormat, Required, UnknownItem};
    let needed = "$submission_id;$created";
    for (name, code) in [
        ("a b", InvalidFormat),
        ("", InvalidFormat),
        ("a.b.c.d", InvalidFormat),
        ("a.", InvalidFormat),
        ("a\0b", FaultCode::ForbiddenCharacter),
        ("$who", UnknownItem),
    ] {
        assert_eq!(header(&format!("{needed};{name};x\r\n")), [Fault::at(name, code)]);
    }
    assert_eq!(header(&format!("{needed};a;a\n")), [Fault::at("a", DuplicateKey)]);
    assert_eq!(header(&format!("{needed};a;a.b\n")), [Fault::at("a.b", Contradiction)]);
    assert_eq!(header(&format!("{needed};a.b;a\n")), [Fault::at("a", Contradiction)]);
    assert_eq!(header(""), [Fault::at("$created", Required), Fault::at("$submission_id", Required)]);
}

#[test]
fn csv_v1_refuses_a_row_with_its_column() {
    use FaultCode::{InvalidDate, InvalidFormat, Required, UnknownItem, WrongType};
    let known = definition(DEFINITION);
    let first = "$submission_id;$created;pain_sites.back;grid.row1.col1;weight;visit;$answer_time_ms\n";
    let good = "1;2026-01-01T00:00:00+01:00;1;;77.0;2026-01-02;5";
    let read = |row: &[u8]| {
        let bytes = [first.as_bytes(), row, b"\n", good.as_bytes()].concat();
        let rows: Vec<_> = rows_of(&bytes, Some(&known));
        assert_eq!(rows.len(), 2, "the row after it is read whatever comes");
        assert_eq!(rows[1].delivery.as_ref().expect("reads").answers["weight"], 77);
        rows.into_iter().next().and_then(|row| row.delivery.err()).expect("refused")
    };
    for (row, name, code) in [
        (";2026-01-01T00:00:00+01:00;1;;1;;5", "$submission_id", WrongType),
        ("1;now;1;;1;;5", "$created", InvalidDate),
        ("1;2026-01-01T00:00:00+01:00;2;;1;;5", "pain_sites.back", WrongType),
        ("1;2026-01-01T00:00:00+01:00;1;true;1;;5", "grid.row1.col1", WrongType),
        ("1;2026-01-01T00:00:00+01:00;1;;much;;5", "weight", WrongType),
        ("1;2026-01-01T00:00:00+01:00;1;;1;2026-02-30;5", "visit", InvalidDate),
        ("1;2026-01-01T00:00:00+01:00;1;;1;;five", "$answer_time_ms", WrongType),
        ("1;2026-01-01T00:00:00+01:00;1;;1;", "$answer_time_ms", Required),
        ("1;2026-01-01T00:00:00+01:00;1;;\0;;5", "weight", FaultCode::ForbiddenCharacter),
        ("1;2026-01-01T00:00:00+01:00;1;;\"1;;5", "weight", InvalidFormat),
        ("1;2026-01-01T00:00:00+01:00;1;;\"1\" 2;;5", "weight", InvalidFormat),
    ] {
        assert_eq!(read(row.as_bytes()), [Fault::at(name, code)], "{row}");
    }
    assert_eq!(read(format!("{good};more").as_bytes()), [Fault::new("", UnknownItem)]);
    let wide = format!("{};;\n{good};;\n{good}\n", first.trim_end());
    assert!(rows_of(wide.as_bytes(), Some(&known)).iter().all(|row| row.delivery.is_ok()), "columns without a name");
    assert_eq!(read(b"1;2026-01-01T00:00:00+01:00;1;;\xff;;5"), [Fault::at("weight", InvalidFormat)]);
}

#[test]
fn csv_v1_distinguishes_hidden_unticked_and_ticked() {
    let known = definition(DEFINITION);
    let text = "\u{feff}\"$submission_id\";\"$created\";\"feathers.white\";\"feathers.brown\"\r\n\
        \"1\";\"2026-01-01T00:00:00+01:00\";\"1\";\"0\"\r\n\"2\";\"2026-01-01T00:00:00+01:00\";\"\";\"\"\r\n";
    let boxes = |definition| -> Vec<Value> {
        let rows = rows(text, definition).into_iter();
        rows.map(|row| {
            row.delivery.expect("reads").answers_for(&book(&form(super::recorded::FORM))).expect("fits")["feathers"]
                .clone()
        })
        .collect()
    };
    let expected = [json!({"white": true, "brown": false}), json!({"white": null, "brown": null})];
    assert_eq!(boxes(Some(&known)), expected);
    assert_eq!(boxes(None), expected, "the item tells what the header does not");
}

#[test]
fn csv_v1_row_round_trips() {
    for row in rows(CSV, None) {
        assert_eq!(parse("7", &row.document, None).ok(), row.delivery.ok());
    }
    assert_eq!(
        parse("7", &json!({"$submission_id": "1", "$created": null}), None).expect_err("refused"),
        [Fault::at("$created", FaultCode::WrongType)]
    );
}

#[test]
fn definition_read_refuses_unusable_documents() {
    use FaultCode::{AlreadyExists, InvalidDate, Required, TooLong, WrongType};
    let element = |key: &str| json!({"elementType": "QUESTION", "externalElementId": key});
    for (document, place, code) in [
        (json!(1), "", WrongType),
        (json!([]), "", Required),
        (json!([1]), "/0", WrongType),
        (json!({"title": "x"}), "/elements", Required),
        (json!({"elements": [{"externalElementId": "a"}]}), "/elements/0/elementType", Required),
        (json!({"elements": [{"elementType": "QUESTION"}]}), "/elements/0/externalElementId", Required),
        (json!([element(&"k".repeat(65))]), "/0/externalElementId", TooLong),
        (json!([element("a\0")]), "/0/externalElementId", FaultCode::ForbiddenCharacter),
        (json!({"elements": [element("a"), element("a")]}), "/elements", AlreadyExists),
        (json!({"elements": vec![element("a"); 2001]}), "/elements", TooLong),
        (json!({"elements": [], "generatedDate": "soon"}), "/generatedDate", InvalidDate),
    ] {
        assert_eq!(NettskjemaDefinition::read(&document).expect_err("refused"), [Fault::new(place, code)], "{place}");
    }
    let unnamed =
        json!({"elements": [{"elementType": "RADIO", "elementId": 5, "answerOptions": [{"answerOptionId": 6}]}]});
    let read =
        NettskjemaDefinition::read(&unnamed).expect("what the codebook does not name goes by its number").remove(0);
    assert_eq!((read.elements[0].key.as_str(), read.elements[0].options[0].key.as_str()), ("5", "6"));
}
