//! Hand-over: the last check before an invitation is sent, leases and their expiry.

use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use painreg_domain::calendar::{norwegian_day, norwegian_hour};
use painreg_tenants::{Settings, StatementObserver};
use painreg_tests::{Patient, Setup};
use serde_json::{Value, json};

use super::{answers, claims, decision_of, due, hands_over, morning, morning_of, of, reports_delivery};
use crate::follow_up::runs;
use crate::kit::with;

#[test]
fn hand_over_after_undo_merge_is_refused() {
    let world = morning();
    let manager = world.alpha().manager();
    let (survivor, duplicate) = (manager.registers(&world.answerer()), due(&world));
    let merge = manager.merges(&survivor, &duplicate).expect(201).body;
    let sender = world.alpha().sender();
    let claim = claims(&sender, "sms");
    assert_eq!(of(&claim)[0]["address"], json!(survivor.person.mobile));
    world.advance(SignedDuration::from_secs(1));
    manager.undoes(&merge).expect(200);
    hands_over(&sender, &of(&claim)[0]).problem(409, "not_to_be_sent");
    let again = claims(&sender, "sms");
    assert_eq!(of(&again)[0]["address"], json!(duplicate.person.mobile));
}

#[test]
fn hand_over_takes_nine_round_trips() {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let observer: StatementObserver = {
        let sent = Arc::clone(&sent);
        Arc::new(move |text| sent.lock().expect("no panic").push(text.to_owned()))
    };
    let adjust = Arc::new(move |settings: &mut Settings| settings.testing.observer = Some(Arc::clone(&observer)));
    let world = morning_of(&Setup { adjust, ..Setup::default() });
    due(&world);
    let sender = world.alpha().sender();
    let claim = claims(&sender, "sms");
    sent.lock().expect("no panic").clear();
    hands_over(&sender, &of(&claim)[0]).expect(200);
    let sent = sent.lock().expect("no panic");
    // BEGIN and COMMIT are two of them.
    assert!(sent.len() <= 9, "{} round trips: {sent:#?}", sent.len());
}

#[test]
fn hand_over_respects_working_hours() {
    let world = morning();
    let patient = due(&world);
    let sender = world.alpha().sender();
    let today = norwegian_day(world.clock.now());
    world.advance(norwegian_hour(today, 20).duration_since(world.clock.now()) - SignedDuration::from_secs(60));
    let claim = claims(&sender, "sms");
    world.advance(SignedDuration::from_secs(90));
    let [invitation] = of(&claim) else { panic!("one invitation: {claim}") };
    let refused = hands_over(&sender, invitation).problem(409, "not_at_this_hour");
    let wait: i64 = refused.header("retry-after").parse().expect("seconds");
    // Not before nine in the morning of the next sending day; then the same invitation is offered again.
    world.advance(SignedDuration::from_secs(wait - 60));
    assert_eq!(of(&claims(&sender, "sms")), [] as [Value; 0]);
    world.advance(SignedDuration::from_secs(61));
    let again = claims(&sender, "sms");
    let [invitation] = of(&again) else { panic!("one invitation: {again}") };
    assert_eq!((&invitation["patient_id"], &invitation["check_first"]), (&json!(patient.id), &json!(false)));
    hands_over(&sender, invitation).expect(200);
}

#[test]
fn hand_over_without_report_expires_in_a_week() {
    let world = morning();
    let patient = due(&world);
    let (sender, manager) = (world.alpha().sender(), world.alpha().manager());
    let claim = claims(&sender, "sms");
    hands_over(&sender, &of(&claim)[0]).expect(200);
    world.advance(SignedDuration::from_hours(6 * 24));
    runs(&manager);
    assert_eq!(decision_of(&world, &patient).1, ["being_sent"]);
    world.advance(SignedDuration::from_hours(2 * 24));
    runs(&manager);
    assert_eq!(decision_of(&world, &patient).1[0], "sending_unknown");
}

