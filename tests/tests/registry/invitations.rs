//! Sending: what is due is claimed once, checked again before it is sent, told the end of; nothing sensitive leaves.

use jiff::SignedDuration;
use painreg_domain::calendar::{days_before, months_after, norwegian_day, norwegian_hour, working_day_from};
use painreg_domain::clinical::Kind;
use painreg_tests::sending::to_ten;
use painreg_tests::{Actor, Answer, Patient, Setup, World};
use serde_json::{Value, json};

use crate::follow_up::runs;
use crate::kit::{Judged as _, with};

/// A world at ten in the morning of a working day.
pub fn morning() -> World {
    morning_of(&Setup::default())
}

/// Another such world.
pub fn morning_of(setup: &Setup) -> World {
    let world = World::with(setup);
    to_ten(&world, working_day_from(norwegian_day(world.clock.now())));
    world
}

/// Somebody whose first question after radiofrequency treatment is due today.
pub fn due(world: &World) -> Patient {
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.answerer());
    is_due(world, &patient);
    patient
}

/// Lets something be due to the patient that nobody was asked yet, at an hour at which it is sent.
pub fn make_due(world: &World, tenant: &str, patient: &Patient) {
    let clinician = world.place(tenant).clinician();
    let today = norwegian_day(world.clock.now());
    let body = json!({"modality": "scs", "indication": "crps_type1", "decided_on": days_before(today, 300)});
    let implant = clinician.tries_to_record(patient, Kind::Implant, &body).body;
    // Each one later than the ones before: the newest start counts.
    let made = world.number(&format!("SELECT count(*) FROM {}.implant_component", world.schema(tenant)));
    let days = 226_u32.saturating_sub(u32::try_from(made % 40).unwrap_or(0));
    let performed = days_before(today, days);
    let body = json!({"implant_id": implant["id"], "component": "ipg_rechargeable", "manufacturer": "Invented",
        "model": "G-1", "mri": "unknown", "implanted_on": performed});
    clinician.tries_to_record(patient, Kind::ImplantComponent, &body);
}

/// Lets the first question after radiofrequency treatment be due today.
pub fn is_due(world: &World, patient: &Patient) {
    let today = norwegian_day(world.clock.now());
    let performed = (0..5).map(|days| days_before(today, 90 + days)).find(|day| months_after(*day, 3) <= today);
    let body = json!({"system": "ncmp", "code": "ZDRF01", "performed_on": performed});
    world.alpha().clinician().records(patient, Kind::Procedure, &body);
}

#[track_caller]
pub fn claims(sender: &Actor<'_>, channel: &str) -> Value {
    sender.post(&sender.at("invitation-claims"), &json!({"channel": channel})).expect(200).body
}

pub fn hands_over(sender: &Actor<'_>, invitation: &Value) -> Answer {
    let path = sender.at(&format!("invitations/{}/handover", invitation["id"].as_str().unwrap_or_default()));
    sender.put(&path, invitation["version"].as_i64().unwrap_or_default())
}

pub fn tells(sender: &Actor<'_>, invitation: &Value, receipt: &Value) -> Answer {
    let path = sender.at(&format!("invitations/{}/receipts", invitation["id"].as_str().unwrap_or_default()));
    sender.post(&path, receipt)
}

/// The token in the link of an invitation's words.
pub fn token_of(invitation: &Value) -> String {
    let text = invitation["text"].as_str().expect("a text");
    text.split("invitasjon=").nth(1).and_then(|rest| rest.split(' ').next()).expect("a token").to_owned()
}

fn of(claim: &Value) -> &[Value] {
    claim["invitations"].as_array().map_or(&[], Vec::as_slice)
}

fn stands(world: &World, patient: &Patient) -> (String, Vec<String>) {
    let clinician = world.alpha().clinician();
    let follow_up = clinician.get(&clinician.at(&format!("patients/{}/follow-up", patient.id))).expect(200).body;
    let rules = follow_up["rules"].as_array().expect("rules");
    let current = &rules.iter().find(|it| it["rule"] == "rf_3").expect("a rule")["current"]["decision"];
    let reasons = current["reasons"].as_array().expect("reasons");
    let codes = reasons.iter().filter_map(|it| it["code"].as_str().map(str::to_owned)).collect();
    (current["state"].as_str().unwrap_or_default().to_owned(), codes)
}

