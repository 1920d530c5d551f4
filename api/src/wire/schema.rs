//! Checks documents against the schemas of their types, which are those that the specification publishes: what
//! `#[schema(..)]` states is published and enforced, and every fault of a document is found at once.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use painreg_domain::fault::{Fault, FaultCode, escape};
use painreg_domain::number::whole_number;
use painreg_domain::rfc3339;
use regex_lite::Regex;
use serde_json::{Map, Number, Value};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use validator::{ValidateLength as _, ValidateRange as _};

/// The most faults of a document that are reported.
const MOST_FAULTS: usize = 1000;
/// The most unknown members of a document that are reported: their names come from the request.
const MOST_UNKNOWN: usize = 10;

/// The schema of a type, with the schemas that it refers to.
pub struct Schema {
    root: Value,
    named: HashMap<String, Value>,
    patterns: HashMap<String, Regex>,
}

/// The part of a schema that a document is checked against.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Types, required and unknown members, options, formats.
    Shape,
    /// The shape, and the limits of numbers, texts and lists.
    Limits,
}

impl Schema {
    /// Returns the schema of a type, rendered once per process.
    pub fn of<T: ToSchema + 'static>() -> Arc<Self> {
        static KNOWN: LazyLock<RwLock<HashMap<TypeId, Arc<Schema>>>> = LazyLock::new(RwLock::default);
        let id = TypeId::of::<T>();
        if let Some(known) = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Arc::clone(known);
        }
        let schema = Arc::new(Self::render::<T>());
        KNOWN.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&schema));
        schema
    }

    fn render<T: ToSchema>() -> Self {
        let mut named = Vec::new();
        T::schemas(&mut named);
        let json = |schema| serde_json::to_value::<RefOr<_>>(schema).unwrap_or_default();
        let root = json(T::schema());
        let named: HashMap<_, _> =
            named.into_iter().map(|(name, schema)| (format!("#/components/schemas/{name}"), json(schema))).collect();
        let mut patterns = HashMap::new();
        named.values().chain([&root]).for_each(|schema| compile_patterns(schema, &mut patterns));
        Self { root, named, patterns }
    }

    /// Returns the faults of a document, sorted by pointer.
    pub fn faults(&self, document: &Value, extent: Extent) -> Vec<Fault> {
        let mut check = Check { schema: self, extent, pointer: String::new(), unknown: 0, faults: Vec::new() };
        check.value(&self.root, document);
        check.faults.sort();
        check.faults
    }

    /// Returns the schema that a reference leads to; other schemas are returned as they are.
    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.named.get(reference).map_or(&Value::Null, |schema| self.resolve(schema)),
            None => schema,
        }
    }

    /// Returns the alternative that a value is checked against. Returns `None` for a null that is permitted, and if
    /// several alternatives or none may be meant: the conversion to the type reports those.
    fn alternative<'a>(&'a self, alternatives: &'a [Value], value: &Value) -> Option<&'a Value> {
        let (null, others): (Vec<_>, Vec<_>) =
            alternatives.iter().map(|schema| self.resolve(schema)).partition(|schema| is_of(schema, "null"));
        match others.as_slice() {
            _ if value.is_null() && !null.is_empty() => None,
            [only] => Some(only),
            several => {
                let members = value.as_object()?;
                let mut meant = several.iter().filter(|schema| is_meant(schema, members));
                meant.next().filter(|_| meant.next().is_none()).copied()
            }
        }
    }
}

/// Returns whether an object has the tag of an alternative or, if the alternative has no tag, its required members.
fn is_meant(alternative: &Value, members: &Map<String, Value>) -> bool {
    let properties = alternative.get("properties").and_then(Value::as_object).into_iter().flatten();
    let mut tags = properties.filter_map(|(name, member)| match member.get("enum")?.as_array()?.as_slice() {
        [tag] => Some(members.get(name) == Some(tag)),
        _ => None,
    });
    tags.next().unwrap_or_else(|| required(alternative).all(|name| members.contains_key(name)))
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn compile_patterns(schema: &Value, patterns: &mut HashMap<String, Regex>) {
    match schema {
        Value::Object(members) => {
            if let Some(pattern) = pattern_of(schema)
                && let Ok(compiled) = Regex::new(pattern)
            {
                patterns.insert(pattern.to_owned(), compiled);
            }
            members.values().for_each(|member| compile_patterns(member, patterns));
        }
        Value::Array(items) => items.iter().for_each(|item| compile_patterns(item, patterns)),
        _ => {}
    }
}

/// Returns the pattern of a schema.
fn pattern_of(schema: &Value) -> Option<&str> {
    schema.get("pattern")?.as_str()
}

/// Returns whether a text has the format that a schema names, if it is one that is checked.
fn has_format(schema: &Value, text: &str) -> bool {
    match schema.get("format").and_then(Value::as_str) {
        Some("date") => rfc3339::date(text).is_some(),
        Some("date-time") => rfc3339::instant(text).is_some(),
        _ => true,
    }
}

/// Returns whether a schema names this type.
fn is_of(schema: &Value, name: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(one)) => one == name,
        Some(Value::Array(several)) => several.iter().any(|one| one == name),
        _ => false,
    }
}

