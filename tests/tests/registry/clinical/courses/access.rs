//! Access by patients, the hospital's system, other units and secretaries, and the log.

use painreg_domain::clinical::EntryKind;
use painreg_domain::policy::Role;
use painreg_tests::World;
use serde_json::{Value, json};
use strum::IntoEnumIterator as _;

use super::super::{alone, changed_at, id, treated};
use crate::examples;
use crate::kit::with;

#[test]
fn patient_reads_own_entries_and_records_none() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let other = clinician.registers(&world.person());
    let own = world.alpha().patient(&patient.id);
    let manager = world.alpha().manager();
    manager.post(&manager.at("projects"), &examples::project(examples::PROJECT)).expect(201);
    let implant = clinician.records(&patient, EntryKind::Implant, &alone(EntryKind::Implant));
    for kind in EntryKind::iter() {
        let body = with(&examples::entry(kind, "", id(&implant)), &json!({"episode_id": null}));
        let entry = clinician.records(&patient, kind, &body);
        assert_eq!(own.reads_entry(&patient, kind, &entry, "").expect(200).body, entry, "{kind}");
        assert!(own.lists(&patient, kind, "").expect(200).items().contains(&entry), "{kind}");
        own.reads_versions_of(&patient, kind, &entry).expect(200);
        own.tries_to_record(&patient, kind, &body).problem(403, "forbidden");
        own.changes_entry(&patient, kind, &entry, &json!({})).problem(403, "forbidden");
        own.withdraws(&patient, kind, &entry).problem(403, "forbidden");
        own.get(&own.at(kind.row().path)).problem(403, "forbidden");
        own.lists(&other, kind, "").problem(404, "not_found");
    }
    own.reads_timeline_of(&patient, "").expect(200);
    own.reads_timeline_of(&other, "").problem(404, "not_found");
    for path in ["permissions", "omeq-series", "current-implants", "differences"] {
        own.get(&own.at(&format!("patients/{}/{path}", patient.id))).expect(200);
        own.get(&own.at(&format!("patients/{}/{path}", other.id))).problem(404, "not_found");
    }
}

#[test]
fn hospital_system_records_courses_only() {
    let world = World::new();
    let (_, patient) = treated(&world);
    let feed = world.alpha().pas_feed();
    for kind in EntryKind::iter() {
        let nothing = world.clock.random_id().to_string();
        let body = with(&examples::entry(kind, "", &nothing), &json!({"episode_id": null}));
        let answer = feed.tries_to_record(&patient, kind, &body);
        if matches!(kind, EntryKind::Referral | EntryKind::Episode | EntryKind::Consultation | EntryKind::LegalBasis) {
            let entry = answer.expect(201).body;
            let changed = feed.changes_entry(&patient, kind, &entry, &json!({})).expect(200).body;
            feed.reads_entry(&patient, kind, &changed, &format!("?as_of={}", changed_at(&entry))).expect(200);
            assert_eq!(feed.reads_versions_of(&patient, kind, &entry).expect(200).items().len(), 2);
            feed.withdraws(&patient, kind, &changed).problem(403, "forbidden");
            // A machine client repeats a request safely.
            feed.request("POST", &feed.entries_of(&patient, kind))
                .bare()
                .json(&body)
                .send()
                .problem(400, "idempotency_key_missing");
        } else {
            answer.problem(403, "forbidden");
        }
    }
    feed.reads_timeline_of(&patient, "").problem(403, "forbidden");
}

#[test]
fn entries_are_not_found_by_other_units() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let entry = clinician.records(&patient, EntryKind::Diagnosis, &alone(EntryKind::Diagnosis));
    for role in [Role::Clinician, Role::Secretary] {
        let stranger = world.alpha().caller(role).of_unit("ward");
        stranger.reads_entry(&patient, EntryKind::Diagnosis, &entry, "").problem(404, "not_found");
        stranger
            .tries_to_record(&patient, EntryKind::Diagnosis, &alone(EntryKind::Diagnosis))
            .problem(404, "not_found");
        stranger.changes_entry(&patient, EntryKind::Diagnosis, &entry, &json!({})).problem(404, "not_found");
        stranger.withdraws(&patient, EntryKind::Diagnosis, &entry).problem(404, "not_found");
        stranger.reads_timeline_of(&patient, "").problem(404, "not_found");
        stranger.get(&stranger.at(&format!("patients/{}/differences", patient.id))).problem(404, "not_found");
    }
}

#[test]
fn audit_events_name_the_entry() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    let entry = clinician.records(&patient, EntryKind::Diagnosis, &alone(EntryKind::Diagnosis));
    let object = format!("diagnosis/{}", id(&entry));
    clinician.reads_entry(&patient, EntryKind::Diagnosis, &entry, "").expect(200);
    let changed = clinician.changes_entry(&patient, EntryKind::Diagnosis, &entry, &json!({"rank": 2})).expect(200).body;
    clinician.changes_entry(&patient, EntryKind::Diagnosis, &entry, &json!({"rank": 3})).problem(412, "stale");
    clinician.reads_versions_of(&patient, EntryKind::Diagnosis, &entry).expect(200);
    clinician.lists(&patient, EntryKind::Diagnosis, "").expect(200);
    clinician.withdraws(&patient, EntryKind::Diagnosis, &changed).expect(204);
    let log = world.alpha().patient(&patient.id).reads_access_log_of(&patient).expect(200);
    let result: Vec<(&str, Option<&str>, &str)> = log
        .items()
        .iter()
        .map(|it| {
            (
                it["action"].as_str().unwrap_or_default(),
                it["object"].as_str(),
                it["outcome"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    let (object, patient) = (Some(object.as_str()), format!("patient/{}", patient.id));
    assert_eq!(
        result.iter().filter(|(action, ..)| *action != "ReadAccessLog").copied().collect::<Vec<_>>(),
        [
            ("WithdrawTreatment", object, "ok"),
            ("ReadTreatment", Some("diagnosis"), "ok"),
            ("ReadTreatment", object, "ok"),
            ("ChangeTreatment", object, "refused"),
            ("ChangeTreatment", object, "ok"),
            ("ReadTreatment", object, "ok"),
            ("RecordTreatment", object, "ok"),
            ("RegisterPatient", Some(patient.as_str()), "ok"),
        ]
    );
}

#[test]
fn secretary_reads_courses_and_no_answers() {
    let world = World::new();
    let (clinician, patient) = treated(&world);
    clinician.submits(&patient, "s-1", &json!({"nrs_average": 7})).expect(201);
    let referral = clinician.records(&patient, EntryKind::Referral, &alone(EntryKind::Referral));
    let whole = clinician.reads_timeline_of(&patient, "").expect(200);
    let kinds: Vec<&Value> = whole.items().iter().map(|line| &line["kind"]).collect();
    assert_eq!(kinds, ["submission", "referral"]);
    let secretary = world.alpha().secretary();
    for query in ["", &format!("?as_of={}", world.clock.now())] {
        let course = secretary.reads_timeline_of(&patient, query).expect(200);
        assert_eq!(course.items().len(), 1);
        assert_eq!(course.items()[0]["entry"], referral);
        assert!(!course.text().contains("submi"), "{}", course.text());
    }
}
