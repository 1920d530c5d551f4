//! Implants: components in place, removals, and recalls.

mod devices;

use std::sync::Barrier;

use painreg_domain::clinical::EntryKind;
use painreg_tests::{Actor, Patient, World};
use serde_json::{Value, json};

use super::{alone, changed_at, id, just_before, treated};
use crate::kit::{AnswerAssertions as _, version, with};

/// Records an implant of this patient.
#[track_caller]
fn implant(actor: &Actor<'_>, patient: &Patient) -> Value {
    actor.records(patient, EntryKind::Implant, &alone(EntryKind::Implant))
}

/// Records a component of an implant, with these members changed.
#[track_caller]
fn component(actor: &Actor<'_>, patient: &Patient, implant: &Value, change: &Value) -> Value {
    let lead = json!({"implant_id": implant["id"], "component": "lead_percutaneous", "manufacturer": "Invented", "model": "L-8",
        "implanted_on": "2025-04-01"});
    actor.records(patient, EntryKind::ImplantComponent, &with(&lead, change))
}

fn surgery(implant: &Value, event: &str, on: &str, components: &[&Value]) -> Value {
    let ids: Vec<&Value> = components.iter().map(|it| &it["id"]).collect();
    json!({"implant_id": implant["id"], "happened_on": on, "event": event, "component_ids": ids})
}

/// Returns the models of the components in place, by implant.
#[track_caller]
fn in_place(actor: &Actor<'_>, patient: &Patient, query: &str) -> Vec<Vec<String>> {
    let found = actor.get(&actor.at(&format!("patients/{}/current-implants{query}", patient.id))).expect(200);
    let models = |item: &Value| {
        let models = item["components"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|it| it["model"].as_str().unwrap_or_default().to_owned());
        let mut models: Vec<String> = models.collect();
        models.sort();
        models
    };
    found.items().iter().map(models).collect()
}

