//! The call list with its order and reasons, and the background work of a registry.

use std::time::Duration;

use jiff::SignedDuration;
use painreg_domain::calendar::{days_after, days_before, norwegian_day};
use painreg_domain::clinical::EntryKind;
use painreg_tests::sending::to_ten;
use painreg_tests::{Actor, Patient, Setup, World};
use serde_json::{Value, json};

use crate::examples;
use crate::follow_up::{publishes, runs};
use crate::invitations::{claims, due, hands_over, is_due, make_due, morning, reports_delivery};

/// Sends all due invitations of a channel, and reports this outcome.
fn sends(world: &World, channel: &str, receipt: &Value) {
    let sender = world.alpha().sender();
    let claim = claims(&sender, channel);
    for invitation in claim["invitations"].as_array().expect("invitations") {
        hands_over(&sender, invitation).expect(200);
        reports_delivery(&sender, invitation, receipt).expect(200);
    }
}

#[track_caller]
fn list(actor: &Actor<'_>) -> Vec<Value> {
    actor.get(&actor.at("call-list")).expect(200).body["items"].as_array().cloned().expect("items")
}

fn named(items: &[Value], patient: &Patient) -> Option<usize> {
    items.iter().position(|it| it["patient_id"] == patient.id.as_str())
}

#[test]
fn call_list_holds_unanswered_and_unreached_patients_only() {
    let world = morning();
    let (manager, secretary) = (world.alpha().manager(), world.alpha().secretary());
    let silent = due(&world);
    assert_eq!(list(&manager), [] as [Value; 0]);
    let sent = json!({"outcome": "sent"});
    sends(&world, "sms", &sent);
    assert_eq!(list(&manager), [] as [Value; 0], "a reminder is to come");
    for days in [8, 15] {
        to_ten(&world, days_after(norwegian_day(world.clock.now()), days));
        sends(&world, "sms", &sent);
    }
    // A patient with neither telephone nor a working mailbox cannot be reached.
    let unreached = secretary.registers(&world.answerer());
    is_due(&world, &unreached);
    let failed = json!({"outcome": "failed", "reason": "invalid_address"});
    sends(&world, "sms", &failed);
    sends(&world, "digital_mailbox", &failed);
    let items = list(&manager);
    let points: Vec<i64> = items.iter().filter_map(|it| it["points"].as_i64()).collect();
    assert!(points.len() == 2 && points.is_sorted_by(|one, other| one >= other), "{items:?}");
    let of = |patient: &Patient| items.get(named(&items, patient).expect("on the list")).expect("an item");
    let (lost, reminded) = (of(&unreached), of(&silent));
    let codes = |item: &Value| {
        let because = item["because"].as_array().expect("reasons").iter();
        because.filter_map(|it| it["code"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert!(codes(lost).contains(&"only_by_telephone".to_owned()), "{items:?}");
    assert!(codes(reminded).contains(&"nothing_more_is_sent".to_owned()), "{items:?}");
    assert_eq!(
        items[0]["points"],
        items[0]["because"].as_array().expect("reasons").iter().filter_map(|it| it["points"].as_i64()).sum::<i64>()
    );
    assert_eq!(lost["decision"]["reasons"][0]["code"], "delivery_failed");
    let elsewhere = world.alpha().clinician().of_unit("elsewhere");
    assert_eq!(list(&elsewhere), [] as [Value; 0]);
    // The outcome of a call changes the list.
    let calls = |item: &Value, outcome: &str| {
        let body = json!({"decision_id": item["decision"]["id"], "outcome": outcome});
        secretary.post(&secretary.at("follow-up-calls"), &body)
    };
    let called = calls(lost, "no_reply").expect(201).body;
    assert_eq!((&called["patient_id"], &called["outcome"]), (&lost["patient_id"], &json!("no_reply")));
    assert_eq!(named(&list(&manager), &unreached), None, "not again today");
    calls(reminded, "declined").expect(201);
    let listed = manager.get(&manager.at("follow-up-decisions?reason=declined_by_telephone")).expect(200);
    assert_eq!(listed.items()[0]["id"], reminded["decision"]["id"]);
    assert_eq!(list(&manager), [] as [Value; 0], "left in peace");
    world.advance(SignedDuration::from_hours(48));
    let items = list(&manager);
    assert_eq!((items.len(), &items[0]["last_outcome"]), (1, &json!("no_reply")));
    let listed = manager.get(
        &manager.at(&format!("follow-up-calls?decision_id={}", items[0]["decision"]["id"].as_str().expect("an id"))),
    );
    assert_eq!(listed.expect(200).items().len(), 1);
    assert_eq!(manager.get(&manager.at("follow-up-calls")).expect(200).items().len(), 2);
    // A patient who opted out after the decision is not phoned.
    let reserved = json!({"basis": "reservation", "against": "questionnaires", "valid_from": norwegian_day(world.clock.now()), "source": "oral"});
    secretary.records(&unreached, EntryKind::LegalBasis, &reserved);
    assert_eq!(list(&manager), [] as [Value; 0]);
    let unknown = json!({"decision_id": world.clock.random_id(), "outcome": "reached"});
    secretary.post(&secretary.at("follow-up-calls"), &unknown).problem(404, "not_found");
    let ahead = json!({"decision_id": items[0]["decision"]["id"], "outcome": "reached", "called_at": world.clock.now() + SignedDuration::from_hours(1)});
    secretary.post(&secretary.at("follow-up-calls"), &ahead).problem(422, "invalid");
}

#[test]
fn call_list_skips_dead_and_opted_out_patients() {
    let world = morning();
    let clinician = world.alpha().clinician();
    let (dead, reserved) = (due(&world), due(&world));
    let sent = json!({"outcome": "sent"});
    sends(&world, "sms", &sent);
    for days in [8, 15] {
        to_ten(&world, days_after(norwegian_day(world.clock.now()), days));
        sends(&world, "sms", &sent);
    }
    assert_eq!(list(&clinician).len(), 2);
    let today = norwegian_day(world.clock.now());
    clinician.changes(&dead, 1, &json!({"deceased_on": today})).expect(200);
    assert_eq!(named(&list(&clinician), &dead), None);
    let basis = json!({"basis": "reservation", "against": "questionnaires", "valid_from": today, "source": "oral"});
    clinician.records(&reserved, EntryKind::LegalBasis, &basis);
    assert_eq!(list(&clinician), [] as [Value; 0]);
    let result = clinician.get(&clinician.at(&format!("patients/{}/follow-up", reserved.id))).expect(200).body;
    let rules = result["rules"].as_array().expect("rules");
    let rf = &rules.iter().find(|it| it["rule"] == "rf_3").expect("a rule")["current"]["decision"];
    assert_eq!(rf["reasons"][0]["code"], "reserved_against_questionnaires");
}

#[test]
fn call_list_shows_a_patient_once_a_day() {
    let world = morning();
    let secretary = world.alpha().secretary();
    let patient = due(&world);
    make_due(&world, "alpha", &patient);
    let failed = json!({"outcome": "failed", "reason": "invalid_address"});
    // Both questions, by either channel.
    for channel in ["sms", "sms", "digital_mailbox", "digital_mailbox"] {
        sends(&world, channel, &failed);
    }
    let open = secretary.get(&secretary.at("follow-up-decisions?reason=delivery_failed")).expect(200);
    assert_eq!(open.items().len(), 2);
    let items = list(&secretary);
    assert_eq!((items.len(), named(&items, &patient)), (1, Some(0)));
    let body = json!({"decision_id": items[0]["decision"]["id"], "outcome": "no_reply"});
    secretary.post(&secretary.at("follow-up-calls"), &body).expect(201);
    assert_eq!(list(&secretary), [] as [Value; 0]);
}

#[test]
fn call_outlives_its_decision() {
    let world = morning();
    let (clinician, manager) = (world.alpha().clinician(), world.alpha().manager());
    let patient = clinician.registers(&world.answerer());
    let calls = |rule: &str| {
        let listed = clinician.get(&clinician.at(&format!("follow-up-decisions?rule={rule}"))).expect(200);
        let body = json!({"decision_id": listed.items()[0]["id"], "outcome": "no_reply"});
        clinician.post(&clinician.at("follow-up-calls"), &body).expect(201);
    };
    // No attempt has begun; then one begins and is withdrawn; then its rule is removed.
    calls("rf_3");
    let today = norwegian_day(world.clock.now());
    let body = json!({"system": "ncmp", "code": "ZDRF01", "performed_on": days_before(today, 60)});
    let procedure = clinician.records(&patient, EntryKind::Procedure, &body);
    calls("rf_3");
    clinician.withdraws(&patient, EntryKind::Procedure, &procedure).expect(204);
    calls("scs_6");
    let mut plan = examples::plan();
    plan["tracks"].as_array_mut().expect("tracks").retain(|track| track["code"] != "scs");
    publishes(&manager, &plan);
    runs(&manager);
    assert_eq!(manager.get(&manager.at("follow-up-counts")).expect(200).body["up_to_date"], true);
    assert_eq!(manager.get(&manager.at("follow-up-calls")).expect(200).items().len(), 3);
}

#[test]
fn claim_sends_nothing_twice_when_the_clock_goes_back() {
    let world = morning();
    due(&world);
    let sender = world.alpha().sender();
    let claim = claims(&sender, "sms");
    let invitation = &claim["invitations"][0];
    // Tokens that were issued before are from the future now.
    world.advance(SignedDuration::from_mins(-30));
    let sender = world.alpha().sender();
    assert_eq!(claims(&sender, "sms")["invitations"], json!([]));
    hands_over(&sender, invitation).expect(200);
    let sent = reports_delivery(&sender, invitation, &json!({"outcome": "sent"})).expect(200).body;
    assert_eq!(sent["sent_at"], sent["claimed_at"], "nothing is sent before it was taken on");
    world.advance(SignedDuration::from_hours(2));
    assert_eq!(claims(&sender, "sms")["invitations"], json!([]));
}

#[test]
fn worker_redecides_when_the_plan_changes() {
    let world = World::with(&Setup { works: true, ..Setup::default() });
    let manager = world.alpha().manager();
    let patient = world.alpha().clinician().registers(&world.answerer());
    is_due(&world, &patient);
    let mut plan = examples::plan();
    plan["tracks"][2]["channels"] = json!(["helsenorge"]);
    publishes(&manager, &plan);
    let decided = || {
        let counts = manager.get(&manager.at("follow-up-counts")).expect(200).body;
        let listed = manager.get(&manager.at("follow-up-decisions?rule=rf_3")).expect(200);
        let channel = listed.items().first().map(|it| it["channel"].clone());
        (counts["up_to_date"] == true && channel == Some(json!("helsenorge"))).then_some(())
    };
    world.within(Duration::from_secs(30), decided);
    // The log names the system as the actor.
    assert!(
        world.number("SELECT count(*) FROM {alpha}.audit_event WHERE action = 'RunFollowUp' AND role = 'system'") > 0
    );
}
