//! `painreg migrate`: migrates the platform, then every registry.

use clap::Args;

use super::{Database, Failure, Prepare, say};

/// Migrate the platform and every registry to this version.
#[derive(Args)]
pub struct Migrate {
    #[command(flatten)]
    database: Database,
    /// Continue with the next registry when one fails.
    #[arg(long)]
    go_on: bool,
}

impl Migrate {
    /// Migrates all registries; fails if one of them did.
    pub fn run(self) -> Result<(), Failure> {
        let opened = self.database.open(Prepare::Schema)?;
        one_or_all(&opened.registry, None, self.go_on)
    }
}

pub(super) fn one_or_all(registry: &painreg_tenants::Registry, only: Option<&str>, go_on: bool) -> Result<(), Failure> {
    use painreg_tenants::migrate::Outcome;
    say(&format!("{:<40} {:<18} {:<18} outcome", "registry", "from", "to"));
    let done = registry.migrate(only, go_on, |row| {
        let why = match &row.outcome {
            Outcome::Failed(why) => format!(": {why}"),
            _ => String::new(),
        };
        say(&format!("{:<40} {:<18} {:<18} {}{why}", row.slug, row.from, row.to, row.outcome.word()));
    })?;
    let failed = done.iter().filter(|row| matches!(row.outcome, Outcome::Failed(_))).count();
    if failed == 0 {
        Ok(())
    } else {
        Err(format!("{failed} registries could not be migrated; they are unchanged").into())
    }
}
