//! Any delivery survives every shape; no bytes make reading panic.

use proptest::prelude::*;
use serde_json::json;

use super::recorded::{DEFINITION, PAGES, definition, grouped, json, read_rows, rows};
use super::*;
use crate::number::settled;

/// An answer to an element, or none. `shown`: whether its boxes are.
fn any_answer(element: &Element, shown: bool) -> BoxedStrategy<Value> {
    let options: Vec<String> = element.options.iter().map(|option| option.key.clone()).collect();
    let boxes = |options: &[String]| -> BoxedStrategy<Value> {
        let each: Vec<_> = options
            .iter()
            .map(|key| {
                (
                    Just(key.clone()),
                    if shown { any::<bool>().prop_map(Value::from).boxed() } else { Just(Value::Null).boxed() },
                )
            })
            .collect();
        each.prop_map(|boxes| Value::Object(boxes.into_iter().collect())).boxed()
    };
    let rows = |row: BoxedStrategy<Value>| -> BoxedStrategy<Value> {
        let each: Vec<_> = element.rows.iter().map(|part| (Just(part.key.clone()), row.clone())).collect();
        each.prop_map(|rows| Value::Object(rows.into_iter().collect())).boxed()
    };
    let maybe = |value: BoxedStrategy<Value>| prop_oneof![1 => Just(Value::Null), 3 => value].boxed();
    let one = |options: Vec<String>| maybe(prop::sample::select(options).prop_map(Value::from).boxed());
    match element.kind {
        ElementKind::Checkbox => boxes(&options),
        ElementKind::MatrixCheckbox => rows(boxes(&options)),
        ElementKind::MatrixRadio => rows(one(options)),
        ElementKind::Radio | ElementKind::Select => one(options),
        ElementKind::LinearScale => maybe((0..=100_i64).prop_map(Value::from).boxed()),
        ElementKind::Number => {
            maybe((-30_000..=30_000_i32).prop_map(|tenths| settled(json!(f64::from(tenths) / 10.0))).boxed())
        }
        ElementKind::Date => maybe(
            (0..20_000_i32)
                .prop_map(|day| {
                    let day = jiff::civil::date(1990, 1, 1).checked_add(jiff::Span::new().days(day)).expect("a day");
                    Value::from(day.to_string())
                })
                .boxed(),
        ),
        _ => maybe("[^\r\n\0]{1,12}".prop_map(Value::from).boxed()),
    }
}

/// Answers as people can give them: hidden elements have none.
fn any_answers() -> impl Strategy<Value = Map<String, Value>> {
    any::<bool>().prop_flat_map(|duck| {
        let known = definition(DEFINITION);
        let each: Vec<_> = known
            .elements
            .iter()
            .map(|element| (Just(element.key.clone()), any_answer(element, element.shown_if.is_none() || duck)))
            .collect();
        each.prop_map(move |answers| {
            let mut answers: Map<String, Value> = answers.into_iter().collect();
            answers.insert("duck_or_horse".into(), if duck { "duck" } else { "100_horses" }.into());
            answers
        })
    })
}

fn ticked_of(boxes: &Value) -> Vec<String> {
    let boxes = boxes.as_object().expect("boxes");
    boxes.iter().filter(|(_, ticked)| **ticked == true).map(|(key, _)| key.clone()).collect()
}

