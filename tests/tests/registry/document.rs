//! The OpenAPI document of the running server: its operations, and whether an answer conforms to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jsonschema::{Draft, Validator};
use painreg_domain::policy::Action;
use painreg_tests::{Answer, World};
use serde_json::{Value, json};

/// An operation of the document.
pub struct Operation {
    /// The operation id (`operationId`).
    pub id: String,
    /// The HTTP method, in capitals.
    pub method: String,
    /// The path with its parameters.
    pub path: String,
    /// The action (`x-action`); absent where public.
    pub action: Option<Action>,
    /// Whether the operation needs no credentials.
    pub public: bool,
    /// The operation object of the document.
    pub json: Value,
}

impl Operation {
    /// Returns the parameters in `place`: `path`, `query` or `header`.
    pub fn parameters<'a>(&'a self, place: &'a str) -> impl Iterator<Item = &'a Value> {
        let all = self.json.get("parameters").and_then(Value::as_array).into_iter().flatten();
        all.filter(move |parameter| parameter["in"] == place)
    }

    /// Returns whether the operation has this header, path or query parameter.
    pub fn takes(&self, place: &str, name: &str) -> bool {
        self.parameters(place).any(|parameter| parameter["name"] == name)
    }

    /// Returns the media type of the body; `None` without a body.
    pub fn media(&self) -> Option<&str> {
        self.json.pointer("/requestBody/content")?.as_object()?.keys().next().map(String::as_str)
    }

    /// Returns the action of an operation that is not public.
    pub fn right(&self) -> Action {
        self.action.unwrap_or_else(|| panic!("{} has no x-action", self.id))
    }
}

/// The specification of a running server.
pub struct Document {
    /// The whole document.
    pub json: Value,
    /// The operations, in order of paths.
    pub operations: Vec<Operation>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Document {
    /// Reads the document of a running server.
    pub fn of(world: &World) -> Self {
        let json = world.unauthenticated().get("/openapi.json").expect(200).body;
        let mut operations = Vec::new();
        for (path, item) in json["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no id"));
                operations.push(Operation {
                    id: id.to_owned(),
                    method: method.to_uppercase(),
                    path: path.clone(),
                    action: operation["x-action"].as_str().map(|name| name.parse().expect("a known action")),
                    public: operation["x-public"] == true,
                    json: operation.clone(),
                });
            }
        }
        assert!(operations.len() >= 25, "only {} operations", operations.len());
        Self { json, operations, validators: Mutex::default() }
    }

    /// Returns the operations that need a caller.
    pub fn protected(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().filter(|operation| !operation.public)
    }

    /// Returns a schema, with its reference resolved.
    pub fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => self
                .json
                .pointer(reference.trim_start_matches('#'))
                .unwrap_or_else(|| panic!("{reference} leads nowhere")),
            None => schema,
        }
    }

    /// Returns the schema of a request's body.
    pub fn body_of(&self, operation: &Operation) -> Option<&Value> {
        let media = operation.media()?;
        let schema = &self.json["paths"][&operation.path][operation.method.to_lowercase()]["requestBody"]["content"];
        Some(self.resolve(&schema[media]["schema"]))
    }

    /// Returns the differences between this answer and the document.
    pub fn faults(&self, operation: &Operation, answer: &Answer) -> Vec<String> {
        let responses = &operation.json["responses"];
        let wide = format!("{}XX", answer.status / 100);
        let Some((status, response)) = [answer.status.to_string(), wide]
            .into_iter()
            .find_map(|status| Some((status.clone(), responses.get(&status)?)))
        else {
            return vec![format!("{}: status {} is not documented", operation.id, answer.status)];
        };
        let Some(content) = response.get("content").and_then(Value::as_object) else {
            return match answer.bytes.len() {
                0 => Vec::new(),
                length => vec![format!("{} {status}: {length} bytes where nothing is documented", operation.id)],
            };
        };
        let media = answer.header("content-type").split(';').next().unwrap_or_default().trim().to_owned();
        let Some(schema) = content.get(&media).map(|content| &content["schema"]) else {
            return vec![format!("{} {status}: media type `{media}` is not documented", operation.id)];
        };
        if media == "text/plain" {
            return Vec::new();
        }
        let Ok(body) = serde_json::from_slice::<Value>(&answer.bytes) else {
            return vec![format!("{} {status}: the body is no JSON", operation.id)];
        };
        let validator = self.validator(&format!("{} {status} {media}", operation.id), schema);
        let faults = validator.iter_errors(&body).map(|fault| {
            let mut said = fault.to_string();
            said.truncate(300);
            format!("{} {status}: {}: {said}", operation.id, fault.instance_path())
        });
        faults.collect()
    }

    /// Fails if this answer differs from the document.
    #[track_caller]
    pub fn check(&self, operation: &Operation, answer: &Answer) {
        let faults = self.faults(operation, answer);
        assert!(faults.is_empty(), "{}\n{}", faults.join("\n"), answer.text());
    }

    fn validator(&self, name: &str, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().expect("no thread panicked");
        Arc::clone(validators.entry(name.to_owned()).or_insert_with(|| {
            let mut components = self.json["components"].clone();
            strict(&mut components);
            let mut schema = schema.clone();
            strict(&mut schema);
            let whole = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "components": components,
                "allOf": [schema],
            });
            let validator = jsonschema::options()
                .with_draft(Draft::Draft202012)
                .should_validate_formats(true)
                .build(&whole)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            Arc::new(validator)
        }))
    }
}

/// Closes objects that have members, for the test only: an answer must not hold members that the document does not
/// name.
fn strict(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(strict);
            if members.get("properties").is_some_and(Value::is_object) && !members.contains_key("allOf") {
                members.entry("additionalProperties").or_insert(json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(strict),
        _ => {}
    }
}