#[test]
fn implant_event_revision_keeps_and_explant_removes_components() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let implant = implant(&clinician, &patient);
    let [lead, spare, generator] =
        ["L-1", "L-2", "G-1"].map(|model| component(&clinician, &patient, &implant, &json!({ "model": model })));
    let trial = component(&clinician, &patient, &implant, &json!({"model": "T-1", "trial": true}));
    let other = implant_with_lead(&clinician, &patient);
    let gone = component(&clinician, &patient, &implant, &json!({"removed_on": "2025-05-01"}));
    let tries = |event: &str, components: &[&Value]| {
        clinician.tries_to_record(
            &patient,
            EntryKind::ImplantEvent,
            &surgery(&implant, event, "2025-06-01", components),
        )
    };
    tries("revision", &[]).fault(422, "/component_ids", "required");
    tries("revision", &[&lead, &lead]).expect(422);
    tries("explant", &[&lead]).fault(422, "/event", "contradiction");
    tries("revision", &[&lead, &spare, &generator]).fault(422, "/event", "contradiction");
    tries("revision", &[&trial]).fault(422, "/component_ids/0", "contradiction");
    tries("revision", &[&lead, &trial]).fault(422, "/component_ids/1", "contradiction");
    tries("revision", &[&lead, &gone]).fault(422, "/component_ids/1", "unknown_reference");
    tries("revision", &[&lead, &other.1]).fault(422, "/component_ids/1", "unknown_reference");
    tries("revision", &[&json!({"id": world.clock.random_id()})]).fault(422, "/component_ids/0", "unknown_reference");
    let early = surgery(&implant, "revision", "2025-03-31", &[&lead]);
    clinician.tries_to_record(&patient, EntryKind::ImplantEvent, &early).fault(422, "/happened_on", "wrong_order");
    assert_eq!(
        clinician.lists(&patient, EntryKind::ImplantEvent, "").expect(200).items().len(),
        0,
        "nothing of what was refused stays"
    );
    assert_eq!(in_place(&clinician, &patient, "").concat(), ["L-8", "G-1", "L-1", "L-2", "T-1"]);

    let before = world.clock.now();
    let revision = tries("revision", &[&lead]).expect(201).body;
    assert_eq!(revision["class"], "surgical");
    let marked = clinician.reads_entry(&patient, EntryKind::ImplantComponent, &lead, "").expect(200).body;
    assert_eq!((&marked["removed_on"], version(&marked)), (&json!("2025-06-01"), 2));
    assert_eq!(in_place(&clinician, &patient, "").concat(), ["L-8", "G-1", "L-2", "T-1"]);
    assert_eq!(
        in_place(&clinician, &patient, &format!("?as_of={before}")).concat(),
        ["L-8", "G-1", "L-1", "L-2", "T-1"]
    );
    let at = changed_at(&marked);
    assert_eq!(in_place(&clinician, &patient, &format!("?as_of={at}")).concat(), ["L-8", "G-1", "L-2", "T-1"]);
    assert_eq!(in_place(&clinician, &patient, &format!("?as_of={}", just_before(at))).concat().len(), 5);
    tries("revision", &[&lead]).fault(422, "/component_ids/0", "unknown_reference");
    // The rest of what was implanted, and not the trial's lead.
    let explant = tries("explant", &[&spare, &generator]).expect(201).body;
    assert_eq!(in_place(&clinician, &patient, "").concat(), ["L-8", "T-1"]);
    tries("explant", &[&trial]).expect(422);
    // Removing the trial's lead is neither a revision nor an explant.
    clinician
        .changes_entry(&patient, EntryKind::ImplantComponent, &trial, &json!({"removed_on": "2025-04-10"}))
        .expect(200);
    assert_eq!(in_place(&clinician, &patient, "").concat(), ["L-8"]);

    // An event that marked components cannot be changed into another, only withdrawn.
    for (change, pointer) in [
        (json!({"event": "infection"}), "/event"),
        (json!({"event": "explant"}), "/event"),
        (json!({"component_ids": []}), "/component_ids"),
        (json!({"component_ids": [spare["id"]]}), "/component_ids"),
        (json!({"implant_id": other.0["id"]}), "/implant_id"),
        (json!({"happened_on": "2025-06-02"}), "/happened_on"),
    ] {
        clinician.changes_entry(&patient, EntryKind::ImplantEvent, &revision, &change).fault(
            422,
            pointer,
            "contradiction",
        );
    }
    let noted = clinician
        .changes_entry(&patient, EntryKind::ImplantEvent, &revision, &json!({"note": "Uten problemer"}))
        .expect(200)
        .body;
    let infection = json!({"implant_id": implant["id"], "happened_on": "2025-06-03", "event": "infection"});
    let infection = clinician.records(&patient, EntryKind::ImplantEvent, &infection);
    clinician.changes_entry(&patient, EntryKind::ImplantEvent, &infection, &json!({"event": "explant"})).fault(
        422,
        "/event",
        "contradiction",
    );
    clinician.changes_entry(&patient, EntryKind::ImplantEvent, &infection, &json!({"event": "seizure"})).expect(200);
    clinician.withdraws(&patient, EntryKind::ImplantEvent, &explant).expect(204);
    assert_eq!(in_place(&clinician, &patient, "").concat(), ["L-8", "G-1", "L-2"]);
    clinician.withdraws(&patient, EntryKind::ImplantEvent, &noted).expect(204);
    assert_eq!(in_place(&clinician, &patient, "").concat(), ["L-8", "G-1", "L-1", "L-2"]);
    let states = clinician.reads_versions_of(&patient, EntryKind::ImplantComponent, &lead).expect(200);
    let result: Vec<_> = states.items().iter().map(|it| (&it["entry"]["removed_on"], &it["reason"])).collect();
    let day = json!("2025-06-01");
    assert_eq!(result, [(&Value::Null, &Value::Null), (&day, &json!("correction")), (&Value::Null, &json!("update"))]);
    let now = clinician.reads_entry(&patient, EntryKind::ImplantComponent, &lead, "").expect(200).body;
    let content = |entry: &Value| with(entry, &json!({"version": null, "updated_at": null, "updated_by": null}));
    assert_eq!(content(&now), content(&lead), "it is as it was");
}

/// Records another implant with a lead.
#[track_caller]
fn implant_with_lead(actor: &Actor<'_>, patient: &Patient) -> (Value, Value) {
    let other = actor.records(
        patient,
        EntryKind::Implant,
        &with(&alone(EntryKind::Implant), &json!({"decided_on": "2025-03-02"})),
    );
    let lead = component(actor, patient, &other, &json!({}));
    (other, lead)
}

#[test]
fn withdraw_implant_event_restores_removed_components() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let implant = implant(&clinician, &patient);
    let [lead, spare, third] =
        ["L-1", "L-2", "L-3"].map(|model| component(&clinician, &patient, &implant, &json!({ "model": model })));
    let body = surgery(&implant, "explant", "2025-06-01", &[&lead, &spare, &third]);
    let explant = clinician.records(&patient, EntryKind::ImplantEvent, &body);
    // The event and its components must agree: the event is withdrawn first, then recorded again.
    let marked = clinician.reads_entry(&patient, EntryKind::ImplantComponent, &lead, "").expect(200).body;
    for change in [json!({"removed_on": "2025-07-01"}), json!({"removed_on": null})] {
        clinician.changes_entry(&patient, EntryKind::ImplantComponent, &marked, &change).fault(
            422,
            "/removed_on",
            "in_use",
        );
    }
    clinician.withdraws(&patient, EntryKind::ImplantComponent, &marked).problem(409, "state_conflict");
    let renamed = clinician.changes_entry(&patient, EntryKind::ImplantComponent, &marked, &json!({"mri": "unsafe"}));
    assert_eq!(renamed.expect(200).body["removed_on"], "2025-06-01");
    // A withdrawal stores nothing new: it is permitted after an opt-out too.
    let against = json!({"basis": "reservation", "against": "registry", "valid_from": "2025-01-01", "source": "oral"});
    clinician.records(&patient, EntryKind::LegalBasis, &against);
    clinician.withdraws(&patient, EntryKind::ImplantEvent, &explant).expect(204);
    let mut back = in_place(&clinician, &patient, "").concat();
    back.sort();
    assert_eq!(back, ["L-1", "L-2", "L-3"]);
}

