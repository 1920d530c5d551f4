//! Positions: given after the commit, gapless, whatever other transactions, sequencers and failures do.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, TransactionManager as _};
use painreg_tenants::{Settings, StatementObserver, TenantScope};
use painreg_tests::{Cluster, Setup, World, attempt, execute};
use serde_json::Value;

use super::{reads, reads_on, types};

/// Returns the worker's scope in `alpha`.
pub fn alpha(world: &World) -> TenantScope {
    let scopes = world.registry.worker_scopes();
    scopes.into_iter().find(|scope| scope.tenant().slug == "alpha").expect("a registry")
}

/// Fails unless the positions are 1 to the head without a gap and every event has one; returns their number.
#[track_caller]
pub fn gapless(world: &World) -> i64 {
    let count = world.number("SELECT count(*) FROM {alpha}.event");
    let [row] = &world.rows(
        "SELECT coalesce(min(position), 1) AS first, coalesce(max(position), 0) AS last, count(DISTINCT id) AS ids, \
         (SELECT last FROM {alpha}.log_head) AS head, (SELECT count(*) FROM {alpha}.event_inbox) AS waiting FROM {alpha}.event",
    )[..] else {
        panic!("one row")
    };
    let read = ["first", "last", "ids", "head", "waiting"].map(|name| row[name].as_i64().expect("a number"));
    assert_eq!(read, [1, count, count, count, 0]);
    count
}

#[test]
fn list_events_does_not_wait_for_open_transactions() {
    let world = World::new();
    let (clinician, manager) = (world.alpha().clinician(), world.alpha().manager());
    // One in another database of the cluster, and one that has written an event itself.
    let mut foreign = Cluster::shared().superuser("postgres");
    execute(&mut foreign, "BEGIN; SELECT pg_current_xact_id()");
    let mut slow = world.sql();
    AnsiTransactionManager::begin_transaction(&mut slow).expect("a transaction");
    let insert = format!(
        "INSERT INTO {}.event_inbox (id, at, kind, object) VALUES (gen_random_uuid(), now(), 'form.published', 'form/late/1')",
        world.schema("alpha")
    );
    attempt(&mut slow, &insert).expect("an event");
    clinician.registers(&world.person());
    let (seen, after) = reads_on(&manager, "", "");
    let kinds = |events: &[Value]| -> Vec<String> {
        let decided = |kind: &&str| *kind != "decision.changed";
        types(events).into_iter().filter(decided).map(str::to_owned).collect()
    };
    assert_eq!(kinds(&seen), ["patient.registered"]);
    // What is committed late comes later, after what was shown.
    AnsiTransactionManager::commit_transaction(&mut slow).expect("committed");
    clinician.registers(&world.person());
    let (later, _) = reads_on(&manager, &after, "");
    assert_eq!(kinds(&later), ["form.published", "patient.registered"]);
    assert_eq!(gapless(&world), i64::try_from(seen.len() + later.len()).expect("few"));
    execute(&mut foreign, "ROLLBACK");
}

#[test]
fn reader_sees_every_event_once_while_writers_write() {
    let world = World::with(&Setup { workers: 2, connections_per_tenant: 12, ..Setup::default() });
    let manager = world.alpha().manager();
    let done = AtomicBool::new(false);
    let mut seen: Vec<Value> = Vec::new();
    std::thread::scope(|threads| {
        let writers: Vec<_> = (0..4)
            .map(|_| {
                threads.spawn(|| {
                    for _ in 0..15 {
                        world.alpha().clinician().registers(&world.person());
                    }
                })
            })
            .collect();
        // Two sequencers at the same time, beside the reader.
        for _ in 0..2 {
            threads.spawn(|| {
                let scope = alpha(&world);
                while !done.load(Ordering::Relaxed) {
                    scope.sequence().expect("positions");
                }
            });
        }
        let mut after = String::new();
        while writers.iter().any(|writer| !writer.is_finished()) {
            let (more, next) = reads_on(&manager, &after, "");
            seen.extend(more);
            after = next;
        }
        done.store(true, Ordering::Relaxed);
        seen.extend(reads_on(&manager, &after, "").0);
    });
    assert_eq!(seen, reads(&manager, 60, ""));
    let ids: BTreeSet<&str> = seen.iter().filter_map(|event| event["id"].as_str()).collect();
    assert_eq!((ids.len(), types(&seen).iter().filter(|it| **it == "patient.registered").count()), (seen.len(), 60));
    assert_eq!(gapless(&world), i64::try_from(seen.len()).expect("few"));
}