/// Writes the answers in the format of API v3.
fn to_api_v3(answers: &Map<String, Value>) -> Value {
    let mut list = Vec::new();
    for element in &definition(DEFINITION).elements {
        let word: &'static str = element.kind.into();
        let mut put = |row: Option<u64>, members: Value| {
            let mut answer = json!({"elementId": element.id, "externalElementId": element.key, "elementType": word, "subElementId": row});
            answer.as_object_mut().expect("one").extend(members.as_object().expect("one").clone());
            list.push(answer);
        };
        let value = &answers[&element.key];
        match element.kind {
            _ if value.is_null() => {}
            ElementKind::Checkbox => put(None, json!({"externalAnswerOptionIds": ticked_of(value)})),
            ElementKind::MatrixCheckbox | ElementKind::MatrixRadio => {
                for row in &element.rows {
                    let value = &value[&row.key];
                    let chosen = value.as_str().map_or_else(
                        || value.as_object().map_or(Vec::new(), |_| ticked_of(value)),
                        |one| vec![one.to_owned()],
                    );
                    if !chosen.is_empty() {
                        put(row.id, json!({"externalAnswerOptionIds": chosen}));
                    }
                }
            }
            ElementKind::Radio => put(None, json!({"externalAnswerOptionIds": [value]})),
            ElementKind::Date => {
                let parts: Vec<_> = value.as_str().expect("a day").rsplit('-').collect();
                put(None, json!({"textAnswer": parts.join(".")}));
            }
            ElementKind::Number => put(None, json!({"textAnswer": value.to_string().replace('.', ",")})),
            _ => put(None, json!({"textAnswer": value.as_str().map_or_else(|| value.to_string(), str::to_owned)})),
        }
    }
    json!({"submissionMetadata": {"formId": 7, "submissionId": 1, "createdDate": "2026-01-01T00:00:00"}, "answers": list})
}

fn to_lines(document: &Value) -> Vec<Value> {
    let head = &document["submissionMetadata"];
    let line = |answer: &Value| {
        let mut line = answer.clone();
        line["submissionId"] = head["submissionId"].clone();
        line["formId"] = head["formId"].clone();
        line["createdDate"] = head["createdDate"].clone();
        line
    };
    document["answers"].as_array().expect("a list").iter().map(line).collect()
}

fn to_csv(answers: &Map<String, Value>) -> String {
    fn flat(path: String, value: &Value, cells: &mut Vec<(String, String)>) {
        match value {
            Value::Object(inner) => inner.iter().for_each(|(key, value)| flat(format!("{path}.{key}"), value, cells)),
            Value::Null => cells.push((path, String::new())),
            Value::Bool(ticked) => cells.push((path, u8::from(*ticked).to_string())),
            Value::String(text) => cells.push((path, text.clone())),
            other => cells.push((path, other.to_string())),
        }
    }
    let mut cells =
        vec![("$submission_id".into(), "1".into()), ("$created".into(), "2026-01-01T00:00:00+01:00".into())];
    answers.iter().for_each(|(key, value)| flat(key.clone(), value, &mut cells));
    let quote = |text: &String| format!("\"{}\"", text.replace('"', "\"\""));
    let (names, values): (Vec<_>, Vec<_>) = cells.iter().map(|(name, value)| (quote(name), quote(value))).unzip();
    format!("{}\r\n{}\r\n", names.join(";"), values.join(";"))
}

fn to_tsd(answers: &Map<String, Value>) -> Value {
    json!({"version": "2023-03", "version_minor": 0, "answers": answers,
        "metadata": {"created": "2026-01-01T00:00:00+01:00", "answer_time": 1, "submission_id": 1}})
}

