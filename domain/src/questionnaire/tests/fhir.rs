//! Forms and answers as FHIR resources and back; that others take them for FHIR is tested with an independent validator.

use super::super::fhir::Style;
use super::conditions::{CHAIN, random_answers, random_form, shown};
use super::properties::{any_value, valid_answers};
use super::*;

const STYLE: Style<'_> = Style { base: "https://registry.example/forms", status: "active", language: "nb" };

fn bare(toml: &str) -> Definition {
    let mut definition = form(toml).definition().clone();
    definition.nettskjema.clear();
    definition
}

fn read(resource: &Value) -> Definition {
    Definition::from_questionnaire(resource).unwrap_or_else(|faults| panic!("{faults:?}\n{resource:#}"))
}

/// The faults of a questionnaire, after `change`.
fn lost(toml: &str, change: impl FnOnce(&mut Value)) -> Vec<(String, FaultCode)> {
    let mut resource = bare(toml).to_questionnaire(&STYLE);
    change(&mut resource);
    let faults = Definition::from_questionnaire(&resource).expect_err("must be refused");
    faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

/// Sets the value at a pointer, as a new member if needed.
fn set(resource: &mut Value, pointer: &str, value: Value) {
    let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
    let parent = resource.pointer_mut(parent).unwrap_or_else(|| panic!("{parent} leads somewhere"));
    match parent {
        Value::Array(list) => list.insert(member.parse().expect("an index"), value),
        parent => parent[member] = value,
    }
}

#[test]
fn fhir_forms_round_trip() {
    for toml in TEMPLATES.into_iter().chain([EVERY_KIND, CHAIN]) {
        for (language, status) in [("nb", "active"), ("en", "retired")] {
            let definition = bare(toml);
            assert_eq!(read(&definition.to_questionnaire(&Style { status, language, ..STYLE })), definition);
        }
    }
    let mut full = bare(EVERY_KIND);
    full.languages = vec!["pl".to_owned(), "se".to_owned()];
    let words = Words {
        nb: "Ord".to_owned(),
        en: "Words".to_owned(),
        other: full.languages.iter().map(|language| (language.clone(), format!("{language}!"))).collect(),
    };
    full.title = words.clone();
    for item in &mut full.items {
        item.label = words.clone();
        item.help = Some(words.clone());
        item.option_labels = item.kind.options().iter().map(|option| (option.clone(), words.clone())).collect();
    }
    let full = Form::new(full).expect("sound").definition().clone();
    assert_eq!(read(&full.to_questionnaire(&STYLE)), full);
}

#[test]
fn fhir_conditions_use_enable_when_or_fhirpath() {
    let resource = bare(CHAIN).to_questionnaire(&STYLE);
    let at = |pointer: &str| resource.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(at("/item/1/enableWhen"), json!([{"question": "pgic", "operator": ">=", "answerInteger": 5}]));
    assert_eq!(at("/item/1/extension"), Value::Null);
    let ticked = json!([{"question": "kinds.other", "operator": "=", "answerBoolean": true}]);
    assert_eq!(at("/item/0/item/2/enableWhen"), ticked);
    // One of two, and something else beside: no list of FHIR's can say it.
    assert_eq!(at("/item/1/item/1/enableWhen"), Value::Null);
    let answers = |link: &str| format!("%resource.descendants().where(linkId = '{link}').answer.value");
    assert_eq!(
        at("/item/1/item/1/extension/0/valueExpression"),
        json!({"language": "text/fhirpath", "expression": format!(
            "({}.exists() and ({}.where($this = 3).exists() or {2}.where($this = 4).exists()))",
            answers("isi_01"), answers("isi_02"), answers("isi_02")
        )})
    );
    let exact = r#"{"all":[{"answered":{"item":"isi_01"}},{"one_of":{"item":"isi_02","values":[3,4]}}]}"#;
    assert_eq!(at("/item/1/item/1/extension/1/valueString"), exact);
}

#[test]
fn fhir_read_names_unsupported_parts() {
    use FaultCode::{Contradiction, InvalidFormat, UnknownItem, UnknownOption};
    for (pointer, value, code) in [
        ("/date", json!("2026-01-01"), UnknownItem),
        ("/item/0/item/3/item/0/text", json!("Somebody's wording"), Contradiction),
        ("/item/0/item/3/item/0/extension/1/valueInteger", json!(9), Contradiction),
        ("/item/0/item/0/initial", json!([{"valueBoolean": true}]), UnknownItem),
        ("/item/0/item/0/repeats", json!(true), UnknownItem),
        ("/item/0/item/0/type", json!("quantity"), UnknownOption),
        ("/item/0/item/0/maxLength", json!(3), UnknownItem),
        ("/item/0/item/1/enableWhen", json!("x"), InvalidFormat),
        ("/item/0/item/1/enableWhen/0/operator", json!("!="), InvalidFormat),
        ("/item/1/item/1/extension/1/valueString", json!("{}"), InvalidFormat),
        ("/item/1/item/1/extension/0/valueExpression/expression", json!("true"), Contradiction),
        ("/item/0/item/3/item/0/enableWhen", json!([]), UnknownItem),
        ("/contained", json!([{}]), UnknownItem),
        ("/copyright", json!("Free for all"), Contradiction),
        ("/status", json!("open"), UnknownOption),
        ("/url", json!("https://elsewhere.example/Sleep"), InvalidFormat),
        ("/code/0/code", json!("never"), UnknownOption),
    ] {
        let faults = lost(CHAIN, |resource| set(resource, pointer, value));
        let near = |place: &str| pointer.starts_with(place) && place.len() > 1;
        assert!(faults.iter().any(|(place, fault)| near(place) && *fault == code), "{pointer}: {faults:?}");
    }
    let nested = json!({"linkId": "inner", "type": "group", "item": [{"linkId": "x", "type": "date"}]});
    let faults = lost(CHAIN, |resource| set(resource, "/item/0/item/0", nested));
    assert!(faults.contains(&("/item/0/item/0".to_owned(), UnknownItem)), "{faults:?}");
    let whole = Definition::from_questionnaire(&json!({"resourceType": "Patient"}));
    assert_eq!(whole.expect_err("no questionnaire"), [Fault::new("/resourceType", InvalidFormat)]);
}

#[test]
fn fhir_read_makes_a_draft_of_a_foreign_questionnaire() {
    let resource = json!({
        "resourceType": "Questionnaire", "url": "https://elsewhere.example/Questionnaire/sleep", "version": "3",
        "status": "draft", "language": "en", "title": "Sleep", "item": [
            {"linkId": "hours", "type": "decimal", "text": "Hours", "required": false},
            {"linkId": "place", "type": "choice", "text": "Place", "required": true, "answerOption": [
                {"valueCoding": {"code": "bed", "display": "Bed"}}, {"valueCoding": {"code": "sofa", "display": "Sofa"}}]},
            {"linkId": "why", "type": "string", "text": "Why", "maxLength": 100,
             "enableWhen": [{"question": "place", "operator": "=", "answerCoding": {"code": "sofa"}}]}]
    });
    let definition = read(&resource);
    assert_eq!((definition.code.as_str(), definition.version.as_str()), ("sleep", "3"));
    assert_eq!(
        definition.items[2].visible_if,
        Some(Condition::Equals { item: "place".to_owned(), value: json!("sofa") })
    );
    // What it lacks is what the draft asks for.
    let missing: Vec<_> =
        Form::new(definition).expect_err("no bokmål").into_iter().map(|fault| fault.pointer).collect();
    assert_eq!(
        missing,
        [
            "/items/0/label/nb",
            "/items/1/label/nb",
            "/items/1/option_labels/bed/nb",
            "/items/1/option_labels/sofa/nb",
            "/items/2/label/nb",
            "/title/nb",
        ]
    );
}

#[test]
fn fhir_response_faults_point_at_the_answer() {
    use FaultCode::{DuplicateKey, HiddenItem, OutOfRange, Required, UnknownItem, WrongType};
    let refused = |items: Value| {
        let faults = form(CHAIN).parse_response_items(items.as_array().expect("a list")).expect_err("must be refused");
        faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect::<Vec<_>>()
    };
    let one = |pointer: &str, code| vec![(pointer.to_owned(), code)];
    let whole = |link: &str, value: Value| json!({"linkId": link, "answer": [{"valueInteger": value}]});
    let group = |items: Value| json!([{"linkId": "page:before", "item": items}]);
    assert_eq!(refused(json!([whole("pgic", json!(9))])), one("/item/0/answer/0", OutOfRange));
    assert_eq!(refused(group(json!([whole("pgic", json!(9))]))), one("/item/0/item/0/answer/0", OutOfRange));
    assert_eq!(refused(json!([whole("isi_01", json!(1))])), one("/item/0/answer/0", HiddenItem));
    assert_eq!(refused(json!([whole("isi_09", json!(1))])), one("/item/0/answer", UnknownItem));
    assert_eq!(refused(json!([whole("treated", json!(1))])), one("/item/0/answer/0/valueInteger", WrongType));
    assert_eq!(refused(json!([whole("pgic", json!(1)), whole("pgic", json!(2))])), one("/item/1/answer", DuplicateKey));
    assert_eq!(refused(json!([{"linkId": "pgic", "answer": []}])), one("/item/0/answer", WrongType));
    assert_eq!(refused(json!([{"linkId": "pgic", "note": 1}])), one("/item/0/note", UnknownItem));
    assert_eq!(refused(json!([7])), one("/item/0", WrongType));
    let treated = json!({"linkId": "treated", "answer": [{"valueBoolean": true}]});
    assert_eq!(refused(json!([treated])), one("/item", Required));
    let none = json!({"linkId": "kinds.none", "answer": [{"valueBoolean": true}]});
    assert_eq!(refused(json!([treated, none])), one("/item/1/answer/0", FaultCode::UnknownOption));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn fhir_round_trips_any_form(form in random_form()) {
        prop_assert_eq!(&read(&form.definition().to_questionnaire(&STYLE)), form.definition());
    }

    #[test]
    fn fhir_round_trips_any_answers(form in random_form(), answers in random_answers()) {
        let (raw, _) = shown(&form, answers);
        let answers = form.parse(&raw).expect("valid");
        prop_assert_eq!(form.parse_response_items(&form.to_response_items(&answers)).expect("valid"), answers);
    }

    #[test]
    fn fhir_round_trips_answers_of_every_kind(raw in valid_answers()) {
        let form = every_kind();
        let answers = form.parse(&raw).expect("valid");
        prop_assert_eq!(form.parse_response_items(&form.to_response_items(&answers)).expect("valid"), answers);
    }

    #[test]
    fn fhir_read_never_panics(at in any::<prop::sample::Index>(), value in any_value()) {
        let mut resource = bare(CHAIN).to_questionnaire(&STYLE);
        let places = pointers(&resource);
        let place = at.get(&places);
        if let Some(place) = resource.pointer_mut(place) {
            *place = value;
        }
        let _ = Definition::from_questionnaire(&resource);
        let _ = form(CHAIN).parse_response_items(&[resource]);
    }
}

fn pointers(value: &Value) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let below = |(name, value): (String, &Value)| pointers(value).into_iter().map(move |rest| format!("/{name}{rest}"));
    [String::new()].into_iter().chain(inner.into_iter().flat_map(below)).collect()
}