#[test]
fn sequencer_killed_at_any_statement_loses_and_doubles_nothing() {
    // The number of the statement before which the registry's connections are ended; 0: none.
    let countdown = Arc::new(AtomicUsize::new(0));
    let target: Arc<OnceLock<(String, String)>> = Arc::default();
    let observer: StatementObserver = {
        let (countdown, target) = (Arc::clone(&countdown), Arc::clone(&target));
        Arc::new(move |_| {
            let killed = countdown.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if let (Ok(1), Some((database, login))) = (killed, target.get()) {
                let kill = format!(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
                     WHERE datname = '{database}' AND usename = '{login}'"
                );
                execute(&mut Cluster::shared().superuser("postgres"), &kill);
            }
        })
    };
    let adjust = Arc::new(move |settings: &mut Settings| settings.testing.observer = Some(Arc::clone(&observer)));
    let world = World::with(&Setup { adjust, ..Setup::default() });
    target.set((world.database().to_owned(), format!("{}_login", world.schema("alpha")))).expect("once");
    let (clinician, manager, scope) = (world.alpha().clinician(), world.alpha().manager(), alpha(&world));
    let (mut failed, mut registered) = (0, 0);
    for at in 1..=6 {
        for _ in 0..3 {
            clinician.registers(&world.person());
            registered += 1;
        }
        countdown.store(at, Ordering::SeqCst);
        failed += usize::from(scope.sequence().is_err());
        countdown.store(0, Ordering::SeqCst);
        // Nothing half done is visible.
        let [numbered, head] =
            ["SELECT count(*) FROM {alpha}.event", "SELECT last FROM {alpha}.log_head"].map(|it| world.number(it));
        assert_eq!(numbered, head, "killed at statement {at}");
    }
    assert!(failed >= 3, "{failed} were killed");
    assert_eq!(reads(&manager, registered, "&kind=patient.registered").len(), registered);
    gapless(&world);
}

#[test]
fn submissions_write_their_events_in_one_statement() {
    let sent = Arc::new(std::sync::Mutex::new(Vec::new()));
    let observer: StatementObserver = {
        let sent = Arc::clone(&sent);
        Arc::new(move |text| sent.lock().expect("no panic").push(text.to_owned()))
    };
    let adjust = Arc::new(move |settings: &mut Settings| settings.testing.observer = Some(Arc::clone(&observer)));
    let world = World::with(&Setup { adjust, ..Setup::default() });
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    sent.lock().expect("no panic").clear();
    clinician.submits(&patient, "1", &serde_json::json!({"isi_01": 4})).expect(201);
    let sent = sent.lock().expect("no panic");
    let about_events: Vec<&String> =
        sent.iter().filter(|text| text.contains("event_inbox") || text.contains("log_head")).collect();
    let [insert] = &about_events[..] else { panic!("{about_events:?}") };
    assert!(insert.starts_with("INSERT INTO event_inbox") && !insert.contains("max("));
}

/// Brings a registry's schema from the migration before to this one.
#[test]
fn migration_keeps_the_order_of_present_events() {
    const MIGRATION: &str = "2026-11-28-000140_event_positions";
    let cluster = Cluster::shared();
    let database = cluster.empty_database();
    let mut conn = cluster.connect(&cluster.local.address_of(&database));
    execute(&mut conn, "CREATE SCHEMA old; SET search_path = old");
    for (name, text) in crate::catalogue::migrations("tenant", "up.sql") {
        if name == MIGRATION {
            // Written in another order than that of their transactions; a webhook has got two of the three.
            execute(
                &mut conn,
                "INSERT INTO event (txid, id, at, kind, object) SELECT txid, \
                 ('00000000-0000-4000-8000-00000000000' || n)::uuid, now(), 'form.published', 'form/x/' || n \
                 FROM (VALUES (9, 3), (7, 1), (7, 2)) AS it (txid, n); \
                 INSERT INTO webhook (id, url, kinds, enabled, secret, txid, position, created_at, updated_at, updated_by, version) \
                 SELECT id, 'https://receiver.example', '{}'::text[], true, '\\x00'::bytea, txid, position, now(), now(), 'x', 1 FROM event \
                 WHERE object IN ('form/x/2') UNION ALL SELECT gen_random_uuid(), 'https://other.example', '{}'::text[], true, '\\x00', 5, 0, \
                 now(), now(), 'x', 1; \
                 INSERT INTO webhook_delivery (id, webhook_id, event_id, ordered_by, txid, position, state, attempts, next_at, created_at) \
                 SELECT event.id, webhook.id, event.id, event.id, event.txid, event.position, 'pending', 0, now(), now() \
                 FROM event, webhook WHERE object <> 'form/x/3' AND url = 'https://receiver.example'",
            );
        }
        execute(&mut conn, &text);
    }
    let mut lines = |query: &str| -> Vec<String> {
        let rows = painreg_tests::try_rows(&mut conn, query).expect("rows");
        rows.iter().map(|row| row["line"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(
        lines("SELECT position || ' ' || object AS line FROM event ORDER BY position"),
        ["1 form/x/1", "2 form/x/2", "3 form/x/3"]
    );
    assert_eq!(lines("SELECT log || ' ' || last AS line FROM log_head"), ["event 3"]);
    assert_eq!(lines("SELECT position::text AS line FROM webhook ORDER BY 1"), ["0", "2"]);
    assert_eq!(lines("SELECT position::text AS line FROM webhook_delivery ORDER BY 1"), ["1", "2"]);
    drop(conn);
    cluster.drop_database(&database);
}

/// Waits until nothing waits for a position.
#[track_caller]
pub fn until_numbered(world: &World, limit: Duration) {
    let waiting = "SELECT count(*) FROM {alpha}.event_inbox";
    world.within(limit, || (world.number(waiting) == 0).then_some(()));
}
