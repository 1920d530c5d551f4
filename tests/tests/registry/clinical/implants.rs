//! Implants: what lies in whom, what was taken out, and who carries what is recalled.

use std::sync::Barrier;

use painreg_domain::clinical::Kind;
use painreg_tests::{Actor, Patient, World};
use serde_json::{Value, json};

use super::{alone, changed_at, id, ids, just_before, treated};
use crate::examples::DEVICE;
use crate::kit::{Judged as _, pages, version, with};

/// An implant of this patient.
#[track_caller]
fn implant(actor: &Actor<'_>, patient: &Patient) -> Value {
    actor.records(patient, Kind::Implant, &alone(Kind::Implant))
}

/// A component of an implant, with these members changed.
#[track_caller]
fn component(actor: &Actor<'_>, patient: &Patient, implant: &Value, change: &Value) -> Value {
    let lead = json!({"implant_id": implant["id"], "component": "lead_percutaneous", "manufacturer": "Invented", "model": "L-8",
        "implanted_on": "2025-04-01"});
    actor.records(patient, Kind::ImplantComponent, &with(&lead, change))
}

fn surgery(implant: &Value, event: &str, on: &str, components: &[&Value]) -> Value {
    let ids: Vec<&Value> = components.iter().map(|it| &it["id"]).collect();
    json!({"implant_id": implant["id"], "happened_on": on, "event": event, "component_ids": ids})
}

/// The models of what is in place, implant by implant.
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
fn a_components_udi_is_read_and_checked() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let implant = implant(&clinician, &patient);
    let whole = with(&alone(Kind::ImplantComponent), &json!({"implant_id": implant["id"]}));
    let kept = clinician.records(&patient, Kind::ImplantComponent, &whole);
    for (member, value) in [
        ("udi_di", json!(DEVICE)),
        ("udi_lot", json!("LOT42")),
        ("udi_serial", json!("SER42")),
        ("expires_on", json!("2029-12-31")),
        ("lot", Value::Null),
        ("remarks", json!([])),
    ] {
        assert_eq!(kept[member], value, "{member}");
    }
    for (change, pointer, code) in [
        (json!({"udi": "(01)07350000000008(10)LOT42"}), "/udi", "invalid_checksum"),
        (json!({"udi": format!("(01){DEVICE}(17)291331")}), "/udi", "invalid_date"),
        (json!({"udi": format!("(01){DEVICE}(10)A(10)B")}), "/udi", "duplicate_key"),
        (json!({"udi": "LOT42"}), "/udi", "invalid_format"),
        (json!({"udi": ""}), "/udi", "invalid_format"),
        (json!({"udi": format!("(01){DEVICE}(10){}", "x".repeat(300))}), "/udi", "too_long"),
        (json!({"lot": "LOT43"}), "/lot", "contradiction"),
        (json!({"serial": "SER43"}), "/serial", "contradiction"),
        (json!({"lot": "", "udi": null}), "/lot", "invalid_format"),
        (json!({"tip_level": "T13"}), "/tip_level", "invalid_format"),
        (json!({"tip_level": "ø1"}), "/tip_level", "invalid_format"),
        (json!({"component": "ipg_rechargeable", "contacts": null}), "/tip_level", "contradiction"),
        (json!({"contacts": 65}), "/contacts", "out_of_range"),
        (json!({"ipg_site": "flank"}), "/ipg_site", "contradiction"),
        (json!({"midline_offset_mm": 51}), "/midline_offset_mm", "out_of_range"),
        (json!({"midline_offset_mm": -1}), "/midline_offset_mm", "out_of_range"),
        (json!({"removed_on": "2025-03-31"}), "/removed_on", "wrong_order"),
        (json!({"removed_on": "2999-01-01"}), "/removed_on", "in_future"),
        (json!({"udi": format!("(01){DEVICE}(11)250402")}), "/implanted_on", "wrong_order"),
        (json!({"manufacturer": " "}), "/manufacturer", "invalid_format"),
        (json!({"model": "x".repeat(101)}), "/model", "too_long"),
    ] {
        let refused = clinician.tries_to_record(&patient, Kind::ImplantComponent, &with(&whole, &change));
        refused.fault(422, pointer, code);
    }
    let old = with(&whole, &json!({"udi": format!("(01){DEVICE}(17)250331")}));
    assert_eq!(clinician.records(&patient, Kind::ImplantComponent, &old)["remarks"], json!(["expired_when_implanted"]));
    let bare = component(&clinician, &patient, &implant, &json!({"lot": "TYPED", "midline_offset_mm": 1.5}));
    assert_eq!(
        (&bare["remarks"], &bare["udi_di"], &bare["midline_offset_mm"]),
        (&json!(["udi_missing"]), &Value::Null, &json!(1.5))
    );
    // What the UDI says is changed with the UDI.
    let other =
        clinician.changes_entry(&patient, Kind::ImplantComponent, &kept, &json!({"udi": null})).expect(200).body;
    assert_eq!((&other["udi_di"], &other["udi_lot"], &other["expires_on"]), (&Value::Null, &Value::Null, &Value::Null));
    let scanned = format!("01{DEVICE}10LOT9\u{1d}21S9");
    let read =
        clinician.changes_entry(&patient, Kind::ImplantComponent, &other, &json!({ "udi": scanned })).expect(200).body;
    assert_eq!((&read["udi_lot"], &read["udi_serial"]), (&json!("LOT9"), &json!("S9")));
}