fn answers(world: &World, patient: &Patient) {
    let body = json!({"source": {"system": "test", "form_id": "9", "submission_id": patient.id}, "patient": {"id": patient.id},
        "form": "opr-rf", "submitted_at": world.clock.now(), "answers": {"pgic": 2}});
    let clinician = world.alpha().clinician();
    clinician.post(&clinician.at("submissions"), &body).expect(201);
}

#[test]
fn what_is_due_is_claimed_handed_over_sent_and_arrives() {
    let world = morning();
    let patient = due(&world);
    let sender = world.alpha().sender();
    assert_eq!(of(&claims(&sender, "digital_mailbox")), [] as [Value; 0]);
    let claim = claims(&sender, "sms");
    let [invitation] = of(&claim) else { panic!("one invitation: {claim}") };
    assert_eq!(invitation["address"], json!(patient.person.mobile));
    assert_eq!((&invitation["attempt"], &invitation["reminder"]), (&json!(1), &json!(0)));
    assert_eq!((&invitation["check_first"], &claim["next_at"]), (&json!(false), &Value::Null));
    // The words are the plan's; nobody is named, and nothing is said of what it is about.
    let text = invitation["text"].as_str().expect("a text");
    assert!(text.contains("invitasjon=") && text.contains("rettigheter"), "{text}");
    for secret in [&patient.id, &patient.person.national_id] {
        assert!(!text.contains(secret.as_str()));
    }
    let token = token_of(invitation);
    assert_eq!(token.len(), 26);
    let stored = world.rows("SELECT row_to_json(invitation)::text AS it FROM {alpha}.invitation");
    assert!(!stored[0]["it"].as_str().expect("a row").contains(&token), "the token stands nowhere");
    assert_eq!(stands(&world, &patient), ("due".to_owned(), vec!["being_sent".to_owned()]));
    assert_eq!(of(&claims(&sender, "sms")).len(), 0, "nobody else is given it");
    hands_over(&sender, invitation).expect(200);
    let sent = tells(&sender, invitation, &json!({"outcome": "sent", "reference": "gw-1"})).expect(200).body;
    assert_eq!((&sent["state"], &sent["reference"]), (&json!("sent"), &json!("gw-1")));
    assert_eq!(stands(&world, &patient), ("sent".to_owned(), vec!["reminder_pending".to_owned()]));
    let delivered = tells(&sender, invitation, &json!({"outcome": "delivered"})).expect(200).body;
    assert_eq!(delivered["state"], "delivered");
    // Saying it again, or in the wrong order, changes nothing.
    assert_eq!(tells(&sender, invitation, &json!({"outcome": "sent"})).expect(200).body["state"], "delivered");
    // The access log names whoever was given the number.
    let log = world.alpha().manager().reads_access_log_of(&patient).expect(200);
    assert!(log.items().iter().any(|event| event["action"] == "ClaimInvitations"));
}

#[test]
fn nothing_is_claimed_at_night_or_on_days_off() {
    let world = morning();
    due(&world);
    let sender = world.alpha().sender();
    world.advance(SignedDuration::from_hours(12));
    let claim = claims(&sender, "sms");
    assert_eq!(of(&claim).len(), 0);
    let next_at: jiff::Timestamp = claim["next_at"].as_str().and_then(|at| at.parse().ok()).expect("an instant");
    world.advance(next_at.duration_since(world.clock.now()));
    assert_eq!(of(&claims(&sender, "sms")).len(), 1);
}

#[test]
fn reminders_follow_until_somebody_answers_and_not_a_day_longer() {
    let world = morning();
    let (asked, answering) = (due(&world), due(&world));
    let sender = world.alpha().sender();
    let send_all = || {
        let claim = claims(&sender, "sms");
        for invitation in of(&claim) {
            hands_over(&sender, invitation).expect(200);
            tells(&sender, invitation, &json!({"outcome": "sent"})).expect(200);
        }
        of(&claim).to_vec()
    };
    assert_eq!(send_all().len(), 2);
    assert_eq!(send_all().len(), 0);
    answers(&world, &answering);
    assert_eq!(stands(&world, &answering), ("answered".to_owned(), vec!["answered_in_time".to_owned()]));
    for expected in [1, 2] {
        let days = if expected == 1 { 7 } else { 14 };
        to_ten(&world, working_day_from(painreg_domain::calendar::days_after(norwegian_day(world.clock.now()), days)));
        let reminded = send_all();
        assert_eq!(reminded.len(), 1, "reminder {expected}");
        assert_eq!((&reminded[0]["patient_id"], &reminded[0]["reminder"]), (&json!(asked.id), &json!(expected)));
        assert!(reminded[0]["text"].as_str().is_some_and(|text| text.starts_with("Vi minner om")));
    }
    to_ten(&world, working_day_from(painreg_domain::calendar::days_after(norwegian_day(world.clock.now()), 3)));
    assert_eq!(send_all().len(), 0);
    assert_eq!(stands(&world, &asked), ("sent".to_owned(), vec!["no_more_reminders".to_owned()]));
}

