//! Tests of the checks against a schema.

use serde_json::json;

use super::*;

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Order {
    #[schema(min_length = 2, max_length = 4, pattern = "^[a-z]+$")]
    name: String,
    #[schema(minimum = 1, maximum = 5)]
    count: Option<i32>,
    #[schema(exclusive_minimum = 0)]
    weight: Option<f64>,
    #[schema(min_items = 1, max_items = 2)]
    tags: Vec<Colour>,
    party: Option<Party>,
    sender: Option<Sender>,
    notes: Option<HashMap<String, Colour>>,
    #[schema(format = "date")]
    sent_on: Option<String>,
    #[schema(format = "date-time")]
    sent_at: Option<String>,
}

#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum Colour {
    Red,
    Blue,
}

#[derive(ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum Party {
    Person { age: u8 },
    Company { number: String },
}

#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum Sender {
    Id(i64),
    Name(String),
}

fn faults(changes: &Value, extent: Extent) -> Vec<(String, FaultCode)> {
    let mut document = json!({"name": "abc", "tags": ["red"]});
    for (name, value) in changes.as_object().expect("members") {
        document[name] = value.clone();
    }
    let found = Schema::of::<Order>().faults(&document, extent);
    found.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

#[test]
fn faults_name_the_part_that_does_not_conform() {
    use FaultCode::{InvalidFormat, OutOfRange, Required, TooLong, UnknownItem, UnknownOption, WrongType};
    for (changes, pointer, code, extent) in [
        (json!({"name": null}), "/name", WrongType, Extent::Shape),
        (json!({"name": 1}), "/name", WrongType, Extent::Shape),
        (json!({"count": 1.5}), "/count", WrongType, Extent::Shape),
        (json!({"surprise": null}), "/surprise", UnknownItem, Extent::Shape),
        (json!({"tags": ["red", "green"]}), "/tags/1", UnknownOption, Extent::Shape),
        (json!({"tags": {}}), "/tags", WrongType, Extent::Shape),
        (json!({"party": {"kind": "person", "age": "x"}}), "/party/age", WrongType, Extent::Shape),
        (json!({"party": {"kind": "company"}}), "/party/number", Required, Extent::Shape),
        (json!({"sender": {"id": "x"}}), "/sender/id", WrongType, Extent::Shape),
        (json!({"notes": {"a/b": "green"}}), "/notes/a~1b", UnknownOption, Extent::Shape),
        (json!({"sent_on": "20250131"}), "/sent_on", InvalidFormat, Extent::Shape),
        (json!({"sent_on": "2025-01-31T10:00:00"}), "/sent_on", InvalidFormat, Extent::Shape),
        (json!({"sent_on": "+002025-01-31"}), "/sent_on", InvalidFormat, Extent::Shape),
        (json!({"sent_at": "2025-01-31"}), "/sent_at", InvalidFormat, Extent::Shape),
        (json!({"sent_at": "2025-01-31T10:00:00"}), "/sent_at", InvalidFormat, Extent::Shape),
        (json!({"sent_at": "2025-01-31T10:00:00+25:00"}), "/sent_at", InvalidFormat, Extent::Shape),
        (json!({"sent_at": "2025-01-31T10:00Z"}), "/sent_at", InvalidFormat, Extent::Shape),
        (json!({"name": "abcde"}), "/name", TooLong, Extent::Limits),
        (json!({"name": "a"}), "/name", InvalidFormat, Extent::Limits),
        (json!({"name": "A1"}), "/name", InvalidFormat, Extent::Limits),
        (json!({"count": 0}), "/count", OutOfRange, Extent::Limits),
        (json!({"count": 6}), "/count", OutOfRange, Extent::Limits),
        (json!({"weight": 0}), "/weight", OutOfRange, Extent::Limits),
        (json!({"tags": []}), "/tags", InvalidFormat, Extent::Limits),
        (json!({"tags": ["red", "red", "red"]}), "/tags", TooLong, Extent::Limits),
    ] {
        assert_eq!(faults(&changes, Extent::Limits), [(pointer.to_owned(), code)], "{changes}");
        assert_eq!(faults(&changes, Extent::Shape).is_empty(), extent == Extent::Limits, "{changes}");
    }
    let several = json!({"name": "abcde", "tags": ["green", 1], "x": 1});
    let pointers: Vec<String> = faults(&several, Extent::Limits).into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/name", "/tags/0", "/tags/1", "/x"]);
}

#[test]
fn faults_are_none_for_values_at_the_limits() {
    for changes in [
        json!({"name": "ab", "count": 1, "weight": 0.1, "tags": ["blue"]}),
        json!({"name": "abcd", "count": 5, "tags": ["red", "blue"]}),
        json!({"count": null, "party": null, "sender": null, "notes": null}),
        json!({"sent_on": "2025-01-31", "sent_at": "2025-01-31T10:00:00Z"}),
        json!({"sent_at": "2025-01-31t10:00:00.123456789-09:30"}),
        json!({"party": {"kind": "person", "age": 1}, "sender": {"name": "x"}, "notes": {"x": "red"}}),
    ] {
        assert_eq!(faults(&changes, Extent::Limits), [], "{changes}");
    }
}

#[test]
fn unknown_members_are_named_ten_at_most() {
    let many: Map<String, Value> = (0..1000).map(|at| (format!("x{at}"), json!(1))).collect();
    assert_eq!(faults(&many.into(), Extent::Shape).len(), MOST_UNKNOWN);
}
