//! The differences between two versions of a form, by codes and not by positions, so that a moved item is the same
//! item.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Form;
use crate::fault::escape;

/// One difference between two versions of a form.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct FormChange {
    /// A pointer into the definition with codes for places, such as `/items/work/kind`; `/items` alone is the order of
    /// the items that both versions have.
    #[schema(max_length = 300, example = "/items/work/kind")]
    pub pointer: String,
    /// The value before; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The value after; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

impl Form {
    /// Returns the differences to `after`, sorted: items, pages, instruments and languages that were added or removed,
    /// and changed members of the others. The name of the version is ignored.
    pub fn differences(&self, after: &Self) -> Vec<FormChange> {
        let document = |form: &Self| match serde_json::to_value(form) {
            Ok(Value::Object(mut members)) => {
                members.remove("version");
                members
            }
            _ => Map::new(),
        };
        let mut changes = Vec::new();
        compare("", document(self), document(after), &mut changes);
        changes.sort_by(|a, b| a.pointer.cmp(&b.pointer));
        changes
    }
}

fn compare(prefix: &str, mut before: Map<String, Value>, after: Map<String, Value>, changes: &mut Vec<FormChange>) {
    let mut pairs: BTreeMap<String, (Option<Value>, Option<Value>)> =
        after.into_iter().map(|(name, new)| (name.clone(), (before.remove(&name), Some(new)))).collect();
    pairs.extend(before.into_iter().map(|(name, old)| (name, (Some(old), None))));
    for (name, (before, after)) in pairs {
        let pointer = format!("{prefix}/{}", escape(&name));
        match (before, after) {
            (before, after) if before == after => {}
            // A whole list that came or went is a list of what came or went.
            (before, after) if prefix.is_empty() && [&before, &after].into_iter().flatten().all(Value::is_array) => {
                let (before, after) = (Coded::from(before), Coded::from(after));
                compare_lists(&pointer, before, after, changes);
            }
            (Some(Value::Object(before)), Some(Value::Object(after))) if is_listed(prefix) => {
                compare(&pointer, before, after, changes);
            }
            (before, after) => changes.push(FormChange { pointer, before, after }),
        }
    }
}

/// Whether the members of `prefix` are items or pages, which are compared member by member.
fn is_listed(prefix: &str) -> bool {
    matches!(prefix, "/items" | "/pages")
}

/// A list by the codes of its members; a member that is only a code has itself as value.
struct Coded {
    order: Vec<String>,
    members: Map<String, Value>,
}

impl From<Option<Value>> for Coded {
    fn from(list: Option<Value>) -> Self {
        let Some(Value::Array(list)) = list else { return Self { order: Vec::new(), members: Map::new() } };
        let code = |member: &Value| {
            let code = ["code", "form_id"].into_iter().find_map(|name| member.get(name)).unwrap_or(member);
            code.as_str().map(str::to_owned)
        };
        let members: Vec<_> = list.into_iter().filter_map(|member| Some((code(&member)?, member))).collect();
        Self { order: members.iter().map(|(code, _)| code.clone()).collect(), members: members.into_iter().collect() }
    }
}

fn compare_lists(pointer: &str, before: Coded, after: Coded, changes: &mut Vec<FormChange>) {
    let common = |one: &Coded, other: &Coded| -> Vec<String> {
        one.order.iter().filter(|code| other.members.contains_key(*code)).cloned().collect()
    };
    let (old, new) = (common(&before, &after), common(&after, &before));
    if old != new {
        changes.push(FormChange { pointer: pointer.to_owned(), before: Some(old.into()), after: Some(new.into()) });
    }
    compare(pointer, before.members, after.members, changes);
}
