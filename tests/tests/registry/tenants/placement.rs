//! Registries in a separate database.

use painreg_tests::{Cluster, World, try_rows};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{creation, suspends};
use crate::kit::{advance, with};

#[test]
fn create_tenant_in_a_separate_database() {
    let world = World::new();
    let operator = world.operator();
    let cluster = Cluster::shared();
    let database = cluster.empty_database();
    let address = cluster.local.address_of(&database);
    let body = with(&creation("delta"), &json!({"dsn": address.expose_secret()}));
    let made = operator.post("/v1/tenants", &body).expect(201);
    assert_eq!(made.body["placement"], json!("dsn"));
    for text in [
        made.text(),
        operator.get("/v1/tenants/delta").expect(200).text(),
        operator.get("/v1/tenants").expect(200).text(),
    ] {
        assert!(!text.contains("postgres:") && !text.contains(&database), "the address is nobody's to read");
    }
    // End to end, over the same API.
    let (clinician, importer) = (world.place("delta").clinician(), world.place("delta").importer());
    let person = world.person();
    let patient = clinician.registers(&person);
    let delivered = importer.delivers(&world.delivery(&person, 1)).expect(201);
    clinician.get(delivered.header("location")).expect(200);
    assert_eq!(clinician.reads_answers_of(&patient).expect(200).items().len(), 1);
    clinician.changes(&patient, 1, &json!({"language": "en"})).expect(200);
    assert!(world.place("delta").patient(&patient.id).reads_access_log_of(&patient).expect(200).items().len() >= 4);
    world.alpha().clinician().registers(&person);

    // The rows are in that database and not in this one.
    let schema = world.schema("delta");
    let mut there = cluster.superuser(&database);
    let count = |sql: &mut diesel::PgConnection, query: &str| try_rows(sql, query).map(|rows| rows[0]["n"].as_i64());
    assert_eq!(count(&mut there, &format!("SELECT count(*) AS n FROM {schema}.patient")).ok().flatten(), Some(1));
    assert!(count(&mut world.sql(), &format!("SELECT count(*) AS n FROM {schema}.patient")).is_err());
    let dsn = world.rows("SELECT encode(dsn, 'escape') AS dsn FROM platform.tenant WHERE slug = 'delta'");
    assert!(!dsn[0]["dsn"].as_str().expect("sealed").contains("postgres"));

    // The same rules apply: stored answers expire there too, and their keys are free again.
    let secretary = world.place("delta").secretary();
    let send = |body: &Value| secretary.request("POST", &secretary.at("patients")).key("key-1").json(body).send();
    let (one, other) = (painreg_tests::registration(&world.person()), painreg_tests::registration(&world.person()));
    send(&one).expect(201);
    assert_eq!(send(&one).expect(201).header("idempotency-replayed"), "true");
    advance(&world, 31 * 24 * 3600);
    assert!(world.registry.remove_expired_replies().expect("a tidy-up") >= 1);
    send(&other).expect(201);

    // Migrated, suspended, resumed, dropped.
    let migrated = operator.post("/v1/tenants/delta/migrations", &json!({})).expect(200);
    assert_eq!(migrated.body["outcome"], json!("current"));
    let at = suspends(&operator, "delta");
    clinician.lists_patients("").problem(503, "suspended");
    operator.delete("/v1/tenants/delta", at).expect(204);
    let left = count(&mut there, &format!("SELECT count(*) AS n FROM pg_namespace WHERE nspname = '{schema}'"));
    assert_eq!(left.ok().flatten(), Some(0));
    assert_eq!(world.number(&format!("SELECT count(*) FROM pg_roles WHERE rolname LIKE '{schema}%'")), 0);
    drop(there);
    cluster.drop_database(&database);
}

#[test]
fn create_tenant_refuses_an_unreachable_database() {
    let world = World::new();
    let operator = world.operator();
    let before = world.number("SELECT value FROM platform.generation");
    let gone = Cluster::shared().local.address_of("no_such_database");
    for dsn in [
        gone.expose_secret(),
        "postgres:///x?host=/nowhere",
        "not an address",
        "postgres://127.0.0.1:1/x?connect_timeout=2",
    ] {
        let answer = operator.post("/v1/tenants", &with(&creation("delta"), &json!({ "dsn": dsn })));
        let answer = answer.problem(503, "unavailable");
        assert!(!answer.text().contains("no_such_database") && !answer.text().contains("nowhere"));
    }
    operator.get("/v1/tenants/delta").problem(404, "not_found");
    assert_eq!(world.number("SELECT value FROM platform.generation"), before);
}
