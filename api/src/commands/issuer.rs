//! `painreg issuer`: the issuers of access tokens that the platform and its registries trust.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::tenant::{failure_of, settings_in};
use super::{Database, Failure, Prepare, say};

/// Trust issuers of access tokens.
#[derive(Subcommand)]
pub enum Issuer {
    /// Trust an issuer, or replace its settings.
    Add(Add),
}

/// Options of a trusted issuer.
#[derive(Args)]
pub struct Add {
    #[command(flatten)]
    database: Database,
    /// The registry that trusts the issuer. Default: the platform, for operators.
    #[arg(long)]
    tenant: Option<String>,
    /// The file with the issuer's settings, as JSON.
    file: PathBuf,
}

impl Issuer {
    /// Runs the subcommand.
    pub fn run(self) -> Result<(), Failure> {
        let Self::Add(it) = self;
        let settings = settings_in(&it.file)?;
        let opened = it.database.open(Prepare::Nothing)?;
        opened.registry.trust(it.tenant.as_deref(), &settings).map_err(failure_of)?;
        say(&format!("{} is trusted by {}", settings.issuer, it.tenant.as_deref().unwrap_or("the platform")));
        Ok(())
    }
}
