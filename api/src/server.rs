//! The server: options, start-up checks, maintenance, stop.

use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use metrics_exporter_prometheus::PrometheusHandle;
use painreg_domain::national_id::Acceptance;
use painreg_tenants::local::Watch;
use painreg_tenants::{Registry, StoreError};

use crate::auth::{KeySets, Limits, Verifier};
use crate::interruptions::Interruptions;
use crate::middleware::middleware;
use crate::openapi::SPECIFICATION;
use crate::problem::{Code, Problem};
use crate::routes::service::not_found::not_found;
use crate::state::{State, UnauthenticatedCounter};
use crate::webhook_sender::WebhookSender;
use crate::worker::InBackground;

/// The settings of a server.
#[derive(Clone)]
pub struct Options {
    /// The folder of issuers' key files.
    pub key_folder: PathBuf,
    /// The address clients use, which proofs of possession name: `https://registry.example.org`.
    pub public_address: String,
    /// Whether national ids must be synthetic (demo, tests) or must not be (production).
    pub acceptance: Acceptance,
    /// Requests a second for one person.
    pub people_per_second: NonZeroU32,
    /// Requests a second for one machine client.
    pub machines_per_second: NonZeroU32,
    /// Worker threads; `None`: the number of processors.
    pub workers: Option<usize>,
    /// How long a stop waits for requests in progress.
    pub grace: Duration,
    /// Whether background jobs run in this process too.
    pub works: bool,
    /// Knows whether the private PostgreSQL runs; `None` with a database that others run.
    pub private_database: Option<Watch>,
}

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An operation has no action of the policy table.
    #[error("operation `{0}` has no row in the policy table")]
    Unlisted(String),
    /// The address cannot be bound.
    #[error("cannot listen: {0}")]
    Listen(#[from] std::io::Error),
}

/// A running server.
pub struct Running {
    /// The address it listens on.
    pub address: SocketAddr,
    /// Stops it: requests in progress are finished, new ones refused.
    pub handle: actix_web::dev::ServerHandle,
    /// Resolves when it has stopped.
    pub server: actix_web::dev::Server,
    /// The background worker, or what announces to others that there is work; dropping it stops it.
    pub background: InBackground,
}

/// Starts the server on an open listener.
pub fn start(registry: Registry, options: &Options, listener: TcpListener) -> Result<Running, ServeError> {
    if let Some(unlisted) = SPECIFICATION.operations.unlisted() {
        return Err(ServeError::Unlisted(unlisted));
    }
    let keys = Arc::new(KeySets::new(options.key_folder.clone(), registry.clock().clone()));
    let state = web::Data::new(State {
        verifier: Verifier::new(registry.clone(), keys, options.acceptance),
        limits: Limits::new(options.people_per_second, options.machines_per_second),
        unauthenticated: UnauthenticatedCounter::default(),
        operations: &SPECIFICATION.operations,
        specification: &SPECIFICATION.json,
        acceptance: options.acceptance,
        public_address: options.public_address.clone(),
        metrics: recorder(),
        interruptions: Arc::default(),
        private_database: options.private_database.clone(),
        registry,
    });
    let address = listener.local_addr()?;
    let background = if options.works {
        let sender = WebhookSender::new(options.acceptance);
        InBackground::work(state.registry.clone(), sender, Arc::clone(&state.interruptions))?
    } else {
        InBackground::announce(state.registry.clone())?
    };
    let shared = state.clone();
    let mut server = HttpServer::new(move || {
        App::new()
            .wrap(from_fn(middleware))
            .app_data(shared.clone())
            .app_data(web::PathConfig::default().error_handler(|_, _| Problem::from(Code::NotFound).into()))
            .configure(crate::routes::all)
            .configure(crate::routes::service::documentation)
            .default_service(web::to(not_found))
    })
    .client_request_timeout(Duration::from_secs(5))
    .client_disconnect_timeout(Duration::from_secs(2))
    .keep_alive(Duration::from_secs(30))
    .shutdown_timeout(options.grace.as_secs())
    .disable_signals();
    if let Some(workers) = options.workers {
        server = server.workers(workers);
    }
    let server = server.listen(listener)?.run();
    start_maintenance(state);
    Ok(Running { address, handle: server.handle(), server, background })
}

/// Starts the thread that refreshes tenants, stores counts of unauthenticated requests and deletes expired data.
fn start_maintenance(state: web::Data<State>) {
    const THREAD: (&str, u32) = ("maintenance", 1);
    let interruptions = Arc::clone(&state.interruptions);
    let weak = Arc::downgrade(&state.into_inner());
    let mut seconds = 0_u64;
    let pause = |pause| {
        std::thread::sleep(pause);
        true
    };
    let mut run = move |interruptions: &Interruptions| {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            seconds += 1;
            let Some(state) = weak.upgrade() else { return };
            maintenance(&state, seconds);
            interruptions.is_working(THREAD);
        }
    };
    std::thread::Builder::new()
        .name(THREAD.0.to_owned())
        .spawn(move || interruptions.keep_running(THREAD, pause, || run(&interruptions)))
        .map_or_else(|error| tracing::error!(%error, "maintenance thread not started"), |_| ());
}

/// Does what is due in this second of the server's life.
fn maintenance(state: &State, seconds: u64) {
    let retry = |task: &'static str, result: Result<(), StoreError>| {
        if let Err(error) = result {
            tracing::warn!(%error, task, "maintenance task failed; retried");
        }
    };
    state.registry.begin_job("maintenance");
    retry("refresh tenants", state.registry.refresh());
    let counts = state.unauthenticated.take();
    if !counts.is_empty()
        && let Err(error) = state.registry.record_unauthenticated(counts.clone())
    {
        tracing::warn!(%error, "storing counts of unauthenticated requests failed; retried with the next batch");
        state.unauthenticated.put_back(counts);
    }
    #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "a gauge is a float; counts are small")]
    metrics::gauge!("painreg_database_connections").set(state.registry.open_connections() as f64);
    if seconds.is_multiple_of(60) {
        state.limits.tidy();
    }
    if seconds % 3600 == 60 {
        retry("delete expired idempotency keys", state.registry.remove_expired_replies().map(|_| ()));
    }
}

/// Returns the metrics recorder of the process; tests start several servers in one.
fn recorder() -> PrometheusHandle {
    static RECORDER: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    RECORDER
        .get_or_init(|| {
            let recorder = metrics_exporter_prometheus::PrometheusBuilder::new()
                .set_buckets(&[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0])
                .map_or_else(
                    |_| metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder(),
                    metrics_exporter_prometheus::PrometheusBuilder::build_recorder,
                );
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("metrics recorder not installed: the process has another one");
            }
            handle
        })
        .clone()
}
