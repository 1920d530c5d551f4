//! Languages, what differs between versions of forms and of answers, the two parts of answers, and forms as files.

use super::conditions::{random_answers, random_form, shown};
use super::*;

#[test]
fn faults_name_missing_words_of_declared_languages() {
    use FaultCode::{AlreadyExists, InvalidFormat, Required, UnknownOption, UnknownReference};
    let pointers = |change: &dyn Fn(&mut Definition), code| {
        let faults = refused(change);
        assert!(faults.iter().all(|fault| fault.1 == code), "{faults:?}");
        faults.into_iter().map(|fault| fault.0).collect::<Vec<_>>()
    };
    let declared = |language: &str| {
        let language = language.to_owned();
        move |d: &mut Definition| d.languages.push(language.clone())
    };
    let missing = pointers(&declared("se"), Required);
    assert_eq!(missing.len(), 8, "the title and seven labels");
    assert!(missing.contains(&"/title/se".to_owned()) && missing.contains(&"/items/6/label/se".to_owned()));
    let undeclared = |d: &mut Definition| {
        d.items[0].label.other.insert("se".to_owned(), "Lohku".to_owned());
    };
    assert_eq!(pointers(&undeclared, UnknownReference), ["/items/0/label/se"]);
    assert_eq!(pointers(&declared("nb"), AlreadyExists), ["/languages/0"]);
    for wrong in ["", "SE", "norsk", "zh_CN", "zh-", "a"] {
        let faults = refused(declared(wrong));
        assert!(faults.contains(&("/languages/0".to_owned(), InvalidFormat)), "{wrong}: {faults:?}");
    }
    let label = |d: &mut Definition| {
        d.items[2].option_labels.insert("a".to_owned(), d.title.clone());
    };
    assert_eq!(pointers(&label, Required), ["/items/2/option_labels/b"]);
    let label = |d: &mut Definition| {
        d.items[0].option_labels.insert("a".to_owned(), d.title.clone());
    };
    assert_eq!(pointers(&label, UnknownOption), ["/items/0/option_labels/a"]);

    let mut complete = every_kind().definition().clone();
    complete.languages = vec!["se".to_owned(), "zh-Hant-TW".to_owned()];
    let labels = complete.items.iter_mut().map(|item| &mut item.label);
    for words in labels.chain([&mut complete.title]) {
        words.other = complete.languages.iter().map(|language| (language.clone(), language.clone())).collect();
    }
    let stored = serde_json::to_value(Form::new(complete).expect("complete")).expect("serializes");
    assert_eq!(stored["items"][0]["label"]["zh-Hant-TW"], json!("zh-Hant-TW"));
    assert_eq!(serde_json::to_value(Form::from_json(&stored).expect("reads")).expect("serializes"), stored);
}

#[test]
fn free_text_separates_and_joined_restores() {
    let form = every_kind();
    let answers = form.parse(&object(json!({"note": "æ", "reason": "b", "isi_03": 4}))).expect("valid");
    assert_eq!(answers.coded(), json!({"reason": "b", "isi_03": 4}));
    assert_eq!(answers.free_text(), Some(json!({"note": "æ"})));
    assert_eq!(form.joined(answers.coded(), answers.free_text()).expect("valid"), answers);
    assert!(form.joined(answers.coded(), None).is_err(), "the note is required");
    assert!(form.joined(json!([]), None).is_err());
    let short = super::form(TEMPLATES[2]);
    assert_eq!(short.parse(&object(json!({"pgic": 1}))).expect("valid").free_text(), None);
}

#[test]
fn answer_differences_list_items() {
    let form = every_kind();
    let parse = |raw: Value| form.parse(&object(raw)).expect("valid");
    let before = parse(json!({"note": "x", "reason": "a", "isi_01": 1, "sites": {"neck": false}, "count": 2}));
    let after = parse(json!({"note": "x", "reason": "b", "isi_01": 1, "sites": {"neck": true}, "agreed": false}));
    assert_eq!(before.differences(&before), []);
    assert_eq!(
        serde_json::to_value(before.differences(&after)).expect("serializes"),
        json!([
            {"item": "agreed", "after": false},
            {"item": "count", "before": 2},
            {"item": "reason", "before": "a", "after": "b"},
            {"item": "sites", "before": {"neck": false}, "after": {"neck": true}},
        ])
    );
}

