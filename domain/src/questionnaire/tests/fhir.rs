//! Forms and answers as FHIR resources and back; that others take them for FHIR is tested with an independent validator.

use super::super::fhir::{Style, ignored_of_response};
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
    read_with_ignored(resource).0
}

/// The definition, and the ignored elements with their number.
fn read_with_ignored(resource: &Value) -> (Definition, Vec<(String, String, usize)>) {
    let read = Definition::from_questionnaire(members(resource));
    let (definition, ignored) = read.unwrap_or_else(|faults| panic!("{faults:?}\n{resource:#}"));
    (definition, ignored.into_iter().map(|it| (it.element, it.pointer, it.count)).collect())
}

fn members(resource: &Value) -> &serde_json::Map<String, Value> {
    resource.as_object().expect("a resource")
}

/// The faults of a questionnaire, after `change`.
fn lost(toml: &str, change: impl FnOnce(&mut Value)) -> Vec<(String, FaultCode)> {
    let mut resource = bare(toml).to_questionnaire(&STYLE);
    change(&mut resource);
    let faults = Definition::from_questionnaire(members(&resource)).expect_err("must be refused");
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
    use FaultCode::{Contradiction, InvalidFormat, UnknownItem, UnknownModifier, UnknownOption};
    for (pointer, value, code) in [
        ("/dates", json!("2026-01-01"), UnknownItem),
        ("/_dates", json!({"extension": [{"url": "https://elsewhere.example/x"}]}), UnknownItem),
        ("/item/0/item/0/answers", json!([]), UnknownItem),
        ("/implicitRules", json!("https://elsewhere.example/rules"), UnknownModifier),
        ("/modifierExtension", json!([{"url": "https://elsewhere.example/x"}]), UnknownModifier),
        ("/item/0/item/1/modifierExtension", json!([]), UnknownModifier),
        ("/meta", json!({"extension": [{"modifierExtension": []}]}), UnknownModifier),
        ("/item/0/item/0/answerValueSet", json!("#unknown"), UnknownItem),
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
        ("/item/0/extension", json!("x"), FaultCode::WrongType),
        ("/copyright", json!("Free for all"), Contradiction),
        ("/status", json!("open"), UnknownOption),
        ("/url", json!("https://elsewhere.example/Sleep"), InvalidFormat),
        ("/code/0/code", json!("never"), UnknownOption),
    ] {
        let faults = lost(CHAIN, |resource| set(resource, pointer, value));
        let near = |place: &str| (pointer.starts_with(place) || place.starts_with(pointer)) && place.len() > 1;
        assert!(faults.iter().any(|(place, fault)| near(place) && *fault == code), "{pointer}: {faults:?}");
    }
    let nested = json!({"linkId": "inner", "type": "group", "item": [{"linkId": "x", "type": "date"}]});
    let faults = lost(CHAIN, |resource| set(resource, "/item/0/item/0", nested));
    assert!(faults.contains(&("/item/0/item/0".to_owned(), UnknownItem)), "{faults:?}");
    let item = json!({"linkId": "many", "type": "boolean", "text": "One of many"});
    let faults = lost(CHAIN, |resource| resource["item"] = vec![item; 1001].into());
    assert_eq!(faults, [("/item".to_owned(), FaultCode::TooLong)]);
    let whole = Definition::from_questionnaire(members(&json!({"resourceType": "Patient"})));
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
fn fhir_read_lists_what_it_ignores() {
    let mut resource = bare(CHAIN).to_questionnaire(&STYLE);
    let extension = json!([{"url": "https://elsewhere.example/x", "valueString": "x"}]);
    for (pointer, value) in [
        ("/meta", json!({"profile": ["https://elsewhere.example/profile"]})),
        ("/text", json!({"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'/>"})),
        ("/contained", json!([{"resourceType": "Organization", "id": "o"}])),
        ("/publisher", json!("Somebody")),
        ("/date", json!("2026-01-01")),
        ("/extension", extension.clone()),
        ("/_status", json!({"id": "s", "extension": extension})),
        ("/code/0", json!({"system": "http://loinc.org", "code": "1-8"})),
        ("/item/0/prefix", json!("1.")),
        ("/item/0/item/0/prefix", json!("1.1")),
        ("/item/0/item/0/item", json!([{"linkId": "note", "type": "display", "text": "Read this"}])),
        ("/item/0/item/0/code", json!([{"system": "http://loinc.org", "code": "1-8"}])),
        ("/item/0/item/1/enableWhen/0/extension", json!([{"url": "https://elsewhere.example/x"}])),
    ] {
        set(&mut resource, pointer, value);
    }
    let (definition, ignored) = read_with_ignored(&resource);
    assert_eq!(definition, bare(CHAIN));
    let ignored: Vec<_> = ignored.iter().map(|(element, at, count)| (element.as_str(), at.as_str(), *count)).collect();
    assert_eq!(
        ignored,
        [
            ("Questionnaire._status.extension", "/_status/extension/0", 1),
            ("Questionnaire._status.id", "/_status/id", 1),
            ("Questionnaire.code", "/code/0", 1),
            ("Questionnaire.contained", "/contained", 1),
            ("Questionnaire.date", "/date", 1),
            ("Questionnaire.extension", "/extension/0", 1),
            ("Questionnaire.item (display)", "/item/0/item/0/item/0", 1),
            ("Questionnaire.item.code", "/item/0/item/0/code/0", 1),
            ("Questionnaire.item.enableWhen.extension", "/item/0/item/1/enableWhen/0/extension/0", 1),
            ("Questionnaire.item.prefix", "/item/0/item/0/prefix", 2),
            ("Questionnaire.meta", "/meta", 1),
            ("Questionnaire.publisher", "/publisher", 1),
            ("Questionnaire.text", "/text", 1),
        ]
    );
}

#[test]
fn fhir_read_knows_the_spellings_of_languages() {
    for (language, translation) in [("nb-NO", "en-GB"), ("no", "en"), ("NO-no", "EN-us"), ("nb", "en-US")] {
        let mut resource = bare(EVERY_KIND).to_questionnaire(&STYLE);
        set(&mut resource, "/language", json!(language));
        let spelt = resource.to_string().replace("\"valueCode\":\"en\"", &format!("\"valueCode\":\"{translation}\""));
        assert_eq!(read(&serde_json::from_str(&spelt).expect("JSON")), bare(EVERY_KIND), "{language} {translation}");
    }
    // Two texts of one language contradict each other.
    let faults = lost(EVERY_KIND, |resource| {
        let twice = json!({"url": "http://hl7.org/fhir/StructureDefinition/translation", "extension": [
            {"url": "lang", "valueCode": "no"}, {"url": "content", "valueString": "Noe annet"}]});
        set(resource, "/_title/extension/0", twice);
    });
    assert!(faults.iter().any(|(place, _)| place.starts_with("/title")), "{faults:?}");
}

/// As the form builder of Helsenorge writes them: help as a text, options in a contained value set.
#[test]
fn fhir_read_takes_help_and_value_sets_of_norwegian_forms() {
    let control = |code: &str| {
        json!([{"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-itemControl", "valueCodeableConcept":
            {"coding": [{"system": "http://hl7.org/fhir/ValueSet/questionnaire-item-control", "code": code}]}}])
    };
    let resource = json!({
        "resourceType": "Questionnaire", "url": "Questionnaire/7a975034-d1e7-4d76-8f54-6b87e872de06", "version": "3",
        "name": "Avd_sleep", "status": "draft", "language": "nb-NO", "title": "Søvn",
        "contained": [{"resourceType": "ValueSet", "id": "yn", "status": "draft", "compose": {"include": [
            {"system": "http://elsewhere.example/yn", "concept": [
                {"code": "y", "display": "Ja", "designation": [{"language": "en-GB", "value": "Yes"}]},
                {"code": "n", "display": "Nei", "designation": [{"language": "en-GB", "value": "No"}]}]}]}}],
        "item": [
            {"linkId": "first", "type": "group", "text": "Først", "extension": control("step"), "item": [
                {"linkId": "tired", "type": "choice", "text": "Trøtt", "answerValueSet": "#yn", "item": [
                    {"linkId": "h", "type": "text", "text": "Siste uke", "readOnly": true, "extension": control("help")}]}]},
            {"linkId": "1", "type": "group", "text": "Mer", "required": false, "item": [
                {"linkId": "intro", "type": "display", "text": "Les dette", "required": false},
                {"linkId": "1.1", "type": "text", "text": "Når", "enableBehavior": "any",
                 "enableWhen": [{"question": "tired", "operator": "=", "answerCoding": {"system": "urn:x", "code": "y"}}]},
                {"linkId": "1.2", "type": "boolean", "text": "Ofte"}]}]
    });
    let (definition, ignored) = read_with_ignored(&resource);
    let item = &definition.items[0];
    assert_eq!(item.kind, ItemKind::Choice { options: vec!["y".to_owned(), "n".to_owned()] });
    assert_eq!((item.option_labels["y"].nb.as_str(), item.option_labels["y"].en.as_str()), ("Ja", "Yes"));
    assert_eq!(item.help.as_ref().map(|help| help.nb.as_str()), Some("Siste uke"));
    assert_eq!((definition.code.as_str(), definition.title.nb.as_str()), ("avd-sleep", "Søvn"));
    let ignored: Vec<_> = ignored.iter().map(|(element, at, _)| (element.as_str(), at.as_str())).collect();
    assert_eq!(
        ignored,
        [
            ("Questionnaire.item (display)", "/item/1/item/0"),
            ("Questionnaire.item.enableWhen.answerCoding.system", "/item/1/item/1/enableWhen/0/answerCoding/system"),
            ("Questionnaire.item.extension", "/item/0/extension/0"),
            ("Questionnaire.url", "/url"),
        ]
    );
    // Numbered questions are no boxes of one question.
    assert_eq!(definition.pages[1].holds, ["1.1", "1.2"]);
    let condition = Condition::Equals { item: "tired".to_owned(), value: json!("y") };
    assert_eq!(definition.items[1].visible_if, Some(condition));
}

#[test]
fn fhir_response_lists_what_it_ignores() {
    let mut resource = json!({
        "resourceType": "QuestionnaireResponse", "id": "r", "meta": {"tag": [{"code": "lformsVersion: 33.0.0"}]},
        "identifier": {"use": "official", "system": "urn:painreg:source:portal:7", "value": "1", "type": {"text": "x"}},
        "basedOn": [{"reference": "ServiceRequest/1"},
            {"identifier": {"system": "urn:painreg:invitation-token", "value": "x"}, "display": "x"}],
        "questionnaire": "https://registry.example/forms/x|1", "status": "completed", "authored": "2026-01-01T00:00:00Z",
        "subject": {"reference": "Patient/1", "display": "Pasient"}, "item": [
            {"linkId": "a", "text": "A", "answer": [{"valueCoding": {"system": "urn:x", "code": "b", "display": "B"}}]},
            {"linkId": "b", "text": "B", "answer": [{"valueInteger": 1, "_valueInteger": {"id": "v"},
                "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/itemWeight", "valueDecimal": 2}]}]}]
    });
    let ignored = ignored_of_response(members(&resource)).expect("harmless");
    let ignored: Vec<_> = ignored.iter().map(|it| (it.element.as_str(), it.pointer.as_str(), it.count)).collect();
    assert_eq!(
        ignored,
        [
            ("QuestionnaireResponse.basedOn", "/basedOn/0", 1),
            ("QuestionnaireResponse.basedOn.display", "/basedOn/1/display", 1),
            ("QuestionnaireResponse.id", "/id", 1),
            ("QuestionnaireResponse.identifier.type", "/identifier/type", 1),
            ("QuestionnaireResponse.item.answer._valueInteger.id", "/item/1/answer/0/_valueInteger/id", 1),
            ("QuestionnaireResponse.item.answer.extension", "/item/1/answer/0/extension/0", 1),
            ("QuestionnaireResponse.item.answer.valueCoding.display", "/item/0/answer/0/valueCoding/display", 1),
            ("QuestionnaireResponse.item.answer.valueCoding.system", "/item/0/answer/0/valueCoding/system", 1),
            ("QuestionnaireResponse.item.text", "/item/0/text", 2),
            ("QuestionnaireResponse.meta", "/meta", 1),
            ("QuestionnaireResponse.subject.display", "/subject/display", 1),
        ]
    );
    set(&mut resource, "/item/0/note", json!(1));
    set(&mut resource, "/item/1/modifierExtension", json!([]));
    let faults = ignored_of_response(members(&resource)).expect_err("not R4, and a modifier");
    assert_eq!(
        faults,
        [
            Fault::new("/item/1/modifierExtension", FaultCode::UnknownModifier),
            Fault::new("/item/0/note", FaultCode::UnknownItem),
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
    let inner = json!([{"linkId": "pgic", "answer": [{"valueInteger": 1, "item": [whole("isi_09", json!(1))]}]}]);
    assert_eq!(refused(inner), one("/item/0/answer/0/item/0/answer", UnknownItem));
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
        if let Some(members) = resource.as_object() {
            let _ = Definition::from_questionnaire(members);
            let _ = ignored_of_response(members);
        }
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
