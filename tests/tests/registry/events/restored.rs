//! A restored database: positions given before are refused, nothing is silent, and webhooks go on.

use std::process::Command;
use std::sync::Arc;

use painreg_tenants::local::{Durability, Local};
use painreg_tests::{Cluster, Setup, World, execute};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::positions::gapless;
use super::{reads, reads_on};
use crate::webhooks::works;

fn ids(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["id"].as_str()).collect()
}

#[test]
fn position_of_another_epoch_is_410_and_the_start_shows_everything() {
    let world = World::new();
    let (clinician, manager) = (world.alpha().clinician(), world.alpha().manager());
    clinician.registers(&world.person());
    let (before, after) = reads_on(&manager, "", "");
    let hook = manager.post(&manager.at("webhooks"), &json!({"url": "https://receiver.example"})).expect(201);
    let hook = hook.text_at("/webhook/id").to_owned();
    execute(
        &mut world.sql(),
        &format!("UPDATE {}.log_head SET identity = 'of another cluster'", world.schema("alpha")),
    );
    let again = || manager.get(&manager.at(&format!("events?after={after}")));
    let refused = again().problem(410, "epoch_ended");
    assert!(refused.text_at("/title").contains("without `after`"), "{}", refused.text());
    let replay = manager.at(&format!("webhooks/{hook}/replays"));
    manager.post(&replay, &json!({"after": after})).problem(410, "epoch_ended");
    clinician.registers(&world.person());
    again().problem(410, "epoch_ended");
    let (all, new) = reads_on(&manager, "", "");
    assert_eq!(ids(&all[..before.len()]), ids(&before), "events keep their ids");
    assert!(all.len() > before.len());
    assert_eq!(reads_on(&manager, &new, "").0, [] as [Value; 0]);
    manager.post(&replay, &json!({"after": new})).expect(202);
    gapless(&world);
    // The webhook gets what it has not got, and nothing twice.
    works(&world);
    let deliveries = manager.get(&manager.at(&format!("webhooks/{hook}/deliveries"))).expect(200);
    assert_eq!(deliveries.items().len(), all.len() - before.len());
}

#[test]
fn position_that_was_not_given_is_410() {
    let world = World::new();
    let manager = world.alpha().manager();
    world.alpha().clinician().registers(&world.person());
    let (_, after) = reads_on(&manager, "", "");
    // A copy of the disks from before: the same cluster, with less in it.
    let schema = world.schema("alpha");
    execute(&mut world.sql(), &format!("DELETE FROM {schema}.event; UPDATE {schema}.log_head SET last = 0"));
    manager.get(&manager.at(&format!("events?after={after}"))).problem(410, "epoch_ended");
    assert_eq!(reads_on(&manager, "", "").0, [] as [Value; 0]);
}

/// Runs a program of PostgreSQL and returns its output.
fn program(local: &Local, name: &str, arguments: &[&str]) -> String {
    let output = Command::new(local.programs().join(name)).args(arguments).output().expect("a program");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn dump_restored_into_its_own_database_begins_an_epoch() {
    let world = World::new();
    let (local, schema) = (&Cluster::shared().local, world.schema("alpha"));
    let (clinician, manager) = (world.alpha().clinician(), world.alpha().manager());
    clinician.registers(&world.person());
    let (before, _) = reads_on(&manager, "", "");
    let address = local.superuser_address(world.database());
    let dump = program(local, "pg_dump", &["-n", &schema, "-d", address.expose_secret()]);
    clinician.registers(&world.person());
    let (lost, after) = reads_on(&manager, "", "");
    let script = Cluster::shared().folder.join(format!("{schema}.sql"));
    std::fs::write(&script, format!("DROP SCHEMA {schema} CASCADE;\n{dump}")).expect("a script");
    let script = script.to_str().expect("a path");
    program(local, "psql", &["-q", "-v", "ON_ERROR_STOP=1", "-d", address.expose_secret(), "-f", script]);
    // The positions of what is lost are given again.
    clinician.registers(&world.person());
    assert_eq!(reads_on(&manager, "", "").0.len(), lost.len());
    manager.get(&manager.at(&format!("events?after={after}"))).problem(410, "epoch_ended");
    assert_eq!(ids(&reads(&manager, 1, "")[..before.len()]), ids(&before));
}

#[test]
fn dump_restored_into_a_younger_cluster_serves_every_event() {
    let world = World::new();
    let (old, folder) = (&Cluster::shared().local, Cluster::shared().folder.join("younger"));
    let young = Local::start(&folder, Durability::Throwaway).expect("a second PostgreSQL");
    let (clinician, manager) = (world.alpha().clinician(), world.alpha().manager());
    // The older cluster has used more transaction numbers than the younger one will have.
    execute(
        &mut world.sql(),
        "DO $$ BEGIN FOR n IN 1..5000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$",
    );
    let patient = clinician.registers(&world.person());
    clinician.submits(&patient, "1", &json!({"isi_01": 4})).expect(201);
    let (before, after) = reads_on(&manager, "", "");
    clinician.registers(&world.person());

    let roles = program(old, "pg_dumpall", &["--roles-only", "-d", old.superuser_address("postgres").expose_secret()]);
    let roles: Vec<&str> =
        roles.lines().filter(|line| line.contains("ROLE t_") || line.starts_with("GRANT t_")).collect();
    let dump = program(old, "pg_dump", &["-d", old.superuser_address(world.database()).expose_secret()]);
    let script = folder.join("restore.sql");
    std::fs::write(&script, format!("{}\n{dump}", roles.join("\n"))).expect("a script");
    let superuser = young.superuser_address("painreg");
    let script = script.to_str().expect("a path");
    program(&young, "psql", &["-q", "-v", "ON_ERROR_STOP=1", "-d", superuser.expose_secret(), "-f", script]);
    let number = "SELECT pg_current_xact_id()::text::bigint AS n";
    let younger = painreg_tests::try_rows(&mut Cluster::shared().connect(&superuser), number).expect("a number");
    assert!(younger[0]["n"].as_i64().expect("a number") < world.number(number));

    let address = young.address();
    let restored = World::with(&Setup {
        adjust: Arc::new(move |settings| settings.database = address.clone()),
        // Other people than those that the dump contains.
        seed: 2,
        ..Setup::default()
    });
    let (clinician, manager) = (restored.alpha().clinician(), restored.alpha().manager());
    manager.get(&manager.at(&format!("events?after={after}"))).problem(410, "epoch_ended");
    let all = reads(&manager, before.len() + 1, "");
    assert_eq!(ids(&all[..before.len()]), ids(&before));
    let (_, after) = reads_on(&manager, "", "");
    clinician.registers(&restored.person());
    assert!(!reads_on(&manager, &after, "").0.is_empty(), "a subscriber hears what happens after the restore");
    drop(restored);
    young.stop();
}
