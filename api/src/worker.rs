//! What the registry does by itself, for every tenant in turn, as the system: it decides what a new day, a new plan or a new
//! list asks to be decided again, and tells webhooks what happened. It goes through the same door as every request; it must
//! not know how a job is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use painreg_domain::policy::Action;
use painreg_tenants::app;
use painreg_tenants::store::{decisions, operations, webhooks};
use painreg_tenants::{Registry, StoreError, TenantScope, UnauditedTx};

use crate::courier::Courier;

/// How long the first hand of a job rests when there is nothing to do anywhere; the second twice as long, and so on.
const REST: Duration = Duration::from_secs(5);
/// How long one tenant's work goes on, from stretch to stretch, before the next tenant's turn.
const TURN: Duration = Duration::from_secs(5);

/// A job: its name in logs and metrics, whether there is anything to do, and a stretch of it: whether there is more.
struct Job {
    name: &'static str,
    /// How many are at it at once, of one registry too.
    hands: u32,
    is_waiting: fn(&mut UnauditedTx<'_>) -> Result<bool, StoreError>,
    step: fn(&TenantScope, &Courier) -> Result<bool, StoreError>,
}

/// Everything it does.
const JOBS: &[Job] = &[
    Job {
        name: "follow_up",
        hands: 2,
        is_waiting: decisions::is_waiting,
        step: |scope, _| scope.run(Action::RunFollowUp, |tx| decisions::step(tx).map(|step| step.more)),
    },
    Job { name: "operations", hands: 1, is_waiting: operations::is_waiting, step: |scope, _| run_operation(scope) },
    Job { name: "webhooks", hands: 4, is_waiting: webhooks::is_waiting, step: |scope, courier| courier.step(scope) },
];

/// Runs one stretch of the operation that has been due the longest. Returns whether there may be more to do.
fn run_operation(scope: &TenantScope) -> Result<bool, StoreError> {
    let Some((operation, kind)) = scope.run_unaudited(operations::next_due)? else { return Ok(false) };
    let action = app::operations::action(kind);
    if let Err(error) = scope.run(action, |tx| app::operations::run_stretch(tx, operation)) {
        tracing::warn!(%error, %operation, %kind, tenant = scope.tenant().slug, "operation stretch failed");
        scope.run(action, |tx| app::operations::record_failure(tx, operation, &error))?;
    }
    Ok(true)
}

/// Works until told to stop, each job by itself: whoever waits for a receiver holds up nobody who decides. Several at once,
/// in one process or many, do each thing once.
pub fn work(registry: &Registry, courier: &Courier, stop: &AtomicBool) {
    std::thread::scope(|hands| {
        for job in JOBS {
            for hand in 1..=job.hands {
                hands.spawn(move || keep_at(job, REST * hand, registry, courier, stop));
            }
        }
    });
}

/// Does everything that is to be done by now, once.
pub fn catch_up(registry: &Registry, courier: &Courier) {
    let stop = AtomicBool::new(false);
    while JOBS.iter().any(|job| round(job, registry, courier, &stop)) {}
}

fn keep_at(job: &Job, rests: Duration, registry: &Registry, courier: &Courier, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        if let Err(error) = registry.refresh() {
            tracing::warn!(%error, "changed tenants will be noticed later");
        }
        if !round(job, registry, courier, stop) {
            rest(rests, stop);
        }
    }
}

/// One turn of every tenant; whether anything was left to do. What fails for one does not hold up the others.
fn round(job: &Job, registry: &Registry, courier: &Courier, stop: &AtomicBool) -> bool {
    let mut more = false;
    for scope in registry.worker_scopes() {
        if stop.load(Ordering::Relaxed) {
            return false;
        }
        match turn(job, &scope, courier) {
            Ok(left) => more |= left,
            Err(error) => {
                metrics::counter!("painreg_jobs_failed_total", "job" => job.name).increment(1);
                tracing::warn!(%error, job = job.name, registry = scope.tenant().slug, "will be tried again");
            }
        }
    }
    more
}

fn turn(job: &Job, scope: &TenantScope, courier: &Courier) -> Result<bool, StoreError> {
    if !scope.run_unaudited(job.is_waiting)? {
        return Ok(false);
    }
    let started = Instant::now();
    while started.elapsed() < TURN {
        metrics::counter!("painreg_job_steps_total", "job" => job.name).increment(1);
        if !(job.step)(scope, courier)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn rest(rests: Duration, stop: &AtomicBool) {
    const BLINK: Duration = Duration::from_millis(100);
    let mut rested = Duration::ZERO;
    while rested < rests && !stop.load(Ordering::Relaxed) {
        std::thread::sleep(BLINK);
        rested += BLINK;
    }
}

/// A worker in a thread of its own, until the value is dropped.
pub struct InBackground(Arc<AtomicBool>, Option<std::thread::JoinHandle<()>>);

impl InBackground {
    /// Starts it.
    pub fn start(registry: Registry, courier: Courier) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread =
            std::thread::Builder::new().name("worker".to_owned()).spawn(move || work(&registry, &courier, &told))?;
        Ok(Self(stop, Some(thread)))
    }
}

impl Drop for InBackground {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        if let Some(thread) = self.1.take()
            && thread.join().is_err()
        {
            tracing::error!("the worker panicked");
        }
    }
}
