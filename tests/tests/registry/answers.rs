//! Answers are matched with an invitation: by the token of its link, in any format; by the sender's reference;
//! otherwise by their day. None is refused for a bad link, and none is matched with another patient's invitation.

use jiff::SignedDuration;
use painreg_domain::calendar::{days_after, norwegian_day};
use painreg_tests::sending::to_ten;
use painreg_tests::{Actor, Answer, Patient, World};
use serde_json::{Value, json};

use crate::invitations::{claims, due, hands_over, morning, reports_delivery, token_of};
use crate::kit::{AnswerAssertions as _, with};

/// The Nettskjema number of `opr-rf` in the template.
const RF: &str = "1000005";

/// A patient to whom an invitation was sent, the invitation, and its token.
struct Asked {
    patient: Patient,
    id: Value,
    token: String,
}

/// Sends the question after radiofrequency treatment; `reference` is the message's id in the sender's system.
fn asked(world: &World, reference: &str) -> Asked {
    let patient = due(world);
    let sender = world.alpha().sender();
    let claim = claims(&sender, "sms");
    let invitation = &claim["invitations"][0];
    assert_eq!(invitation["patient_id"], patient.id.as_str());
    hands_over(&sender, invitation).expect(200);
    reports_delivery(&sender, invitation, &json!({"outcome": "sent", "reference": reference})).expect(200);
    Asked { id: invitation["id"].clone(), token: token_of(invitation), patient }
}

/// Returns answers of the patient in the registry's format.
fn answers(world: &World, patient: &Patient, submission: &str) -> Value {
    json!({"source": {"system": "test", "form_id": "9", "submission_id": submission}, "patient": {"id": patient.id},
        "form": "opr-rf", "submitted_at": world.clock.now(), "answers": {"pgic": 2}})
}

/// Returns the same answers in Nettskjema's format.
fn native(world: &World, patient: &Patient, submission: u64, token: &str) -> Value {
    json!({"version": "2024-09", "version_minor": 2,
        "metadata": {"created": world.clock.now(), "answer_time": 1000, "submission_id": submission,
            "respondent": {"provider": "idporten", "personal_identifier": patient.person.national_id}},
        "answers": {"pgic": 2, "invitasjon": token}})
}

fn posts(actor: &Actor<'_>, body: &Value) -> Answer {
    actor.post(&actor.at("submissions"), body)
}

fn sends_line(actor: &Actor<'_>, path: &str, line: &Value) {
    let body = format!("{line}\n").into_bytes();
    let answer = actor.request("POST", &actor.at(path)).body("application/x-ndjson", body).send().expect(200);
    assert_eq!(answer.lines()[0]["outcome"], "created", "{}", answer.text());
}

/// Returns the decision on the question three months after the treatment: state, deciding reason, how the answer was
/// matched.
#[track_caller]
fn decision_of(world: &World, patient: &Patient) -> [String; 3] {
    let clinician = world.alpha().clinician();
    let body = clinician.get(&clinician.at(&format!("patients/{}/follow-up", patient.id))).expect(200).body;
    let rule = body["rules"].as_array().into_iter().flatten().find(|it| it["rule"] == "rf_3").expect("the rule");
    let decision = &rule["current"]["decision"];
    [&decision["state"], &decision["reasons"][0]["code"], &decision["matched_by"]]
        .map(|it| it.as_str().unwrap_or_default().to_owned())
}

/// Returns the invitation of every stored answer of the patient.
fn named(world: &World, patient: &Patient) -> Vec<Value> {
    let stored = world.rows(&format!(
        "SELECT invitation_id FROM {{alpha}}.submission WHERE patient_id = '{}' ORDER BY revision",
        patient.id
    ));
    stored.into_iter().map(|row| row["invitation_id"].clone()).collect()
}

