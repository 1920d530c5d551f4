//! Every member of every body: each limit of the document is enforced, all faults of a body are reported at once, and
//! null clears exactly the members of merge patches that can be null.

use std::collections::BTreeSet;

use painreg_tests::Answer;
use serde_json::{Map, Value, json};

use crate::document::{Document, Operation};
use crate::scene::{Prepared, Scene};

/// Limits that only the size of the body enforces.
const BEYOND_THE_BODY: usize = 100_000;

/// A value outside one limit: the limit, the pointer of the value and the whole body.
struct Outside {
    limit: &'static str,
    pointer: String,
    body: Value,
}

/// Collects the values outside the limits of a schema and of everything in it.
struct Walk<'a> {
    document: &'a Document,
    found: Vec<Outside>,
}

impl Walk<'_> {
    /// `put` returns the whole body with a value at this pointer; `good` is the value that it has in a valid body.
    fn visit(&mut self, schema: &Value, good: Option<&Value>, pointer: &str, put: &dyn Fn(Value) -> Value) {
        let schema = self.document.resolve(schema);
        if let Some(alternatives) = schema["oneOf"].as_array() {
            for alternative in alternatives {
                self.visit(alternative, good.filter(|it| fits(self.document, alternative, it)), pointer, put);
            }
            return;
        }
        let mut outside = |limit, value: Value| {
            self.found.push(Outside { limit, pointer: pointer.to_owned(), body: put(value) });
        };
        let length = |keyword: &str| {
            schema[keyword].as_u64().and_then(|it| usize::try_from(it).ok()).filter(|it| *it < BEYOND_THE_BODY)
        };
        if let Some(most) = length("maxLength") {
            outside("maxLength", json!("x".repeat(most + 1)));
        }
        if let Some(least) = length("minLength").filter(|least| *least > 0) {
            outside("minLength", json!("x".repeat(least - 1)));
        }
        if schema.get("pattern").is_some() {
            outside("pattern", json!("!".repeat(length("minLength").unwrap_or(1).max(1))));
        }
        if let Some(most) = schema["maximum"].as_i64() {
            outside("maximum", json!(most + 1));
        }
        if let Some(least) = schema["minimum"].as_i64() {
            outside("minimum", json!(least - 1));
        }
        if let Some(below) = schema.get("exclusiveMinimum") {
            outside("exclusiveMinimum", below.clone());
        }
        if let Some(items) = schema.get("items") {
            let known = good.and_then(Value::as_array).and_then(|items| items.first());
            let item = known.cloned().unwrap_or_else(|| self.sample(items));
            let several = |count| Value::Array(vec![item.clone(); count]);
            if let Some(most) = length("maxItems") {
                self.found.push(Outside {
                    limit: "maxItems",
                    pointer: pointer.to_owned(),
                    body: put(several(most + 1)),
                });
            }
            if let Some(least) = length("minItems").filter(|least| *least > 0) {
                self.found.push(Outside {
                    limit: "minItems",
                    pointer: pointer.to_owned(),
                    body: put(several(least - 1)),
                });
            }
            self.visit(items, Some(&item), &format!("{pointer}/0"), &|value| put(json!([value])));
        }
        let sample;
        let members = match good.and_then(Value::as_object) {
            Some(members) => members,
            None => {
                sample = self.sample(schema);
                let Some(members) = sample.as_object() else { return };
                members
            }
        };
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let put = |value| {
                let mut changed = members.clone();
                changed.insert(name.clone(), value);
                put(Value::Object(changed))
            };
            self.visit(member, members.get(name).filter(|it| !it.is_null()), &format!("{pointer}/{name}"), &put);
        }
        if let Some(member) = schema.get("additionalProperties").filter(|it| it.is_object()) {
            let (name, good) =
                members.iter().next().map_or(("x", None), |(name, member)| (name.as_str(), Some(member)));
            let put_at = |name: &str, value| {
                let mut changed = members.clone();
                changed.insert(name.to_owned(), value);
                put(Value::Object(changed))
            };
            self.visit(member, good, &format!("{pointer}/{name}"), &|value| put_at(name, value));
            if let Some(most) = schema["propertyNames"]["maxLength"].as_u64() {
                let name = "x".repeat(usize::try_from(most).expect("a length") + 1);
                let body = put_at(&name, good.cloned().unwrap_or_else(|| self.sample(member)));
                self.found.push(Outside { limit: "propertyNames", pointer: format!("{pointer}/{name}"), body });
            }
        }
    }

    /// Returns a value that conforms to a schema.
    fn sample(&self, schema: &Value) -> Value {
        let schema = self.document.resolve(schema);
        if let Some(example) = schema.get("example") {
            return example.clone();
        }
        if let Some(first) = schema["oneOf"].get(0).or_else(|| schema["enum"].get(0)) {
            return if first.is_object() { self.sample(first) } else { first.clone() };
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds[0].as_str(),
            kind => kind.as_str(),
        };
        match (kind, schema["format"].as_str()) {
            (Some("string"), Some("date")) => json!("2025-06-01"),
            (Some("string"), Some("date-time")) => json!("2025-06-01T08:00:00Z"),
            (Some("string"), Some("uuid")) => json!("11111111-1111-4111-8111-111111111111"),
            (Some("string"), _) => {
                json!("x".repeat(schema["minLength"].as_u64().unwrap_or(1).max(1).try_into().unwrap()))
            }
            (Some("integer" | "number"), _) => json!(schema["minimum"].as_i64().unwrap_or(1)),
            (Some("boolean"), _) => json!(false),
            (Some("array"), _) => json!([self.sample(&schema["items"])]),
            (Some("object"), _) => {
                let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
                required
                    .map(|name| (name.to_owned(), self.sample(&schema["properties"][name])))
                    .collect::<Map<_, _>>()
                    .into()
            }
            _ => json!("x"),
        }
    }
}