#[test]
fn a_revision_leaves_something_and_an_explant_nothing() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let implant = implant(&clinician, &patient);
    let [lead, spare, generator] =
        ["L-1", "L-2", "G-1"].map(|model| component(&clinician, &patient, &implant, &json!({ "model": model })));
    let trial = component(&clinician, &patient, &implant, &json!({"model": "T-1", "trial": true}));
    let other = implant_with_lead(&clinician, &patient);
    let gone = component(&clinician, &patient, &implant, &json!({"removed_on": "2025-05-01"}));
    let tries = |event: &str, components: &[&Value]| {
        clinician.tries_to_record(&patient, Kind::ImplantEvent, &surgery(&implant, event, "2025-06-01", components))
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
    clinician.tries_to_record(&patient, Kind::ImplantEvent, &early).fault(422, "/happened_on", "wrong_order");
    assert_eq!(
        clinician.lists(&patient, Kind::ImplantEvent, "").expect(200).items().len(),
        0,
        "nothing of what was refused stays"
    );
    assert_eq!(in_place(&clinician, &patient, "").concat(), ["L-8", "G-1", "L-1", "L-2", "T-1"]);

    let before = world.clock.now();
    let revision = tries("revision", &[&lead]).expect(201).body;
    assert_eq!(revision["class"], "surgical");
    let marked = clinician.reads_entry(&patient, Kind::ImplantComponent, &lead, "").expect(200).body;
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
    // Removing the trial's lead is neither.
    clinician.changes_entry(&patient, Kind::ImplantComponent, &trial, &json!({"removed_on": "2025-04-10"})).expect(200);
    assert_eq!(in_place(&clinician, &patient, "").concat(), ["L-8"]);

    // What marked components is not changed into something else, only taken back.
    for (change, pointer) in [
        (json!({"event": "infection"}), "/event"),
        (json!({"event": "explant"}), "/event"),
        (json!({"component_ids": []}), "/component_ids"),
        (json!({"component_ids": [spare["id"]]}), "/component_ids"),
        (json!({"implant_id": other.0["id"]}), "/implant_id"),
        (json!({"happened_on": "2025-06-02"}), "/happened_on"),
    ] {
        clinician.changes_entry(&patient, Kind::ImplantEvent, &revision, &change).fault(422, pointer, "contradiction");
    }
    let noted = clinician
        .changes_entry(&patient, Kind::ImplantEvent, &revision, &json!({"note": "Uten problemer"}))
        .expect(200)
        .body;
    let infection = json!({"implant_id": implant["id"], "happened_on": "2025-06-03", "event": "infection"});
    let infection = clinician.records(&patient, Kind::ImplantEvent, &infection);
    clinician.changes_entry(&patient, Kind::ImplantEvent, &infection, &json!({"event": "explant"})).fault(
        422,
        "/event",
        "contradiction",
    );
    clinician.changes_entry(&patient, Kind::ImplantEvent, &infection, &json!({"event": "seizure"})).expect(200);
    clinician.withdraws(&patient, Kind::ImplantEvent, &explant).expect(204);
    assert_eq!(in_place(&clinician, &patient, "").concat(), ["L-8", "G-1", "L-2"]);
    clinician.withdraws(&patient, Kind::ImplantEvent, &noted).expect(204);
    assert_eq!(in_place(&clinician, &patient, "").concat(), ["L-8", "G-1", "L-1", "L-2"]);
    let states = clinician.reads_versions_of(&patient, Kind::ImplantComponent, &lead).expect(200);
    let told: Vec<_> = states.items().iter().map(|it| (&it["entry"]["removed_on"], &it["reason"])).collect();
    let day = json!("2025-06-01");
    assert_eq!(told, [(&Value::Null, &Value::Null), (&day, &json!("correction")), (&Value::Null, &json!("update"))]);
    let now = clinician.reads_entry(&patient, Kind::ImplantComponent, &lead, "").expect(200).body;
    let content = |entry: &Value| with(entry, &json!({"version": null, "updated_at": null, "updated_by": null}));
    assert_eq!(content(&now), content(&lead), "it is as it was");
}