#[test]
fn hand_over_refuses_answered_opted_out_or_expired_invitations() {
    let world = morning();
    let patients = [due(&world), due(&world), due(&world)];
    let sender = world.alpha().sender();
    let clinician = world.alpha().clinician();
    let claim = claims(&sender, "sms");
    let mine = |patient: &Patient| {
        of(&claim).iter().find(|it| it["patient_id"] == patient.id.as_str()).expect("an invitation").clone()
    };
    answers(&world, &patients[0]);
    hands_over(&sender, &mine(&patients[0])).problem(409, "not_to_be_sent");
    clinician.changes(&patients[1], 1, &json!({"deceased_on": norwegian_day(world.clock.now())})).expect(200);
    hands_over(&sender, &mine(&patients[1])).problem(409, "not_to_be_sent");
    hands_over(&sender, &with(&mine(&patients[2]), &json!({"version": 7}))).problem(412, "stale");
    world.advance(SignedDuration::from_secs(301));
    hands_over(&sender, &mine(&patients[2])).problem(409, "not_held");
    // The next claim gets it: no hand-over had begun.
    let next = claims(&sender, "sms");
    let [again] = of(&next) else { panic!("one invitation: {next}") };
    assert_eq!((&again["id"], &again["text"]), (&mine(&patients[2])["id"], &mine(&patients[2])["text"]));
    assert_eq!(again["check_first"], false);
    hands_over(&sender, again).expect(200);
    // That sender is lost too: the next one is instructed to query the gateway first.
    world.advance(SignedDuration::from_secs(301));
    assert_eq!(of(&claims(&sender, "sms")).len(), 0, "another sender may still be sending it");
    world.advance(SignedDuration::from_secs(120));
    let third = claims(&sender, "sms");
    assert_eq!((&of(&third)[0]["id"], &of(&third)[0]["check_first"]), (&again["id"], &json!(true)));
    // The lost report arrives late: the message counts as sent.
    let late = reports_delivery(&sender, again, &json!({"outcome": "sent"})).expect(200).body;
    assert_eq!(late["state"], "sent");
    hands_over(&sender, &of(&third)[0]).problem(412, "stale");
}

#[test]
fn hand_over_refuses_a_changed_number() {
    let world = morning();
    let patient = due(&world);
    let (sender, clinician) = (world.alpha().sender(), world.alpha().clinician());
    let old = claims(&sender, "sms");
    world.advance(SignedDuration::from_secs(1));
    clinician.changes(&patient, 1, &json!({"contact": {"mobile": "+4799999999"}})).expect(200);
    hands_over(&sender, &of(&old)[0]).problem(409, "not_to_be_sent");
    let new = claims(&sender, "sms");
    assert_eq!((&of(&new)[0]["address"], &of(&new)[0]["attempt"]), (&json!("+4799999999"), &json!(2)));
    hands_over(&sender, &of(&new)[0]).expect(200);
}

#[test]
fn hand_over_is_granted_once_to_the_claimant() {
    let world = morning();
    due(&world);
    let (sender, other) = (world.alpha().sender(), world.alpha().sender().called("another-gateway"));
    let claim = claims(&sender, "sms");
    let invitation = &of(&claim)[0];
    hands_over(&other, invitation).problem(409, "not_held");
    let granted = hands_over(&sender, invitation).expect(200).body;
    hands_over(&sender, &granted).problem(409, "not_held");
    hands_over(&other, invitation).problem(412, "stale");
    assert_eq!(granted["state"], "handed_over");
}

#[test]
fn hand_over_whose_answer_was_lost_is_answered_again() {
    let world = morning();
    let patient = due(&world);
    let (sender, clinician) = (world.alpha().sender(), world.alpha().clinician());
    let claim = claims(&sender, "sms");
    let invitation = &of(&claim)[0];
    let granted = hands_over(&sender, invitation).expect(200);
    world.advance(SignedDuration::from_secs(10));
    let again = hands_over(&sender, invitation).expect(200);
    assert_eq!((&again.body, again.header("etag")), (&granted.body, granted.header("etag")));
    let events = "SELECT count(*) FROM (SELECT kind FROM {alpha}.event UNION ALL SELECT kind FROM {alpha}.event_inbox) event \
                  WHERE kind LIKE 'invitation%'";
    assert_eq!(world.number(events), 1, "the claim; a hand-over is no event, and neither is its repetition");
    // What is no longer due is not sent, also where only the answer was lost.
    clinician.changes(&patient, 1, &json!({"deceased_on": norwegian_day(world.clock.now())})).expect(200);
    hands_over(&sender, invitation).problem(409, "not_to_be_sent");
    hands_over(&sender, invitation).problem(412, "stale");
    // After the lease another sender may have it.
    let other = due(&world);
    let claim = claims(&sender, "sms");
    let invitation = of(&claim).iter().find(|it| it["patient_id"] == json!(other.id)).expect("an invitation");
    hands_over(&sender, invitation).expect(200);
    world.advance(SignedDuration::from_secs(301));
    hands_over(&sender, invitation).problem(409, "not_held");
}
