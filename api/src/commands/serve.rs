//! `painreg serve`: serves the API until SIGTERM or SIGINT.

use std::net::TcpListener;

use clap::Args;
use painreg_domain::national_id::Acceptance;

use super::{Database, Environment, Failure, Listening, Opened, Prepare, say};
use crate::server;

/// Serve the API.
#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    listening: Listening,
    /// The environment: `production` refuses synthetic national ids, `test` accepts no others.
    #[arg(long, env = "PAINREG_ENVIRONMENT", value_enum, default_value = "production")]
    environment: Environment,
}

impl Serve {
    /// Serves until SIGTERM or SIGINT.
    pub fn run(self) -> Result<(), Failure> {
        let acceptance = self.environment.acceptance();
        let opened = self.database.open(Prepare::Nothing)?;
        // The start fails on a database that could lose writes.
        opened.registry.check_database()?;
        if acceptance == Acceptance::Production && !opened.registry.issuers(super::demo_issuer::ISSUER).is_empty() {
            return Err("this database trusts the demonstration's issuer; serve it with --environment test only".into());
        }
        let listener = TcpListener::bind(&self.listening.listen)
            .map_err(|error| format!("cannot listen on {}: {error}", self.listening.listen))?;
        until_stopped(opened, &self.database, &self.listening, acceptance, listener, |address| {
            say(&format!("Serving at http://{address}; documentation at http://{address}/docs/"));
        })
    }
}

/// Serves on `listener` until SIGTERM or SIGINT, then finishes requests in progress. Calls `ready` with the address.
pub(super) fn until_stopped(
    opened: Opened,
    database: &Database,
    listening: &Listening,
    acceptance: Acceptance,
    listener: TcpListener,
    ready: impl FnOnce(std::net::SocketAddr),
) -> Result<(), Failure> {
    let Opened { registry, local } = opened;
    let address = listener.local_addr()?;
    let options = listening.options(database, acceptance, address, local.as_ref());
    let result = actix_web::rt::System::new().block_on(async move {
        let running = server::start(registry, &options, listener)?;
        let handle = running.handle.clone();
        actix_web::rt::spawn(async move {
            stop_signal().await;
            tracing::debug!("stopping after requests in progress");
            handle.stop(true).await;
        });
        ready(address);
        let stopped = running.server.await.map_err(Failure::from);
        drop(running.background);
        stopped
    });
    // The database is stopped last.
    if let Some(local) = local {
        local.stop();
    }
    result
}

pub(super) async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        tracing::error!("signal handlers not installed; only SIGKILL stops the process");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
}
