//! Every operation, by every role that the policy permits, with and without every member of its body: each works.

use painreg_domain::policy::{Action, Category, Role};
use painreg_tests::Answer;
use serde_json::{Map, Value, json};

use crate::document::{Document, Operation};
use crate::scene::{Objects, Prepared, Scene, may, roles};

/// How deep members of members are sent.
const DEPTH: usize = 3;

/// What is done with one member of the example's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// The body is the example's.
    Nothing,
    /// The member is sent, which the example does not have.
    With,
    /// The member is left out, which the example has and the document does not require.
    Without,
    /// The member is null.
    Null,
}

/// Changes that a rule refuses whatever else is sent, with the code of the rule.
const REFUSED: &[(&str, Change, &str, &str)] = &[
    // A form that the plan sends must be named in its links.
    ("simulateFollowUp", Change::Without, "/definition/links/forms", "required"),
    // A patient takes part in the project, with a value of the field.
    ("changeProject", Change::Without, "/fields", "in_use"),
    // Only numbers that hospitals assign have an assigner.
    ("registerPatient", Change::With, "/national_id/assigner", "contradiction"),
    ("registerMany", Change::With, "/patient/national_id/assigner", "contradiction"),
    ("lookUpPatient", Change::With, "/national_id/assigner", "contradiction"),
];

/// Operations with a body of another standard, whose members the document does not list.
const FOREIGN: [&str; 5] =
    ["submitFhirResponse", "importFhirQuestionnaire", "describeNettskjema", "deliverNettskjema", "deliverMany"];

#[test]
fn every_member_of_every_entry_works_for_every_role_that_may_send_it() {
    walk(|operation| operation.right().category() == Category::Clinical);
}

#[test]
fn every_member_of_every_other_body_works_for_every_role_that_may_send_it() {
    walk(|operation| operation.right().category() != Category::Clinical);
}

