mod any;
mod native;
mod proposals;
mod recorded;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::questionnaire::Form;

const BASELINE: &str = include_str!("../../../tenants/templates/opr/forms/opr-baseline.toml");
const SHORT: &str = include_str!("../../../tenants/templates/opr/forms/opr-baseline-short.toml");

/// A form with a codebook that uses every kind of element.
const KINDS: &str = r#"
    code = "kinds"
    version = "1"
    title = { nb = "Slag", en = "Kinds" }
    wave = "project"
    instruments = ["isi"]
    items = [
        { code = "years", kind = { integer = { min = 0, max = 100 } }, label = { nb = "År", en = "Years" } },
        { code = "weight", kind = { decimal = { min = 0, max = 300, decimals = 1 } }, label = { nb = "Vekt", en = "Weight" } },
        { code = "pain_sites", kind = { multiple = { options = ["back", "neck"] } }, label = { nb = "Sted", en = "Site" } },
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
    "sleep.q2" = "isi_02"
"#;

/// The codebook of the first Nettskjema form that a form's document maps.
fn book(form: &Form) -> Codebook {
    form.codebook(&form.definition().nettskjema[0].form_id).expect("it is sound")
}

fn form(toml: &str) -> Form {
    Form::from_toml(toml).unwrap_or_else(|error| panic!("{error}"))
}

/// The documented example, with the identities of three different people.
fn example() -> Value {
    json!({
        "version": "2024-09", "version_minor": 2,
        "metadata": {
            "created": "2023-10-30T00:00:00+01:00", "answer_time": 26515, "submission_id": 29_246_211,
            "forwarded_to_form": 375_224, "number_of_attachments": 0,
            "respondent": {
                "provider": "idporten", "sub": "s", "personal_identifier": "15865523413", "user_name": "u", "task_id": "t",
                "representation": {
                    "representation_type": "PARENT", "name_authorizer": "A", "pid_authorizer": "20913990073",
                    "representative_name": "R", "representative_pid": "01818012337"
                }
            },
            "imported_from_legacy": true
        },
        "answers": {
            "duck_or_horse": "100_horses", "pain_sites": {"back": true, "neck": false},
            "isi": {"01": "3", "03": null}, "grid": {"row1": {"col1": true, "col2": false}},
            "years": 77.0, "weight": 70.5, "visit": "2024-01-01", "note": null, "agreed": "1"
        }
    })
}

/// The example after `change` at `pointer`: another value, or none at all.
fn changed(pointer: &str, value: Option<Value>) -> Value {
    let mut document = example();
    let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
    let parent = document.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    match value {
        Some(value) => parent.insert(member.to_owned(), value),
        None => parent.remove(member),
    };
    document
}

fn read(document: &Value) -> Delivery {
    tsd::parse("7", document).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn delivery(answers: &Value) -> Delivery {
    read(&changed("/answers", Some(answers.clone())))
}

fn refused(document: &Value) -> Vec<Fault> {
    tsd::parse("7", document).expect_err("must be refused")
}

#[test]
fn parse_reads_the_documented_example_in_three_versions() {
    for version in tsd::VERSIONS {
        let delivery = read(&changed("/version", Some(json!(version))));
        assert_eq!((delivery.form_id.as_str(), delivery.submission_id.as_str()), ("7", "29246211"));
        assert_eq!(delivery.created.to_string(), "2023-10-29T23:00:00Z");
        assert_eq!(delivery.answer_time_ms, Some(26515));
        assert_eq!(delivery.respondent.provider, Some(Provider::Idporten));
    }
}

#[test]
fn parse_reads_a_time_without_an_offset_as_norwegian_time() {
    for (text, instant) in [
        ("2026-06-01T20:57:15", "2026-06-01T18:57:15Z"),
        ("2026-01-01T00:00:00.5", "2025-12-31T23:00:00.5Z"),
        ("2026-06-01T20:57:15+00:00", "2026-06-01T20:57:15Z"),
    ] {
        assert_eq!(read(&changed("/metadata/created", Some(json!(text)))).created.to_string(), instant);
    }
}

#[test]
fn parse_reads_whole_numbers_in_any_spelling() {
    let text = example().to_string().replace("29246211", "29246211.0").replace("26515", "2.6515e4");
    let delivery = read(&serde_json::from_str(&text).expect("JSON"));
    assert_eq!((delivery.submission_id.as_str(), delivery.answer_time_ms), ("29246211", Some(26515)));
    for value in [json!("30,0"), json!("30.0"), json!("3e1"), json!(30.0), json!("30")] {
        let answers = delivery_of(&json!({"years": value, "duck_or_horse": "duck"}));
        assert_eq!(answers["years"], json!(30), "{value}");
    }
}

/// The answers through the codebook of the example.
fn delivery_of(answers: &Value) -> Map<String, Value> {
    delivery(answers).answers_for(&book(&form(KINDS))).unwrap_or_else(|faults| panic!("{faults:?}"))
}

#[test]
fn parse_reads_the_authorizer_as_patient_of_a_representation() {
    let delivery = read(&example());
    assert_eq!(delivery.respondent.patient.as_ref().map(GivenNationalId::expose), Some("20913990073"));
    assert_eq!(delivery.respondent.answered_by, AnsweredBy::Representative { kind: "PARENT".to_owned() });

    let delivery = read(&changed("/metadata/respondent/representation", None));
    assert_eq!(delivery.respondent.patient.as_ref().map(GivenNationalId::expose), Some("15865523413"));
    assert_eq!(delivery.respondent.answered_by, AnsweredBy::Patient);

    // The logged-in account is never used as the respondent.
    let place = "/metadata/respondent/representation/pid_authorizer";
    for nobody in [None, Some(Value::Null), Some(json!(""))] {
        assert_eq!(refused(&changed(place, nobody)), [Fault::new(place, FaultCode::Required)]);
    }
}

#[test]
fn parse_refuses_members_outside_the_schema() {
    use FaultCode::{InvalidDate, InvalidFormat, Required, UnknownItem, UnknownOption, UnknownVersion, WrongType};
    for (place, value, code) in [
        ("/version", Some(json!("2025-01")), UnknownVersion),
        ("/version", Some(json!(2024)), WrongType),
        ("/version", None, Required),
        ("/version_minor", None, Required),
        ("/version_minor", Some(json!(-1)), WrongType),
        ("/answers", None, Required),
        ("/answers", Some(json!([])), WrongType),
        ("/metadata", Some(Value::Null), Required),
        ("/signature", Some(json!("x")), UnknownItem),
        ("/metadata/created", None, Required),
        ("/metadata/created", Some(json!("2023-10-30")), InvalidDate),
        ("/metadata/created", Some(json!("2023-02-30T00:00:00Z")), InvalidDate),
        ("/metadata/answer_time", None, Required),
        ("/metadata/answer_time", Some(json!("26515")), WrongType),
        ("/metadata/submission_id", None, Required),
        ("/metadata/submission_id", Some(json!(1.5)), WrongType),
        ("/metadata/modified", Some(json!(1)), UnknownItem),
        ("/metadata/respondent/provider", Some(json!("bank")), UnknownOption),
        ("/metadata/respondent/email", Some(json!("x")), UnknownItem),
        ("/metadata/respondent/sub", Some(json!(1)), WrongType),
        ("/metadata/respondent/representation/representation_type", Some(json!("a b")), InvalidFormat),
        ("/metadata/respondent/representation/extra", Some(json!(1)), UnknownItem),
        ("/answers/a-b", Some(json!("x")), InvalidFormat),
        ("/answers/good\n", Some(json!("x")), InvalidFormat),
        ("/answers/isi/0  1", Some(json!("x")), InvalidFormat),
        ("/answers/grid/row1/col\n1", Some(json!(true)), InvalidFormat),
        ("/answers/duck_or_horse", Some(json!(true)), WrongType),
        ("/answers/duck_or_horse", Some(json!(["100_horses"])), WrongType),
        ("/answers/isi/01", Some(json!(3)), WrongType),
        ("/answers/grid/row1/col1", Some(json!("x")), WrongType),
    ] {
        assert_eq!(
            refused(&changed(place, value.clone())),
            [Fault::new(place.replace('\n', "\u{fffd}"), code)],
            "{place}"
        );
    }
    assert_eq!(refused(&json!([])), [Fault::new("", WrongType)]);
}

#[test]
fn parse_accepts_absent_or_null_optional_metadata() {
    for value in [None, Some(Value::Null)] {
        let delivery = read(&changed("/metadata/respondent", value));
        assert_eq!(delivery.respondent, Respondent { provider: None, patient: None, answered_by: AnsweredBy::Patient });
    }
}

#[test]
fn raw_answers_map_every_kind_of_element() {
    let delivery = read(&example());
    let raw = delivery.answers_for(&book(&form(KINDS))).expect("fits");
    let expected = json!({
        "animal": "100_horses", "pain_sites": {"back": true, "neck": false}, "isi_01": 3,
        "grid_row1": {"col1": true, "col2": false}, "years": 77, "weight": 70.5, "visit": "2024-01-01", "agreed": true
    });
    assert_eq!(Value::Object(raw), expected);
    let answers = delivery.parse_for(&book(&form(KINDS))).expect("valid");
    assert_eq!(answers.to_json(), expected);
    assert_eq!(answers.integer("years"), Some(77), "77.0 is a whole number");
}

#[test]
fn raw_answers_prefer_a_listed_path() {
    let form = form(KINDS);
    let raw = delivery(&json!({"sleep": {"q2": "4"}})).answers_for(&book(&form)).expect("fits");
    assert_eq!(Value::Object(raw), json!({"isi_02": 4}));
    let other = delivery(&json!({"isi": {"02": "4"}, "animal": "duck"}));
    assert_eq!(
        other.answers_for(&book(&form)).expect_err("must be refused"),
        [Fault::new("/answers/animal", FaultCode::UnknownItem), Fault::new("/answers/isi/02", FaultCode::UnknownItem)]
    );
}

#[test]
fn faults_point_into_the_delivered_document() {
    use FaultCode::{Contradiction, InvalidDate, OutOfRange, Required, UnknownItem, UnknownOption, WrongType};
    let wrong = delivery(&json!({
        "isi": {"01": "5", "04": "often", "05": "03", "06": {"a": true}, "09": "1"}, "sleep": {"q2": "9"},
        "isi_07": "1", "years": 4.5, "weight": "heavy", "visit": "1.1.2024", "agreed": "maybe",
        "pain_sites": {"toe": true}, "grid": {"row1": "x"}, "stranger": null, "note": {"a": "b"}
    }));
    let all = wrong.parse_for(&book(&form(KINDS))).expect_err("must be refused");
    let expected = [
        ("/answers/agreed", WrongType),
        ("/answers/duck_or_horse", Required),
        ("/answers/grid/row1", WrongType),
        ("/answers/isi/01", OutOfRange),
        ("/answers/isi/04", WrongType),
        ("/answers/isi/05", WrongType),
        ("/answers/isi/06", WrongType),
        ("/answers/isi/09", UnknownItem),
        ("/answers/note", WrongType),
        ("/answers/pain_sites/toe", UnknownOption),
        ("/answers/sleep/q2", OutOfRange),
        ("/answers/stranger", UnknownItem),
        ("/answers/visit", InvalidDate),
        ("/answers/weight", WrongType),
        ("/answers/years", WrongType),
    ];
    assert_eq!(all, expected.map(|(pointer, code)| Fault::new(pointer, code)));

    let twice = delivery(&json!({"isi": {"01": "1"}, "isi_01": "1", "duck_or_horse": "duck"}));
    assert_eq!(
        twice.answers_for(&book(&form(KINDS))).expect_err("must be refused"),
        [Fault::new("/answers/isi_01", Contradiction)]
    );
}

#[test]
fn raw_answers_refuse_another_nettskjema_form() {
    let delivery = read(&example());
    let nowhere = [Fault::new("", FaultCode::UnknownReference)];
    assert_eq!(delivery.answers_for(&book(&form(BASELINE))).expect_err("must be refused"), nowhere);
    assert_eq!(delivery.parse_for(&book(&form(BASELINE))).expect_err("must be refused"), nowhere);
}

#[test]
fn patient_is_read_from_the_national_id_element_without_respondent_only() {
    let form = form(KINDS);
    let fnr = json!({"fnr": "15865523413", "duck_or_horse": "duck"});
    let mut document = changed("/answers", Some(fnr));
    let both = read(&document);
    assert_eq!(both.patient_for(&book(&form)).as_ref().map(GivenNationalId::expose), Some("20913990073"));
    assert_eq!(
        both.answers_for(&book(&form)).expect_err("two patients in one delivery"),
        [Fault::new("/answers/fnr", FaultCode::Contradiction)]
    );
    document.pointer_mut("/metadata").and_then(Value::as_object_mut).map(|metadata| metadata.remove("respondent"));
    let open = read(&document);
    assert_eq!(open.patient_for(&book(&form)).as_ref().map(GivenNationalId::expose), Some("15865523413"));
    let answers = open.parse_for(&book(&form)).expect("valid");
    assert_eq!(answers.to_json(), json!({"animal": "duck"}), "the number is no answer");
}

#[test]
fn raw_answers_skip_ignored_elements() {
    let form = form(KINDS);
    let mut mapping = form.definition().nettskjema[0].clone();
    for path in ["upload", "name", "grid.row2"] {
        mapping.keys.insert(path.to_owned(), IGNORED_TARGET.to_owned());
    }
    let book = Codebook::new(&form, mapping).expect("sound");
    let delivery = delivery(&json!({
        "upload": {"original_filename": "a", "file_id": "b"}, "name": "N", "duck_or_horse": "duck",
        "grid": {"row1": {"col1": true}, "row2": {"col1": true}}
    }));
    let raw = delivery.answers_for(&book).expect("fits");
    assert_eq!(Value::Object(raw), json!({"animal": "duck", "grid_row1": {"col1": true}}));
    assert_eq!(delivery.answers_for(&self::book(&form)).expect_err("unknown to the other").len(), 4);
}

#[test]
fn debug_shows_neither_answers_nor_identity() {
    let shown = format!("{:?}", read(&example()));
    for secret in ["20913990073", "15865523413", "01818012337", "100_horses"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("29246211"));
}

#[test]
fn raw_answers_require_the_reason_of_the_short_form() {
    let form = form(SHORT);
    let document = changed("/answers", Some(json!({"eq5d_mo": "1", "nrs_now": 4})));
    let delivery = tsd::parse("1000002", &document).expect("reads");
    assert_eq!(
        delivery.parse_for(&book(&form)).expect_err("must be refused"),
        [Fault::new("/answers/kortversjon_aarsak", FaultCode::Required)]
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[0-5]|.{0,6}".prop_map(Value::from),
    ];
    let key = "version|version_minor|metadata|answers|created|answer_time|submission_id|respondent|representation|isi|fnr|0[1-7]|.{0,4}";
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn parse_never_panics_on_documents(document in any_json()) {
        if let Err(faults) = tsd::parse("7", &document) {
            prop_assert!(!faults.is_empty() && faults.is_sorted());
        }
    }

    #[test]
    fn raw_answers_never_panic(answers in any_json(), metadata in any_json()) {
        let form = form(KINDS);
        let mut document = changed("/answers", Some(answers));
        if let Ok(delivery) = tsd::parse("7", &document) {
            let raw = delivery.answers_for(&book(&form));
            let parsed = delivery.parse_for(&book(&form));
            prop_assert!(raw.is_ok() || parsed.is_err(), "what cannot be mapped cannot be valid");
            delivery.patient_for(&book(&form));
        }
        document["metadata"] = metadata;
        let _ = tsd::parse("7", &document);
    }

    #[test]
    fn raw_answers_read_integers_as_text_and_as_number(value in 0..=4_i32) {
        let form = form(KINDS);
        let answers = json!({"duck_or_horse": "duck", "years": f64::from(value), "isi": {"01": value.to_string()}});
        let answers = delivery(&answers).parse_for(&book(&form)).expect("valid");
        prop_assert_eq!(answers.integer("years"), Some(value));
        prop_assert_eq!(answers.integer("isi_01"), Some(value));
    }
}
