//! Events: in order, at once, without gaps, only to callers with access, and without the recorded data.

use painreg_domain::clinical::EntryKind;
use painreg_tests::{Actor, Setup, World, submission};
use serde_json::{Value, json};

mod positions;
mod restored;
mod worker;

use crate::invitations::{due, hands_over, morning_of, reports_delivery};

/// Returns all events that an actor can read after `after`, and the next position.
pub fn reads_on(actor: &Actor<'_>, after: &str, query: &str) -> (Vec<Value>, String) {
    let (mut all, mut after) = (Vec::new(), after.to_owned());
    loop {
        let place = if after.is_empty() { String::new() } else { format!("&after={after}") };
        let read = actor.get(&actor.at(&format!("events?limit=3{place}{query}"))).expect(200);
        all.extend_from_slice(read.items());
        read.text_at("/next_after").clone_into(&mut after);
        if read.body["more"] == false {
            return (all, after);
        }
    }
}

/// Like [`reads_on`] from the start. Fails unless there are at least `count`: what was committed is in the feed at once.
#[track_caller]
pub fn reads(actor: &Actor<'_>, count: usize, query: &str) -> Vec<Value> {
    let (all, _) = reads_on(actor, "", query);
    assert!(all.len() >= count, "{} of {count} events", all.len());
    all
}

pub fn types(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["type"].as_str()).collect()
}

#[test]
fn list_events_hides_answers_by_right_and_advances_the_cursor() {
    let world = World::new();
    let (clinician, secretary, manager) =
        (world.alpha().clinician(), world.alpha().secretary(), world.alpha().manager());
    let patient = clinician.registers(&world.person());
    clinician.submits(&patient, "1", &json!({"isi_01": 4})).expect(201);
    clinician.registers(&world.person());
    let all = reads(&manager, 3, "");
    assert_eq!(types(&all).iter().filter(|it| **it == "patient.registered").count(), 2);
    assert!(types(&all).contains(&"submission.stored"));
    let (seen, _) = reads_on(&secretary, "", "");
    assert_eq!(seen.len(), all.len() - 1);
    assert!(!types(&seen).contains(&"submission.stored"));
    assert_eq!(reads_on(&secretary, "", "&kind=submission.stored").0, [] as [Value; 0]);
    // A filter for rare events does not start again each time, and misses nothing.
    let (none, narrow) = reads_on(&manager, "", "&kind=form.published");
    let (_, whole) = reads_on(&manager, "", "");
    assert_eq!((none, reads_on(&manager, &narrow, "").0), (Vec::new(), reads_on(&manager, &whole, "").0));
    clinician.submits(&patient, "2", &json!({"isi_01": 3})).expect(201);
    assert!(types(&reads_on(&manager, &narrow, "").0).contains(&"submission.stored"));
}

#[test]
fn list_events_orders_one_patients_events_by_commit() {
    let world = morning_of(&Setup { workers: 2, connections_per_tenant: 12, ..Setup::default() });
    let (manager, sender) = (world.alpha().manager(), world.alpha().sender());
    for _ in 0..40 {
        due(&world);
    }
    let claim = sender.post(&sender.at("invitation-claims"), &json!({"channel": "sms", "limit": 40})).expect(200).body;
    let invitations = claim["invitations"].as_array().expect("invitations");
    // Two reports at the same time: the transaction that began first may commit last.
    for invitation in invitations {
        hands_over(&sender, invitation).expect(200);
        std::thread::scope(|threads| {
            for outcome in ["sent", "delivered", "sent"] {
                let sender = world.alpha().sender();
                threads.spawn(move || reports_delivery(&sender, invitation, &json!({"outcome": outcome})).expect(200));
            }
        });
    }
    let result = reads(&manager, 40, "&kind=invitation.delivered");
    assert_eq!(result.len(), 40);
    let (all, _) = reads_on(&manager, "", "");
    for invitation in invitations {
        let object = format!("invitation/{}", invitation["id"].as_str().unwrap_or_default());
        let of_it = all.iter().filter(|event| event["data"]["object"] == object.as_str());
        let versions: Vec<i64> = of_it.filter_map(|event| event["data"]["version"].as_i64()).collect();
        assert!(versions.is_sorted_by(|one, other| one < other), "{versions:?}");
    }
}

