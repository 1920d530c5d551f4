//! Invitations: claimed once, checked again before they are sent, reported on; no sensitive data leaves the registry.

mod hand_over;
mod reports;

use jiff::SignedDuration;
use painreg_domain::calendar::{days_before, months_after, norwegian_day, working_day_from};
use painreg_domain::clinical::EntryKind;
use painreg_tests::sending::to_ten;
use painreg_tests::{Actor, Answer, Patient, Setup, World};
use serde_json::{Value, json};

use crate::kit::{AnswerAssertions as _, with};

/// Creates a world at ten in the morning of a working day.
pub fn morning() -> World {
    morning_of(&Setup::default())
}

/// Creates such a world with these settings.
pub fn morning_of(setup: &Setup) -> World {
    let world = World::with(setup);
    to_ten(&world, working_day_from(norwegian_day(world.clock.now())));
    world
}

/// Registers a patient whose first question after radiofrequency treatment is due today.
pub fn due(world: &World) -> Patient {
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.answerer());
    is_due(world, &patient);
    patient
}

/// Makes an invitation of a question not sent before due to the patient, at an hour at which it can be sent.
pub fn make_due(world: &World, tenant: &str, patient: &Patient) {
    let clinician = world.place(tenant).clinician();
    let today = norwegian_day(world.clock.now());
    let body = json!({"modality": "scs", "indication": "crps_type1", "decided_on": days_before(today, 300)});
    let implant = clinician.tries_to_record(patient, EntryKind::Implant, &body).body;
    // Each start is later than the ones before: the newest start counts.
    let made = world.number(&format!("SELECT count(*) FROM {}.implant_component", world.schema(tenant)));
    let days = 226_u32.saturating_sub(u32::try_from(made % 40).unwrap_or(0));
    let performed = days_before(today, days);
    let body = json!({"implant_id": implant["id"], "component": "ipg_rechargeable", "manufacturer": "Invented",
        "model": "G-1", "mri": "unknown", "implanted_on": performed});
    clinician.tries_to_record(patient, EntryKind::ImplantComponent, &body);
}

/// Makes the first question after radiofrequency treatment due today.
pub fn is_due(world: &World, patient: &Patient) {
    let today = norwegian_day(world.clock.now());
    let performed = (0..5).map(|days| days_before(today, 90 + days)).find(|day| months_after(*day, 3) <= today);
    let body = json!({"system": "ncmp", "code": "ZDRF01", "performed_on": performed});
    world.alpha().clinician().records(patient, EntryKind::Procedure, &body);
}

#[track_caller]
pub fn claims(sender: &Actor<'_>, channel: &str) -> Value {
    sender.post(&sender.at("invitation-claims"), &json!({"channel": channel})).expect(200).body
}

pub fn hands_over(sender: &Actor<'_>, invitation: &Value) -> Answer {
    let path = sender.at(&format!("invitations/{}/handover", invitation["id"].as_str().unwrap_or_default()));
    sender.put(&path, invitation["version"].as_i64().unwrap_or_default())
}

pub fn reports_delivery(sender: &Actor<'_>, invitation: &Value, receipt: &Value) -> Answer {
    let path = sender.at(&format!("invitations/{}/receipts", invitation["id"].as_str().unwrap_or_default()));
    sender.post(&path, receipt)
}

/// Returns the token in the link of an invitation's text.
pub fn token_of(invitation: &Value) -> String {
    let text = invitation["text"].as_str().expect("a text");
    text.split("invitasjon=").nth(1).and_then(|rest| rest.split(' ').next()).expect("a token").to_owned()
}

fn of(claim: &Value) -> &[Value] {
    claim["invitations"].as_array().map_or(&[], Vec::as_slice)
}

