//! Failures: reported at once, limited to the affected callers, recovered from automatically, and without partial
//! effects.

use std::time::{Duration, Instant};

use diesel::PgConnection;
use painreg_tests::{Actor, Answer, Setup, World, execute, registration};
use serde_json::json;

use crate::kit::version;

/// Creates a world with few connections and the wait of the real service.
fn small() -> World {
    World::with(&Setup { connections_per_tenant: 3, wait: Duration::from_millis(250), ..Setup::default() })
}

/// A superuser's transaction that holds a lock until it is dropped.
struct Held(PgConnection);

impl Held {
    fn on(world: &World, statement: &str) -> Self {
        let mut sql = world.sql();
        execute(&mut sql, &format!("BEGIN; {statement}"));
        Self(sql)
    }

    fn releases(mut self) {
        execute(&mut self.0, "ROLLBACK");
    }
}

/// Returns the number of the service's connections that wait for a lock in this world's database.
fn waiting(world: &World) -> i64 {
    world.number(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND usename LIKE 't\\_%'",
    )
}

fn until_waiting(world: &World, count: i64) {
    world.within(Duration::from_secs(4), || (waiting(world) == count).then_some(()));
}

#[test]
fn exhausted_pool_is_503_for_its_registry_only() {
    let world = small();
    let alpha = world.schema("alpha");
    let clinician = world.alpha().clinician();
    let patients: Vec<_> = (0..3).map(|_| clinician.registers(&world.person())).collect();
    let later = clinician.registers(&world.person());
    let lock = Held::on(&world, &format!("SELECT * FROM {alpha}.patient WHERE id <> '{}' FOR UPDATE", later.id));
    std::thread::scope(|threads| {
        let (clinician, world) = (&clinician, &world);
        let blocked: Vec<_> = patients
            .iter()
            .map(|patient| threads.spawn(move || clinician.changes(patient, 1, &json!({"language": "en"}))))
            .collect();
        until_waiting(world, 3);
        let started = Instant::now();
        let busy = clinician.reads(&later).problem(503, "busy");
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
        assert_eq!(busy.header("retry-after"), "1");
        // Other registries are not affected.
        let started = Instant::now();
        world.unauthenticated().get("/health/live").expect(200);
        world.beta().clinician().lists_patients("").expect(200);
        world.operator().get("/v1/tenants").expect(200);
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
        assert_eq!(waiting(world), 3);
        lock.releases();
        for one in blocked {
            let changed = one.join().expect("an answer").expect(200);
            assert_eq!(version(&changed.body), 2, "who waited was served");
        }
    });
    clinician.reads(&later).expect(200);
}

