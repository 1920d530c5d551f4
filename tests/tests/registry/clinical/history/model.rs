//! Random sequences of writes, compared with a model at every instant.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use painreg_domain::clinical::EntryKind;
use painreg_tests::{Actor, Patient, World};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use super::super::{alone, changed_at, id, instant, just_before};
use crate::kit::with;

/// One write: a new entry of a kind, or a change or withdrawal of an existing one.
#[derive(Clone, Debug)]
enum Write {
    Record(usize, u8),
    Change(usize, u8),
    Withdraw(usize),
}

const KINDS: [EntryKind; 5] =
    [EntryKind::Referral, EntryKind::Diagnosis, EntryKind::TreatmentGoal, EntryKind::Medication, EntryKind::Sample];

/// Returns a member of the kind, with another value for every number.
fn varied(kind: EntryKind, number: u8) -> Value {
    match kind {
        EntryKind::Referral => {
            json!({"pas_id": format!("P-{number}"), "source": ([None, Some("gp"), Some("other")][usize::from(number) % 3])})
        }
        EntryKind::Diagnosis => {
            json!({"rank": i32::from(number) % 20 + 1, "set_on": format!("2025-02-{:02}", number % 28 + 1)})
        }
        EntryKind::TreatmentGoal => {
            json!({"text": format!("Mål {number}"), "category": ([None, Some("pain")][usize::from(number) % 2])})
        }
        EntryKind::Medication => json!({"dose": f64::from(number) + 0.5, "as_needed": number.is_multiple_of(2)}),
        _ => {
            json!({"storage_reference": format!("box {number}"), "state": (["stored", "used"][usize::from(number) % 2])})
        }
    }
}

/// The expected record: every current entry, by kind and id.
type Model = BTreeMap<(String, String), Value>;

fn writes() -> impl Strategy<Value = Vec<(Write, bool)>> {
    let write = prop_oneof![
        3 => (0..KINDS.len(), any::<u8>()).prop_map(|(kind, number)| Write::Record(kind, number)),
        4 => (any::<usize>(), any::<u8>()).prop_map(|(which, number)| Write::Change(which, number)),
        2 => any::<usize>().prop_map(Write::Withdraw),
    ];
    proptest::collection::vec((write, any::<bool>()), 1..12)
}

/// Performs the write, mirrors it, and returns the instant from which it applies.
fn done(actor: &Actor<'_>, patient: &Patient, write: &Write, model: &mut Model) -> Option<Timestamp> {
    let standing = |which: usize| {
        let at = which.checked_rem(model.len())?;
        let ((kind, _), entry) = model.iter().nth(at)?;
        Some((kind.parse::<EntryKind>().expect("a kind"), entry.clone()))
    };
    match write {
        Write::Record(kind, number) => {
            let kind = KINDS[*kind];
            let entry = actor.records(patient, kind, &with(&alone(kind), &varied(kind, *number)));
            let at = changed_at(&entry);
            model.insert((kind.to_string(), id(&entry).to_owned()), entry);
            Some(at)
        }
        Write::Change(which, number) => {
            let (kind, entry) = standing(*which)?;
            let entry = actor.changes_entry(patient, kind, &entry, &varied(kind, *number)).expect(200).body;
            let at = changed_at(&entry);
            model.insert((kind.to_string(), id(&entry).to_owned()), entry);
            Some(at)
        }
        Write::Withdraw(which) => {
            let (kind, entry) = standing(*which)?;
            actor.withdraws(patient, kind, &entry).expect(204);
            model.remove(&(kind.to_string(), id(&entry).to_owned()));
            let states = actor.reads_versions_of(patient, kind, &entry).expect(200);
            Some(instant(&states.items()[0]["valid_to"]))
        }
    }
}

