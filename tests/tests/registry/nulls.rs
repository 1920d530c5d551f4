//! Null in the place of an object or a list: refused with its pointer wherever the document does not permit null.

use painreg_domain::fault::escape;
use serde_json::{Value, json};

use crate::document::{Document, Operation};
use crate::scene::Scene;

/// Returns the alternatives of a schema, references resolved.
fn alternatives<'a>(document: &'a Document, schema: &'a Value) -> Vec<&'a Value> {
    let schema = document.resolve(schema);
    let several = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|name| schema[name].as_array());
    let inner: Vec<&Value> = several.flatten().flat_map(|one| alternatives(document, one)).collect();
    std::iter::once(schema).chain(inner).collect()
}

fn is(schema: &Value, kind: &str) -> bool {
    schema["type"] == kind || schema["type"].as_array().is_some_and(|kinds| kinds.contains(&json!(kind)))
}

/// Adds the pointers at which this body may hold an object or a list and may not hold null.
fn places(document: &Document, schema: &Value, body: &Value, pointer: &str, found: &mut Vec<String>) {
    let all = alternatives(document, schema);
    for schema in &all {
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let kinds = alternatives(document, member);
            let place = format!("{pointer}/{}", escape(name));
            let holds = |kind| kinds.iter().any(|schema| is(schema, kind));
            // A member of another alternative is not part of this body.
            let belongs = body.get(name).is_some() || all.len() == 1;
            if (holds("object") || holds("array")) && !holds("null") && body.is_object() && belongs {
                found.push(place.clone());
            }
            if let Some(value) = body.get(name) {
                places(document, member, value, &place, found);
            }
        }
        if let (Some(items), Some(value)) = (schema.get("items"), body.get(0)) {
            places(document, items, value, &format!("{pointer}/0"), found);
        }
    }
}

/// Sets the member at the pointer, which may be absent, to null.
fn nulled(body: &Value, pointer: &str) -> Value {
    let mut body = body.clone();
    let (parent, name) = pointer.rsplit_once('/').expect("a member");
    let name = name.replace("~1", "/").replace("~0", "~");
    body.pointer_mut(parent).expect("its parent")[name] = Value::Null;
    body
}

#[test]
fn every_object_and_list_of_every_body_refuses_null_with_its_pointer() {
    let scene = Scene::new();
    let (mut complaints, mut tried) = (Vec::new(), 0);
    // In a merge patch null removes a member.
    let sends = |operation: &&Operation| operation.media().is_some_and(|media| !media.contains("merge-patch"));
    for operation in scene.document.protected().filter(sends) {
        let actor = scene.permitted_actor(operation);
        let good = scene.prepare(operation, &actor, &scene.alpha);
        let (media, bytes) = good.body.clone().expect("a body");
        let body: Value = serde_json::from_slice(&bytes).expect("JSON");
        let schema = scene.document.body_of(operation).expect("a schema");
        let mut found = Vec::new();
        places(&scene.document, schema, &body, "", &mut found);
        found.sort();
        found.dedup();
        for pointer in found {
            let request = scene.prepare(operation, &actor, &scene.alpha);
            let request = request.with_body(nulled(&body, &pointer).to_string());
            let request = request.with("idempotency-key", &scene.world.clock.random_id().to_string());
            let answer = request.send(&actor);
            let said = if media == "application/x-ndjson" { answer.lines().remove(0) } else { answer.body.clone() };
            let lists = ["/errors", "/problem/errors", "/reasons"].into_iter().filter_map(|list| said.pointer(list));
            let is_named = lists
                .filter_map(Value::as_array)
                .flatten()
                .any(|fault| fault["pointer"].as_str().is_some_and(|at| at.ends_with(&pointer)));
            if !is_named {
                complaints.push(format!("{} {pointer}: {} {}", operation.id, answer.status, answer.text()));
            }
            tried += 1;
        }
    }
    complaints.iter_mut().for_each(|complaint| complaint.truncate(500));
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
    assert!(tried > 60, "only {tried} members");
}