/// Another implant with a lead of its own.
#[track_caller]
fn implant_with_lead(actor: &Actor<'_>, patient: &Patient) -> (Value, Value) {
    let other =
        actor.records(patient, Kind::Implant, &with(&alone(Kind::Implant), &json!({"decided_on": "2025-03-02"})));
    let lead = component(actor, patient, &other, &json!({}));
    (other, lead)
}

#[test]
fn what_an_event_removed_stays_removed_until_the_event_is_taken_back() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let implant = implant(&clinician, &patient);
    let [lead, spare, third] =
        ["L-1", "L-2", "L-3"].map(|model| component(&clinician, &patient, &implant, &json!({ "model": model })));
    let body = surgery(&implant, "explant", "2025-06-01", &[&lead, &spare, &third]);
    let explant = clinician.records(&patient, Kind::ImplantEvent, &body);
    // The event and its components must tell the same: the event is taken back first, then recorded as it was.
    let marked = clinician.reads_entry(&patient, Kind::ImplantComponent, &lead, "").expect(200).body;
    for change in [json!({"removed_on": "2025-07-01"}), json!({"removed_on": null})] {
        clinician.changes_entry(&patient, Kind::ImplantComponent, &marked, &change).fault(422, "/removed_on", "in_use");
    }
    clinician.withdraws(&patient, Kind::ImplantComponent, &marked).problem(409, "state_conflict");
    let renamed = clinician.changes_entry(&patient, Kind::ImplantComponent, &marked, &json!({"mri": "unsafe"}));
    assert_eq!(renamed.expect(200).body["removed_on"], "2025-06-01");
    // Taking back is not keeping: it is permitted also where the patient does not want to be kept.
    let against = json!({"basis": "reservation", "against": "registry", "valid_from": "2025-01-01", "source": "oral"});
    clinician.records(&patient, Kind::LegalBasis, &against);
    clinician.withdraws(&patient, Kind::ImplantEvent, &explant).expect(204);
    let mut back = in_place(&clinician, &patient, "").concat();
    back.sort();
    assert_eq!(back, ["L-1", "L-2", "L-3"]);
}

#[test]
fn components_are_referred_to_only_where_they_are() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let other = clinician.registers(&world.person());
    let own = implant(&clinician, &patient);
    let lead = component(&clinician, &patient, &own, &json!({}));
    let theirs = implant(&clinician, &other);
    let their_lead = component(&clinician, &other, &theirs, &json!({}));
    let programme = |lead: &Value| {
        with(
            &alone(Kind::ImplantProgramme),
            &json!({"implant_id": own["id"], "leads": [{"component_id": lead["id"], "polarity": "+-"}]}),
        )
    };
    let check = |lead: &Value| {
        with(
            &alone(Kind::ImplantCheck),
            &json!({"implant_id": own["id"], "impedances": [{"component_id": lead["id"], "contact": 1, "ohm": 500}]}),
        )
    };
    let event = |lead: &Value| surgery(&own, "migration", "2025-06-01", &[lead]);
    let nobodys = json!({"id": world.clock.random_id()});
    for (kind, body, pointer) in [
        (Kind::ImplantProgramme, &programme as &dyn Fn(&Value) -> Value, "/leads/0/component_id"),
        (Kind::ImplantCheck, &check, "/impedances/0/component_id"),
        (Kind::ImplantEvent, &event, "/component_ids/0"),
    ] {
        let kept = clinician.records(&patient, kind, &body(&lead));
        // What others refer to stays.
        clinician.withdraws(&patient, Kind::ImplantComponent, &lead).fault(409, "", "in_use");
        for wrong in [&their_lead, &nobodys] {
            clinician.tries_to_record(&patient, kind, &body(wrong)).fault(422, pointer, "unknown_reference");
            let member = pointer.split('/').nth(1).unwrap_or_default();
            let change = json!({member: body(wrong)[member]});
            clinician.changes_entry(&patient, kind, &kept, &change).fault(422, pointer, "unknown_reference");
        }
        clinician.withdraws(&patient, kind, &kept).expect(204);
    }
    clinician.withdraws(&patient, Kind::ImplantComponent, &lead).expect(204);
    // A component of the same patient's other implant is none of this one.
    let second = implant_with_lead(&clinician, &patient);
    let elsewhere = clinician.tries_to_record(&patient, Kind::ImplantEvent, &event(&second.1));
    elsewhere.fault(422, "/component_ids/0", "unknown_reference");
}