/// Returns whether a value is of an alternative: it has the same tag, or else a member of the same name.
fn fits(document: &Document, alternative: &Value, value: &Value) -> bool {
    let properties = document.resolve(alternative)["properties"].as_object();
    properties.is_none_or(|members| {
        let tag = members.iter().find(|(_, member)| member["enum"].as_array().is_some_and(|it| it.len() == 1));
        match tag {
            Some((name, member)) => member["enum"][0] == value[name],
            None => members.keys().any(|name| value.get(name).is_some()),
        }
    })
}

/// Collects the faults in an answer: of the request, of its line, the reasons of a quarantine, the faults of a draft.
fn faults_in(answer: &Value, found: &mut Vec<(String, String)>) {
    if let (Some(pointer), Some(code)) = (answer["pointer"].as_str(), answer["code"].as_str()) {
        found.push((pointer.to_owned(), code.to_owned()));
    }
    let items = answer.as_array().into_iter().flatten();
    for inner in items.chain(answer.as_object().into_iter().flat_map(Map::values)) {
        faults_in(inner, found);
    }
}

/// Returns whether an answer names a fault at a place or, of a list that is too long, in it.
fn names(answer: &Answer, outside: &Outside) -> bool {
    let mut faults = Vec::new();
    faults_in(&answer.body, &mut faults);
    for line in answer.lines() {
        faults_in(&line, &mut faults);
    }
    // The pointers of a draft refer to its definition.
    let places = [Some(outside.pointer.as_str()), outside.pointer.strip_prefix("/definition")];
    let is_named = |(at, code): &(String, String)| {
        let mut places = places.into_iter().flatten();
        code != "wrong_type" && places.any(|it| at == it || outside.limit == "maxItems" && at.starts_with(it))
    };
    faults.iter().any(is_named)
}

