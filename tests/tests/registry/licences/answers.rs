//! Answers to instruments that are used outside a licence: warned of or refused, as the registry decides, by every server at
//! once, and without asking the database when nothing has changed.

use std::sync::Arc;

use jiff::civil::{Date, date};
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::PatientId;
use painreg_domain::policy::{Action, Role};
use painreg_tenants::store::forms;
use painreg_tenants::{OwnRecord, Principal, Registry, RequestContext, StoreError, Whose};
use painreg_tests::{Cluster, World, execute};
use serde_json::{Value, json};

use super::{one, registers};

/// A patient of `alpha`.
fn somebody(world: &World) -> PatientId {
    let patient = world.alpha().manager().registers(&world.person());
    PatientId::existing(patient.id.parse().expect("an id"))
}

/// What the follow-up form, which holds EQ-5D and the PGIC, is answered with on that day, by this role at this server.
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
        tx.open_to_collect(&Whose::Id(patient))?;
        let form = forms::version(tx, "opr-follow-up-short", "1")?;
        let warnings = tx.licensing(&form, day)?;
        assert!(warnings.iter().all(|warning| warning.instrument == "eq5d5l"), "{warnings:?}");
        Ok(warnings.into_iter().map(|warning| warning.code).collect())
    })
}

/// A second server of the same registries.
fn another_server(world: &World) -> Registry {
    Registry::open(Cluster::shared().settings(world.database(), world.clock.clone())).expect("a server")
}

fn blocked(code: FaultCode) -> impl Fn(&Result<Vec<FaultCode>, StoreError>) -> bool {
    move |answer| matches!(answer, Err(StoreError::LicenceBlocked(faults)) if *faults == [Fault::new("", code)])
}

#[test]
fn a_change_is_seen_at_once_by_every_server_and_every_role() {
    let world = World::new();
    let manager = world.alpha().manager();
    let (patient, other) = (somebody(&world), another_server(&world));
    let today = date(2026, 6, 1);
    let told = |expected: &[FaultCode]| {
        for server in [&world.registry, &other] {
            for role in [Role::Importer, Role::Clinician, Role::Patient] {
                assert_eq!(answers(server, role, patient, today).expect("a warning at most"), expected, "{role}");
            }
        }
    };
    told(&[FaultCode::LicenceMissing]);
    let period = json!({"instruments": ["eq5d5l"], "valid_from": "2026-01-01", "valid_to": "2026-12-31"});
    let made = registers(&manager, &period);
    told(&[]);
    manager.patch(&one(&manager, &made), 1, &json!({"valid_to": "2026-05-31"})).expect(200);
    told(&[FaultCode::LicenceExpired]);
    manager.patch(&one(&manager, &made), 2, &json!({"languages": ["pl"]})).expect(200);
    told(&[FaultCode::LicenceOfAnotherLanguage]);

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
    told(&[]);
    manager.delete(&one(&manager, &made), 4).expect(204);
    assert!(blocked(FaultCode::LicenceMissing)(&answers(&other, Role::Importer, patient, today)));
    block(2, "warn");
    told(&[FaultCode::LicenceMissing]);
    // What the registry next door has decided is its own business.
    let theirs = world.beta().manager();
    theirs.patch(&theirs.at("settings"), 1, &json!({"use_outside_licence": "block"})).expect(200);
    told(&[FaultCode::LicenceMissing]);
}

#[test]
fn the_day_of_the_answer_counts_and_not_the_day_it_arrives() {
    let world = World::new();
    let manager = world.alpha().manager();
    let patient = somebody(&world);
    registers(&manager, &json!({"instruments": ["eq5d5l"], "valid_from": "2024-02-29", "valid_to": "2025-02-28"}));
    manager.patch(&manager.at("settings"), 1, &json!({"use_outside_licence": "block"})).expect(200);
    let on = |day| answers(&world.registry, Role::Importer, patient, day);
    assert!(blocked(FaultCode::LicenceNotYetValid)(&on(date(2024, 2, 28))));
    assert_eq!(on(date(2024, 2, 29)).expect("licensed"), []);
    assert_eq!(on(date(2025, 2, 28)).expect("licensed"), []);
    assert!(blocked(FaultCode::LicenceExpired)(&on(date(2025, 3, 1))));
}

#[test]
fn nothing_is_asked_of_the_database_while_nothing_has_changed() {
    let world = World::new();
    let manager = world.alpha().manager();
    let patient = somebody(&world);
    registers(&manager, &json!({"instruments": ["pcs"]}));
    let ask = || answers(&world.registry, Role::Importer, patient, date(2026, 6, 1));
    assert_eq!(ask().expect("a warning"), [FaultCode::LicenceMissing]);
    // Whoever asked the database now would be refused.
    let schema = world.schema("alpha");
    let importer = format!("{schema}_importer");
    let tables = format!("{schema}.licence, {schema}.registry_setting");
    execute(
        &mut world.sql(),
        &format!(
            "REVOKE SELECT ON {tables} FROM {importer}; \
        REVOKE SELECT (id, version, content, changed_at, changed_by) ON {schema}.licence FROM {importer}"
        ),
    );
    assert_eq!(ask().expect("a warning"), [FaultCode::LicenceMissing]);
    registers(&manager, &json!({"instruments": ["eq5d5l"]}));
    let refused: Value = ask().map(|_| Value::Null).unwrap_or_else(|error| json!(error.to_string()));
    assert_ne!(refused, Value::Null, "a change is asked for");
}