#[test]
fn of_two_who_remove_at_once_neither_is_called_what_it_is_not() {
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
                        clinician.tries_to_record(&patient, Kind::ImplantEvent, &body).status
                    })
                })
                .collect();
            sent.into_iter().map(|one| one.join().expect("an answer")).collect()
        });
        // Two revisions that leave nothing between them: the second was an explant.
        let kept = clinician.lists(&patient, Kind::ImplantEvent, &format!("?implant_id={}", id(&implant))).expect(200);
        assert_eq!(kept.items().len(), 1, "{statuses:?}");
    }
}

#[test]
fn what_is_named_while_it_is_taken_back_is_still_there() {
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
                clinician.tries_to_record(&patient, Kind::ImplantEvent, &body).status
            });
            let other = threads.spawn(|| {
                barrier.wait();
                clinician.withdraws(&patient, Kind::ImplantComponent, &lead).status
            });
            (one.join().expect("an answer"), other.join().expect("an answer"))
        });
        assert!(matches!((named, gone), (201, 409) | (422, 204)), "{named} {gone}");
    }
}

#[test]
fn what_lies_in_a_patient_is_told_in_one_answer() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let empty = clinician.get(&clinician.at(&format!("patients/{}/current-implants", patient.id))).expect(200);
    assert_eq!(empty.items().len(), 0);
    let implant = implant(&clinician, &patient);
    assert_eq!(in_place(&clinician, &patient, "").len(), 0, "nothing is in place yet");
    let safe = component(&clinician, &patient, &implant, &json!({"model": "A", "mri": "full_body3t"}));
    let mri = || {
        clinician.get(&clinician.at(&format!("patients/{}/current-implants", patient.id))).expect(200).body["items"][0]
            ["mri"]
            .clone()
    };
    assert_eq!(mri(), "full_body3t");
    component(&clinician, &patient, &implant, &json!({"model": "B", "mri": "head_only"}));
    assert_eq!(mri(), "head_only");
    let unknown = component(&clinician, &patient, &implant, &json!({"model": "C"}));
    assert_eq!(mri(), "unknown");
    component(&clinician, &patient, &implant, &json!({"model": "D", "mri": "unsafe"}));
    assert_eq!(mri(), "unsafe");
    let of_implant = |kind, change: Value| {
        clinician.records(&patient, kind, &with(&with(&alone(kind), &json!({"implant_id": implant["id"]})), &change))
    };
    let used = of_implant(Kind::ImplantProgramme, json!({"number": 2}));
    of_implant(Kind::ImplantProgramme, json!({"number": 1, "ended_on": "2025-04-20"}));
    of_implant(Kind::ImplantCheck, json!({"checked_on": "2025-04-20", "battery_percent": 99}));
    let check = of_implant(Kind::ImplantCheck, json!({"checked_on": "2025-05-02"}));
    let mut events: Vec<String> = (1..=21)
        .map(|day| id(&of_implant(Kind::ImplantEvent, json!({"happened_on": format!("2025-05-{day:02}")}))).to_owned())
        .collect();
    let now = clinician.get(&clinician.at(&format!("patients/{}/current-implants", patient.id))).expect(200);
    let item = &now.body["items"][0];
    assert_eq!(item["implant"], implant);
    assert_eq!(item["programmes"], json!([used]));
    assert_eq!(item["latest_check"], check);
    events.reverse();
    assert_eq!(ids(item["events"].as_array().expect("events")), events[..20]);
    assert_eq!(item["components"].as_array().map(Vec::len), Some(4));
    assert!(
        item["components"].as_array().expect("components").contains(&safe)
            && item["components"].as_array().expect("components").contains(&unknown)
    );
    // Of a merged record: what lies in either of the two.
    let other = clinician.registers(&world.person());
    world.alpha().manager().merges(&other, &patient).expect(201);
    let merged = clinician.get(&clinician.at(&format!("patients/{}/current-implants", other.id))).expect(200);
    assert_eq!(merged.body, now.body);
}

