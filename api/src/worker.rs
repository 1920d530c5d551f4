//! Background jobs, for every tenant in turn, as the system: follow-up decisions that a new day, plan or list makes
//! stale, positions of events, and deliveries to webhooks. Jobs go through the same scopes as requests; how a job is done is
//! not known here. Jobs about events do not wait for their turn: a commit is news, in this process or heard from another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use painreg_domain::ids::TenantId;
use painreg_domain::policy::Action;
use painreg_tenants::app;
use painreg_tenants::store::{operations, sequencer, sweep, webhooks};
use painreg_tenants::{Registry, StoreError, TenantScope, UnauditedTx, Wire};

use crate::interruptions::Interruptions;
use crate::webhook_sender::WebhookSender;

/// How often a waiting thread looks for news and for the order to stop. No round trip.
const GLANCE: Duration = Duration::from_millis(100);
/// The name of the thread that hears news of other processes.
const NEWS: (&str, u32) = ("news", 1);
/// The longest time spent on one tenant before the next.
const TENANT_BUDGET: Duration = Duration::from_secs(5);

/// A job: its name in logs and metrics, whether a tenant has work, and one step, which returns whether there is more.
struct Job {
    name: &'static str,
    /// Threads, also on one tenant.
    threads: u32,
    /// The pause of the first thread when no tenant has work; the n-th thread pauses n times as long.
    pause: Duration,
    /// Whether news of a tenant ends the pause of the first thread, for that tenant.
    follows_news: bool,
    is_waiting: fn(&mut UnauditedTx<'_>) -> Result<bool, StoreError>,
    step: fn(&TenantScope, &WebhookSender) -> Result<bool, StoreError>,
}

/// The jobs of every worker.
const JOBS: &[Job] = &[
    Job {
        name: "follow_up",
        threads: 2,
        pause: Duration::from_secs(5),
        follows_news: false,
        is_waiting: sweep::is_waiting,
        step: |scope, _| scope.run(Action::RunFollowUp, |tx| sweep::step(tx).map(|step| step.more)),
    },
    Job {
        name: "operations",
        threads: 1,
        pause: Duration::from_secs(5),
        follows_news: false,
        is_waiting: operations::is_waiting,
        step: |scope, _| run_operation(scope),
    },
    // The sweep finds what a process that was killed has committed without saying so.
    Job {
        name: "sequence",
        threads: 1,
        pause: Duration::from_mins(1),
        follows_news: true,
        is_waiting: sequencer::is_waiting,
        step: |scope, _| scope.sequence(),
    },
    // The sweep finds deliveries to be tried again.
    Job {
        name: "webhooks",
        threads: 4,
        pause: Duration::from_secs(5),
        follows_news: true,
        is_waiting: webhooks::is_waiting,
        step: |scope, sender| sender.step(scope),
    },
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
/// workers, in one process or many, do each thing once. A thread that panics is started again.
pub fn work(registry: &Registry, sender: &WebhookSender, stop: &AtomicBool) {
    work_noting(registry, sender, &Interruptions::default(), stop);
}

fn work_noting(registry: &Registry, sender: &WebhookSender, interruptions: &Interruptions, stop: &AtomicBool) {
    let pause = |pause| {
        wait(pause, stop, || false);
        !stop.load(Ordering::Relaxed)
    };
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let hear = |wire: &mut Wire| {
                interruptions.is_working(NEWS);
                registry.hear(wire)
            };
            interruptions.keep_running(NEWS, pause, || on_wire(stop, Registry::listen, hear, registry));
        });
        for job in JOBS {
            for number in 1..=job.threads {
                let thread = (job.name, number);
                let seen = move || interruptions.is_working(thread);
                let run = move || run_loop(job, number, registry, sender, &seen, stop);
                threads.spawn(move || interruptions.keep_running(thread, pause, run));
            }
        }
    });
}

