//! Tests of the specification as a whole.

use serde_json::Value;
use utoipa::openapi::path::Parameter;

use super::*;

#[test]
fn every_operation_is_listed_and_every_action_is_used() {
    let operations = &SPECIFICATION.operations;
    assert_eq!(operations.unlisted(), None);
    for action in Action::iter().filter(|action| !action.is_for_the_command_line()) {
        assert!(!operations.of(action).is_empty(), "no operation does {action:?}");
    }
}

/// Fails if a keyword in the schema of a body neither is checked by `wire::Body` nor only describes.
fn knows_keywords(schemas: &Value, schema: &Value) {
    const CHECKED: &[&str] = &[
        "$ref",
        "additionalProperties",
        "enum",
        "exclusiveMinimum",
        "items",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "oneOf",
        "pattern",
        "properties",
        "propertyNames",
        "required",
        "type",
    ];
    const DESCRIBING: &[&str] = &["default", "description", "example", "format", "writeOnly"];
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        assert!(CHECKED.contains(&keyword.as_str()) || DESCRIBING.contains(&keyword.as_str()), "{keyword}: {schema}");
        match keyword.as_str() {
            "$ref" => {
                let name = value.as_str().and_then(|it| it.rsplit('/').next()).expect("a name");
                assert!(schemas.get(name).is_some(), "{name} leads nowhere");
                knows_keywords(schemas, &schemas[name]);
            }
            "properties" => value.as_object().into_iter().flatten().for_each(|(_, it)| knows_keywords(schemas, it)),
            "oneOf" => value.as_array().into_iter().flatten().for_each(|it| knows_keywords(schemas, it)),
            "items" | "additionalProperties" | "propertyNames" => knows_keywords(schemas, value),
            _ => {}
        }
    }
}

#[test]
fn every_keyword_in_the_schema_of_a_body_is_checked() {
    let document: Value = serde_json::from_str(&SPECIFICATION.json).expect("JSON");
    let operations = document["paths"].as_object().expect("paths").values().filter_map(Value::as_object);
    let bodies = operations.flat_map(serde_json::Map::values).filter_map(|it| it["requestBody"]["content"].as_object());
    let schemas: Vec<&Value> = bodies.flat_map(serde_json::Map::values).map(|it| &it["schema"]).collect();
    assert!(schemas.len() > 50, "only {} bodies", schemas.len());
    for schema in schemas {
        knows_keywords(&document["components"]["schemas"], schema);
    }
}

#[test]
fn every_path_parameter_is_documented() {
    for (path, item) in &SPECIFICATION.document.paths.paths {
        for (method, operation) in operations_of(item) {
            for name in names_in(path) {
                let is_described =
                    |it: &&RefOr<Parameter>| matches!(it, RefOr::T(it) if it.name == name && it.description.is_some());
                let described = operation.parameters.iter().flatten().filter(is_described).count();
                assert_eq!(described, 1, "{name} of {method} {path} is not in wire::path_parameter");
            }
        }
    }
}

#[test]
fn every_query_parameter_is_checked() {
    for item in SPECIFICATION.document.paths.paths.values() {
        for (_, operation) in operations_of(item) {
            let documented = parameters_in(operation, &ParameterIn::Query).count();
            let id = &operation.operation_id;
            assert_eq!(
                query_of(&SPECIFICATION.document, operation).len(),
                documented,
                "{id:?}: a schema without limits"
            );
        }
    }
}

#[test]
fn methods_are_found_by_path() {
    let operations = &SPECIFICATION.operations;
    assert_eq!(operations.methods_at("/v1/tenants"), ["GET", "HEAD", "POST"]);
    assert_eq!(operations.methods_at("/v1/tenants/x/patients/y"), ["GET", "HEAD", "PATCH"]);
    assert!(operations.methods_at("/v1/tenants/x/patients/").is_empty());
    assert!(operations.methods_at("/v2").is_empty());
}
