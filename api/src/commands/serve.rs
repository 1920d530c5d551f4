//! `painreg serve`: the API until it is told to stop.

use std::net::TcpListener;

use clap::Args;
use painreg_domain::national_id::Acceptance;

use super::{Database, Environment, Failure, Listening, Opened, say};
use crate::server;

/// Serve the API.
#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    listening: Listening,
    /// Which national ids are accepted.
    #[arg(long, env = "PAINREG_ENVIRONMENT", value_enum, default_value = "production")]
    environment: Environment,
}

impl Serve {
    /// Serves until SIGTERM or SIGINT.
    pub fn run(self) -> Result<(), Failure> {
        let acceptance = self.environment.acceptance();
        let opened = self.database.open(false)?;
        // A database that loses writes is not served from: the start says why instead of every request.
        opened.registry.check_database()?;
        if acceptance == Acceptance::Production && !opened.registry.issuers(super::keys::ISSUER).is_empty() {
            return Err("this database trusts the demonstration's issuer; serve it with --environment test only".into());
        }
        let listener = TcpListener::bind(&self.listening.listen)
            .map_err(|error| format!("cannot listen on {}: {error}", self.listening.listen))?;
        until_stopped(opened, &self.database, &self.listening, acceptance, listener, |address| {
            say(&format!("Serving at http://{address}; documentation at http://{address}/docs/"));
        })
    }
}

/// Serves on `listener` until SIGTERM or SIGINT, then finishes what is being answered. `ready` is told the address.
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
    let options = listening.options(database, acceptance, address);
    let result = actix_web::rt::System::new().block_on(async move {
        let running = server::start(registry, &options, listener)?;
        let handle = running.handle.clone();
        actix_web::rt::spawn(async move {
            stop_signal().await;
            tracing::debug!("stopping: requests that are being answered are finished");
            handle.stop(true).await;
        });
        ready(address);
        let stopped = running.server.await.map_err(Failure::from);
        drop(running.worker);
        stopped
    });
    // The database goes last.
    if let Some(local) = local {
        local.stop();
    }
    result
}

pub(super) async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        tracing::error!("signals cannot be received; stop the process by force");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
}
