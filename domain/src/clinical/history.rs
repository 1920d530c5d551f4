//! The differences between two states of a record: a pure comparison of any entries.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::EntryKind;
use crate::ids::EntryId;
use crate::words::words;

words! {
    /// The change of an entry between two instants.
    Became {
        /// The entry or member was added.
        Added,
        /// The member has another value.
        Changed,
        /// The entry or member was removed.
        Removed,
    }
    /// The reason for a change or withdrawal of an entry.
    ChangeReason {
        /// Things went on: what was true then is no longer so.
        Update,
        /// The earlier state was wrong.
        Correction,
        /// The entry should never have been recorded.
        RegisteredInError,
    }
}

/// An entry at one instant: its kind, its id, its members.
pub type RecordState = BTreeMap<(EntryKind, EntryId), Map<String, Value>>;

/// One entry that differs.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Difference {
    /// The kind of the entry.
    pub kind: EntryKind,
    /// The id of the entry.
    pub id: EntryId,
    /// The change of the entry.
    pub became: Became,
    /// The members that differ, with their values before.
    #[schema(value_type = Object)]
    pub before: Map<String, Value>,
    /// The members that differ, with their values after.
    #[schema(value_type = Object)]
    pub after: Map<String, Value>,
}

/// Members that say nothing about the patient.
const BOOKKEEPING: &[&str] = &["version", "updated_at", "updated_by"];

/// Returns the differences, by kind and id.
pub fn differences(before: &RecordState, after: &RecordState) -> Vec<Difference> {
    let keys: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let nothing = Map::new();
    keys.into_iter()
        .filter_map(|key| {
            let (was, is) = (before.get(key), after.get(key));
            let became = match (was, is) {
                (None, _) => Became::Added,
                (_, None) => Became::Removed,
                _ => Became::Changed,
            };
            let (was, is) = (was.unwrap_or(&nothing), is.unwrap_or(&nothing));
            let differing = |one: &Map<String, Value>, other: &Map<String, Value>| {
                one.iter()
                    .filter(|(name, value)| !BOOKKEEPING.contains(&name.as_str()) && other.get(*name) != Some(*value))
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect::<Map<_, _>>()
            };
            let (before, after) = (differing(was, is), differing(is, was));
            let differs = became != Became::Changed || !before.is_empty() || !after.is_empty();
            differs.then_some(Difference { kind: key.0, id: key.1, became, before, after })
        })
        .collect()
}
