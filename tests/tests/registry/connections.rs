//! The limit of connections, and orderly shutdown of the server.

use std::net::TcpStream;
use std::time::Duration;

use painreg_tests::{Setup, World, execute};
use serde_json::json;

#[test]
fn connection_cap_serves_more_registries_than_connections() {
    // One connection is the platform's; two are left for four callers of two registries.
    let world = World::with(&Setup { connections: 3, connections_per_tenant: 2, ..Setup::default() });
    std::thread::scope(|threads| {
        for place in [world.alpha(), world.alpha(), world.beta(), world.beta()] {
            let world = &world;
            threads.spawn(move || {
                let clinician = place.clinician();
                for _ in 0..15 {
                    clinician.lists_patients("").expect(200);
                    assert!(world.registry.open_connections() <= 3);
                }
            });
        }
    });
}

#[test]
fn shutdown_finishes_requests_in_progress() {
    let world = World::new();
    let clinician = world.alpha().clinician();
    let patient = clinician.registers(&world.person());
    let schema = world.schema("alpha");
    let mut holder = world.sql();
    execute(&mut holder, &format!("BEGIN; SELECT FROM {schema}.patient WHERE id = '{}' FOR UPDATE", patient.id));
    std::thread::scope(|threads| {
        let waiting = threads.spawn(|| clinician.changes(&patient, 1, &json!({"language": "en"})));
        world.within(Duration::from_secs(5), || {
            let held = world.number(
                "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            );
            (held > 0).then_some(())
        });
        world.stops();
        world.within(Duration::from_secs(5), || TcpStream::connect(world.address).is_err().then_some(()));
        execute(&mut holder, "COMMIT");
        let answer = waiting.join().expect("an answer").expect(200);
        assert_eq!(answer.text_at("/language"), "en");
    });
    assert_eq!(world.number("SELECT version AS n FROM {alpha}.patient"), 2, "what was answered is stored");
}