#[test]
fn differences_list_parts_of_two_versions() {
    let before = every_kind();
    let mut definition = before.definition().clone();
    definition.version = "2".to_owned();
    definition.title.en = "All kinds".to_owned();
    definition.instruments = vec!["pgic".to_owned(), "isi".to_owned()];
    definition.items.remove(5);
    definition.items.swap(0, 1);
    definition.items[2].required = false;
    definition.items[4].visible_if = Some(Condition::Answered { item: "count".to_owned() });
    let after = Form::new(definition).expect("sound");
    assert_eq!(before.differences(&before), []);
    let common = ["count", "weight", "reason", "sites", "since", "note"];
    let moved = ["weight", "count", "reason", "sites", "since", "note"];
    assert_eq!(
        serde_json::to_value(before.differences(&after)).expect("serializes"),
        json!([
            {"pointer": "/instruments/pgic", "after": "pgic"},
            {"pointer": "/items", "before": common, "after": moved},
            {"pointer": "/items/agreed", "before": before.definition().items[5]},
            {"pointer": "/items/reason/required", "before": true, "after": false},
            {"pointer": "/items/since/visible_if", "after": {"answered": {"item": "count"}}},
            {"pointer": "/title", "before": {"nb": "Alle slag", "en": "Every kind"},
             "after": {"nb": "Alle slag", "en": "All kinds"}},
        ])
    );
}

#[test]
fn file_with_a_wrong_digest_is_refused() {
    for template in TEMPLATES.into_iter().chain([EVERY_KIND]) {
        let form = form(template);
        let file = serde_json::to_value(FormFile::from(&form)).expect("serializes");
        let read = |file: &Value| serde_json::from_value::<FormFile>(file.clone()).expect("reads").definition();
        assert_eq!(Form::new(read(&file).expect("whole")).expect("sound"), form);
        for (pointer, fault) in [
            ("/definition/title/en", Fault::new("/digest", FaultCode::InvalidChecksum)),
            ("/digest", Fault::new("/digest", FaultCode::InvalidChecksum)),
            ("/format", Fault::new("/format", FaultCode::UnknownVersion)),
        ] {
            let mut changed = file.clone();
            *changed.pointer_mut(pointer).expect("is there") = json!("changed");
            assert_eq!(read(&changed).expect_err("changed"), [fault]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn digest_ignores_the_order_of_keys(form in random_form(), answers in random_answers(), turn in 0..12_usize) {
        let (raw, _) = shown(&form, answers);
        let mut members: Vec<_> = raw.iter().rev().map(|(code, value)| format!("\"{code}\":{value}")).collect();
        let turn = turn.min(members.len());
        members.rotate_left(turn);
        let text = format!("{{{}}}", members.join(","));
        let other = form.parse(&serde_json::from_str(&text).expect("an object")).expect("valid");
        let one = form.parse(&raw).expect("valid");
        prop_assert_eq!(&one, &other);
        prop_assert_eq!(one.differences(&other), vec![]);
        let canonical = one.to_json();
        prop_assert_eq!(form.parse(canonical.as_object().expect("object")).expect("valid"), one);
    }

    #[test]
    fn form_round_trips_through_a_file(form in random_form()) {
        let file = serde_json::to_value(FormFile::from(&form)).expect("serializes");
        let read: FormFile = serde_json::from_value(file).expect("reads");
        prop_assert_eq!(Form::new(read.definition().expect("whole")).expect("sound"), form);
    }

    #[test]
    fn differences_list_changes_in_both_directions(one in random_form(), other in random_form()) {
        let there = one.differences(&other);
        let back = other.differences(&one);
        prop_assert_eq!(there.is_empty(), one == other);
        let turned: Vec<_> =
            back.into_iter().map(|FormChange { pointer, before, after }| FormChange { pointer, before: after, after: before }).collect();
        prop_assert_eq!(there, turned);
    }
}