#[test]
fn invitation_token_matches_in_every_delivery_shape() {
    let world = morning();
    let (clinician, importer) = (world.alpha().clinician(), world.alpha().importer());
    let ways: [&dyn Fn(&Asked); 5] = [
        &|it| {
            let body = with(&answers(&world, &it.patient, "single"), &json!({"invitation": it.token}));
            assert_eq!(posts(&clinician, &body).expect(201).body["invitation_id"], it.id);
        },
        &|it| {
            // Tokens are also typed by hand.
            let token = format!(" {} ", it.token.to_uppercase());
            let line = with(&answers(&world, &it.patient, "batch"), &json!({"invitation": token}));
            sends_line(&importer, "submission-batches", &line);
        },
        &|it| {
            let path = importer.at(&format!("nettskjema/{RF}/deliveries"));
            let stored = importer.post(&path, &native(&world, &it.patient, 71, &it.token)).expect(201);
            assert_eq!(stored.body["invitation_id"], it.id);
        },
        &|it| {
            let line = native(&world, &it.patient, 72, &it.token);
            sends_line(&importer, &format!("nettskjema/{RF}/delivery-batches"), &line);
        },
        &|it| {
            let named = |system: &str| {
                json!({"resourceType": "QuestionnaireResponse", "status": "completed", "authored": world.clock.now(),
                    "identifier": {"system": "urn:painreg:source:portal:1", "value": "fhir"},
                    "questionnaire": format!("http://{}/v1/tenants/alpha/forms/opr-rf|1", world.address),
                    "subject": {"reference": format!("Patient/{}", it.patient.id)},
                    "basedOn": [{"identifier": {"system": system, "value": it.token}}],
                    "item": [{"linkId": "pgic", "answer": [{"valueInteger": 2}]}]})
            };
            let path = importer.at("fhir-questionnaire-responses");
            importer.post(&path, &named("urn:painreg:invitation")).fault(422, "/basedOn", "unknown_reference");
            let stored = importer.post(&path, &named("urn:painreg:invitation-token")).expect(201);
            assert_eq!(stored.body["invitation_id"], it.id);
        },
    ];
    for (at, way) in ways.iter().enumerate() {
        let it = asked(&world, &format!("gw-{at}"));
        way(&it);
        assert_eq!(named(&world, &it.patient), std::slice::from_ref(&it.id), "way {at}");
        assert_eq!(decision_of(&world, &it.patient), ["answered", "answered_in_time", "token"], "way {at}");
    }
}

#[test]
fn reminder_is_skipped_when_the_answer_is_in_quarantine() {
    let world = morning();
    let (importer, manager) = (world.alpha().importer(), world.alpha().manager());
    let it = asked(&world, "gw-1");
    assert_eq!(decision_of(&world, &it.patient)[1], "reminder_pending");
    // An answer out of range, and the token in an unexpected place.
    let path = importer.at(&format!("nettskjema/{RF}/deliveries"));
    let mut delivery = native(&world, &it.patient, 81, "");
    delivery["answers"] = json!({"pgic": 99, "elsewhere": format!("({})", it.token.to_uppercase())});
    let kept = importer.post(&path, &delivery).expect(202).text_at("/quarantine_id").to_owned();
    assert_eq!(decision_of(&world, &it.patient), ["sent", "answer_in_quarantine", ""]);
    to_ten(&world, days_after(norwegian_day(world.clock.now()), 8));
    assert_eq!(claims(&world.alpha().sender(), "sms")["invitations"], json!([]));
    // A delivery that was placed answers the invitation; a dismissed one does not.
    let dismissal = manager.at(&format!("quarantine/{kept}/dismissal"));
    manager.put(&dismissal, 1).expect(200);
    assert_eq!(decision_of(&world, &it.patient)[1], "reminder_pending");
    delivery["metadata"]["submission_id"] = json!(82);
    delivery["answers"] = json!({"pgic": 99, "invitasjon": it.token});
    let kept = importer.post(&path, &delivery).expect(202).text_at("/quarantine_id").to_owned();
    assert_eq!(decision_of(&world, &it.patient)[1], "answer_in_quarantine");
    let corrections = json!({"corrections": {"values": [{"pointer": "/answers/pgic", "value": "2"}]}});
    let placed = manager.post(&manager.at(&format!("quarantine/{kept}/replays")), &corrections).expect(200).body;
    assert_eq!(placed["outcome"], "created", "{placed}");
    assert_eq!(decision_of(&world, &it.patient)[..2], ["answered", "answered_in_time"]);
}

#[test]
fn sender_reference_matches_only_the_same_patient() {
    let world = morning();
    let clinician = world.alpha().clinician();
    let (it, other) = (asked(&world, "gw-1"), asked(&world, "gw-2"));
    let stored = posts(&clinician, &answers(&world, &it.patient, "gw-1")).expect(201);
    assert_eq!(stored.body["invitation_id"], it.id);
    assert_eq!(decision_of(&world, &it.patient), ["answered", "answered_in_time", "source"]);
    // The same reference with another patient's answers matches nothing; the answers are stored all the same.
    let stranger = clinician.registers(&world.answerer());
    let stored = posts(&clinician, &answers(&world, &stranger, "gw-2")).expect(201);
    assert_eq!(stored.body["invitation_id"], Value::Null);
    assert_eq!(decision_of(&world, &other.patient), ["sent", "reminder_pending", ""]);
}

