//! Delivery reports of senders: order, failures, refusals.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{claims, decision_of, due, hands_over, morning, of, reports_delivery};

#[test]
fn report_of_an_expired_lease_ends_nothing() {
    let world = morning();
    let patient = due(&world);
    let (first, second) = (world.alpha().sender().called("first"), world.alpha().sender().called("second"));
    let claim = claims(&first, "sms");
    hands_over(&first, &of(&claim)[0]).expect(200);
    world.advance(SignedDuration::from_mins(10));
    let again = claims(&second, "sms");
    assert_eq!((&of(&again)[0]["id"], &of(&again)[0]["check_first"]), (&of(&claim)[0]["id"], &json!(true)));
    hands_over(&second, &of(&again)[0]).expect(200);
    let failed =
        reports_delivery(&first, &of(&claim)[0], &json!({"outcome": "failed", "reason": "gateway_error"})).expect(200);
    assert_eq!(failed.body["state"], "handed_over");
    assert_eq!(of(&claims(&first, "digital_mailbox")), [] as [Value; 0]);
    reports_delivery(&second, &of(&again)[0], &json!({"outcome": "sent"})).expect(200);
    assert_eq!(decision_of(&world, &patient), ("sent".to_owned(), vec!["reminder_pending".to_owned()]));
}

#[test]
fn read_follow_up_as_of_hides_later_failures() {
    let world = morning();
    let patient = due(&world);
    let (sender, clinician) = (world.alpha().sender(), world.alpha().clinician());
    let claim = claims(&sender, "sms");
    hands_over(&sender, &of(&claim)[0]).expect(200);
    reports_delivery(&sender, &of(&claim)[0], &json!({"outcome": "sent"})).expect(200);
    let then = world.clock.now();
    world.advance(SignedDuration::from_mins(5));
    reports_delivery(&sender, &of(&claim)[0], &json!({"outcome": "failed", "reason": "invalid_address"})).expect(200);
    let result = |query: &str| {
        let path = clinician.at(&format!("patients/{}/follow-up{query}", patient.id));
        let body = clinician.get(&path).expect(200).body;
        let rules = body["rules"].as_array().expect("rules");
        let rf = &rules.iter().find(|it| it["rule"] == "rf_3").expect("a rule")["current"]["invitations"][0];
        (rf["state"].clone(), rf["failure"].clone())
    };
    assert_eq!(result(""), (json!("failed"), json!("invalid_address")));
    assert_eq!(result(&format!("?as_of={then}")), (json!("sent"), Value::Null));
}

#[test]
fn report_of_failure_moves_to_the_next_channel() {
    let world = morning();
    let patient = due(&world);
    let sender = world.alpha().sender();
    let fail = |channel: &str, reason: &str| {
        let claim = claims(&sender, channel);
        let invitation = of(&claim).first().cloned().expect("an invitation");
        hands_over(&sender, &invitation).expect(200);
        reports_delivery(&sender, &invitation, &json!({"outcome": "failed", "reason": reason})).expect(200);
        invitation
    };
    fail("sms", "invalid_address");
    assert_eq!(decision_of(&world, &patient), ("due".to_owned(), vec!["next_channel".to_owned()]));
    let second = fail("digital_mailbox", "unreachable");
    assert_eq!((&second["address"], &second["attempt"]), (&json!(patient.person.national_id), &json!(2)));
    assert_eq!(decision_of(&world, &patient), ("suppressed".to_owned(), vec!["delivery_failed".to_owned()]));
    assert_eq!(of(&claims(&sender, "sms")).len(), 0);
    world.advance(SignedDuration::from_secs(60));
    let clinician = world.alpha().clinician();
    clinician.changes(&patient, 1, &json!({"contact": {"mobile": "+4799999999"}})).expect(200);
    let claim = claims(&sender, "sms");
    assert_eq!((&of(&claim)[0]["address"], &of(&claim)[0]["attempt"]), (&json!("+4799999999"), &json!(3)));
}

#[test]
fn report_refuses_invalid_bodies_and_foreign_senders() {
    let world = morning();
    due(&world);
    let (sender, stranger) = (world.alpha().sender(), world.beta().sender());
    let claim = claims(&sender, "sms");
    let invitation = &of(&claim)[0];
    let refused = |receipt: &Value| reports_delivery(&sender, invitation, receipt).problem(422, "invalid").faults();
    assert_eq!(refused(&json!({"outcome": "failed"})), [("/reason".to_owned(), "required".to_owned())]);
    assert_eq!(refused(&json!({"outcome": "sent", "reason": "blocked"}))[0].0, "/reason");
    assert_eq!(
        refused(&json!({"outcome": "failed", "reason": "tired"})),
        [("/reason".to_owned(), "unknown_option".to_owned())]
    );
    assert_eq!(refused(&json!({"outcome": "lost"}))[0].0, "/outcome");
    let ahead = world.clock.now() + SignedDuration::from_hours(1);
    assert_eq!(refused(&json!({"outcome": "sent", "at": ahead})), [("/at".to_owned(), "in_future".to_owned())]);
    let claimed = |body: &Value| sender.post(&sender.at("invitation-claims"), body).problem(422, "invalid").faults();
    assert_eq!(claimed(&json!({"channel": "pigeon"})), [("/channel".to_owned(), "unknown_option".to_owned())]);
    assert_eq!(claimed(&json!({"channel": "sms", "limit": 201}))[0].0, "/limit");
    // An invitation never claimed, or of another registry.
    let never = json!({"id": world.clock.random_id()});
    reports_delivery(&sender, &never, &json!({"outcome": "sent"})).problem(404, "not_found");
    reports_delivery(&stranger, invitation, &json!({"outcome": "sent"})).problem(404, "not_found");
    hands_over(&stranger, invitation).problem(404, "not_found");
    assert_eq!(of(&claims(&stranger, "sms")).len(), 0);
    let path = sender.at("invitation-claims");
    stranger.post(&path, &json!({"channel": "sms"})).problem(404, "not_found");
    // A reference belongs to one message.
    reports_delivery(&sender, invitation, &json!({"outcome": "sent", "reference": "gw-7"})).expect(200);
    let other = reports_delivery(&sender, invitation, &json!({"outcome": "delivered", "reference": "gw-8"}));
    assert_eq!(other.problem(409, "already_exists").faults()[0].0, "/reference");
    due(&world);
    let next = claims(&sender, "sms");
    let taken = reports_delivery(&sender, &of(&next)[0], &json!({"outcome": "sent", "reference": "gw-7"}));
    assert_eq!(taken.problem(409, "already_exists").faults()[0].0, "/reference");
}