/// Announces the news of this process to the workers of others, until `stop` is set.
fn announce(registry: &Registry, stop: &AtomicBool) {
    let mut seen = 0;
    let each = |wire: &mut Wire| {
        let (latest, tenants) = registry.news_since(seen);
        if !tenants.is_empty() {
            registry.announce(wire, &tenants)?;
        }
        seen = latest;
        Ok(())
    };
    on_wire(stop, Registry::wire, each, registry);
}

/// Does `each` at every glance on a wire, which is opened again where it breaks.
fn on_wire(
    stop: &AtomicBool,
    open: fn(&Registry) -> Result<Wire, StoreError>,
    mut each: impl FnMut(&mut Wire) -> Result<(), StoreError>,
    registry: &Registry,
) {
    const RETRY: Duration = Duration::from_secs(1);
    while !stop.load(Ordering::Relaxed) {
        let done = open(registry).and_then(|mut wire| {
            while !stop.load(Ordering::Relaxed) {
                each(&mut wire)?;
                std::thread::sleep(GLANCE);
            }
            Ok(())
        });
        if let Err(error) = done {
            tracing::warn!(%error, "connection for news between processes failed; retried");
            wait(RETRY, stop, || false);
        }
    }
}

/// Does everything that is due now, once.
pub fn catch_up(registry: &Registry, sender: &WebhookSender) {
    let stop = AtomicBool::new(false);
    while JOBS.iter().any(|job| round(job, registry, None, sender, &stop)) {}
}

fn run_loop(
    job: &Job,
    number: u32,
    registry: &Registry,
    sender: &WebhookSender,
    has_worked: &impl Fn(),
    stop: &AtomicBool,
) {
    // Before the first round: news during a round is not missed.
    let (mut seen, _) = registry.news_since(u64::MAX);
    while !stop.load(Ordering::Relaxed) {
        if let Err(error) = registry.refresh() {
            tracing::warn!(%error, "refresh of tenants failed; retried in the next round");
        }
        let more = round(job, registry, None, sender, stop);
        has_worked();
        if more {
            continue;
        }
        wait(job.pause * number, stop, || {
            if number > 1 || !job.follows_news {
                return false;
            }
            let (latest, tenants) = registry.news_since(seen);
            seen = latest;
            !tenants.is_empty() && round(job, registry, Some(&tenants), sender, stop)
        });
    }
}

/// Works once on every tenant, or on those of `only`; returns whether work is left. A failure of one tenant does not
/// delay the others.
fn round(job: &Job, registry: &Registry, only: Option<&[TenantId]>, sender: &WebhookSender, stop: &AtomicBool) -> bool {
    let mut more = false;
    registry.begin_job(job.name);
    let mut scopes = registry.worker_scopes();
    scopes.retain(|scope| only.is_none_or(|only| only.contains(&scope.tenant().id)));
    for scope in scopes {
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

/// Waits for a pause, until `stop` is set, or until `is_over` at a glance.
fn wait(pause: Duration, stop: &AtomicBool, mut is_over: impl FnMut() -> bool) {
    let started = Instant::now();
    while started.elapsed() < pause && !stop.load(Ordering::Relaxed) && !is_over() {
        std::thread::sleep(GLANCE);
    }
}

/// A thread of background work; dropping the value stops it.
pub struct InBackground(Arc<AtomicBool>, Option<std::thread::JoinHandle<()>>);

impl InBackground {
    /// Starts a worker.
    pub(crate) fn work(
        registry: Registry,
        sender: WebhookSender,
        interruptions: Arc<Interruptions>,
    ) -> std::io::Result<Self> {
        Self::start("worker", move |stop| work_noting(&registry, &sender, &interruptions, stop))
    }

    /// Starts to announce the news of this process, where no worker runs in it.
    pub fn announce(registry: Registry) -> std::io::Result<Self> {
        Self::start("announcer", move |stop| announce(&registry, stop))
    }

    fn start(name: &str, work: impl FnOnce(&AtomicBool) + Send + 'static) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || work(&seen))?;
        Ok(Self(stop, Some(thread)))
    }
}

impl Drop for InBackground {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        if let Some(thread) = self.1.take()
            && thread.join().is_err()
        {
            tracing::error!("background thread panicked");
        }
    }
}