#[test]
fn everybody_who_carries_a_recalled_device_is_found() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let manager = world.alpha().manager();
    let carries = |actor: &Actor<'_>, change: Value| {
        let patient = actor.registers(&world.person());
        let implant = implant(actor, &patient);
        let lead = component(actor, &patient, &implant, &change);
        (patient, implant, lead)
    };
    let udi = |lot: &str, serial: &str| json!({"udi": format!("(01){DEVICE}(10){lot}(21){serial}"), "model": "R-1"});
    let scanned = carries(&clinician, udi("BAD", "S1"));
    let typed = carries(&clinician, json!({"lot": "BAD", "serial": "S2", "model": "R-2", "manufacturer": "Other"}));
    let elsewhere = carries(&clinician.clone().of_unit("ward"), udi("BAD", "S3"));
    let good = carries(&clinician, udi("GOOD", "S4"));
    let removed = carries(&clinician, udi("BAD", "S5"));
    let twice = component(&clinician, &scanned.0, &scanned.1, &udi("BAD", "S6"));
    clinician.records(&removed.0, Kind::ImplantEvent, &surgery(&removed.1, "explant", "2025-06-01", &[&removed.2]));
    let found = |actor: &Actor<'_>, query: &str| {
        let answer = actor.get(&actor.at(&format!("device-recalls?{query}"))).expect(200);
        answer.items().iter().map(|it| it["patient_id"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let expected =
        |patients: &[&(Patient, Value, Value)]| patients.iter().map(|it| it.0.id.clone()).collect::<Vec<_>>();
    for (query, all, within) in [
        ("lot=BAD", vec![&scanned, &typed, &elsewhere], vec![&scanned, &typed]),
        (&format!("udi_di={DEVICE}"), vec![&scanned, &elsewhere, &good], vec![&scanned, &good]),
        (&format!("udi_di={DEVICE}&lot=BAD"), vec![&scanned, &elsewhere], vec![&scanned]),
        ("model=R-2", vec![&typed], vec![&typed]),
        ("manufacturer=Other", vec![&typed], vec![&typed]),
        ("serial=S2", vec![&typed], vec![&typed]),
        ("serial=S6", vec![&scanned], vec![&scanned]),
        ("serial=S5", vec![], vec![]),
        ("serial=S5&in_place=false", vec![&removed], vec![&removed]),
        ("serial=S5&in_place=true", vec![], vec![]),
        ("lot=BAD&in_place=false", vec![&scanned, &typed, &elsewhere, &removed], vec![&scanned, &typed, &removed]),
        ("lot=bad", vec![], vec![]),
        ("lot=%25", vec![], vec![]),
        ("lot=BAD&model=R-2&serial=S1", vec![], vec![]),
    ] {
        assert_eq!(found(&manager, query), expected(&all), "{query}");
        assert_eq!(found(&clinician, query), expected(&within), "{query}");
    }
    let carrier = manager.get(&manager.at("device-recalls?lot=BAD")).expect(200).items()[0].clone();
    assert_eq!((&carrier["unit"], &carrier["deceased_on"]), (&json!("clinic"), &Value::Null));
    assert_eq!(carrier["registry_number"], scanned.0.body["registry_number"]);
    let mut told = ids(carrier["components"].as_array().expect("components"));
    let mut both = [id(&scanned.2).to_owned(), id(&twice).to_owned()];
    told.sort();
    both.sort();
    assert_eq!(told, both);
    let paged = pages(&manager, &manager.at("device-recalls?lot=BAD&in_place=false&limit=1"));
    assert_eq!(paged.len(), 4);
    let cursor =
        manager.get(&manager.at("device-recalls?lot=BAD&limit=1")).expect(200).text_at("/next_cursor").to_owned();
    manager.get(&manager.at(&format!("device-recalls?lot=GOOD&cursor={cursor}"))).problem(400, "invalid_cursor");
    manager
        .get(&manager.at(&format!("device-recalls?lot=BAD&in_place=false&cursor={cursor}")))
        .problem(400, "invalid_cursor");
    for bad in [
        "",
        "in_place=true",
        "lot=",
        "lot=%00",
        &format!("lot={}", "x".repeat(51)),
        "in_place=maybe&lot=BAD",
        "lot=BAD&lot=GOOD",
    ] {
        manager.get(&manager.at(&format!("device-recalls?{bad}"))).problem(400, "invalid_parameter");
    }
    for actor in [world.alpha().secretary(), world.alpha().pas_feed(), world.alpha().patient(&scanned.0.id)] {
        actor.get(&actor.at("device-recalls?lot=BAD")).problem(403, "forbidden");
    }
    assert_eq!(found(&world.beta().manager(), "lot=BAD"), [] as [String; 0]);
    // Whoever was merged is warned as the survivor, and finds it in the log.
    manager.merges(&good.0, &typed.0).expect(201);
    assert_eq!(found(&manager, "model=R-2"), expected(&[&good]));
    let log = manager.reads_access_log_of(&good.0).expect(200);
    assert!(
        log.items().iter().any(|it| it["action"] == "FindRecalled" && it["object"] == "device_recall"),
        "{}",
        log.text()
    );
}
