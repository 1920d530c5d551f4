//! `painreg issuer`: whom the platform and its registries trust to identify callers.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::tenant::{settings_in, told};
use super::{Database, Failure, say};

/// Trust issuers of access tokens.
#[derive(Subcommand)]
pub enum Issuer {
    /// Trust an issuer, or change what it is trusted for.
    Add(Add),
}

/// An issuer and who trusts it.
#[derive(Args)]
pub struct Add {
    #[command(flatten)]
    database: Database,
    /// The registry that trusts it. Absent: the platform, for its operators.
    #[arg(long)]
    tenant: Option<String>,
    /// The file with its settings, as JSON.
    file: PathBuf,
}

impl Issuer {
    /// Does what was asked.
    pub fn run(self) -> Result<(), Failure> {
        let Self::Add(it) = self;
        let settings = settings_in(&it.file)?;
        let opened = it.database.open(false)?;
        opened.registry.trust(it.tenant.as_deref(), &settings).map_err(told)?;
        say(&format!("{} is trusted by {}", settings.issuer, it.tenant.as_deref().unwrap_or("the platform")));
        Ok(())
    }
}