#[test]
fn load_on_one_registry_leaves_the_other_its_share() {
    // Eight connections in all, at most three of them for one registry.
    let world = World::with(&Setup {
        connections: 8,
        connections_per_tenant: 3,
        wait: Duration::from_millis(250),
        ..Setup::default()
    });
    let alpha = world.schema("alpha");
    let clinician = world.alpha().clinician();
    let lock = Held::on(&world, &format!("LOCK TABLE {alpha}.patient IN ACCESS EXCLUSIVE MODE"));
    let answers: Vec<Answer> = std::thread::scope(|threads| {
        let flood: Vec<_> = (0..24).map(|_| threads.spawn(|| clinician.lists_patients(""))).collect();
        until_waiting(&world, 3);
        let started = Instant::now();
        for _ in 0..5 {
            world.beta().clinician().lists_patients("").expect(200);
        }
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
        lock.releases();
        flood.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(served >= 3);
    for answer in answers.into_iter().filter(|answer| answer.status != 200) {
        answer.problem(503, "busy");
    }
    clinician.lists_patients("").expect(200);
}

#[test]
fn broken_connections_are_replaced_silently() {
    let world = World::new();
    let (clinician, operator) = (world.alpha().clinician(), world.operator());
    let patient = clinician.registers(&world.person());
    for round in 0..5 {
        operator.get("/v1/tenants").expect(200);
        // Ends every connection of the service, the owner's included.
        execute(
            &mut world.sql(),
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        if round % 2 == 0 {
            clinician.reads(&patient).expect(200);
        } else {
            let at = version(&clinician.reads(&patient).expect(200).body);
            clinician.changes(&patient, at, &json!({"language": "en"})).expect(200);
        }
    }
}

#[test]
fn interrupted_request_is_rolled_back_and_repeatable() {
    let world = World::new();
    let alpha = world.schema("alpha");
    let clinician = world.alpha().clinician();
    let body = registration(&world.person());
    let path = clinician.at("patients");
    let send = || clinician.request("POST", &path).key("key-1").json(&body).send();
    // The registration waits at its access event, then the database ends the connection.
    let lock = Held::on(&world, &format!("LOCK TABLE {alpha}.audit_event IN ACCESS EXCLUSIVE MODE"));
    let answer = std::thread::scope(|threads| {
        let sent = threads.spawn(send);
        until_waiting(&world, 1);
        execute(
            &mut world.sql(),
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        );
        sent.join().expect("an answer")
    });
    let answer = answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "5");
    lock.releases();
    for table in ["patient", "patient_key", "patient_identifier", "idempotency_key"] {
        assert_eq!(world.number(&format!("SELECT count(*) FROM {{alpha}}.{table}")), 0, "{table}");
    }
    let done = send().expect(201);
    assert!(done.header("idempotency-replayed").is_empty());
    assert_eq!(send().expect(201).header("idempotency-replayed"), "true");
}

#[test]
fn lock_timeout_is_answered() {
    let world = World::new();
    let alpha = world.schema("alpha");
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let lock = Held::on(&world, &format!("SELECT * FROM {alpha}.patient FOR UPDATE"));
    let started = Instant::now();
    // After five seconds the caller gets an error; the change is not made later.
    let answer = clinician.changes(&patient, 1, &json!({"language": "en"})).problem(503, "busy");
    let waited = started.elapsed();
    assert!((4..9).contains(&waited.as_secs()), "{waited:?}");
    assert_eq!(answer.header("retry-after"), "1");
    lock.releases();
    assert_eq!(clinician.reads(&patient).expect(200).body, patient.body);
    clinician.changes(&patient, 1, &json!({"language": "en"})).expect(200);
}

#[test]
fn connection_of_another_login_is_discarded() {
    let world = World::new();
    let (alpha, database) = (world.schema("alpha"), world.database().to_owned());
    let clinician = world.alpha().clinician();
    clinician.lists_patients("").expect(200);
    let cut = |world: &World| {
        execute(
            &mut world.sql(),
            &format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = '{alpha}_login'"
            ),
        );
    };
    // From now on every new connection of alpha's login begins as another role, or with another search path, as if a
    // setting had been left on it.
    for (set, reset) in [
        (format!("SET role = '{alpha}_system'"), "RESET role"),
        ("SET search_path = 'platform'".to_owned(), "RESET search_path"),
    ] {
        execute(&mut world.sql(), &format!("ALTER ROLE {alpha}_login IN DATABASE {database} {set}"));
        cut(&world);
        let answer = clinician.lists_patients("");
        assert_eq!(answer.status, 503, "{set}: {}", answer.text());
        world.beta().clinician().lists_patients("").expect(200);
        execute(&mut world.sql(), &format!("ALTER ROLE {alpha}_login IN DATABASE {database} {reset}"));
        clinician.lists_patients("").expect(200);
    }
}

#[test]
fn unreachable_database_is_503_until_it_returns() {
    let world = World::with(&Setup { wait: Duration::from_millis(250), ..Setup::default() });
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let database = world.database().to_owned();
    let mut outside = painreg_tests::Cluster::shared().superuser("postgres");
    let mut switch = |on: bool| {
        execute(&mut outside, &format!("ALTER DATABASE {database} ALLOW_CONNECTIONS {on}"));
        if !on {
            execute(
                &mut outside,
                &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"),
            );
        }
    };
    for _ in 0..2 {
        switch(false);
        let started = Instant::now();
        let answer = clinician.reads(&patient).problem(503, "unavailable");
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
        assert_eq!(answer.header("retry-after"), "5");
        world.operator().get("/v1/tenants").problem(503, "unavailable");
        world.unauthenticated().get("/health/ready").problem(503, "unavailable");
        world.unauthenticated().get("/health/live").expect(200);
        switch(true);
        // Recovered automatically, within five seconds.
        world.within(Duration::from_secs(5), || (clinician.reads(&patient).status == 200).then_some(()));
        world.within(Duration::from_secs(5), || {
            (world.unauthenticated().get("/health/ready").status == 200).then_some(())
        });
        world.operator().get("/v1/tenants").expect(200);
    }
}

#[test]
fn read_only_database_refuses_writes_only() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let database = world.database().to_owned();
    let patient = clinician.registers(&world.person());
    let mut outside = painreg_tests::Cluster::shared().superuser("postgres");
    let mut set = |value: &str| {
        let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'");
        execute(&mut outside, &format!("ALTER DATABASE {database} {value}; {cut}"));
    };
    set("SET default_transaction_read_only = on");
    // Reading needs a trace too: without the trace there is no reading.
    clinician.reads(&patient).problem(503, "unavailable");
    let secretary = world.alpha().secretary();
    secretary.post(&secretary.at("patients"), &registration(&world.person())).problem(503, "unavailable");
    set("RESET default_transaction_read_only");
    clinician.reads(&patient).expect(200);
}

