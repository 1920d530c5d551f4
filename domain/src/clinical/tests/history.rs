//! Differences between two states of a record.

use proptest::prelude::*;
use serde_json::{Map, json};
use uuid::Uuid;

use super::*;
use crate::clinical::history::{Became, ChangeReason, Difference, RecordState, differences};
use crate::ids::EntryId;

const BOOKKEEPING: [&str; 3] = ["version", "updated_at", "updated_by"];
const MEMBERS: [&str; 6] = ["day", "code", "sites", "version", "updated_at", "updated_by"];

type Key = (EntryKind, EntryId);

fn key(kind: EntryKind, number: u128) -> Key {
    (kind, EntryId::existing(Uuid::from_u128(number)))
}

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).expect("an object")
}

/// An edit of a record.
#[derive(Clone, Debug)]
enum Edit {
    Set(Key, &'static str, Value),
    Unset(Key, &'static str),
    Remove(Key),
}

/// The record when the first `instant` edits have been made.
fn state_at(edits: &[Edit], instant: usize) -> RecordState {
    let mut state = RecordState::new();
    for edit in &edits[..instant.min(edits.len())] {
        match edit.clone() {
            Edit::Set(key, member, value) => _ = state.entry(key).or_default().insert(member.into(), value),
            Edit::Unset(key, member) => _ = state.get_mut(&key).and_then(|members| members.remove(member)),
            Edit::Remove(key) => _ = state.remove(&key),
        }
    }
    state
}

/// The state without what says nothing about the patient.
fn bare(mut state: RecordState) -> RecordState {
    for members in state.values_mut() {
        members.retain(|name, _| !BOOKKEEPING.contains(&name.as_str()));
    }
    state
}

/// The state that differs from the other by just that.
fn applied(mut state: RecordState, differences: &[Difference]) -> RecordState {
    for Difference { kind, id, became, before, after } in differences {
        let key = (*kind, *id);
        assert_eq!(state.contains_key(&key), *became != Became::Added, "{key:?}");
        let members = state.entry(key).or_default();
        for (name, value) in before {
            assert_eq!(members.remove(name).as_ref(), Some(value), "{name} of {key:?}");
        }
        members.extend(after.clone());
        if *became == Became::Removed {
            assert_eq!((members.len(), after.len()), (0, 0), "{key:?}");
            state.remove(&key);
        }
    }
    state
}

fn any_value() -> impl Strategy<Value = Value> {
    proptest::sample::select(vec![
        json!(null),
        json!(1),
        json!(1.5),
        json!("1"),
        json!("æ"),
        json!([]),
        json!([{"region": "knee", "side": "left"}]),
    ])
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let kinds = proptest::sample::select(vec![EntryKind::Referral, EntryKind::Procedure]);
    let key = || (kinds.clone(), 0..3_u128).prop_map(|(kind, number)| key(kind, number));
    let member = || proptest::sample::select(MEMBERS.to_vec());
    let edit = prop_oneof![
        6 => (key(), member(), any_value()).prop_map(|(key, member, value)| Edit::Set(key, member, value)),
        1 => (key(), member()).prop_map(|(key, member)| Edit::Unset(key, member)),
        1 => key().prop_map(Edit::Remove),
    ];
    proptest::collection::vec(edit, 0..40)
}

proptest! {
    #[test]
    fn differences_transform_any_state_into_any_other(edits in edits(), one in 0..41_usize, other in 0..41_usize) {
        let (one, other) = (state_at(&edits, one), state_at(&edits, other));
        let found = differences(&one, &other);
        prop_assert_eq!(applied(bare(one.clone()), &found), bare(other.clone()));
        // Each change is reported once, and unchanged members are not reported.
        let keys: Vec<Key> = found.iter().map(|it| (it.kind, it.id)).collect();
        prop_assert!(keys.windows(2).all(|two| two[0] < two[1]));
        for it in &found {
            prop_assert!(it.became != Became::Changed || !(it.before.is_empty() && it.after.is_empty()));
            prop_assert!(it.before.iter().all(|(name, value)| it.after.get(name) != Some(value)));
            prop_assert!(it.before.keys().chain(it.after.keys()).all(|name| !BOOKKEEPING.contains(&name.as_str())));
        }
        prop_assert_eq!(differences(&bare(one), &bare(other)), found);
    }

    #[test]
    fn differences_of_equal_states_are_empty(edits in edits(), at in 0..41_usize) {
        let state = state_at(&edits, at);
        prop_assert_eq!(differences(&state, &state), []);
        prop_assert_eq!(differences(&state, &bare(state.clone())), []);
    }

    #[test]
    fn differences_are_symmetric(edits in edits(), one in 0..41_usize, other in 0..41_usize) {
        let (one, other) = (state_at(&edits, one), state_at(&edits, other));
        let backwards = differences(&other, &one).into_iter().map(|it| Difference {
            became: match it.became {
                Became::Added => Became::Removed,
                Became::Changed => Became::Changed,
                Became::Removed => Became::Added,
            },
            before: it.after,
            after: it.before,
            ..it
        });
        prop_assert_eq!(backwards.collect::<Vec<_>>(), differences(&one, &other));
    }
}

#[test]
fn differences_list_members_added_changed_and_removed() {
    let [stays, added, removed, touched] = [1, 2, 3, 4].map(|number| key(EntryKind::Referral, number));
    let before = RecordState::from([
        (stays, object(json!({"received_on": "2025-01-10", "category": null, "unit": "clinic", "version": 1}))),
        (removed, object(json!({"received_on": "2025-01-11", "version": 1}))),
        (touched, object(json!({"received_on": "2025-01-12", "version": 1, "updated_by": "x", "updated_at": "y"}))),
    ]);
    let after = RecordState::from([
        (stays, object(json!({"received_on": "2025-01-10", "category": "no_right", "pas_id": "P", "version": 2}))),
        (added, object(json!({"received_on": "2025-01-13", "version": 1}))),
        (touched, object(json!({"received_on": "2025-01-12", "version": 2, "updated_by": "a", "updated_at": "b"}))),
    ]);
    let differs = |(kind, id): Key, became, before, after| Difference {
        kind,
        id,
        became,
        before: object(before),
        after: object(after),
    };
    assert_eq!(
        differences(&before, &after),
        [
            differs(
                stays,
                Became::Changed,
                json!({"category": null, "unit": "clinic"}),
                json!({"category": "no_right", "pas_id": "P"})
            ),
            differs(added, Became::Added, json!({}), json!({"received_on": "2025-01-13"})),
            differs(removed, Became::Removed, json!({"received_on": "2025-01-11"}), json!({})),
        ]
    );
    assert_eq!(differences(&RecordState::new(), &RecordState::from([(added, Map::new())])).len(), 1);
}

#[test]
fn change_reasons_have_one_name_in_serde_and_strum() {
    for (reason, word) in ChangeReason::iter().zip(["update", "correction", "registered_in_error"]) {
        assert_eq!(serde_json::to_value(reason).expect("a text"), word);
        assert_eq!(word.parse(), Ok(reason));
    }
}