fn decision_of(world: &World, patient: &Patient) -> (String, Vec<String>) {
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
fn claim_hand_over_and_report_deliver_a_due_invitation() {
    let world = morning();
    let patient = due(&world);
    let sender = world.alpha().sender();
    assert_eq!(of(&claims(&sender, "digital_mailbox")), [] as [Value; 0]);
    let claim = claims(&sender, "sms");
    let [invitation] = of(&claim) else { panic!("one invitation: {claim}") };
    assert_eq!(invitation["address"], json!(patient.person.mobile));
    assert_eq!((&invitation["attempt"], &invitation["reminder"]), (&json!(1), &json!(0)));
    assert_eq!((&invitation["check_first"], &claim["next_at"]), (&json!(false), &Value::Null));
    // The text is the plan's; it names no person and no subject.
    let text = invitation["text"].as_str().expect("a text");
    assert!(text.contains("invitasjon=") && text.contains("rettigheter"), "{text}");
    for secret in [&patient.id, &patient.person.national_id] {
        assert!(!text.contains(secret.as_str()));
    }
    let token = token_of(invitation);
    assert_eq!(token.len(), 26);
    let stored = world.rows("SELECT row_to_json(invitation)::text AS it FROM {alpha}.invitation");
    assert!(!stored[0]["it"].as_str().expect("a row").contains(&token), "the token is not stored");
    assert_eq!(decision_of(&world, &patient), ("due".to_owned(), vec!["being_sent".to_owned()]));
    assert_eq!(of(&claims(&sender, "sms")).len(), 0, "no other sender gets it");
    hands_over(&sender, invitation).expect(200);
    let sent = reports_delivery(&sender, invitation, &json!({"outcome": "sent", "reference": "gw-1"})).expect(200).body;
    assert_eq!((&sent["state"], &sent["reference"]), (&json!("sent"), &json!("gw-1")));
    assert_eq!(decision_of(&world, &patient), ("sent".to_owned(), vec!["reminder_pending".to_owned()]));
    let delivered = reports_delivery(&sender, invitation, &json!({"outcome": "delivered"})).expect(200).body;
    assert_eq!(delivered["state"], "delivered");
    // A repeated report, or one in the wrong order, changes nothing.
    assert_eq!(
        reports_delivery(&sender, invitation, &json!({"outcome": "sent"})).expect(200).body["state"],
        "delivered"
    );
    // The access log names the caller who received the number.
    let log = world.alpha().manager().reads_access_log_of(&patient).expect(200);
    assert!(log.items().iter().any(|event| event["action"] == "ClaimInvitations"));
}

#[test]
fn claim_respects_working_hours() {
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
fn claim_sends_reminders_until_the_answer() {
    let world = morning();
    let (asked, answering) = (due(&world), due(&world));
    let sender = world.alpha().sender();
    let send_all = || {
        let claim = claims(&sender, "sms");
        for invitation in of(&claim) {
            hands_over(&sender, invitation).expect(200);
            reports_delivery(&sender, invitation, &json!({"outcome": "sent"})).expect(200);
        }
        of(&claim).to_vec()
    };
    assert_eq!(send_all().len(), 2);
    assert_eq!(send_all().len(), 0);
    answers(&world, &answering);
    assert_eq!(decision_of(&world, &answering), ("answered".to_owned(), vec!["answered_in_time".to_owned()]));
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
    assert_eq!(decision_of(&world, &asked), ("sent".to_owned(), vec!["no_more_reminders".to_owned()]));
}

#[test]
fn change_plan_keeps_channels_in_use() {
    let world = morning();
    let manager = world.alpha().manager();
    let settings = manager.get(&manager.at("settings")).expect(200).body;
    let version = settings["version"].as_i64().expect("a version");
    let refused = manager.patch(&manager.at("settings"), version, &json!({"channels": ["digital_mailbox"]}));
    refused.fault(422, "/channels", "in_use");
    assert_eq!(manager.get(&manager.at("settings")).expect(200).body, settings);
}

#[test]
fn claim_repeated_answers_the_same() {
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
    assert!(!listed.text().contains(&patient.person.mobile), "no other role sees the number");
    let one =
        manager.get(&manager.at(&format!("invitations/{}", invitation["id"].as_str().expect("an id")))).expect(200);
    assert_eq!(&one.body, invitation);
    sender.get(&sender.at("invitations")).problem(403, "forbidden");
    let none = with(&body, &json!({"lease_seconds": 9}));
    sender.post(&sender.at("invitation-claims"), &none).problem(422, "invalid");
}

#[test]
fn claim_respects_the_limit_with_several_due_to_one_patient() {
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
fn claim_moves_to_another_channel_when_the_number_is_removed() {
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
fn answer_by_the_link_of_an_invitation_is_placed() {
    let world = morning();
    let patient = due(&world);
    let (sender, importer) = (world.alpha().sender(), world.alpha().importer());
    let claim = claims(&sender, "sms");
    let [invitation] = of(&claim) else { panic!("one invitation: {claim}") };
    let link = invitation["text"].as_str().expect("a text").split("/a/").nth(1).expect("a link");
    let (number, _) = link.split_once('?').expect("a number");
    let document = json!({
        "version": "2024-09", "version_minor": 2,
        "metadata": {"created": world.clock.now(), "answer_time": 1, "submission_id": 77},
        "answers": {"fnr": patient.person.national_id, "invitasjon": token_of(invitation), "pgic": 2},
    });
    let stored = importer.post(&importer.at(&format!("nettskjema/{number}/deliveries")), &document).expect(201);
    assert_eq!(stored.body["invitation_id"], invitation["id"]);
}