#[test]
fn full_disk_is_507_and_nothing_is_stored() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let alpha = world.schema("alpha");
    // PostgreSQL's state and words when a file of a table cannot grow.
    execute(
        &mut world.sql(),
        &format!(
            "CREATE FUNCTION {alpha}.disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION \
             USING ERRCODE = 'disk_full', MESSAGE = 'could not extend file \"base/5/16384\": No space left on device', \
             HINT = 'Check free disk space.'; END $$; \
             CREATE TRIGGER disk_full BEFORE UPDATE ON {alpha}.patient EXECUTE FUNCTION {alpha}.disk_full()"
        ),
    );
    let refused = clinician.changes(&patient, 1, &json!({"language": "en"})).problem(507, "storage_full");
    assert_eq!(refused.header("retry-after"), "60");
    assert!(!refused.text().contains("base/5"), "{}", refused.text());
    assert_eq!(clinician.reads(&patient).expect(200).body, patient.body);
    execute(&mut world.sql(), &format!("DROP FUNCTION {alpha}.disk_full CASCADE"));
    clinician.changes(&patient, 1, &json!({"language": "en"})).expect(200);
}

#[test]
fn rate_limit_applies_to_one_caller() {
    let world = World::with(&Setup { people_per_second: 2, machines_per_second: 5, ..Setup::default() });
    let clinician = world.alpha().clinician();
    let first = clinician.get(&clinician.at("forms")).expect(200);
    assert_eq!(first.header("ratelimit-policy"), "\"caller\";q=2;w=1");
    assert_eq!(first.header("ratelimit"), "\"caller\";r=1;t=1");
    // At two requests a second, fifty do not succeed in a few seconds.
    let until_refused = |actor: &Actor<'_>| {
        (0..200).map(|_| actor.get(&actor.at("forms"))).find(|answer| answer.status != 200).expect("a refusal")
    };
    let refused = until_refused(&clinician).problem(429, "too_many_requests");
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| (1..=2).contains(&seconds)));
    // Another person of the same role, another registry, a machine client: each has a separate bucket.
    clinician.clone().called("clinician-2").get("/v1/tenants/alpha/forms").expect(200);
    world.beta().clinician().get("/v1/tenants/beta/forms").expect(200);
    world.unauthenticated().get("/health/live").expect(200);
    let machine = world.alpha().importer();
    let answer = machine.get(&machine.at("forms")).expect(200);
    assert_eq!(answer.header("ratelimit-policy"), "\"caller\";q=5;w=1");
    // A new token does not give a new bucket.
    let refused = until_refused(&clinician);
    assert_eq!(refused.status, 429);
    let statuses: Vec<u16> = (0..4).map(|_| clinician.clone().get("/v1/tenants/alpha/forms").status).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    // Later requests are accepted again.
    world.within(Duration::from_secs(5), || (clinician.get("/v1/tenants/alpha/forms").status == 200).then_some(()));
    // A request refused with 429 had no effect.
    let secretary = world.alpha().secretary();
    let codes: Vec<u16> =
        (0..6).map(|_| secretary.post(&secretary.at("patients"), &registration(&world.person())).status).collect();
    let made = codes.iter().filter(|status| **status == 201).count();
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.patient"), i64::try_from(made).expect("few"));
}

#[test]
fn unauthenticated_requests_are_counted_in_bounded_space() {
    let world = World::new();
    for at in 0..50 {
        let answer =
            world.unauthenticated().with_token(Some(format!("stranger-{at}"))).get("/v1/tenants/alpha/patients");
        answer.problem(401, "unauthenticated");
        world.unauthenticated().get(&format!("/v1/tenants/tenant-{at}/patients")).problem(401, "unauthenticated");
    }
    let counted = world.within(Duration::from_secs(10), || {
        let rows = world.rows("SELECT code, operation, origin, count FROM platform.refusal");
        let total: i64 = rows.iter().filter_map(|row| row["count"].as_i64()).sum();
        (total == 100).then_some(rows)
    });
    // One row for each minute, code, operation and origin: the operation is the route, not the submitted path.
    assert!(counted.len() <= 2, "{counted:?}");
    for row in counted {
        assert_eq!((&row["code"], &row["origin"]), (&json!("unauthenticated"), &json!("127.0.0.1")));
        assert_eq!(row["operation"], json!("GET /v1/tenants/{tenant}/patients"));
    }
    assert_eq!(world.number("SELECT count(*) FROM {alpha}.audit_event"), 0);
}
