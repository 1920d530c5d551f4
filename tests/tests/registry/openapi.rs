//! The document: every operation has an id, a tag and an action, every schema limits; and every documented success can
//! be produced and conforms.

use std::collections::{BTreeSet, HashSet};

use painreg_domain::policy::Action;
use serde_json::Value;
use strum::IntoEnumIterator as _;

use crate::document::Document;
use crate::scene::{Scene, may, roles};
use painreg_tests::{Answer, World};

#[test]
fn every_operation_has_id_tag_and_action() {
    let world = World::new();
    let document = Document::of(&world);
    let tags: HashSet<&str> =
        document.json["tags"].as_array().expect("tags").iter().filter_map(|tag| tag["name"].as_str()).collect();
    let mut ids = HashSet::new();
    let mut wrong = Vec::new();
    for operation in &document.operations {
        let mut say = |what: &str| wrong.push(format!("{}: {what}", operation.id));
        if !ids.insert(&operation.id) {
            say("the operationId is repeated");
        }
        let summary = operation.json["summary"].as_str().unwrap_or_default();
        if summary.is_empty() || !summary.ends_with('.') || summary.len() > 120 {
            say("no one-sentence summary");
        }
        match operation.json["tags"].as_array().map(Vec::as_slice) {
            Some([tag]) if tag.as_str().is_some_and(|tag| tags.contains(tag)) => {}
            _ => say("not exactly one known tag"),
        }
        if operation.action.is_some() == operation.public {
            say("either x-action or x-public");
        }
        if operation.public != (operation.json["security"] == serde_json::json!([{}])) {
            say("open to everybody and x-public must go together");
        }
        let named: BTreeSet<&str> = operation.parameters("path").filter_map(|it| it["name"].as_str()).collect();
        let written: BTreeSet<&str> =
            operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        if named != written {
            say("the path's parameters are not those documented");
        }
        for place in ["path", "query", "header"] {
            if operation.parameters(place).any(|it| it["description"].as_str().unwrap_or_default().is_empty()) {
                say("a parameter has no description");
            }
        }
        let responses = operation.json["responses"].as_object().expect("responses");
        if !responses.keys().any(|status| status.starts_with('2')) {
            say("no success is documented");
        }
        for status in ["400", "401", "403", "404", "429", "4XX", "5XX"] {
            if !operation.public && !responses.contains_key(status) {
                say("a refusal is not documented");
            }
        }
        if operation.method == "POST"
            && !operation.public
            && !operation.takes("header", "Idempotency-Key")
            // The first creates nothing; deliveries of the others are identified by their source.
            && !["lookUpPatient", "submitMany", "deliverMany"].contains(&operation.id.as_str())
        {
            say("a POST without Idempotency-Key");
        }
        if matches!(operation.method.as_str(), "PUT" | "PATCH" | "DELETE") && !operation.takes("header", "If-Match") {
            say("a change without If-Match");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for action in Action::iter().filter(|action| !action.is_for_the_command_line()) {
        assert!(document.protected().any(|operation| operation.right() == action), "{action} belongs to no operation");
    }
}

/// Collects every text, list and integer without limits.
fn unlimited(schema: &Value, place: &str, request: bool, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            let is = |kind: &str| match members.get("type") {
                Some(Value::String(one)) => one == kind,
                Some(Value::Array(several)) => several.iter().any(|one| one == kind),
                _ => false,
            };
            let has = |names: &[&str]| names.iter().any(|name| members.contains_key(*name));
            if is("string") && !has(&["maxLength", "format", "enum", "const", "pattern"]) {
                found.insert(format!("{place}: a string without maxLength, format, enum or pattern"));
            }
            if is("array") && !has(&["maxItems", "prefixItems"]) {
                found.insert(format!("{place}: an array without maxItems"));
            }
            if is("integer") && !has(&["format", "enum", "const"]) && !(has(&["minimum"]) && has(&["maximum"])) {
                found.insert(format!("{place}: an integer without limits or format"));
            }
            if request
                && is("object")
                && members.contains_key("properties")
                && members.get("additionalProperties") != Some(&Value::Bool(false))
            {
                found.insert(format!("{place}: a request's object that is open"));
            }
            for (name, member) in members
                .iter()
                .filter(|(name, _)| !["example", "examples", "default", "enum", "const"].contains(&name.as_str()))
            {
                unlimited(member, &format!("{place}/{name}"), request, found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                unlimited(item, &format!("{place}/{at}"), request, found);
            }
        }
        _ => {}
    }
}

/// Returns the names of the components that these schemas refer to, directly or indirectly.
fn reached(document: &Document, schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(name) =
                members.get("$ref").and_then(Value::as_str).and_then(|it| it.strip_prefix("#/components/schemas/"))
                && names.insert(name.to_owned())
            {
                reached(document, &document.json["components"]["schemas"][name], names);
            }
            members.values().for_each(|member| reached(document, member, names));
        }
        Value::Array(items) => items.iter().for_each(|item| reached(document, item, names)),
        _ => {}
    }
}