#[test]
fn revision_answers_the_invitation_of_its_predecessor() {
    let world = morning();
    let clinician = world.alpha().clinician();
    let it = asked(&world, "gw-1");
    let body = with(&answers(&world, &it.patient, "one"), &json!({"invitation": it.token}));
    posts(&clinician, &body).expect(201);
    let revised = with(&answers(&world, &it.patient, "one"), &json!({"answers": {"pgic": 3}}));
    let revised = posts(&clinician, &revised).expect(201);
    assert_eq!((&revised.body["delivered"], &revised.body["invitation_id"]), (&json!("revised"), &it.id));
    assert_eq!(named(&world, &it.patient), [it.id.clone(), it.id.clone()]);
    assert_eq!(decision_of(&world, &it.patient), ["answered", "answered_in_time", "token"]);
}

#[test]
fn unknown_or_foreign_token_loses_no_answers() {
    let world = morning();
    let (clinician, importer) = (world.alpha().clinician(), world.alpha().importer());
    let other = asked(&world, "other");
    for (at, token) in [other.token.as_str(), "abcdefghijklmnopqrstuvwxyz", "æ"].into_iter().enumerate() {
        let it = asked(&world, &format!("gw-{at}"));
        let body = with(&answers(&world, &it.patient, &format!("bad-{at}")), &json!({"invitation": token}));
        let stored = posts(&clinician, &body).expect(201).body;
        assert_eq!(stored["invitation_id"], Value::Null, "{token}");
        assert_eq!(stored["remarks"], json!(["invitation_not_matched"]), "{token}");
        // The day of the answer determines the question.
        assert_eq!(decision_of(&world, &it.patient), ["answered", "answered_in_time", "window"], "{token}");
    }
    // The form element of the token may hold any text.
    for (submission, token) in [(81, other.token.clone()), (82, "x".repeat(5000)), (83, String::new())] {
        let it = asked(&world, &format!("gw-{submission}"));
        let path = importer.at(&format!("nettskjema/{RF}/deliveries"));
        let stored = importer.post(&path, &native(&world, &it.patient, submission, &token)).expect(201);
        assert_eq!(stored.body["invitation_id"], Value::Null, "{submission}");
        let remarks = if token.is_empty() { json!([]) } else { json!(["invitation_not_matched"]) };
        assert_eq!(stored.body["remarks"], remarks, "{submission}");
        assert_eq!(decision_of(&world, &it.patient), ["answered", "answered_in_time", "window"], "{submission}");
    }
    let it = asked(&world, "batch");
    let line = with(&answers(&world, &it.patient, "bad-line"), &json!({"invitation": other.token}));
    let path = importer.at("submission-batches");
    let body = format!("{line}\n").into_bytes();
    let answer = importer.request("POST", &path).body("application/x-ndjson", body).send().expect(200);
    assert_eq!(answer.lines()[0]["remarks"], json!(["invitation_not_matched"]), "{}", answer.text());
    let good = with(&answers(&world, &it.patient, "good"), &json!({"invitation": it.token}));
    assert_eq!(posts(&clinician, &good).expect(201).body["remarks"], json!([]));
    assert_eq!(decision_of(&world, &other.patient), ["sent", "reminder_pending", ""], "no answer matched theirs");
}

#[test]
fn token_matches_before_the_day_and_after_the_window() {
    let world = morning();
    let clinician = world.alpha().clinician();
    let submits = |it: &Asked, at: jiff::Timestamp| {
        let change = json!({"invitation": it.token, "submitted_at": at});
        posts(&clinician, &with(&answers(&world, &it.patient, &it.patient.id), &change)).expect(201);
    };
    let (early, late) = (asked(&world, "early"), asked(&world, "late"));
    submits(&early, world.clock.now() - SignedDuration::from_hours(24 * 8));
    assert_eq!(decision_of(&world, &early.patient), ["answered", "answered_early", "token"]);
    // No answer window is as long as half a year.
    let day = days_after(norwegian_day(world.clock.now()), 180);
    painreg_tests::sending::to_ten(&world, day);
    submits(&late, world.clock.now());
    assert_eq!(decision_of(&world, &late.patient), ["answered", "answered_late", "token"]);
}
