//! Answers to instruments that are used outside a licence: warned of or refused by the registry's settings, on every
//! server at once, and without a query if nothing has changed.

use std::sync::Arc;

use jiff::civil::{Date, date};
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::PatientId;
use painreg_domain::policy::{Action, Role};
use painreg_tenants::store::forms;
use painreg_tenants::{OwnRecord, PatientRef, Principal, Registry, RequestContext, StoreError};
use painreg_tests::{Answer, Cluster, World, execute};
use serde_json::{Value, json};

use super::{one, registers};
use crate::kit::AnswerAssertions as _;

/// Registers a patient of `alpha`.
fn somebody(world: &World) -> PatientId {
    let patient = world.alpha().manager().registers(&world.person());
    PatientId::existing(patient.id.parse().expect("an id"))
}

/// Returns the answer to the follow-up form, which holds EQ-5D and the PGIC, on that day, for this role at this server.
#[expect(clippy::disallowed_methods, reason = "what the database is asked is no answer's business")]
fn answers(server: &Registry, role: Role, patient: PatientId, day: Date) -> Result<Vec<FaultCode>, StoreError> {
    let principal = Principal {
        role,
        unit: Some("clinic".to_owned()),
        own: (role == Role::Patient).then_some(OwnRecord::Id(patient)),
        ..Principal::operator_at_the_machine("somebody")
    };
    let context = RequestContext { request_id: "asked".to_owned(), origin: None };
    let tenant = server.tenant("alpha").expect("a registry");
    server.scope(Arc::clone(&tenant), principal, context).run(Action::SubmitAnswers, |tx| {
        tx.open_to_collect(&PatientRef::Id(patient))?;
        let form = forms::version(tx, "opr-follow-up-short", "1")?;
        let warnings = tx.licensing(&form, day)?;
        assert!(warnings.iter().all(|warning| warning.instrument == "eq5d5l"), "{warnings:?}");
        Ok(warnings.into_iter().map(|warning| warning.code).collect())
    })
}

/// Opens a second server of the same registries.
fn another_server(world: &World) -> Registry {
    Registry::open(Cluster::shared().settings(world.database(), world.clock.clone())).expect("a server")
}

fn blocked(code: FaultCode) -> impl Fn(&Result<Vec<FaultCode>, StoreError>) -> bool {
    move |answer| matches!(answer, Err(StoreError::LicenceBlocked(faults)) if *faults == [Fault::new("", code)])
}

#[test]
fn change_settings_is_seen_at_once_by_every_server() {
    let world = World::new();
    let manager = world.alpha().manager();
    let (patient, other) = (somebody(&world), another_server(&world));
    let today = date(2026, 6, 1);
    let result = |expected: &[FaultCode]| {
        for server in [&world.registry, &other] {
            for role in [Role::Importer, Role::Clinician, Role::Patient] {
                assert_eq!(answers(server, role, patient, today).expect("a warning at most"), expected, "{role}");
            }
        }
    };
    result(&[FaultCode::LicenceMissing]);
    let period = json!({"instruments": ["eq5d5l"], "valid_from": "2026-01-01", "valid_to": "2026-12-31"});
    let made = registers(&manager, &period);
    result(&[]);
    manager.patch(&one(&manager, &made), 1, &json!({"valid_to": "2026-05-31"})).expect(200);
    result(&[FaultCode::LicenceExpired]);
    manager.patch(&one(&manager, &made), 2, &json!({"languages": ["pl"]})).expect(200);
    result(&[FaultCode::LicenceOfAnotherLanguage]);

    let block = |version: i64, how: &str| {
        manager.patch(&manager.at("settings"), version, &json!({"use_outside_licence": how})).expect(200);
    };
    block(1, "block");
    let refused = blocked(FaultCode::LicenceOfAnotherLanguage);
    for server in [&world.registry, &other] {
        for role in [Role::Importer, Role::Clinician, Role::Patient] {
            assert!(refused(&answers(server, role, patient, today)), "{role}");
        }
    }
    manager.patch(&one(&manager, &made), 3, &json!({"languages": ["nb"], "valid_to": null})).expect(200);
    result(&[]);
    manager.delete(&one(&manager, &made), 4).expect(204);
    assert!(blocked(FaultCode::LicenceMissing)(&answers(&other, Role::Importer, patient, today)));
    block(2, "warn");
    result(&[FaultCode::LicenceMissing]);
    // Settings of another registry have no effect here.
    let theirs = world.beta().manager();
    theirs.patch(&theirs.at("settings"), 1, &json!({"use_outside_licence": "block"})).expect(200);
    result(&[FaultCode::LicenceMissing]);
}

/// Returns a submission of the follow-up form, answered at noon of that day.
fn follow_up(patient: PatientId, id: &str, day: &str) -> Value {
    json!({"source": {"system": "painsoft", "form_id": "1", "submission_id": id}, "patient": {"id": patient},
        "form": "opr-follow-up-short", "submitted_at": format!("{day}T12:00:00Z"),
        "answers": {"eq5d_mo": 2, "eq5d_sc": 1, "eq5d_ua": 1, "eq5d_pd": 3, "eq5d_ad": 1, "pgic": 2}})
}