/// Returns whether a value is of a type that a schema names, or the schema names none.
fn is_of_type(schema: &Value, value: &Value) -> bool {
    let is = |name| is_of(schema, name);
    match value {
        _ if schema.get("type").is_none() => true,
        Value::Null => is("null"),
        Value::Bool(_) => is("boolean"),
        Value::Number(number) => is("number") || (is("integer") && whole_number(number) != Err(FaultCode::WrongType)),
        Value::String(_) => is("string"),
        Value::Array(_) => is("array"),
        Value::Object(_) => is("object"),
    }
}

/// Returns a limit of lengths.
fn length_limit(schema: &Value, keyword: &str) -> Option<u64> {
    schema.get(keyword)?.as_u64()
}

/// The check of one document.
struct Check<'a> {
    schema: &'a Schema,
    extent: Extent,
    /// The place of the value that is being checked.
    pointer: String,
    unknown: usize,
    faults: Vec<Fault>,
}

impl<'a> Check<'a> {
    fn fault(&mut self, code: FaultCode) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(Fault::new(self.pointer.clone(), code));
        }
    }

    fn unknown(&mut self) {
        self.unknown += 1;
        if self.unknown <= MOST_UNKNOWN {
            self.fault(FaultCode::UnknownItem);
        }
    }

    /// Checks a member or an item.
    fn inside(&mut self, name: &str, check: impl FnOnce(&mut Self)) {
        let outside = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(name);
        check(self);
        self.pointer.truncate(outside);
    }

    fn value(&mut self, schema: &'a Value, value: &Value) {
        let schema = self.schema.resolve(schema);
        if let Some(alternatives) = schema.get("oneOf").and_then(Value::as_array) {
            if let Some(meant) = self.schema.alternative(alternatives, value) {
                self.value(meant, value);
            }
            return;
        }
        if !is_of_type(schema, value) {
            return self.fault(FaultCode::WrongType);
        }
        let options = schema.get("enum").and_then(Value::as_array);
        if !value.is_null() && options.is_some_and(|options| !options.contains(value)) {
            return self.fault(FaultCode::UnknownOption);
        }
        match value {
            Value::Object(members) => self.object(schema, members),
            Value::Array(items) => self.array(schema, items),
            Value::String(text) => self.text(schema, text),
            Value::Number(number) => self.number(schema, number),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn object(&mut self, schema: &'a Value, members: &Map<String, Value>) {
        for name in required(schema).filter(|name| !members.contains_key(*name)) {
            self.inside(&escape(name), |check| check.fault(FaultCode::Required));
        }
        let known = schema.get("properties");
        let others = schema.get("additionalProperties");
        for (name, value) in members {
            self.inside(&escape(name), |check| match (known.and_then(|known| known.get(name)), others) {
                (Some(member), _) => check.value(member, value),
                (None, Some(Value::Bool(false))) => check.unknown(),
                (None, Some(other)) => {
                    if let Some(names) = schema.get("propertyNames") {
                        check.text(names, name);
                    }
                    check.value(other, value);
                }
                (None, None) => {}
            });
        }
    }

    fn array(&mut self, schema: &'a Value, items: &[Value]) {
        if self.extent == Extent::Limits {
            if !items.validate_length(None, length_limit(schema, "maxItems"), None) {
                return self.fault(FaultCode::TooLong);
            }
            if !items.validate_length(length_limit(schema, "minItems"), None, None) {
                return self.fault(FaultCode::InvalidFormat);
            }
        }
        if let Some(of) = schema.get("items") {
            for (at, item) in items.iter().enumerate() {
                self.inside(&at.to_string(), |check| check.value(of, item));
            }
        }
    }

    fn text(&mut self, schema: &Value, text: &str) {
        let pattern = pattern_of(schema).and_then(|pattern| self.schema.patterns.get(pattern));
        if !has_format(schema, text) {
            return self.fault(FaultCode::InvalidFormat);
        }
        if self.extent == Extent::Shape {
            return;
        }
        if pattern.is_some_and(|pattern| !pattern.is_match(text)) {
            self.fault(FaultCode::InvalidFormat);
        } else if !text.validate_length(None, length_limit(schema, "maxLength"), None) {
            self.fault(FaultCode::TooLong);
        } else if !text.validate_length(length_limit(schema, "minLength"), None, None) {
            self.fault(FaultCode::InvalidFormat);
        }
    }

    fn number(&mut self, schema: &Value, number: &Number) {
        let limit = |keyword| schema.get(keyword).and_then(Value::as_f64);
        let (least, most, above) = (limit("minimum"), limit("maximum"), limit("exclusiveMinimum"));
        let within = number.as_f64().is_some_and(|number| number.validate_range(least, most, above, None));
        if self.extent == Extent::Limits && !within {
            self.fault(FaultCode::OutOfRange);
        }
    }
}

#[cfg(test)]
mod tests;
