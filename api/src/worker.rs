//! Background jobs, for every tenant in turn, as the system: follow-up decisions that a new day, plan or list makes
//! stale, and deliveries to webhooks. Jobs go through the same scopes as requests; how a job is done is not known here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use painreg_domain::policy::Action;
use painreg_tenants::app;
use painreg_tenants::store::{operations, sweep, webhooks};
use painreg_tenants::{Registry, StoreError, TenantScope, UnauditedTx};

use crate::interruptions::Interruptions;
use crate::webhook_sender::WebhookSender;

/// The pause of a job's first thread when no tenant has work; the n-th thread pauses n times as long.
const IDLE_POLL: Duration = Duration::from_secs(5);
/// The longest time spent on one tenant before the next.
const TENANT_BUDGET: Duration = Duration::from_secs(5);

/// A job: its name in logs and metrics, whether a tenant has work, and one step, which returns whether there is more.
struct Job {
    name: &'static str,
    /// Threads, also on one tenant.
    threads: u32,
    is_waiting: fn(&mut UnauditedTx<'_>) -> Result<bool, StoreError>,
    step: fn(&TenantScope, &WebhookSender) -> Result<bool, StoreError>,
}

/// The jobs of every worker.
const JOBS: &[Job] = &[
    Job {
        name: "follow_up",
        threads: 2,
        is_waiting: sweep::is_waiting,
        step: |scope, _| scope.run(Action::RunFollowUp, |tx| sweep::step(tx).map(|step| step.more)),
    },
    Job { name: "operations", threads: 1, is_waiting: operations::is_waiting, step: |scope, _| run_operation(scope) },
    Job { name: "webhooks", threads: 4, is_waiting: webhooks::is_waiting, step: |scope, sender| sender.step(scope) },
];

/// Runs one stretch of the operation that has been due the longest. Returns whether there may be more to do.
fn run_operation(scope: &TenantScope) -> Result<bool, StoreError> {
    let Some((operation, kind)) = scope.run_unaudited(operations::next_due)? else { return Ok(false) };
    let action = app::operations::action(kind);
    if let Err(error) = scope.run(action, |tx| app::operations::run_stretch(tx, operation)) {
        tracing::warn!(%error, %operation, %kind, "operation stretch failed");
        scope.run(action, |tx| app::operations::record_failure(tx, operation, &error))?;
    }
    Ok(true)
}

/// Works until `stop` is set. Each job has its own threads, so that slow receivers do not delay decisions. Several
/// workers, in one process or many, do each thing once.
/// A thread that panics is started again.
pub(crate) fn work(registry: &Registry, sender: &WebhookSender, interruptions: &Interruptions, stop: &AtomicBool) {
    std::thread::scope(|threads| {
        for job in JOBS {
            for number in 1..=job.threads {
                let thread = (job.name, number);
                let seen = move || interruptions.is_working(thread);
                let run = move || run_loop(job, IDLE_POLL * number, registry, sender, &seen, stop);
                let pause = move |pause| wait(pause, stop);
                threads.spawn(move || interruptions.keep_running(thread, pause, run));
            }
        }
    });
}

/// Does everything that is due now, once.
pub fn catch_up(registry: &Registry, sender: &WebhookSender) {
    let stop = AtomicBool::new(false);
    while JOBS.iter().any(|job| round(job, registry, sender, &stop)) {}
}

fn run_loop(
    job: &Job,
    pause: Duration,
    registry: &Registry,
    sender: &WebhookSender,
    seen: &impl Fn(),
    stop: &AtomicBool,
) {
    while !stop.load(Ordering::Relaxed) {
        if let Err(error) = registry.refresh() {
            tracing::warn!(%error, "refresh of tenants failed; retried in the next round");
        }
        let more = round(job, registry, sender, stop);
        seen();
        if !more {
            wait(pause, stop);
        }
    }
}

/// Works on every tenant once; returns whether work is left. A failure of one tenant does not delay the others.
fn round(job: &Job, registry: &Registry, sender: &WebhookSender, stop: &AtomicBool) -> bool {
    let mut more = false;
    registry.begin_job(job.name);
    for scope in registry.worker_scopes() {
        if stop.load(Ordering::Relaxed) {
            return false;
        }
        let span = tracing::error_span!("job", job = job.name, tenant = scope.tenant().slug);
        match span.in_scope(|| run_tenant(job, &scope, sender)) {
            Ok(left) => more |= left,
            Err(error) => {
                metrics::counter!("painreg_jobs_failed_total", "job" => job.name).increment(1);
                span.in_scope(|| tracing::warn!(%error, "job step failed; retried in the next round"));
            }
        }
    }
    more
}

fn run_tenant(job: &Job, scope: &TenantScope, sender: &WebhookSender) -> Result<bool, StoreError> {
    if !scope.run_unaudited(job.is_waiting)? {
        return Ok(false);
    }
    let started = Instant::now();
    while started.elapsed() < TENANT_BUDGET {
        metrics::counter!("painreg_job_steps_total", "job" => job.name).increment(1);
        if !(job.step)(scope, sender)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Waits; returns whether work continues afterwards.
fn wait(pause: Duration, stop: &AtomicBool) -> bool {
    const STOP_POLL: Duration = Duration::from_millis(100);
    let mut waited = Duration::ZERO;
    while waited < pause && !stop.load(Ordering::Relaxed) {
        std::thread::sleep(STOP_POLL);
        waited += STOP_POLL;
    }
    !stop.load(Ordering::Relaxed)
}

/// A worker in a separate thread; dropping the value stops it.
pub struct InBackground(Arc<AtomicBool>, Option<std::thread::JoinHandle<()>>);

impl InBackground {
    /// Starts the thread.
    pub(crate) fn start(
        registry: Registry,
        sender: WebhookSender,
        interruptions: Arc<Interruptions>,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("worker".to_owned())
            .spawn(move || work(&registry, &sender, &interruptions, &seen))?;
        Ok(Self(stop, Some(thread)))
    }
}

impl Drop for InBackground {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        if let Some(thread) = self.1.take()
            && thread.join().is_err()
        {
            tracing::error!("worker panicked");
        }
    }
}