/// Returns the answer to it when a clinician submits it.
fn submits(world: &World, patient: PatientId, id: &str, day: &str) -> Answer {
    let clinician = world.alpha().clinician();
    clinician.post(&clinician.at("submissions"), &follow_up(patient, id, day))
}

/// Returns the answer to it when an importer delivers it.
fn delivers(world: &World, patient: PatientId, id: &str, day: &str) -> Value {
    let importer = world.alpha().importer();
    let request = importer.request("POST", &importer.at("submission-batches"));
    let line = follow_up(patient, id, day).to_string().into_bytes();
    request.body("application/x-ndjson", line).send().expect(200).lines().remove(0)
}

#[test]
fn licence_is_checked_on_the_day_of_the_answer() {
    let world = World::new();
    let manager = world.alpha().manager();
    let patient = somebody(&world);
    let made =
        registers(&manager, &json!({"instruments": ["eq5d5l"], "valid_from": "2024-02-29", "valid_to": "2025-02-28"}));
    for (id, day, code) in [
        ("1", "2024-02-28", "licence_not_yet_valid"),
        ("2", "2024-02-29", ""),
        ("3", "2025-02-28", ""),
        ("4", "2025-03-01", "licence_expired"),
    ] {
        let warned = submits(&world, patient, id, day).expect(201);
        let warning = json!({"instrument": "eq5d5l", "code": code});
        let expected = if code.is_empty() { json!([]) } else { json!([warning]) };
        assert_eq!(warned.body["warnings"], expected, "{day}");
    }
    manager.patch(&manager.at("settings"), 1, &json!({"use_outside_licence": "block"})).expect(200);
    submits(&world, patient, "5", "2024-02-28").problem(409, "licence_blocked").fault(409, "", "licence_not_yet_valid");
    submits(&world, patient, "6", "2024-02-29").expect(201);
    submits(&world, patient, "7", "2025-02-28").expect(201);
    submits(&world, patient, "8", "2025-03-01").problem(409, "licence_blocked").fault(409, "", "licence_expired");
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.submission"), 6);

    // An importer's delivery was answered by the patient: it waits until the licence is valid.
    let waits = delivers(&world, patient, "9", "2025-03-01");
    assert_eq!(
        (&waits["outcome"], &waits["reasons"]),
        (&json!("quarantined"), &json!([{"pointer": "", "code": "licence_expired"}]))
    );
    let id = waits["quarantine_id"].as_str().expect("an id");
    let replays = || manager.post(&manager.at(&format!("quarantine/{id}/replays")), &json!({})).expect(200).body;
    assert_eq!(replays()["outcome"], "quarantined");
    manager.patch(&one(&manager, &made), 1, &json!({"valid_to": "2025-03-01"})).expect(200);
    assert_eq!(replays()["outcome"], "created");
}

#[test]
fn settings_cache_reads_only_after_a_change() {
    let world = World::new();
    let manager = world.alpha().manager();
    let patient = somebody(&world);
    assert_eq!(delivers(&world, patient, "1", "2026-06-01")["outcome"], "created");
    // A query of the database would fail now.
    let schema = world.schema("alpha");
    let importer = format!("{schema}_importer");
    execute(
        &mut world.sql(),
        &format!(
            "REVOKE SELECT ON {schema}.licence, {schema}.registry_setting FROM {importer}; \
             REVOKE SELECT (id, version, content, changed_at, changed_by) ON {schema}.licence FROM {importer}"
        ),
    );
    assert_eq!(delivers(&world, patient, "2", "2026-06-01")["outcome"], "created");
    registers(&manager, &json!({"instruments": ["eq5d5l"]}));
    let asked = delivers(&world, patient, "3", "2026-06-01");
    assert_eq!((&asked["outcome"], &asked["problem"]["code"]), (&json!("refused"), &json!("internal")));
}

#[test]
fn rescore_applies_the_registrys_value_sets() {
    let world = World::new();
    let manager = world.alpha().manager();
    let patient = somebody(&world);
    let sets_of = |scores: &Value| -> Vec<String> {
        let scales = scores[0]["scales"].as_array().into_iter().flatten();
        scales.filter_map(|scale| scale["value_set"].as_str().map(str::to_owned)).collect()
    };
    let before = submits(&world, patient, "1", "2026-06-01").expect(201);
    assert_eq!(sets_of(&before.body["scores"]), ["NO_5L_2024"]);
    let sets = ["DK_5L_2021", "NO_5L_2024"];
    manager.patch(&manager.at("settings"), 1, &json!({"value_sets": sets})).expect(200);
    assert_eq!(sets_of(&submits(&world, patient, "2", "2026-06-02").expect(201).body["scores"]), sets);
    let rescore = || {
        let accepted = manager.post(&manager.at("rescorings"), &json!({"instrument": "eq5d5l"}));
        crate::operations::completes(&world, &manager, &accepted)["result"].clone()
    };
    assert_eq!(rescore(), json!({"examined": 2, "rescored": 1}));
    assert_eq!(rescore(), json!({"examined": 2, "rescored": 0}));
}