#[test]
fn what_a_sender_says_late_of_what_another_holds_by_now_ends_nothing() {
    let world = morning();
    let patient = due(&world);
    let (first, second) = (world.alpha().sender().called("first"), world.alpha().sender().called("second"));
    let claim = claims(&first, "sms");
    hands_over(&first, &of(&claim)[0]).expect(200);
    world.advance(SignedDuration::from_mins(10));
    let again = claims(&second, "sms");
    assert_eq!((&of(&again)[0]["id"], &of(&again)[0]["check_first"]), (&of(&claim)[0]["id"], &json!(true)));
    hands_over(&second, &of(&again)[0]).expect(200);
    let failed = tells(&first, &of(&claim)[0], &json!({"outcome": "failed", "reason": "gateway_error"})).expect(200);
    assert_eq!(failed.body["state"], "handed_over");
    assert_eq!(of(&claims(&first, "digital_mailbox")), [] as [Value; 0]);
    tells(&second, &of(&again)[0], &json!({"outcome": "sent"})).expect(200);
    assert_eq!(stands(&world, &patient), ("sent".to_owned(), vec!["reminder_pending".to_owned()]));
}

#[test]
fn what_was_to_go_to_somebody_else_is_not_sent_when_two_are_parted() {
    let world = morning();
    let manager = world.alpha().manager();
    let (survivor, duplicate) = (manager.registers(&world.answerer()), due(&world));
    let merge = manager.merges(&survivor, &duplicate).expect(201).body;
    let sender = world.alpha().sender();
    let claim = claims(&sender, "sms");
    assert_eq!(of(&claim)[0]["address"], json!(survivor.person.mobile));
    world.advance(SignedDuration::from_secs(1));
    manager.parts(&merge).expect(200);
    hands_over(&sender, &of(&claim)[0]).problem(409, "not_to_be_sent");
    let again = claims(&sender, "sms");
    assert_eq!(of(&again)[0]["address"], json!(duplicate.person.mobile));
}

#[test]
fn a_channel_that_the_plan_sends_by_stays() {
    let world = morning();
    let manager = world.alpha().manager();
    let settings = manager.get(&manager.at("settings")).expect(200).body;
    let version = settings["version"].as_i64().expect("a version");
    let refused = manager.patch(&manager.at("settings"), version, &json!({"channels": ["digital_mailbox"]}));
    refused.fault(422, "/channels", "in_use");
    assert_eq!(manager.get(&manager.at("settings")).expect(200).body, settings);
}

#[test]
fn what_was_known_then_is_told_of_what_has_failed_since() {
    let world = morning();
    let patient = due(&world);
    let (sender, clinician) = (world.alpha().sender(), world.alpha().clinician());
    let claim = claims(&sender, "sms");
    hands_over(&sender, &of(&claim)[0]).expect(200);
    tells(&sender, &of(&claim)[0], &json!({"outcome": "sent"})).expect(200);
    let then = world.clock.now();
    world.advance(SignedDuration::from_mins(5));
    tells(&sender, &of(&claim)[0], &json!({"outcome": "failed", "reason": "invalid_address"})).expect(200);
    let told = |query: &str| {
        let path = clinician.at(&format!("patients/{}/follow-up{query}", patient.id));
        let body = clinician.get(&path).expect(200).body;
        let rules = body["rules"].as_array().expect("rules");
        let rf = &rules.iter().find(|it| it["rule"] == "rf_3").expect("a rule")["current"]["invitations"][0];
        (rf["state"].clone(), rf["failure"].clone())
    };
    assert_eq!(told(""), (json!("failed"), json!("invalid_address")));
    assert_eq!(told(&format!("?as_of={then}")), (json!("sent"), Value::Null));
}

