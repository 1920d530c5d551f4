//! `painreg worker`: runs background jobs in a separate process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use super::{Database, Environment, Failure, Opened, Prepare, say};
use crate::webhook_sender::WebhookSender;

/// Run the background jobs: follow-up decisions, positions of events, deliveries to webhooks, long operations.
///
/// `serve` runs them too, unless `--without-worker` is set. Any number of workers share the work; each job runs once.
#[derive(Args)]
pub struct Worker {
    #[command(flatten)]
    database: Database,
    /// The environment: in `test`, webhooks may have addresses of this machine.
    #[arg(long, env = "PAINREG_ENVIRONMENT", value_enum, default_value = "production")]
    environment: Environment,
}

impl Worker {
    /// Works until SIGTERM or SIGINT.
    pub fn run(self) -> Result<(), Failure> {
        let Opened { registry, local } = self.database.open(Prepare::Nothing)?;
        registry.check_database()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stop_worker = Arc::clone(&stop);
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(super::serve::stop_signal());
            stop_worker.store(true, Ordering::Relaxed);
        });
        say("Running background jobs until SIGTERM.");
        let sender = WebhookSender::new(self.environment.acceptance());
        crate::worker::work(&registry, &sender, &stop);
        if let Some(local) = local {
            local.stop();
        }
        Ok(())
    }
}