/// The operations with a body that has members, with a valid request.
fn with_bodies(scene: &Scene) -> impl Iterator<Item = (&Operation, Prepared, Value)> {
    scene.document.protected().filter_map(|operation| {
        operation.media()?;
        let actor = scene.permitted_actor(operation);
        let good = scene.prepare(operation, &actor, &scene.alpha);
        let body = serde_json::from_slice(&good.body.as_ref()?.1).ok()?;
        Some((operation, good, body))
    })
}

#[test]
fn every_limit_of_a_body_is_enforced_at_its_pointer() {
    let scene = Scene::new();
    let mut wrong = BTreeSet::new();
    let mut checked = 0;
    for (operation, good, body) in with_bodies(&scene) {
        let actor = scene.permitted_actor(operation);
        let mut walk = Walk { document: &scene.document, found: Vec::new() };
        let schema = scene.document.body_of(operation).expect("a schema");
        walk.visit(schema, Some(&body), "", &|value| value);
        let mut good = good;
        for outside in walk.found {
            checked += 1;
            let answer = good.clone().with_body(outside.body.to_string()).send(&actor);
            if !names(&answer, &outside) {
                wrong.insert(format!(
                    "{} {} {}: {} {}",
                    operation.id,
                    outside.pointer,
                    outside.limit,
                    answer.status,
                    answer.text()
                ));
            }
            // A draft is stored with its faults.
            if answer.status < 300 {
                good = scene.prepare(operation, &actor, &scene.alpha);
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {checked}\n{}", wrong.len(), wrong.into_iter().collect::<Vec<_>>().join("\n"));
    assert!(checked > 500, "only {checked} limits");
}

#[test]
fn null_clears_exactly_the_nullable_members_of_patches() {
    let scene = Scene::new();
    let mut checked = (0, 0);
    let mut wrong = Vec::new();
    for operation in scene.document.protected().filter(|operation| operation.method == "PATCH") {
        let actor = scene.permitted_actor(operation);
        let schema = scene.document.body_of(operation).expect("a schema");
        assert!(schema.get("required").is_none(), "{}: a patch with required members", operation.id);
        let sends = |body: &Value| {
            let good = scene.prepare(operation, &actor, &scene.alpha);
            good.with_body(body.to_string()).send(&actor)
        };
        sends(&json!({})).expect(200);
        for (name, member) in schema["properties"].as_object().expect("members") {
            let is_null = |schema: &Value| {
                schema["type"] == "null"
                    || schema["type"].as_array().is_some_and(|kinds| kinds.contains(&json!("null")))
            };
            let nullable =
                is_null(member) || member["oneOf"].as_array().is_some_and(|several| several.iter().any(is_null));
            assert!(member.get("default").is_none(), "{} {name}: a patch with a default", operation.id);
            let answer = sends(&json!({ name: null }));
            let refused = answer.faults().contains(&(format!("/{name}"), "wrong_type".to_owned()));
            // A rule may require the member beside the others.
            let expected = if nullable { answer.status == 200 || !refused } else { answer.status == 422 && refused };
            if !expected {
                wrong.push(format!("{} {name}: {} {}", operation.id, answer.status, answer.text()));
            }
            let counter = if nullable { &mut checked.0 } else { &mut checked.1 };
            *counter += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked.0 > 30 && checked.1 > 30, "{checked:?}");
}

#[test]
fn faults_of_shape_and_limits_are_reported_together() {
    let scene = Scene::new();
    let manager = scene.world.alpha().manager();
    let body = json!({"url": "", "description": "x".repeat(201), "kinds": ["none", 1], "surprise": 1});
    let answer = manager.post(&manager.at("webhooks"), &body).problem(422, "invalid");
    let expected = [
        ("/description", "too_long"),
        ("/kinds/0", "unknown_option"),
        ("/kinds/1", "wrong_type"),
        ("/surprise", "unknown_item"),
        ("/url", "invalid_format"),
    ];
    assert_eq!(answer.faults(), expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
}
