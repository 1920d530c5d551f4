//! Readiness: what cannot be served is named, without secrets, until it can be served again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use painreg_tests::{Answer, Setup, World, execute};
use serde_json::{Value, json};

/// Changes the row of `alpha`, as another process would.
fn change(world: &World, set: &str) {
    execute(
        &mut world.sql(),
        &format!(
            "UPDATE platform.tenant SET {set}, version = version + 1 WHERE slug = 'alpha'; \
             UPDATE platform.generation SET value = value + 1"
        ),
    );
}

fn asks(world: &World) -> Answer {
    world.unauthenticated().get("/health/ready")
}

/// Waits until the service is not ready, with this one fault.
#[track_caller]
fn until_not_ready(world: &World, pointer: &str, code: &str) {
    let answer = world.within(Duration::from_secs(10), || Some(asks(world)).filter(|answer| answer.status != 200));
    let answer = answer.problem(503, "not_ready");
    let faults: Vec<(&Value, &Value)> =
        answer.body["errors"].as_array().into_iter().flatten().map(|it| (&it["pointer"], &it["code"])).collect();
    assert_eq!(faults, [(&json!(pointer), &json!(code))], "{}", answer.text());
    assert!(!answer.text().contains(&world.schema("alpha")), "names of schemas and logins are not shown");
}

#[track_caller]
fn until_ready(world: &World) {
    world.within(Duration::from_secs(10), || (asks(world).status == 200).then_some(()));
}

#[test]
fn registry_whose_key_does_not_open_is_named() {
    let world = World::new();
    until_ready(&world);
    let sealed = world.rows("SELECT encode(tenant_key, 'hex') AS key FROM platform.tenant WHERE slug = 'alpha'");
    let sealed = sealed[0]["key"].as_str().expect("text").to_owned();
    change(&world, "tenant_key = overlay(tenant_key PLACING '\\x00'::bytea FROM 20)");
    until_not_ready(&world, "/registries/alpha", "registry_key_unusable");
    world.beta().clinician().lists_patients("").expect(200);
    change(&world, &format!("tenant_key = '\\x{sealed}'"));
    until_ready(&world);
}

#[test]
fn suspended_registry_need_not_be_served() {
    let world = World::new();
    change(&world, "tenant_key = '\\x00', state = 'suspended'");
    // The tables have been read again when the registry's callers are refused.
    let clinician = world.alpha().clinician();
    world.within(Duration::from_secs(10), || (clinician.lists_patients("").status != 200).then_some(()));
    asks(&world).expect(200);
}

#[test]
fn registry_of_another_version_is_named() {
    let world = World::new();
    let version = world.operator().get("/v1/tenants/alpha").expect(200).body["schema_version"].clone();
    let version = version.as_str().expect("text").to_owned();
    change(&world, "schema_version = '2020-01-01-000000'");
    until_not_ready(&world, "/registries/alpha", "registry_other_version");
    change(&world, &format!("schema_version = '{version}'"));
    until_ready(&world);
}

#[test]
fn registry_whose_login_cannot_connect_is_named() {
    let world = World::new();
    until_ready(&world);
    let (database, login) = (world.database().to_owned(), format!("{}_login", world.schema("alpha")));
    execute(&mut world.sql(), &format!("REVOKE CONNECT ON DATABASE {database} FROM {login}"));
    // A login that has just succeeded is not tried again.
    world.advance(SignedDuration::from_secs(6));
    until_not_ready(&world, "/registries/alpha", "registry_login_refused");
    execute(&mut world.sql(), &format!("GRANT CONNECT ON DATABASE {database} TO {login}"));
    until_ready(&world);
}

#[test]
fn database_of_another_key_is_not_ready_and_gets_no_registry() {
    let world = World::new();
    until_ready(&world);
    let check = world.rows("SELECT encode(value, 'hex') AS value FROM platform.key_check");
    let check = check[0]["value"].as_str().expect("text").to_owned();
    // As after another database was restored in its place.
    execute(&mut world.sql(), "UPDATE platform.key_check SET value = sha256(value)");
    until_not_ready(&world, "/key", "other_key");
    let operator = world.operator();
    let body = json!({"slug": "gamma", "name": "Gamma"});
    operator.post("/v1/tenants", &body).problem(503, "not_ready");
    assert_eq!(world.number("SELECT count(*) FROM platform.tenant WHERE slug = 'gamma'"), 0);
    execute(&mut world.sql(), &format!("UPDATE platform.key_check SET value = '\\x{check}'"));
    until_ready(&world);
}

#[test]
fn panicking_job_is_started_again_and_shown_until_then() {
    let left = Arc::new(AtomicU32::new(0));
    let planted = Arc::clone(&left);
    let world = World::with(&Setup {
        works: true,
        adjust: Arc::new(move |settings| {
            let left = Arc::clone(&planted);
            settings.testing.before_job = Some(Arc::new(move |job| {
                let fails = job == "operations"
                    && left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok();
                assert!(!fails, "a planted fault");
            }));
        }),
        ..Setup::default()
    });
    until_ready(&world);
    left.store(2, Ordering::Release);
    let answer = world.within(Duration::from_secs(20), || Some(asks(&world)).filter(|answer| answer.status != 200));
    let answer = answer.problem(503, "not_ready");
    assert_eq!(answer.body["errors"][0]["pointer"], "/jobs/operations");
    assert_eq!(answer.body["errors"][0]["code"], "job_interrupted");
    world.alpha().clinician().lists_patients("").expect(200);
    until_ready(&world);
    assert_eq!(left.load(Ordering::Acquire), 0, "started again after each");
    let metrics = world.unauthenticated().get("/metrics").expect(200).text().to_owned();
    assert!(metrics.contains("painreg_job_panics_total{job=\"operations\"}"), "{metrics}");
}
