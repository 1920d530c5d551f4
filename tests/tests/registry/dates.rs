//! Dates and instants in bodies: every member with the format `date` or `date-time` takes that format of RFC 3339 only.

use serde_json::{Value, json};

use crate::document::{Document, Operation};
use crate::scene::Scene;

/// Spellings that other readers of ISO 8601 take.
const OTHER_DATES: [&str; 10] = [
    "20260601",
    "2026-06-01T00:00:00Z",
    "2026-06-01T00:00:00",
    "2026-W23-1",
    "2026-152",
    "2026-06",
    "2026-6-1",
    "+002026-06-01",
    "01.06.2026",
    "2026-02-30",
];
const OTHER_INSTANTS: [&str; 11] = [
    "2026-06-01",
    "2026-06-01T12:00:00",
    "2026-06-01T12:00Z",
    "2026-06-01 12:00:00Z",
    "20260601T120000Z",
    "2026-W23-1T12:00:00Z",
    "2026-06-01T12:00:00+25:00",
    "2026-06-01T12:00:00+0200",
    "2026-06-01T12:00:00Z[UTC]",
    "2026-06-01T12:00:60Z",
    "2026-06-01T24:00:00Z",
];

/// Returns the pointers of members with a date or an instant, and their formats.
fn dated(document: &Document, schema: &Value, pointer: &str, above: &[&str], found: &mut Vec<(String, String)>) {
    let reference = schema["$ref"].as_str().unwrap_or_default();
    if above.contains(&reference) && !reference.is_empty() {
        return;
    }
    let above = [above, &[reference]].concat();
    let schema = document.resolve(schema);
    if let Some(format @ ("date" | "date-time")) = schema["format"].as_str() {
        found.push((pointer.to_owned(), format.to_owned()));
    }
    for several in ["oneOf", "anyOf", "allOf"] {
        for one in schema[several].as_array().into_iter().flatten() {
            dated(document, one, pointer, &above, found);
        }
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        dated(document, member, &format!("{pointer}/{name}"), &above, found);
    }
    if schema["items"].is_object() {
        dated(document, &schema["items"], &format!("{pointer}/0"), &above, found);
    }
}

/// Returns the value with `member` at the pointer, with the objects and lists above it.
fn with(value: &Value, pointer: &[&str], member: &str) -> Value {
    let Some((first, rest)) = pointer.split_first() else { return json!(member) };
    if *first == "0" {
        let mut list = value.as_array().cloned().unwrap_or_default();
        let changed = with(list.first().unwrap_or(&Value::Null), rest, member);
        list.splice(..list.len().min(1), [changed]);
        return list.into();
    }
    let mut object = value.as_object().cloned().unwrap_or_default();
    let changed = with(object.get(*first).unwrap_or(&Value::Null), rest, member);
    object.insert((*first).to_owned(), changed);
    object.into()
}

fn members(document: &Document, operation: &Operation) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Some(media) = operation.media() {
        let schema = operation.json["requestBody"]["content"][media]["schema"].clone();
        dated(document, &schema, "", &[], &mut found);
    }
    found.sort();
    found.dedup();
    found
}

#[test]
fn every_date_of_a_body_has_the_format_of_the_document() {
    let scene = Scene::new();
    let (mut complaints, mut seen) = (Vec::new(), 0);
    for operation in scene.document.protected() {
        let members = members(&scene.document, operation);
        if members.is_empty() {
            continue;
        }
        let actor = scene.permitted_actor(operation);
        let good = scene.prepare(operation, &actor, &scene.alpha);
        let body =
            good.body.as_ref().map(|(_, bytes)| serde_json::from_slice(bytes).expect("JSON")).unwrap_or_default();
        for (pointer, format) in members {
            seen += 1;
            let parts: Vec<&str> = pointer.split('/').skip(1).collect();
            let others: &[&str] = if format == "date" { &OTHER_DATES } else { &OTHER_INSTANTS };
            for other in others {
                let answer = good.clone().with_body(with(&body, &parts, other).to_string()).send(&actor);
                // A faulty line is reported in the line's result: refused, or kept in quarantine.
                let problem = if answer.status == 200 { &answer.body["problem"] } else { &answer.body };
                let faults = if problem.is_null() { &answer.body["reasons"] } else { &problem["errors"] };
                let is_named = |fault: &Value| fault["pointer"] == *pointer && fault["code"] == "invalid_format";
                if !faults.as_array().is_some_and(|faults| faults.iter().any(is_named)) {
                    complaints.push(format!("{} {pointer} {other}: {} {}", operation.id, answer.status, answer.text()));
                }
            }
        }
    }
    complaints.iter_mut().for_each(|complaint| complaint.truncate(300));
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
    assert!(seen >= 70, "only {seen} members with dates");
}
