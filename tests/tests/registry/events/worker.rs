//! The worker gives positions when something is committed, in its own process or in another, not in turns.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use painreg_api::webhook_sender::WebhookSender;
use painreg_api::worker::work;
use painreg_domain::national_id::Acceptance;
use painreg_tenants::Registry;
use painreg_tests::{Cluster, Setup, World};

use super::positions::{gapless, until_numbered};

/// The worker visits every registry once a minute; what is seen within this time is seen because of the commit.
const SOON: Duration = Duration::from_secs(25);

/// Registers two patients, one after the other: the first may be found by the worker's first visit, the second not.
fn commits_are_followed(world: &World) {
    for count in 1..=2 {
        world.alpha().clinician().registers(&world.person());
        until_numbered(world, SOON);
        assert!(gapless(world) >= count);
    }
}

#[test]
fn worker_follows_the_commits_of_its_process() {
    commits_are_followed(&World::with(&Setup { works: true, ..Setup::default() }));
}

#[test]
fn worker_follows_the_commits_of_another_process() {
    let world = World::new();
    let settings = Cluster::shared().settings(world.database(), world.clock.clone());
    let registry = Registry::open(settings).expect("a registry");
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| work(&registry, &WebhookSender::new(Acceptance::Test), &stop));
        let followed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| commits_are_followed(&world)));
        stop.store(true, Ordering::Relaxed);
        followed.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}