#[test]
fn every_schema_limits_texts_lists_and_integers() {
    let world = World::new();
    let document = Document::of(&world);
    let mut found = BTreeSet::new();
    for operation in &document.operations {
        for place in ["path", "query", "header"] {
            for parameter in operation.parameters(place) {
                let name = format!("{} {}", operation.id, parameter["name"]);
                unlimited(&parameter["schema"], &name, false, &mut found);
            }
        }
        unlimited(&operation.json["requestBody"], &format!("{} request", operation.id), true, &mut found);
        // The answers of public operations, such as this document and the metrics, have no limits.
        if !operation.public {
            unlimited(&operation.json["responses"], &format!("{} responses", operation.id), false, &mut found);
        }
    }
    let mut of_requests = BTreeSet::new();
    for operation in &document.operations {
        reached(&document, &operation.json["requestBody"], &mut of_requests);
    }
    for (name, schema) in document.json["components"]["schemas"].as_object().expect("schemas") {
        unlimited(schema, name, of_requests.contains(name), &mut found);
    }
    assert!(found.is_empty(), "{}", found.into_iter().collect::<Vec<_>>().join("\n"));
}

/// Returns the instants of an answer that are not written in UTC, with a `Z` at the end.
fn local_instants(answer: &Answer) -> impl Iterator<Item = String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) => {
                let is_instant = text.parse::<jiff::Timestamp>().is_ok() && text.contains(['T', ' ']);
                found.extend((is_instant && !text.ends_with('Z')).then(|| text.clone()));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Object(members) => members.values().for_each(|member| collect(member, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut found = Vec::new();
    let lines = answer.bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    for value in std::iter::once(answer.body.clone()).chain(lines) {
        collect(&value, &mut found);
    }
    found.into_iter()
}

#[test]
fn every_documented_success_is_reached_and_fits_its_schema() {
    let scene = Scene::new();
    let mut wrong = Vec::new();
    for operation in &scene.document.operations {
        let mut seen = BTreeSet::new();
        let actors: Vec<_> = if operation.public {
            vec![scene.world.unauthenticated()]
        } else {
            roles().filter(|role| may(*role, operation)).map(|role| scene.actor("alpha", role, &scene.alpha)).collect()
        };
        for actor in actors {
            let mut request = scene.prepare(operation, &actor, &scene.alpha);
            // The same request again, with another key if it has one: a known object has a different success status.
            for _ in 0..2 {
                let answer = request.send(&actor);
                wrong.extend(scene.document.faults(operation, &answer));
                wrong.extend(local_instants(&answer).map(|text| format!("{}: {text} is not in UTC", operation.id)));
                seen.insert(answer.status);
                if operation.takes("header", "Idempotency-Key") {
                    request = request.with("idempotency-key", &scene.world.clock.random_id().to_string());
                }
            }
        }
        if operation.id == "deliverNettskjema" {
            let importer = scene.world.alpha().importer();
            let answer = importer.delivers(&serde_json::json!({"version": "2024-09"}));
            wrong.extend(scene.document.faults(operation, &answer));
            seen.insert(answer.status);
        }
        for status in operation.json["responses"].as_object().expect("responses").keys() {
            if let Ok(status) = status.parse::<u16>()
                && status < 300
                && !seen.contains(&status)
            {
                wrong.push(format!("{}: {status} is documented and was never seen", operation.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
