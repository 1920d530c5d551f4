//! One invented submission as every shape delivers it.

use serde_json::json;

use super::*;
use crate::delimited::Records;

pub(super) const DEFINITION: &str = include_str!("../recorded/definition.api_v3.json");
pub(super) const ELEMENTS: &str = include_str!("../recorded/elements.api_v3.json");
pub(super) const METADATA: &str = include_str!("../recorded/metadata.tsd.json");
pub(super) const PAGES: &str = include_str!("../recorded/definition.v1.json");
const LINES: &str = include_str!("../recorded/answers.api_v3.ndjson");
pub(super) const CSV: &str = include_str!("../recorded/submissions.v1.csv");
const TABS: &str = include_str!("../recorded/submission.v1.tsv");
const TSD: &str = include_str!("../recorded/submission.tsd.json");
pub(super) const API_V3: &str = include_str!("../recorded/submission.api_v3.json");
const V1: [&str; 2] =
    [include_str!("../recorded/submission.v1.json"), include_str!("../recorded/submission.v1.by_question.json")];

/// The form that the recorded answers are given to.
pub(super) const FORM: &str = r#"
    code = "recorded"
    version = "1"
    title = { nb = "Opptak", en = "Recorded" }
    wave = "project"
    instruments = ["isi"]
    items = [
        { code = "years", kind = { integer = { min = 0, max = 100 } }, label = { nb = "År", en = "Years" } },
        { code = "weight", kind = { decimal = { min = 0, max = 300, decimals = 1 } }, label = { nb = "Vekt", en = "Weight" } },
        { code = "pain_sites", kind = { multiple = { options = ["back", "neck", "jaw"] } }, label = { nb = "Sted", en = "Site" } },
        { code = "feathers", kind = { multiple = { options = ["white", "brown"] } }, label = { nb = "Fjær", en = "Feathers" } },
        { code = "grid_row1", kind = { multiple = { options = ["col1", "col2"] } }, label = { nb = "Rad", en = "Row" } },
        { code = "visit", kind = "date", label = { nb = "Besøk", en = "Visit" } },
        { code = "agreed", kind = "boolean", label = { nb = "Enig", en = "Agreed" } },
        { code = "animal", kind = { choice = { options = ["100_horses", "duck"] } }, required = true, label = { nb = "Dyr", en = "Animal" } },
        { code = "note", kind = { text = { max_length = 20 } }, label = { nb = "Merknad", en = "Note" } },
    ]

    [[nettskjema]]
    form_id = "7"
    [nettskjema.keys]
    fnr = "@national_id"
    duck_or_horse = "animal"
"#;

pub(super) fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

pub(super) fn definition(text: &str) -> NettskjemaDefinition {
    let mut versions = NettskjemaDefinition::read(&json(text)).unwrap_or_else(|faults| panic!("{faults:?}"));
    versions.pop().expect("one")
}

fn sound(read: Result<Delivery, Vec<Fault>>) -> Delivery {
    read.unwrap_or_else(|faults| panic!("{faults:?}"))
}

pub(super) fn grouped(lines: &[Value]) -> Vec<api_v3::Grouped> {
    let mut gatherer = api_v3::Lines::default();
    let mut groups = Vec::new();
    for line in lines {
        let (group, taken) = gatherer.push(line);
        taken.unwrap_or_else(|faults| panic!("{faults:?}"));
        groups.extend(group);
    }
    groups.extend(gatherer.finish());
    groups
}

pub(super) fn rows(text: &str, definition: Option<&NettskjemaDefinition>) -> Vec<csv_v1::CsvRow> {
    rows_of(text.as_bytes(), definition)
}

