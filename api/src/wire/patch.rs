//! Merge patches (RFC 7396).

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::json::deserialize_checked;
use super::schema::Extent;
use crate::problem::Problem;

/// A merge patch (RFC 7396) of a document: absent members stay as they are, null clears, objects are merged, and lists
/// are replaced. Its schema is that of the document, but no member is required or has a default: null is accepted exactly for
/// members that can be null.
pub struct Patch<T> {
    changes: Map<String, Value>,
    document: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned + ToSchema + 'static> Patch<T> {
    /// Returns the document after the changes; faults of its shape have pointers into the document.
    pub fn apply(self, document: &T) -> Result<T, Problem> {
        let mut patched = serde_json::to_value(document).map_err(Problem::internal)?;
        merge(&mut patched, Value::Object(self.changes));
        deserialize_checked(patched, Extent::Shape)
    }
}

impl<'de, T> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Object(changes) => Ok(Self { changes, document: PhantomData }),
            _ => Err(D::Error::invalid_type(Unexpected::Other("no object"), &"an object")),
        }
    }
}

impl<T: ToSchema> PartialSchema for Patch<T> {
    fn schema() -> RefOr<Schema> {
        let mut schema = serde_json::to_value(T::schema()).unwrap_or_default();
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("required");
        }
        let members = schema.get_mut("properties").and_then(Value::as_object_mut);
        for member in members.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
            member.remove("default");
        }
        serde_json::from_value(schema).unwrap_or_else(|_| T::schema())
    }
}

impl<T: ToSchema> ToSchema for Patch<T> {
    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}

/// Merges a patch into a document (RFC 7396, section 2).
fn merge(document: &mut Value, patch: Value) {
    let Value::Object(changes) = patch else {
        *document = patch;
        return;
    };
    if !document.is_object() {
        *document = Value::Object(Map::new());
    }
    let Some(members) = document.as_object_mut() else { return };
    for (name, change) in changes {
        if change.is_null() {
            members.remove(&name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn merged(mut document: Value, patch: Value) -> Value {
        merge(&mut document, patch);
        document
    }

    /// The test cases of RFC 7396, appendix A: original, patch, result.
    #[test]
    fn merge_gives_the_results_of_rfc_7396() {
        for (original, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), Value::Null, Value::Null),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            assert_eq!(merged(original.clone(), patch.clone()), result, "{original} {patch}");
        }
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), (0..3).prop_map(Value::from)];
        leaf.prop_recursive(3, 16, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..4)
                    .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn merging_twice_equals_merging_once(document in documents(), patch in documents()) {
            let once = merged(document, patch.clone());
            prop_assert_eq!(merged(once.clone(), patch), once);
        }
    }
}