#[track_caller]
fn walk(chosen: impl Fn(&Operation) -> bool) {
    let scene = Scene::new();
    let (mut wrong, mut sent) = (Vec::new(), 0);
    for operation in scene.document.protected().filter(|it| it.media().is_some() && chosen(it)) {
        for role in roles().filter(|role| may(*role, operation)) {
            let mut objects = scene.another();
            for (change, pointer) in changes(&scene, operation, role, &objects) {
                let answer = send(&scene, operation, role, &objects, (change, &pointer));
                sent += 1;
                let refused = REFUSED.iter().find(|row| (row.0, row.1, row.2) == (&*operation.id, change, &*pointer));
                let why = match (refused, failure(&answer)) {
                    (Some((.., code)), Some(why)) if why.contains(&format!("\"code\":\"{code}\"")) => None,
                    (Some(_), why) => Some(format!("not refused: {why:?}")),
                    (None, why) => why,
                };
                if let Some(why) = why {
                    wrong.push(format!("{role} {} {change:?} {pointer}: {why}", operation.id));
                }
                // What was changed decides what else may be changed.
                if operation.method == "PATCH" || operation.right() == Action::RecordLegalBasis {
                    objects = scene.another();
                }
            }
        }
    }
    assert!(sent > 300, "{sent} requests only");
    assert!(wrong.is_empty(), "{} of {sent}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Returns the changes of the example's body: none, and each of one member.
fn changes(scene: &Scene, operation: &Operation, role: Role, objects: &Objects) -> Vec<(Change, String)> {
    let actor = scene.actor("alpha", role, objects);
    let example = body_of(&scene.prepare(operation, &actor, objects));
    let mut found = vec![(Change::Nothing, String::new())];
    let schema = plain(&scene.document, scene.document.body_of(operation).expect("a schema"));
    let listed = schema["properties"].is_object();
    assert_ne!(listed, FOREIGN.contains(&operation.id.as_str()), "{}: members in the document", operation.id);
    collect(&scene.document, schema, &example, "", &mut found);
    found
}

fn collect(document: &Document, schema: &Value, example: &Value, at: &str, found: &mut Vec<(Change, String)>) {
    let Some(members) = schema["properties"].as_object() else { return };
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, member) in members {
        let pointer = format!("{at}/{name}");
        match example.get(name).filter(|value| !value.is_null()) {
            Some(held) => {
                if !required.contains(&name.as_str()) {
                    found.push((Change::Without, pointer.clone()));
                }
                if pointer.matches('/').count() < DEPTH {
                    collect(document, plain(document, member), held, &pointer, found);
                }
            }
            None => found.push((Change::With, pointer.clone())),
        }
        if is_nullable(document, member) {
            found.push((Change::Null, pointer));
        }
    }
}

fn send(
    scene: &Scene,
    operation: &Operation,
    role: Role,
    objects: &Objects,
    (change, pointer): (Change, &str),
) -> Answer {
    let actor = scene.actor("alpha", role, objects);
    let request = scene.prepare(operation, &actor, objects);
    let mut body = body_of(&request);
    let together = scene.with_member(operation, objects, pointer, change == Change::With);
    let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
    let members = |body: &'_ mut Value| body.pointer_mut(parent).and_then(Value::as_object_mut).cloned();
    let mut held = members(&mut body).expect("an object");
    match change {
        Change::Nothing => {}
        Change::With => {
            let schema = scene.document.body_of(operation).expect("a schema");
            let member = pointer
                .split('/')
                .skip(1)
                .fold(schema, |schema, name| &plain(&scene.document, schema)["properties"][name]);
            held.insert(name.to_owned(), sample(&scene.document, member));
        }
        Change::Without => drop(held.remove(name)),
        Change::Null => drop(held.insert(name.to_owned(), Value::Null)),
    }
    if let Some(place) = body.pointer_mut(parent) {
        *place = Value::Object(held);
    }
    if change != Change::Nothing
        && let Some(together) = together
    {
        merge(&mut body, &together, change == Change::Without);
    }
    request.with_body(body.to_string()).send(&actor)
}

/// Sets these members, of members too; a null removes the member where `removes`.
fn merge(body: &mut Value, members: &Value, removes: bool) {
    for (name, value) in members.as_object().into_iter().flatten() {
        match (&mut body[name], value) {
            (held @ Value::Object(_), Value::Object(_)) => merge(held, value, removes),
            (held, value) => *held = value.clone(),
        }
        if removes && value.is_null() {
            body.as_object_mut().expect("an object").remove(name);
        }
    }
}

fn body_of(request: &Prepared) -> Value {
    serde_json::from_slice(&request.body.as_ref().expect("a body").1).expect("JSON")
}

/// Returns why an answer, or one of its lines, is no success.
fn failure(answer: &Answer) -> Option<String> {
    if !(200..300).contains(&answer.status) {
        return Some(format!("{} {}", answer.status, answer.text()));
    }
    let lines: Vec<Value> = answer.text().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let refused = lines.iter().find(|line| line.get("problem").is_some_and(Value::is_object));
    refused.map(ToString::to_string)
}

/// Returns the schema of a value that is not null.
fn plain<'a>(document: &'a Document, schema: &'a Value) -> &'a Value {
    let mut schema = schema;
    while schema["$ref"].is_string() {
        schema = document.resolve(schema);
    }
    for word in ["oneOf", "anyOf"] {
        if let Some(options) = schema[word].as_array() {
            let first = options.iter().find(|option| option["type"] != "null");
            return first.map_or(schema, |option| plain(document, option));
        }
    }
    match schema["allOf"].as_array().map(Vec::as_slice) {
        Some([only]) => plain(document, only),
        _ => schema,
    }
}

fn is_nullable(document: &Document, schema: &Value) -> bool {
    let schema = document.resolve(schema);
    let options = ["oneOf", "anyOf"].iter().filter_map(|word| schema[*word].as_array()).flatten();
    options.clone().any(|option| option["type"] == "null")
        || schema["type"].as_array().is_some_and(|types| types.contains(&json!("null")))
}

/// Returns a value that the schema permits: its example where it has one.
fn sample(document: &Document, schema: &Value) -> Value {
    let schema = plain(document, schema);
    if let Some(example) = schema.get("example").or_else(|| schema["examples"].get(0)) {
        return example.clone();
    }
    if let Some(option) = schema["enum"].get(0).or_else(|| schema.get("const")) {
        return option.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find_map(Value::as_str).unwrap_or_default(),
        kind => kind.as_str().unwrap_or_default(),
    };
    match kind {
        "boolean" => json!(true),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        "array" => {
            let items = if schema["minItems"].as_u64().unwrap_or(0) > 0 || schema["items"].is_object() {
                vec![sample(document, &schema["items"])]
            } else {
                Vec::new()
            };
            Value::Array(items)
        }
        "object" => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let members = required.map(|name| (name.to_owned(), sample(document, &schema["properties"][name])));
            Value::Object(members.collect::<Map<_, _>>())
        }
        _ => match schema["format"].as_str() {
            Some("date") => json!("2025-06-01"),
            Some("date-time") => json!("2025-06-01T10:00:00Z"),
            Some("uuid") => json!("01234567-89ab-7def-8123-456789abcdef"),
            Some("uri") => json!("https://example.org/"),
            _ => json!("words"),
        },
    }
}
