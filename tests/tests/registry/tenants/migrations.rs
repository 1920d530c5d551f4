//! Registries at another schema version.

use std::time::Duration;

use painreg_tests::{World, execute};
use serde_json::json;

#[test]
fn tenant_at_another_schema_version_is_503_alone() {
    let world = World::new();
    let operator = world.operator();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let now =
        operator.get("/v1/tenants/alpha").expect(200).body["schema_version"].as_str().expect("a version").to_owned();
    // The state after an upgrade of the server: the registry has not been migrated yet.
    execute(
        &mut world.sql(),
        "UPDATE platform.tenant SET schema_version = '2020-01-01-000000', version = version + 1 WHERE slug = 'alpha'; \
         UPDATE platform.generation SET value = value + 1;",
    );
    let answer =
        world.within(Duration::from_secs(10), || Some(clinician.reads(&patient)).filter(|answer| answer.status != 200));
    assert_eq!(answer.problem(503, "migrating").header("retry-after"), "30");
    world.beta().clinician().lists_patients("").expect(200);
    let ready = world.unauthenticated().get("/health/ready").problem(503, "not_ready");
    assert_eq!(ready.faults(), [("/registries/alpha".to_owned(), "registry_other_version".to_owned())]);
    let migrated = operator.post("/v1/tenants/alpha/migrations", &json!({})).expect(200);
    assert_eq!(migrated.body, json!({"from": "2020-01-01-000000", "to": now, "outcome": "migrated"}));
    assert_eq!(clinician.reads(&patient).expect(200).body, patient.body);
    world.unauthenticated().get("/health/ready").expect(200);
    let again = operator.post("/v1/tenants/alpha/migrations", &json!({})).expect(200);
    assert_eq!(again.body, json!({"from": now, "to": now, "outcome": "current"}));
    operator.post("/v1/tenants/gamma/migrations", &json!({})).problem(404, "not_found");
    let journal = world.rows("SELECT outcome FROM platform.migration_run ORDER BY started_at");
    assert_eq!(journal.iter().filter_map(|row| row["outcome"].as_str()).collect::<Vec<_>>(), ["migrated", "current"]);
}

#[test]
fn migrate_tenant_failure_rolls_back_and_is_recorded() {
    let world = World::new();
    let operator = world.operator();
    let clinician = world.beta().clinician();
    let alpha = world.schema("alpha");
    // A damaged registry: the first migration is missing in its history, so it runs again and fails half-way.
    execute(
        &mut world.sql(),
        &format!(
            "DELETE FROM {alpha}.__diesel_schema_migrations; DROP TABLE {alpha}.idempotency_key; \
             UPDATE platform.tenant SET schema_version = '2020-01-01-000000', version = version + 1 WHERE slug = 'alpha'; \
             UPDATE platform.generation SET value = value + 1;"
        ),
    );
    let before =
        world.rows(&format!("SELECT relname FROM pg_class WHERE relnamespace = '{alpha}'::regnamespace ORDER BY 1"));
    let failed = operator.post("/v1/tenants/alpha/migrations", &json!({})).problem(500, "internal");
    assert!(!failed.text().contains("patient"), "the cause is for the journal");
    let after =
        world.rows(&format!("SELECT relname FROM pg_class WHERE relnamespace = '{alpha}'::regnamespace ORDER BY 1"));
    assert_eq!(after, before);
    let journal = world.rows("SELECT outcome, error FROM platform.migration_run");
    assert_eq!(journal[0]["outcome"], json!("failed"));
    assert!(journal[0]["error"].as_str().is_some_and(|error| error.contains("already exists")));
    assert_eq!(operator.get("/v1/tenants/alpha").expect(200).body["schema_version"], json!("2020-01-01-000000"));
    clinician.lists_patients("").expect(200);
}