pub(super) fn rows_of(bytes: &[u8], definition: Option<&NettskjemaDefinition>) -> Vec<csv_v1::CsvRow> {
    read_rows(bytes, definition).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// Returns the rows under a header.
pub(super) fn read_rows(
    bytes: &[u8],
    definition: Option<&NettskjemaDefinition>,
) -> Result<Vec<csv_v1::CsvRow>, Vec<Fault>> {
    let mut records = Records::open(bytes, None, usize::MAX).expect("bytes");
    let header = records.next().transpose().expect("bytes");
    let columns = csv_v1::CsvColumns::read(header.as_ref(), records.delimiter(), definition)?;
    Ok(records.map(|record| columns.row("7", &record.expect("bytes"))).collect())
}

fn lines() -> Vec<Value> {
    LINES.lines().map(json).collect()
}

#[test]
fn recorded_submission_is_equal_in_every_shape() {
    let (known, older) = (definition(DEFINITION), definition(PAGES));
    let tsd = sound(parse("7", &json(TSD), None));
    let groups = grouped(&lines());
    let deliveries = [
        sound(parse("7", &json(API_V3), Some(&known))),
        sound(groups[0].parse("7", Some(&known))),
        sound(rows(CSV, Some(&known)).remove(0).delivery),
        sound(rows(TABS, Some(&known)).remove(0).delivery),
        sound(parse("7", &rows(CSV, Some(&known))[0].document, Some(&known))),
    ];
    let book = book(&form(FORM));
    let answers = tsd.parse_for(&book).expect("valid").to_json();
    assert_eq!(
        answers,
        json!({
            "animal": "100_horses", "pain_sites": {"back": true, "neck": false, "jaw": true}, "isi_01": 3, "isi_02": 0,
            "isi_04": 2, "isi_05": 4, "isi_06": 1, "isi_07": 2, "grid_row1": {"col1": true, "col2": false}, "years": 12,
            "weight": 70.5, "visit": "2026-05-20", "agreed": true
        })
    );
    let older = V1.map(|text| sound(parse("7", &json(text), Some(&older))));
    let untyped = rows(CSV, None).remove(0);
    for delivery in deliveries.iter().chain(&older).chain([&tsd, &sound(untyped.delivery)]) {
        assert_eq!(delivery.submission_id, "27685292");
        assert_eq!(delivery.created.as_second(), tsd.created.as_second());
        assert_eq!(delivery.parse_for(&book).expect("valid").to_json(), answers);
        assert_eq!(delivery.patient_for(&book).as_ref().map(GivenNationalId::expose), Some("15865523413"));
        assert_eq!(delivery.patient_at(&book), "/answers/fnr");
    }
    for delivery in deliveries {
        assert_eq!(delivery.answers, tsd.answers);
    }
    assert_eq!(older[0], older[1]);
    assert_eq!(older[0].modified.map(|at| at.to_string()).as_deref(), Some("2026-06-02T06:00:00Z"));
}

#[test]
fn recorded_definitions_are_equal_in_every_shape() {
    let known = definition(DEFINITION);
    assert_eq!((known.title.as_str(), known.language.as_deref()), ("Invented form", Some("nb")));
    assert_eq!(known.elements.len(), 11, "a heading is not answered");
    assert_eq!((known.elements[0].label.as_str(), known.elements[1].label.as_str()), ("Fødselsnummer", "Dyr & fugl"));
    assert_eq!(
        known.elements[3].shown_if,
        Some(vec![Picked { element: "duck_or_horse".into(), option: "duck".into() }])
    );
    assert_eq!((known.elements[7].decimals, known.elements[7].max), (Some(1), Some(300.0)));
    assert_eq!(definition(ELEMENTS).elements, known.elements);

    let versions = NettskjemaDefinition::read(&json(METADATA)).expect("reads");
    assert!(versions[0].generated < versions[1].generated, "whichever stands first");
    let mut newest = known.clone();
    for element in &mut newest.elements {
        element.id = None;
        for part in element.options.iter_mut().chain(&mut element.rows) {
            part.id = None;
        }
    }
    assert_eq!(versions[1].elements, newest.elements);
    assert_eq!(
        differences(&versions[0], &versions[1]),
        [DefinitionDifference { path: "feathers".into(), level: Level::Element, change: DefinitionChange::Added }]
    );

    let older = definition(PAGES);
    let keys: Vec<_> = older.elements.iter().map(|element| (element.key.as_str(), element.kind)).collect();
    assert_eq!(keys[4], ("isi_01", ElementKind::Radio));
    assert_eq!(keys[11], ("grid_row1", ElementKind::Checkbox));
    assert_eq!(older.elements[4].options.len(), 5);
    assert_eq!(older.elements[3].shown_if, known.elements[3].shown_if);

    let stored: NettskjemaDefinition =
        serde_json::from_value(serde_json::to_value(&known).expect("JSON")).expect("reads");
    assert_eq!(stored, known);
    let later = NettskjemaDefinition { generated: Some(jiff::Timestamp::UNIX_EPOCH), ..known.clone() };
    assert_eq!(later.canonical(), known.canonical());
    assert_ne!(versions[0].canonical(), versions[1].canonical());
}

#[test]
fn lines_combine_to_the_document_of_the_submission() {
    let groups = grouped(&lines());
    assert_eq!(groups.iter().map(|group| (group.first_line, group.lines)).collect::<Vec<_>>(), [(1, 14), (15, 1)]);
    let whole = json(API_V3);
    assert_eq!(groups[0].document["answers"], whole["answers"]);
    let known = definition(DEFINITION);
    let (first, document) = (sound(groups[0].parse("7", Some(&known))), sound(parse("7", &whole, Some(&known))));
    assert_eq!((first.answers, first.created, first.modified), (document.answers, document.created, document.modified));
    let second = sound(groups[1].parse("7", Some(&known)));
    assert_eq!(second.answers["feathers"], json!({"white": false, "brown": false}), "shown by the duck, not ticked");
    assert_eq!(second.answers["pain_sites"], json!({"back": false, "neck": false, "jaw": false}));
    assert_eq!(sound(groups[1].parse("7", None)).answers, *json!({"duck_or_horse": "duck"}).as_object().expect("one"));
    assert_eq!(
        parse("7", &lines()[0], None).expect_err("a part"),
        [Fault::at("submissionMetadata", FaultCode::Required)]
    );
}

#[test]
fn lines_refuse_the_neighbours_of_an_unreadable_line() {
    let known = definition(DEFINITION);
    let missing = [Fault::at("answers", FaultCode::Required)];
    let lines = lines();
    for broken in [Value::Null, json!({"elementId": 1}), json!({"submissionId": "x"})] {
        let mut gatherer = api_v3::Lines::default();
        for line in &lines[..3] {
            gatherer.push(line).1.expect("reads");
        }
        assert!(gatherer.push(&broken).1.is_err());
        for line in &lines[3..14] {
            gatherer.push(line).1.expect("reads");
        }
        let (group, taken) = gatherer.push(&lines[14]);
        taken.expect("reads");
        assert_eq!(group.expect("one").parse("7", Some(&known)).expect_err("torn"), missing);
        sound(gatherer.finish().expect("one").parse("7", Some(&known)));
        let again = gatherer.push(&lines[0]).1.expect_err("came before");
        assert_eq!(again, [Fault::at("submissionId", FaultCode::AlreadyExists)]);
    }
    // Between two submissions it may have belonged to either.
    let mut gatherer = api_v3::Lines::default();
    gatherer.push(&lines[0]).1.expect("reads");
    gatherer.push(&Value::Null).1.expect_err("no line");
    let (first, _) = gatherer.push(&lines[14]);
    for group in [first, gatherer.finish()] {
        assert_eq!(group.expect("one").parse("7", Some(&known)).expect_err("torn"), missing);
    }
    // The lines of one submission agree on its members.
    let mut gatherer = api_v3::Lines::default();
    gatherer.push(&lines[0]).1.expect("reads");
    let mut other = lines[1].clone();
    other["createdDate"] = json!("2026-06-01T20:57:16");
    let faults = gatherer.push(&other).1.expect_err("another time");
    assert_eq!(faults, [Fault::at("createdDate", FaultCode::Contradiction)]);
}

#[test]
fn lines_and_rows_of_other_programs_are_read() {
    let known = definition(DEFINITION);
    let lines = lines();
    assert_eq!(lines.iter().map(api_v3::line_of).collect::<Vec<_>>()[13..], [Some(27_685_292), Some(27_685_293)]);
    assert_eq!(api_v3::line_of(&json(API_V3)), None);
    let together = sound(api_v3::parse_lines("7", &lines[..14], Some(&known)));
    assert_eq!(together, sound(grouped(&lines)[0].parse("7", Some(&known))));
    let two = api_v3::parse_lines("7", &lines, Some(&known)).expect_err("two submissions");
    assert_eq!(two, [Fault::new("/14/submissionId", FaultCode::Contradiction)]);
    assert_eq!(api_v3::parse_lines("7", &[], None).expect_err("none"), [Fault::new("", FaultCode::Required)]);

    for text in [CSV, TABS] {
        let two: Vec<_> = text.split_inclusive('\n').take(2).collect();
        assert_eq!(csv_v1::parse_file("7", two.concat().as_bytes()).ok(), rows(text, None).remove(0).delivery.ok());
        for other in [two[0].to_owned(), format!("{}{}", two.concat(), two[1])] {
            let refused = csv_v1::parse_file("7", other.as_bytes()).expect_err("no row, or two");
            assert_eq!(refused, [Fault::new("", FaultCode::InvalidFormat)]);
        }
    }

    let row = rows(CSV, None).remove(0).document;
    for document in [&json(TSD), &json(API_V3), &lines[0], &row, &json(V1[0])] {
        assert_eq!(submission_of(document).as_deref(), Some("27685292"));
        assert_eq!(created_of(document).map(jiff::Timestamp::as_second), Some(together.created.as_second()));
    }
    assert_eq!((submission_of(&json!([])), created_of(&json!({"createdDate": 1}))), (None, None));
}

#[test]
fn parse_drops_names_and_addresses() {
    let delivery = sound(parse("7", &json(API_V3), Some(&definition(DEFINITION))));
    let kept = format!("{delivery:?} {:?}", delivery.answers);
    assert!(!kept.contains("Kari") && !kept.contains("example.org"), "{kept}");
}

#[test]
fn detect_returns_the_shape_of_every_document() {
    let shapes = [
        (json(TSD), Shape::Tsd),
        (json(API_V3), Shape::ApiV3),
        (lines().remove(0), Shape::ApiV3Line),
        (rows(CSV, None).remove(0).document, Shape::CsvV1Row),
        (json(V1[0]), Shape::V1),
        (json(V1[1]), Shape::V1),
    ];
    for (document, shape) in shapes {
        assert_eq!(Shape::detect(&document), Some(shape));
    }
    for document in [json!({}), json!([]), json!(null), json!({"answer": 1})] {
        assert_eq!(Shape::detect(&document), None);
        assert_eq!(parse("7", &document, None).expect_err("no shape"), [Fault::new("", FaultCode::UnknownVersion)]);
    }
}