/// Compares the record of the service with the model, in three views.
fn agrees(actor: &Actor<'_>, patient: &Patient, at: Timestamp, model: &Model, ever: &[(EntryKind, Value)]) {
    let query = format!("?as_of={at}");
    let lines = actor.reads_timeline_of(patient, &query).expect(200);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let result: Vec<_> =
        lines.items().iter().map(|it| ((text(&it["kind"]), text(&it["id"])), it["entry"].clone())).collect();
    assert_eq!(result.len(), model.len(), "the timeline at {at}: {}", lines.text());
    assert_eq!(&result.into_iter().collect::<Model>(), model, "the timeline at {at}");
    for kind in KINDS {
        let listed = actor.lists(patient, kind, &query).expect(200);
        let expected = model.iter().filter(|((name, _), _)| *name == kind.to_string());
        let result: Vec<_> = listed.items().iter().map(|it| (id(it).to_owned(), it.clone())).collect();
        assert_eq!(result.len(), expected.clone().count(), "{kind} at {at}: {}", listed.text());
        let expected: BTreeMap<_, _> = expected.map(|((_, id), entry)| (id.clone(), entry.clone())).collect();
        assert_eq!(result.into_iter().collect::<BTreeMap<_, _>>(), expected, "{kind} at {at}");
    }
    for (kind, entry) in ever {
        let one = actor.reads_entry(patient, *kind, entry, &query);
        let expected = model.get(&(kind.to_string(), id(entry).to_owned()));
        assert_eq!((one.status == 200).then_some(&one.body), expected, "{kind} {entry} at {at}");
    }
}

/// Applies differences to a state. Differences hold no versions or timestamps.
fn applied(before: &Model, differences: &[Value]) -> Model {
    let mut state = before.clone();
    for it in differences {
        let key = (it["kind"].as_str().expect("a kind").to_owned(), id(it).to_owned());
        let after = it["after"].as_object().expect("members").clone();
        match it["became"].as_str() {
            Some("added") => assert!(state.insert(key, Value::Object(after)).is_none()),
            Some("removed") => {
                let gone = state.remove(&key).expect("it was there");
                let result: Map<String, Value> = it["before"].as_object().expect("members").clone();
                assert_eq!(Value::Object(result), content(&gone));
            }
            _ => {
                let entry = state.get_mut(&key).and_then(Value::as_object_mut).expect("it was there");
                for (name, was) in it["before"].as_object().expect("members") {
                    assert_eq!(entry.get(name), Some(was), "{name}");
                }
                entry.extend(after);
            }
        }
    }
    bare(&state)
}

fn content(entry: &Value) -> Value {
    with(entry, &json!({"version": null, "updated_at": null, "updated_by": null}))
}

fn bare(state: &Model) -> Model {
    state.iter().map(|(key, entry)| (key.clone(), content(entry))).collect()
}

#[test]
fn history_agrees_with_a_model_at_every_instant() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let cases = Config { cases: 12, failure_persistence: None, ..Config::default() };
    let tried = TestRunner::new(cases).run(&writes(), |writes| {
        let patient = clinician.registers(&world.person());
        let mut model = Model::new();
        let mut states = vec![(world.clock.now(), model.clone())];
        let mut ever: Vec<(EntryKind, Value)> = Vec::new();
        for (write, pause) in &writes {
            if *pause {
                world.advance(SignedDuration::from_secs(1));
            }
            let Some(at) = done(&clinician, &patient, write, &mut model) else { continue };
            for ((kind, id), entry) in &model {
                if !ever.iter().any(|(_, known)| known["id"] == id.as_str()) {
                    ever.push((kind.parse().expect("a kind"), entry.clone()));
                }
            }
            states.push((at, model.clone()));
        }
        for (number, (at, model)) in states.iter().enumerate() {
            agrees(&clinician, &patient, *at, model, &ever);
            if let Some((_, before)) = number.checked_sub(1).and_then(|number| states.get(number)) {
                agrees(&clinician, &patient, just_before(*at), before, &[]);
            }
        }
        // The differences between two instants lead from one state to the other.
        for step in 1..states.len() {
            for (a, b) in [(step - 1, step), (0, step), (step, states.len() - 1)] {
                let ((from, before), (to, after)) = (&states[a], &states[b]);
                let path = clinician.at(&format!("patients/{}/differences?from={from}&to={to}", patient.id));
                let found = clinician.get(&path).expect(200);
                prop_assert_eq!(applied(before, found.items()), bare(after));
            }
        }
        Ok(())
    });
    if let Err(failed) = tried {
        panic!("{failed}");
    }
}