#[test]
fn nothing_is_handed_over_after_hours() {
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
    // Not a moment before nine in the morning of the next sending day, and then the same is offered again.
    world.advance(SignedDuration::from_secs(wait - 60));
    assert_eq!(of(&claims(&sender, "sms")), [] as [Value; 0]);
    world.advance(SignedDuration::from_secs(61));
    let again = claims(&sender, "sms");
    let [invitation] = of(&again) else { panic!("one invitation: {again}") };
    assert_eq!((&invitation["patient_id"], &invitation["check_first"]), (&json!(patient.id), &json!(false)));
    hands_over(&sender, invitation).expect(200);
}

#[test]
fn what_was_handed_over_by_a_channel_that_nobody_serves_is_let_go_of_in_a_week() {
    let world = morning();
    let patient = due(&world);
    let (sender, manager) = (world.alpha().sender(), world.alpha().manager());
    let claim = claims(&sender, "sms");
    hands_over(&sender, &of(&claim)[0]).expect(200);
    world.advance(SignedDuration::from_hours(6 * 24));
    runs(&manager);
    assert_eq!(stands(&world, &patient).1, ["being_sent"]);
    world.advance(SignedDuration::from_hours(2 * 24));
    runs(&manager);
    assert_eq!(stands(&world, &patient).1[0], "sending_unknown");
}

#[test]
fn the_last_check_stops_what_has_been_answered_forbidden_or_lost() {
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
    // Whoever comes next is given it: nobody had begun.
    let next = claims(&sender, "sms");
    let [again] = of(&next) else { panic!("one invitation: {next}") };
    assert_eq!((&again["id"], &again["text"]), (&mine(&patients[2])["id"], &mine(&patients[2])["text"]));
    assert_eq!(again["check_first"], false);
    hands_over(&sender, again).expect(200);
    // And is never heard of again: the one after that is told to ask the gateway first.
    world.advance(SignedDuration::from_secs(301));
    assert_eq!(of(&claims(&sender, "sms")).len(), 0, "somebody may still be at it");
    world.advance(SignedDuration::from_secs(120));
    let third = claims(&sender, "sms");
    assert_eq!((&of(&third)[0]["id"], &of(&third)[0]["check_first"]), (&again["id"], &json!(true)));
    // The lost receipt comes after all: what was sent was sent.
    let late = tells(&sender, again, &json!({"outcome": "sent"})).expect(200).body;
    assert_eq!(late["state"], "sent");
    hands_over(&sender, &of(&third)[0]).problem(412, "stale");
}

#[test]
fn what_fails_goes_by_the_next_channel_and_again_when_the_number_is_mended() {
    let world = morning();
    let patient = due(&world);
    let sender = world.alpha().sender();
    let fail = |channel: &str, reason: &str| {
        let claim = claims(&sender, channel);
        let invitation = of(&claim).first().cloned().expect("an invitation");
        hands_over(&sender, &invitation).expect(200);
        tells(&sender, &invitation, &json!({"outcome": "failed", "reason": reason})).expect(200);
        invitation
    };
    fail("sms", "invalid_address");
    assert_eq!(stands(&world, &patient), ("due".to_owned(), vec!["next_channel".to_owned()]));
    let second = fail("digital_mailbox", "unreachable");
    assert_eq!((&second["address"], &second["attempt"]), (&json!(patient.person.national_id), &json!(2)));
    assert_eq!(stands(&world, &patient), ("suppressed".to_owned(), vec!["delivery_failed".to_owned()]));
    assert_eq!(of(&claims(&sender, "sms")).len(), 0);
    world.advance(SignedDuration::from_secs(60));
    let clinician = world.alpha().clinician();
    clinician.changes(&patient, 1, &json!({"contact": {"mobile": "+4799999999"}})).expect(200);
    let claim = claims(&sender, "sms");
    assert_eq!((&of(&claim)[0]["address"], &of(&claim)[0]["attempt"]), (&json!("+4799999999"), &json!(3)));
}

