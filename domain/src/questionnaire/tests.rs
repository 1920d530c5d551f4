use proptest::prelude::*;
use serde_json::json;
use strum::IntoEnumIterator;

use super::*;

mod conditions;
mod fhir;
mod properties;
mod versions;

const TEMPLATES: [&str; 6] = [
    include_str!("../../../tenants/templates/opr/forms/opr-baseline.toml"),
    include_str!("../../../tenants/templates/opr/forms/opr-baseline-short.toml"),
    include_str!("../../../tenants/templates/opr/forms/opr-follow-up-short.toml"),
    include_str!("../../../tenants/templates/opr/forms/opr-follow-up-full.toml"),
    include_str!("../../../tenants/templates/opr/forms/opr-rf.toml"),
    include_str!("../../../tenants/templates/opr/forms/opr-scs.toml"),
];

const EVERY_KIND: &str = r#"
    code = "every-kind"
    version = "1"
    title = { nb = "Alle slag", en = "Every kind" }
    wave = "project"
    instruments = ["isi"]

    [[items]]
    code = "count"
    kind.integer = { min = 0, max = 18 }
    label = { nb = "Antall", en = "Count" }

    [[items]]
    code = "weight"
    kind.decimal = { min = -5, max = 300.25, decimals = 2 }
    label = { nb = "Vekt", en = "Weight" }

    [[items]]
    code = "reason"
    kind.choice.options = ["a", "b"]
    required = true
    label = { nb = "Grunn", en = "Reason" }

    [[items]]
    code = "sites"
    kind.multiple.options = ["neck", "back", "knee"]
    label = { nb = "Steder", en = "Sites" }

    [[items]]
    code = "since"
    kind = "date"
    label = { nb = "Siden", en = "Since" }

    [[items]]
    code = "agreed"
    kind = "boolean"
    label = { nb = "Enig", en = "Agreed" }

    [[items]]
    code = "note"
    kind.text.max_length = 5
    required = true
    label = { nb = "Merknad", en = "Note" }
"#;

fn form(toml: &str) -> Form {
    Form::from_toml(toml).unwrap_or_else(|error| panic!("{error}"))
}

