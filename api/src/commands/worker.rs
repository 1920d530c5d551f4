//! `painreg worker`: what the registry does by itself, in a process of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use super::{Database, Environment, Failure, Opened, say};
use crate::webhook_sender::WebhookSender;

/// Do what the registries do by themselves: decide what a new day, plan or list asks to be decided again.
///
/// `serve` does so too, unless told not to; any number of workers at once do each thing once.
#[derive(Args)]
pub struct Worker {
    #[command(flatten)]
    database: Database,
    /// Which national ids are accepted: with synthetic ones only, webhooks may lead to this machine itself.
    #[arg(long, env = "PAINREG_ENVIRONMENT", value_enum, default_value = "production")]
    environment: Environment,
}

impl Worker {
    /// Works until SIGTERM or SIGINT.
    pub fn run(self) -> Result<(), Failure> {
        let Opened { registry, local } = self.database.open(false)?;
        registry.check_database()?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(super::serve::stop_signal());
            told.store(true, Ordering::Relaxed);
        });
        say("Working; stop with SIGTERM.");
        crate::worker::work(&registry, &WebhookSender::new(self.environment.acceptance()), &stop);
        if let Some(local) = local {
            local.stop();
        }
        Ok(())
    }
}