#[test]
fn bad_receipts_and_foreign_senders_are_refused_with_the_place_named() {
    let world = morning();
    due(&world);
    let (sender, stranger) = (world.alpha().sender(), world.beta().sender());
    let claim = claims(&sender, "sms");
    let invitation = &of(&claim)[0];
    let refused = |receipt: &Value| tells(&sender, invitation, receipt).problem(422, "invalid").faults();
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
    // Never claimed, or another registry's.
    let never = json!({"id": world.clock.random_id()});
    tells(&sender, &never, &json!({"outcome": "sent"})).problem(404, "not_found");
    tells(&stranger, invitation, &json!({"outcome": "sent"})).problem(404, "not_found");
    hands_over(&stranger, invitation).problem(404, "not_found");
    assert_eq!(of(&claims(&stranger, "sms")).len(), 0);
    let path = sender.at("invitation-claims");
    stranger.post(&path, &json!({"channel": "sms"})).problem(404, "not_found");
    // One reference, one message.
    tells(&sender, invitation, &json!({"outcome": "sent", "reference": "gw-7"})).expect(200);
    let other = tells(&sender, invitation, &json!({"outcome": "delivered", "reference": "gw-8"}));
    assert_eq!(other.problem(409, "already_exists").faults()[0].0, "/reference");
    due(&world);
    let next = claims(&sender, "sms");
    let taken = tells(&sender, &of(&next)[0], &json!({"outcome": "sent", "reference": "gw-7"}));
    assert_eq!(taken.problem(409, "already_exists").faults()[0].0, "/reference");
}

#[test]
fn a_claim_that_is_repeated_answers_the_same_and_managers_see_what_was_sent() {
    let world = morning();
    let patient = due(&world);
    let (sender, manager) = (world.alpha().sender(), world.alpha().manager());
    let body = json!({"channel": "sms"});
    let ask = || sender.request("POST", &sender.at("invitation-claims")).key("one").json(&body).send().expect(200);
    let (first, second) = (ask(), ask());
    assert_eq!((&first.body, second.header("idempotency-replayed")), (&second.body, "true"));
    let listed = manager.get(&manager.at("invitations?state=claimed&channel=sms&rule=rf_3")).expect(200);
    let [invitation] = listed.items() else { panic!("one invitation") };
    assert_eq!(invitation["patient_id"], patient.id.as_str());
    assert!(!listed.text().contains(&patient.person.mobile), "nobody else sees the number");
    let one =
        manager.get(&manager.at(&format!("invitations/{}", invitation["id"].as_str().expect("an id")))).expect(200);
    assert_eq!(&one.body, invitation);
    sender.get(&sender.at("invitations")).problem(403, "forbidden");
    let none = with(&body, &json!({"lease_seconds": 9}));
    sender.post(&sender.at("invitation-claims"), &none).problem(422, "invalid");
}

#[test]
fn a_claim_holds_no_more_than_was_asked_for_though_several_are_due_to_one_patient() {
    let world = morning();
    let patient = due(&world);
    make_due(&world, "alpha", &patient);
    let sender = world.alpha().sender();
    let one = || {
        let claim =
            sender.post(&sender.at("invitation-claims"), &json!({"channel": "sms", "limit": 1})).expect(200).body;
        assert_eq!(of(&claim).len(), 1, "{claim}");
        claim["invitations"][0]["rule"].as_str().expect("a rule").to_owned()
    };
    let mut rules = [one(), one()];
    rules.sort();
    assert_eq!(rules, ["rf_3", "scs_6"]);
}

#[test]
fn nothing_goes_to_a_number_that_is_not_the_patients_any_more() {
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
fn what_nobody_took_further_goes_by_another_channel_when_the_number_is_gone() {
    let world = morning();
    let patient = due(&world);
    let (sender, clinician) = (world.alpha().sender(), world.alpha().clinician());
    assert_eq!(of(&claims(&sender, "sms")).len(), 1);
    // The sender was killed, and the patient has no telephone any more.
    clinician.changes(&patient, 1, &json!({"contact": {"mobile": null}})).expect(200);
    world.advance(SignedDuration::from_secs(301));
    assert_eq!(of(&claims(&sender, "sms")).len(), 0);
    world.advance(SignedDuration::from_hours(1));
    crate::follow_up::runs(&world.alpha().manager());
    let claim = claims(&sender, "digital_mailbox");
    assert_eq!((&of(&claim)[0]["address"], &of(&claim)[0]["attempt"]), (&json!(patient.person.national_id), &json!(2)));
}

#[test]
fn a_hand_over_is_granted_once_and_to_whoever_claimed() {
    let world = morning();
    due(&world);
    let (sender, other) = (world.alpha().sender(), world.alpha().sender().called("another-gateway"));
    let claim = claims(&sender, "sms");
    let invitation = &of(&claim)[0];
    hands_over(&other, invitation).problem(409, "not_held");
    let granted = hands_over(&sender, invitation).expect(200).body;
    hands_over(&sender, invitation).problem(412, "stale");
    hands_over(&sender, &granted).problem(409, "not_held");
    assert_eq!(granted["state"], "handed_over");
}