/// Every refusal leads somewhere.
fn well_refused<T>(read: Result<T, Vec<Fault>>) {
    if let Err(faults) = read {
        assert!(!faults.is_empty() && faults.is_sorted(), "{faults:?}");
        assert!(faults.iter().all(|fault| fault.pointer.is_empty() || fault.pointer.starts_with('/')), "{faults:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn parse_returns_the_same_answers_from_every_shape(answers in any_answers()) {
        let known = definition(DEFINITION);
        let document = to_api_v3(&answers);
        let deliveries = [
            parse("7", &document, Some(&known)),
            grouped(&to_lines(&document)).remove(0).parse("7", Some(&known)),
            rows(&to_csv(&answers), Some(&known)).remove(0).delivery,
            parse("7", &to_tsd(&answers), None),
        ];
        for delivery in deliveries {
            let delivery = delivery.unwrap_or_else(|faults| panic!("{faults:?}"));
            prop_assert_eq!(&delivery.answers, &answers);
            prop_assert_eq!(delivery.created.to_string(), "2025-12-31T23:00:00Z");
        }
    }

    #[test]
    fn parse_never_panics_on_any_document(document in any_json(), place in 0..6_usize, second in any_json()) {
        let (known, older) = (definition(DEFINITION), definition(PAGES));
        let mut recorded = [
            json(super::recorded::API_V3), json(include_str!("../recorded/submission.v1.json")), json(DEFINITION),
            json(PAGES), json(include_str!("../recorded/metadata.tsd.json")), document.clone(),
        ];
        // One part of a valid document is replaced by another value.
        if let Some(object) = recorded[place].as_object_mut() {
            let keys: Vec<_> = object.keys().cloned().collect();
            if let Some(key) = keys.first() {
                object.insert(key.clone(), document.clone());
            }
            if let Some(list) = object.get_mut("answers").or(None).and_then(Value::as_array_mut) {
                list.push(second.clone());
            }
        }
        for document in recorded.iter().chain([&second]) {
            for known in [None, Some(&known), Some(&older)] {
                well_refused(parse("7", document, known));
            }
            well_refused(NettskjemaDefinition::read(document));
            let mut lines = api_v3::Lines::default();
            well_refused(lines.push(document).1);
            well_refused(lines.push(&second).1);
            if let Some(group) = lines.finish() {
                well_refused(group.parse("7", Some(&known)));
            }
        }
        for definition in NettskjemaDefinition::read(&document).unwrap_or_default() {
            propose(&book(&form(KINDS)), [&known, &definition].into_iter(), &read(&example()), "isi.1");
            differences(&known, &definition);
        }
    }

    #[test]
    fn csv_v1_never_panics_on_any_bytes(start in prop_oneof![Just(""), Just("\u{feff}"), Just("$submission_id;$created;a.b;")],
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\r\n\";\t.$10\0".to_vec())], 0..200)) {
        let bytes = [start.as_bytes(), &bytes].concat();
        match read_rows(&bytes, None) {
            Err(faults) => well_refused(Err::<(), _>(faults)),
            Ok(rows) => for row in rows {
                let kept = parse("7", &row.document, None);
                if row.delivery.is_ok() {
                    prop_assert_eq!(&kept.ok(), &row.delivery.as_ref().ok().cloned());
                }
                well_refused(row.delivery);
            }
        }
    }

    #[test]
    fn propose_never_panics(path in ".{0,20}") {
        let known = definition(DEFINITION);
        let found = propose(&book(&form(super::recorded::FORM)), [&known].into_iter(), &read(&example()), &path);
        prop_assert!(found.len() <= 3);
    }
}

#[test]
fn parse_reads_or_refuses_deep_and_huge_documents() {
    let deep = (0..100).fold(json!(1), |inner, _| json!({"answers": [inner], "elements": {"questions": 1}}));
    well_refused(parse("7", &deep, None));
    well_refused(NettskjemaDefinition::read(&deep));
    let wide: Vec<_> = (0..20_000)
        .map(|at| json!({"externalElementId": format!("k{at}"), "elementType": "QUESTION", "textAnswer": "x\0"}))
        .collect();
    let document = json!({"submissionMetadata": {"formId": 7, "submissionId": 1, "createdDate": "2026-01-01T00:00:00"}, "answers": wide});
    assert_eq!(parse("7", &document, None).expect("reads").answers.len(), 20_000);
    let name = "x".repeat(100_000);
    let header = format!("$submission_id;$created;{name}.{name};{name} \n");
    let faults = read_rows(header.as_bytes(), None).err().expect("refused");
    assert!(faults.iter().all(|fault| fault.pointer.len() <= 65));
}
