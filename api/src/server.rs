//! The server: what it is made of, when it refuses to start, and how it stops.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use metrics_exporter_prometheus::PrometheusHandle;
use painreg_domain::national_id::Acceptance;
use painreg_tenants::{Registry, StoreError, UnauthenticatedRequest};

use crate::auth::{KeySets, Limits, Verifier};
use crate::courier::Courier;
use crate::frame::{frame, nowhere};
use crate::openapi::SPECIFICATION;
use crate::problem::{Code, Problem};
use crate::worker::InBackground;

/// How the server is to run.
#[derive(Clone)]
pub struct Options {
    /// Where issuers' key files lie.
    pub key_folder: PathBuf,
    /// The address clients use, which proofs of possession name: `https://registry.example.org`.
    pub public_address: String,
    /// Whether national ids must be synthetic (demo, tests) or must not be (production).
    pub acceptance: Acceptance,
    /// Requests a second for one person.
    pub people_per_second: NonZeroU32,
    /// Requests a second for one machine client.
    pub machines_per_second: NonZeroU32,
    /// Worker threads; as many as processors where it is `None`.
    pub workers: Option<usize>,
    /// How long a stop waits for requests that are being answered.
    pub grace: Duration,
    /// Whether it also does what the registries do by themselves.
    pub works: bool,
}

/// What every request can reach.
pub struct State {
    /// The door to every tenant.
    pub registry: Registry,
    /// Checks tokens.
    pub verifier: Verifier,
    /// How fast callers may ask.
    pub limits: Limits,
    /// Callers nobody could identify, not yet written down.
    pub unauthenticated: UnauthenticatedCounter,
    /// Which national ids are accepted.
    pub acceptance: Acceptance,
    /// The address clients use.
    pub public_address: String,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
}

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A route has no row in the policy table, or tells a wrong action.
    #[error("operation `{0}` has no row in the policy table")]
    Unlisted(String),
    /// The address is taken or not ours.
    #[error("cannot listen: {0}")]
    Listen(#[from] std::io::Error),
}

/// Counts refused requests until the keeper writes them down, at most a second later.
#[derive(Default)]
pub struct UnauthenticatedCounter(Mutex<HashMap<UnauthenticatedRequest, i64>>);

impl UnauthenticatedCounter {
    /// At most this many different requests are kept apart; the rest are counted together.
    const APART: usize = 1000;

    /// One more.
    pub fn count(&self, mut request: UnauthenticatedRequest) {
        metrics::counter!("painreg_requests_total").increment(1);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= Self::APART && !counts.contains_key(&request) {
            "many".clone_into(&mut request.origin);
            "many".clone_into(&mut request.operation);
        }
        *counts.entry(request).or_insert(0) += 1;
    }

    fn take(&self) -> Vec<(UnauthenticatedRequest, i64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).drain().collect()
    }

    fn put_back(&self, counts: Vec<(UnauthenticatedRequest, i64)>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (request, count) in counts {
            *held.entry(request).or_insert(0) += count;
        }
    }
}

/// A server that answers.
pub struct Running {
    /// Where.
    pub address: SocketAddr,
    /// Stops it: requests that are being answered are finished, new ones refused.
    pub handle: actix_web::dev::ServerHandle,
    /// Resolves when it has stopped.
    pub server: actix_web::dev::Server,
    /// Works as long as it is kept.
    pub worker: Option<InBackground>,
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
        acceptance: options.acceptance,
        public_address: options.public_address.clone(),
        metrics: recorder(),
        registry,
    });
    let address = listener.local_addr()?;
    let worker = options
        .works
        .then(|| InBackground::start(state.registry.clone(), Courier::new(options.acceptance)))
        .transpose()?;
    let shared = state.clone();
    let mut server = HttpServer::new(move || {
        App::new()
            .wrap(from_fn(frame))
            .app_data(shared.clone())
            .app_data(web::PathConfig::default().error_handler(|_, _| Problem::from(Code::NotFound).into()))
            .app_data(web::QueryConfig::default().error_handler(|_, _| Problem::from(Code::InvalidParameter).into()))
            .configure(crate::routes::all)
            .configure(crate::routes::service::documentation)
            .default_service(web::to(nowhere))
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
    keep(state);
    Ok(Running { address, handle: server.handle(), server, worker })
}

/// What is done every second, and every hour: noticing changed tenants, writing requests down, tidying.
fn keep(state: web::Data<State>) {
    let weak = Arc::downgrade(&state.into_inner());
    std::thread::Builder::new()
        .name("keeper".to_owned())
        .spawn(move || {
            let mut seconds = 0_u64;
            loop {
                std::thread::sleep(Duration::from_secs(1));
                seconds += 1;
                let Some(state) = weak.upgrade() else { return };
                tidy(&state, seconds);
            }
        })
        .map_or_else(|error| tracing::error!(%error, "the keeper does not run"), |_| ());
}

fn tidy(state: &State, seconds: u64) {
    let told = |what: &'static str, result: Result<(), StoreError>| {
        if let Err(error) = result {
            tracing::warn!(%error, what, "will be tried again");
        }
    };
    told("noticing changed tenants", state.registry.refresh());
    let counts = state.unauthenticated.take();
    if !counts.is_empty()
        && let Err(error) = state.registry.record_unauthenticated(counts.clone())
    {
        tracing::warn!(%error, "refused requests will be written down later");
        state.unauthenticated.put_back(counts);
    }
    #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "a gauge is a float; counts are small")]
    metrics::gauge!("painreg_database_connections").set(state.registry.open_connections() as f64);
    if seconds.is_multiple_of(60) {
        state.limits.tidy();
    }
    if seconds % 3600 == 60 {
        told("forgetting old answers", state.registry.remove_expired_replies().map(|_| ()));
    }
}

/// One recorder a process, however many servers (tests start several).
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
                tracing::warn!("another recorder of metrics is in place");
            }
            handle
        })
        .clone()
}
