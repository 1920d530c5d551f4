//! Readiness and durability: what a write relies on holds in every session, whatever roles and databases have as default.

use std::time::Duration;

use painreg_tests::{Cluster, Setup, World, execute};

/// Ends every connection of the service and returns when they are gone.
fn ends_connections(world: &World) {
    let database = world.database();
    let mut outside = Cluster::shared().superuser("postgres");
    let end = format!(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}' AND usename <> 'postgres'"
    );
    execute(&mut outside, &end);
}

#[test]
fn acknowledged_writes_are_synchronous_whatever_roles_and_databases_set() {
    let world = World::new();
    let (alpha, database) = (world.schema("alpha"), world.database().to_owned());
    let mut outside = Cluster::shared().superuser("postgres");
    // The value of the whole cluster is `off` here; a role in a database has precedence over it, over the database and
    // over the role.
    for name in [format!("ROLE {alpha}_login IN DATABASE {database}"), format!("DATABASE {database}")] {
        for set in [
            "synchronous_commit = off",
            "default_transaction_isolation = 'serializable'",
            "statement_timeout = '10s'",
            "TimeZone = 'Asia/Tokyo'",
            "DateStyle = 'SQL, DMY'",
            "IntervalStyle = 'iso_8601'",
            "standard_conforming_strings = off",
        ] {
            execute(&mut outside, &format!("ALTER {name} SET {set}"));
        }
    }
    ends_connections(&world);
    let patient = world.alpha().clinician().registers(&world.person());
    world.alpha().clinician().reads(&patient).expect(200);
    world.unauthenticated().get("/health/ready").expect(200);
    for slug in [Some("alpha"), None] {
        for (name, value) in [
            ("synchronous_commit", "on"),
            ("default_transaction_isolation", "read committed"),
            ("statement_timeout", "0"),
            ("TimeZone", "UTC"),
            ("DateStyle", "ISO, YMD"),
            ("IntervalStyle", "postgres"),
            ("standard_conforming_strings", "on"),
        ] {
            assert_eq!(world.registry.setting(slug, name).expect("a setting"), value, "{slug:?} {name}");
        }
    }
}

#[test]
fn session_that_breaks_a_promise_is_refused_and_readiness_says_so() {
    let world = World::new();
    let (alpha, database) = (world.schema("alpha"), world.database().to_owned());
    let mut outside = Cluster::shared().superuser("postgres");
    let clinician = world.alpha().clinician();
    for (set, reset) in [
        // Foreign keys are not checked in a session of a replica.
        ("session_replication_role = replica", "session_replication_role"),
        ("default_transaction_read_only = on", "default_transaction_read_only"),
    ] {
        let role = format!("ALTER ROLE {alpha}_login IN DATABASE {database}");
        execute(&mut outside, &format!("{role} SET {set}"));
        ends_connections(&world);
        clinician.lists_patients("").problem(503, "unavailable");
        world.unauthenticated().get("/health/ready").problem(503, "unavailable");
        world.beta().clinician().lists_patients("").expect(200);
        // Mended, it is ready again without a request of that registry.
        execute(&mut outside, &format!("{role} RESET {reset}"));
        world.unauthenticated().get("/health/ready").expect(200);
        clinician.lists_patients("").expect(200);
    }
}

#[test]
fn readiness_returns_at_the_first_probe_after_the_database() {
    let world = World::with(&Setup { workers: 2, ..Setup::default() });
    let operator = world.operator();
    // Several connections of the platform are open, and all of them end with the database.
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'painreg'";
    for _ in 0..3 {
        world.within(Duration::from_secs(20), || {
            std::thread::scope(|threads| {
                for _ in 0..8 {
                    threads.spawn(|| operator.get("/v1/tenants").expect(200));
                }
            });
            (world.number(open) >= 4).then_some(())
        });
        ends_connections(&world);
        world.unauthenticated().get("/health/ready").expect(200);
    }
}