fn every_kind() -> Form {
    form(EVERY_KIND)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

fn faults(form: &Form, raw: Value) -> Vec<(String, FaultCode)> {
    let faults = form.parse(&object(raw)).expect_err("must be refused");
    faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

/// The faults of a definition, after `change`.
fn refused(change: impl FnOnce(&mut Definition)) -> Vec<(String, FaultCode)> {
    let mut definition = every_kind().definition().clone();
    change(&mut definition);
    let faults = Form::new(definition).expect_err("must be refused");
    faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

#[test]
fn template_forms_cover_every_wave() {
    let forms: Vec<Form> = TEMPLATES.into_iter().map(form).collect();
    let full = Wave::FollowUpFull;
    let waves: Vec<Wave> = forms.iter().map(Form::wave).collect();
    assert_eq!(waves, [Wave::Baseline, Wave::BaselineShort, Wave::FollowUpShort, full, full, full]);
    let items: Vec<usize> = forms.iter().map(|form| form.item_codes().count()).collect();
    assert_eq!(items, [148, 11, 7, 127, 27, 38]);
    for (form, id) in forms.iter().zip(["1000001", "1000002", "1000003", "1000004", "1000005", "1000006"]) {
        assert!(form.codebook(id).is_some(), "{id}");
    }
}

#[test]
fn form_round_trips_through_json() {
    for template in TEMPLATES.into_iter().chain([EVERY_KIND]) {
        let form = form(template);
        let stored = serde_json::to_value(&form).expect("serializes");
        assert_eq!(serde_json::from_value::<Form>(stored.clone()).expect("reads"), form);
        assert_eq!(Form::from_json(&stored).expect("reads"), form);
        assert_eq!(serde_json::to_value(Form::from_json(&stored).expect("reads")).expect("serializes"), stored);
    }
    let mut stored = serde_json::to_value(every_kind()).expect("serializes");
    if let Some(version) = stored.get_mut("version") {
        *version = json!("1 2");
    }
    assert!(matches!(Form::from_json(&stored), Err(FormError::Faulty(_))));
    assert!(serde_json::from_value::<Form>(stored).is_err());
}

#[test]
fn form_refuses_unknown_members_at_every_level() {
    for (from, to) in [
        ("wave = \"project\"", "wave = \"project\"\nwaves = 1"),
        ("wave = \"project\"", "wave = \"sometimes\""),
        ("max = 18 }", "max = 18, step = 2 }"),
        ("kind = \"date\"", "kind = \"date\"\nvisible = true"),
        ("kind = \"date\"", "kind = \"day\""),
        ("en = \"Since\"", "en = \"Since\", se = 1"),
        ("kind = \"date\"", "kind = \"date\"\nvisible_if.answered = { code = \"count\" }"),
        ("kind = \"date\"", "kind = \"date\"\nvisible_if.none = []"),
    ] {
        let toml = EVERY_KIND.replacen(from, to, 1);
        assert_ne!(toml, EVERY_KIND);
        assert!(matches!(Form::from_toml(&toml), Err(FormError::Toml(_))), "{to}");
    }
}

#[test]
fn faults_name_every_fault_of_a_definition() {
    use FaultCode::{
        AlreadyExists, Contradiction, ForbiddenCharacter, InvalidFormat, OutOfRange, Required, TooLong,
        UnknownReference,
    };
    let one = |pointer: &str, code| vec![(pointer.to_owned(), code)];
    assert_eq!(refused(|d| d.code = "Every".to_owned()), one("/code", InvalidFormat));
    assert_eq!(refused(|d| d.version = String::new()), one("/version", InvalidFormat));
    assert_eq!(refused(|d| d.title.nb = " ".to_owned()), one("/title/nb", Required));
    assert_eq!(refused(|d| d.title.en = "a\0b".to_owned()), one("/title/en", ForbiddenCharacter));
    assert_eq!(refused(|d| d.title.en = "x".repeat(201)), one("/title/en", TooLong));
    assert_eq!(refused(|d| d.instruments = vec!["isi9".to_owned()]), one("/instruments/0", UnknownReference));
    assert_eq!(
        refused(|d| d.instruments = vec!["isi".to_owned(), "isi".to_owned()]),
        one("/instruments/1", AlreadyExists)
    );
    let with = |kind: ItemKind| refused(|d| d.items.iter_mut().take(1).for_each(|item| item.kind = kind.clone()));
    let options = |options: &[&str]| options.iter().map(|option| (*option).to_owned()).collect::<Vec<_>>();
    assert_eq!(with(ItemKind::Integer { min: 2, max: 1 }), one("/items/0/kind/integer/max", OutOfRange));
    assert_eq!(
        with(ItemKind::Decimal { min: 0.0, max: 0.125, decimals: 2 }),
        one("/items/0/kind/decimal/max", OutOfRange)
    );
    assert_eq!(
        with(ItemKind::Decimal { min: f64::NEG_INFINITY, max: 1.0, decimals: 0 }),
        one("/items/0/kind/decimal/min", OutOfRange)
    );
    assert_eq!(
        with(ItemKind::Decimal { min: 0.0, max: 1.0, decimals: 7 }),
        one("/items/0/kind/decimal/decimals", OutOfRange)
    );
    assert_eq!(with(ItemKind::Choice { options: vec![] }), one("/items/0/kind/choice/options", Required));
    assert_eq!(
        with(ItemKind::Multiple { options: options(&["a", "a"]) }),
        one("/items/0/kind/multiple/options/1", AlreadyExists)
    );
    let own_keys = ["1", "-1", "3-4 dager", "Å", "a.b", "a/b~c", "'"];
    let mut definition = form(EVERY_KIND).definition().clone();
    definition.items.truncate(1);
    definition.instruments.clear();
    definition.nettskjema.clear();
    definition.items[0].kind = ItemKind::Choice { options: options(&own_keys) };
    assert_eq!(Form::new(definition).err(), None);
    for invisible in ["", " a", "a ", "a  b", "a\tb", "a\u{a0}b", "a\u{7}", "A\u{30a}"] {
        let refused = with(ItemKind::Choice { options: options(&[invisible]) });
        assert_eq!(refused, one("/items/0/kind/choice/options/0", InvalidFormat), "{invisible:?}");
    }
    assert_eq!(with(ItemKind::Text { max_length: 0 }), one("/items/0/kind/text/max_length", OutOfRange));
    assert_eq!(
        refused(|d| d.items.iter_mut().take(1).for_each(|item| item.code = "isi_03".to_owned())),
        one("/items/0/code", AlreadyExists)
    );
    assert_eq!(
        refused(|d| {
            d.instruments.clear();
            d.items.clear();
        }),
        one("/items", Required)
    );
    let mapped = |keys: &[(&str, &str)]| {
        let keys = keys.iter().map(|(path, target)| ((*path).to_owned(), (*target).to_owned())).collect();
        refused(|d| d.nettskjema.push(Mapping { form_id: "1".to_owned(), keys }))
    };
    assert_eq!(mapped(&[("a", "isi_99")]), one("/nettskjema/0/keys/a", UnknownReference));
    assert_eq!(mapped(&[("a", "@nobody")]), one("/nettskjema/0/keys/a", UnknownReference));
    assert_eq!(mapped(&[("a", "isi_01"), ("b.c", "isi_01")]), one("/nettskjema/0/keys/b.c", Contradiction));
    assert_eq!(mapped(&[("a.b.c", "isi_01")]), one("/nettskjema/0/keys/a.b.c", InvalidFormat));
    assert_eq!(
        refused(|d| d.nettskjema.push(Mapping { form_id: "x1".to_owned(), keys: std::collections::BTreeMap::new() })),
        one("/nettskjema/0/form_id", InvalidFormat)
    );
    let several = refused(|d| {
        d.code.clear();
        d.version.clear();
    });
    assert_eq!(several.len(), 2, "every fault is reported");
}

#[test]
fn parse_returns_canonical_answers_of_every_kind() {
    let form = every_kind();
    let raw = json!({
        "since": "2024-02-29", "weight": 4.50, "agreed": false, "note": "æøåæø", "reason": "b", "count": null,
        "sites": {"neck": false, "back": true, "knee": null}, "isi_07": 4, "isi_01": 0
    });
    let answers = form.parse(&object(raw)).expect("valid");
    let canonical = json!({
        "agreed": false, "isi_01": 0, "isi_07": 4, "note": "æøåæø", "reason": "b", "since": "2024-02-29",
        "sites": {"back": true, "neck": false}, "weight": 4.5
    });
    assert_eq!(answers.to_json(), canonical);
    assert_eq!(
        answers.to_json().to_string(),
        concat!(
            r#"{"agreed":false,"isi_01":0,"isi_07":4,"note":"æøåæø","reason":"b","since":"2024-02-29","#,
            r#""sites":{"back":true,"neck":false},"weight":4.5}"#
        )
    );
    assert_eq!((answers.answered(), answers.is_empty()), (8, false));
    assert_eq!(answers.choice("reason"), Some("b"));
    assert_eq!(
        (answers.integer("isi_07"), answers.integer("isi_02"), answers.integer("nothing")),
        (Some(4), None, None)
    );
}

#[test]
fn parse_reports_every_fault_with_its_place() {
    use FaultCode::{InvalidDate, OutOfRange, Required, TooLong, UnknownItem, UnknownOption, WrongType};
    let all = faults(
        &every_kind(),
        json!({
            "isi_01": 5, "isi_02": "3", "isi_03": 2.5, "isi_04": true, "isi_05": u64::MAX, "isi_08": 1, "a/b": 1,
            "count": -1, "weight": 300.26, "reason": "c", "sites": {"neck": 1, "toe": true}, "since": "2023-02-29",
            "agreed": "yes", "note": "abcdef"
        }),
    );
    let expected = [
        ("/agreed", WrongType),
        ("/a~1b", UnknownItem),
        ("/count", OutOfRange),
        ("/isi_01", OutOfRange),
        ("/isi_02", WrongType),
        ("/isi_03", WrongType),
        ("/isi_04", WrongType),
        ("/isi_05", OutOfRange),
        ("/isi_08", UnknownItem),
        ("/note", TooLong),
        ("/reason", UnknownOption),
        ("/since", InvalidDate),
        ("/sites/neck", WrongType),
        ("/sites/toe", UnknownOption),
        ("/weight", OutOfRange),
    ];
    assert_eq!(all, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
    assert_eq!(
        faults(&every_kind(), json!({"note": "", "reason": null})),
        [("/note".to_owned(), Required), ("/reason".to_owned(), Required)]
    );
    assert_eq!(
        faults(&every_kind(), json!({"note": "a\0", "reason": "a"})),
        [("/note".to_owned(), FaultCode::ForbiddenCharacter)]
    );
}

#[test]
fn parse_composes_letters_and_reads_whole_numbers_in_any_spelling() {
    let form = every_kind();
    let read = |raw: Value| form.parse(&object(raw)).unwrap_or_else(|faults| panic!("{faults:?}"));
    let composed = read(json!({"note": "bl\u{e5} b", "reason": "a", "isi_01": 2, "count": 3}));
    let decomposed = read(json!({"note": "bla\u{30a} b", "reason": "a", "isi_01": 2.0, "count": 3.0}));
    assert_eq!((composed.to_json(), &composed), (decomposed.to_json(), &decomposed));
}

#[test]
fn parse_accepts_one_format_of_dates() {
    for text in ["20240101", "2024-1-1", "2024-01-01T00:00", "2024-13-01", "2024-01-01 ", "+024-01-01", "", "２０２４"]
    {
        assert_eq!(
            faults(&every_kind(), json!({"note": "x", "reason": "a", "since": text})),
            [("/since".to_owned(), FaultCode::InvalidDate)],
            "{text}"
        );
    }
}

#[test]
fn parse_keeps_decimals_exact() {
    let form = every_kind();
    let weigh = |raw: Value| form.parse(&object(json!({"note": "x", "reason": "a", "weight": raw})));
    for (raw, canonical) in [
        (json!(4.35), "4.35"),
        (json!(4), "4"),
        (json!(4.0), "4"),
        (json!(-0.05), "-0.05"),
        (json!(-0.0), "0"),
        (json!(300.25), "300.25"),
        (json!(1e2), "100"),
    ] {
        let answers = weigh(raw).expect("valid");
        assert_eq!(answers.to_json().get("weight").map(Value::to_string).as_deref(), Some(canonical));
    }
    for (raw, code) in [
        (json!(4.351), FaultCode::InvalidFormat),
        (json!(1e-7), FaultCode::InvalidFormat),
        (json!(-5.01), FaultCode::OutOfRange),
        (json!(1e300), FaultCode::OutOfRange),
        (json!(u64::MAX), FaultCode::OutOfRange),
        (json!("4.35"), FaultCode::WrongType),
    ] {
        assert_eq!(weigh(raw).expect_err("must be refused"), [Fault::new("/weight", code)]);
    }
}

#[test]
fn parse_distinguishes_unticked_and_not_shown() {
    let form = every_kind();
    let sites = |raw: Value| {
        let answers = form.parse(&object(json!({"note": "x", "reason": "a", "sites": raw}))).expect("valid");
        answers.to_json().get("sites").cloned()
    };
    assert_eq!(sites(json!({"neck": false})), Some(json!({"neck": false})));
    assert_eq!(sites(json!({"neck": null})), None);
    assert_eq!(sites(json!({})), None);
}

#[test]
fn scores_cover_instruments_with_an_answer_only() {
    let form = form(TEMPLATES[0]);
    let score = |raw: Value| {
        let answers = form.parse(&object(raw)).expect("valid");
        let scores = form.score(&answers).into_iter();
        scores.map(|scores| serde_json::to_value(scores).expect("serializes")["instrument"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(score(json!({})), Vec::<Value>::new());
    assert_eq!(score(json!({"education": "primary"})), Vec::<Value>::new());
    assert_eq!(score(json!({"isi_07": 0, "nrs_now": 3})), [json!("nrs"), json!("isi")]);
    let empty = form.parse(&Map::new()).expect("valid");
    assert!(empty.is_empty());
}

#[test]
fn scores_equal_those_of_the_instruments() {
    let form = form(TEMPLATES[0]);
    let isi =
        object(json!({"isi_01": 1, "isi_02": 2, "isi_03": 3, "isi_04": 4, "isi_05": 0, "isi_06": 1, "isi_07": 2}));
    let answers = form.parse(&isi).expect("valid");
    let instrument = Catalogue::shipped().find("isi").expect("in the catalogue");
    let alone = instrument.score(&[1, 2, 3, 4, 0, 1, 2].map(Some), &Options::default());
    let expected = serde_json::to_value([alone]).expect("serializes");
    assert_eq!(serde_json::to_value(form.score(&answers)).expect("serializes"), expected);

    // Another form's answers are carried over by item code, where they fit.
    let other = every_kind();
    let mut raw = isi;
    raw.insert("note".to_owned(), json!("x"));
    raw.insert("reason".to_owned(), json!("a"));
    let answers = other.parse(&raw).expect("valid");
    assert_eq!(serde_json::to_value(form.score(&answers)).expect("serializes"), expected);
}

#[test]
fn debug_redacts_answers() {
    let answers = every_kind().parse(&object(json!({"note": "hemme", "reason": "b", "isi_03": 4}))).expect("valid");
    assert_eq!(format!("{answers:?}"), r#"Answers { form: "every-kind", version: "1", answered: 3, .. }"#);
}

#[test]
fn wave_has_one_spelling() {
    for wave in Wave::iter() {
        let word: &str = wave.into();
        assert_eq!(serde_json::to_value(wave).expect("serializes"), json!(word));
        assert_eq!(word.parse::<Wave>(), Ok(wave));
    }
    assert_eq!(<&str>::from(Wave::FollowUpShort), "follow_up_short");
}