#[test]
fn list_events_is_ordered_and_holds_no_content() {
    let world = World::new();
    let (clinician, manager) = (world.alpha().clinician(), world.alpha().manager());
    let patient = clinician.registers(&world.person());
    clinician.changes(&patient, 1, &json!({"interpreter_needed": true})).expect(200);
    let entry = clinician.records(&patient, EntryKind::Referral, &json!({"received_on": "2025-01-10", "source": "gp"}));
    clinician.submits(&patient, "1", &json!({"isi_01": 4})).expect(201);
    clinician.submits(&patient, "1", &json!({"isi_01": 3})).expect(201);
    let seen = |kind: &str| reads(&manager, 1, &format!("&kind={kind}"));
    assert_eq!(seen("submission.revised")[0]["data"]["version"], 2);
    let all = reads(&manager, 5, "");
    let result: Vec<&str> = types(&all).into_iter().filter(|kind| *kind != "decision.changed").collect();
    assert_eq!(
        result,
        ["patient.registered", "patient.updated", "entry.recorded", "submission.stored", "submission.revised"]
    );
    assert_eq!(
        seen("entry.recorded")[0]["data"]["object"],
        format!("referral/{}", entry["id"].as_str().unwrap_or_default())
    );
    for event in &all {
        assert_eq!(event["data"]["patient_id"], patient.id.as_str());
        let mut members: Vec<&String> = event["data"].as_object().expect("an object").keys().collect();
        members.sort_unstable();
        assert_eq!(members, ["object", "patient_id", "version"]);
        assert!(!event.to_string().contains(&patient.person.national_id));
    }
    // A reader who continues from a position gets every event once, and later events later.
    let (whole, after) = reads_on(&manager, "", "");
    assert_eq!(whole, all);
    assert_eq!(reads_on(&manager, &after, "").0, [] as [Value; 0]);
    let other = clinician.registers(&world.person());
    let (later, _) = reads_on(&manager, &after, "&kind=patient.registered");
    assert_eq!(later.len(), 1);
    assert_eq!(later[0]["data"]["patient_id"], other.id.as_str());
    assert_eq!(reads(&manager, 1, &format!("&patient={}&kind=patient.registered", other.id)).len(), 1);
    // A user with access to all of them sees the recipients.
    let log = manager.reads_access_log_of(&patient).expect(200);
    assert!(log.items().iter().any(|event| event["action"] == "ReadEvents"));
}

#[test]
fn rolled_back_requests_leave_no_events() {
    let world = World::new();
    let (clinician, manager) = (world.alpha().clinician(), world.alpha().manager());
    let patient = clinician.registers(&world.person());
    clinician.post(&clinician.at("patients"), &painreg_tests::registration(&patient.person)).expect(409);
    clinician.changes(&patient, 7, &json!({"interpreter_needed": true})).expect(412);
    let importer = world.alpha().importer();
    let line = submission(&patient.id, "dry", &json!({"isi_01": 4}));
    importer
        .request("POST", &importer.at("submission-batches?dry_run=true"))
        .body("application/x-ndjson", line.to_string().into_bytes())
        .send();
    let last = clinician.registers(&world.person());
    let all = reads(&manager, 2, "");
    assert_eq!(all.last().expect("events")["data"]["patient_id"], last.id.as_str());
    let result: Vec<&str> = types(&all).into_iter().filter(|kind| *kind != "decision.changed").collect();
    assert_eq!(result, ["patient.registered", "patient.registered"]);
}

#[test]
fn list_events_respects_unit_and_registry() {
    let world = World::new();
    let mine = world.alpha().clinician().registers(&world.person());
    let theirs = world.alpha().clinician().of_unit("elsewhere").registers(&world.person());
    let foreign = world.beta().clinician().registers(&world.person());
    let of = |events: &[Value]| -> Vec<String> {
        events.iter().filter_map(|event| event["data"]["patient_id"].as_str().map(str::to_owned)).collect()
    };
    let only = "&kind=patient.registered";
    assert_eq!(of(&reads(&world.alpha().manager(), 2, only)), [mine.id.clone(), theirs.id.clone()]);
    assert_eq!(of(&reads(&world.alpha().clinician(), 1, only)), std::slice::from_ref(&mine.id));
    assert_eq!(of(&reads(&world.beta().manager(), 1, only)), [foreign.id]);
    let whose = format!("{only}&patient={}", theirs.id);
    assert_eq!(reads_on(&world.alpha().clinician(), "", &whose).0, [] as [Value; 0]);
    // A cursor is good for one caller of one registry.
    let (_, after) = reads_on(&world.alpha().manager(), "", "");
    let beta = world.beta().manager();
    assert_eq!(beta.get(&beta.at(&format!("events?after={after}"))).status, 400);
    for bad in ["kind=patient.exploded", "limit=0", "limit=201", "after=x", "patient=1"] {
        assert_eq!(beta.get(&beta.at(&format!("events?{bad}"))).status, 400, "{bad}");
    }
    for role in [world.alpha().importer(), world.alpha().sender(), world.alpha().dpo()] {
        role.get(&role.at("events")).expect(403);
    }
}