#[test]
fn implant_event_refers_only_to_components_of_the_implant() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let other = clinician.registers(&world.person());
    let own = implant(&clinician, &patient);
    let lead = component(&clinician, &patient, &own, &json!({}));
    let theirs = implant(&clinician, &other);
    let their_lead = component(&clinician, &other, &theirs, &json!({}));
    let programme = |lead: &Value| {
        with(
            &alone(EntryKind::ImplantProgramme),
            &json!({"implant_id": own["id"], "leads": [{"component_id": lead["id"], "polarity": "+-"}]}),
        )
    };
    let check = |lead: &Value| {
        with(
            &alone(EntryKind::ImplantCheck),
            &json!({"implant_id": own["id"], "impedances": [{"component_id": lead["id"], "contact": 1, "ohm": 500}]}),
        )
    };
    let event = |lead: &Value| surgery(&own, "migration", "2025-06-01", &[lead]);
    let nobodys = json!({"id": world.clock.random_id()});
    for (kind, body, pointer) in [
        (EntryKind::ImplantProgramme, &programme as &dyn Fn(&Value) -> Value, "/leads/0/component_id"),
        (EntryKind::ImplantCheck, &check, "/impedances/0/component_id"),
        (EntryKind::ImplantEvent, &event, "/component_ids/0"),
    ] {
        let kept = clinician.records(&patient, kind, &body(&lead));
        // An entry that others refer to cannot be withdrawn.
        clinician.withdraws(&patient, EntryKind::ImplantComponent, &lead).fault(409, "", "in_use");
        for wrong in [&their_lead, &nobodys] {
            clinician.tries_to_record(&patient, kind, &body(wrong)).fault(422, pointer, "unknown_reference");
            let member = pointer.split('/').nth(1).unwrap_or_default();
            let change = json!({member: body(wrong)[member]});
            clinician.changes_entry(&patient, kind, &kept, &change).fault(422, pointer, "unknown_reference");
        }
        clinician.withdraws(&patient, kind, &kept).expect(204);
    }
    clinician.withdraws(&patient, EntryKind::ImplantComponent, &lead).expect(204);
    // A component of the patient's other implant does not belong to this one.
    let second = implant_with_lead(&clinician, &patient);
    let elsewhere = clinician.tries_to_record(&patient, EntryKind::ImplantEvent, &event(&second.1));
    elsewhere.fault(422, "/component_ids/0", "unknown_reference");
}

#[test]
fn concurrent_removals_of_components_are_classified_correctly() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    for _ in 0..6 {
        let implant = implant(&clinician, &patient);
        let leads = [0, 1].map(|_| component(&clinician, &patient, &implant, &json!({})));
        let barrier = Barrier::new(2);
        let statuses: Vec<u16> = std::thread::scope(|threads| {
            let sent: Vec<_> = leads
                .iter()
                .map(|lead| {
                    threads.spawn(|| {
                        barrier.wait();
                        let body = surgery(&implant, "revision", "2025-06-01", &[lead]);
                        clinician.tries_to_record(&patient, EntryKind::ImplantEvent, &body).status
                    })
                })
                .collect();
            sent.into_iter().map(|one| one.join().expect("an answer")).collect()
        });
        // If two revisions leave no component, the second is an explant.
        let kept =
            clinician.lists(&patient, EntryKind::ImplantEvent, &format!("?implant_id={}", id(&implant))).expect(200);
        assert_eq!(kept.items().len(), 1, "{statuses:?}");
    }
}

#[test]
fn concurrent_withdrawal_of_a_referenced_component_is_refused() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let implant = implant(&clinician, &patient);
    for _ in 0..8 {
        let lead = component(&clinician, &patient, &implant, &json!({}));
        let body = surgery(&implant, "migration", "2025-06-01", &[&lead]);
        let barrier = Barrier::new(2);
        let (named, gone) = std::thread::scope(|threads| {
            let one = threads.spawn(|| {
                barrier.wait();
                clinician.tries_to_record(&patient, EntryKind::ImplantEvent, &body).status
            });
            let other = threads.spawn(|| {
                barrier.wait();
                clinician.withdraws(&patient, EntryKind::ImplantComponent, &lead).status
            });
            (one.join().expect("an answer"), other.join().expect("an answer"))
        });
        assert!(matches!((named, gone), (201, 409) | (422, 204)), "{named} {gone}");
    }
}
