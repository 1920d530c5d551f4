//! `painreg token`: signs tokens of the demonstration's issuer, which no production registry trusts.

use std::path::PathBuf;

use clap::Args;
use painreg_domain::policy::Role;
use painreg_tenants::Clock;

use super::demo_issuer::{DemoKey, Wanted};
use super::{Failure, say};

/// Sign an access token of the demonstration's issuer.
#[derive(Args)]
pub struct Token {
    /// The folder of the demonstration.
    #[arg(long, env = "PAINREG_FOLDER", default_value = ".painreg")]
    folder: PathBuf,
    /// The role, such as `clinician`; `operator` has no registry.
    #[arg(long)]
    role: Role,
    /// The registry's slug; an operator has none.
    #[arg(long)]
    tenant: Option<String>,
    /// The subject of the token.
    #[arg(long)]
    subject: Option<String>,
    /// The caller's unit.
    #[arg(long)]
    unit: Option<String>,
    /// The patient's id in the registry, for the role `patient`.
    #[arg(long)]
    patient: Option<String>,
    /// The lifetime of the token in hours.
    #[arg(long, default_value = "12")]
    hours: u16,
}

impl Token {
    /// Prints a signed token.
    pub fn run(self) -> Result<(), Failure> {
        let operator = self.role == Role::Operator;
        if operator == self.tenant.is_some() {
            return Err("every role but `operator` belongs to a registry: say which with --tenant".into());
        }
        let key = DemoKey::in_folder(&self.folder)?;
        let wanted = Wanted {
            tenant: self.tenant.as_deref(),
            role: self.role,
            subject: self.subject.as_deref(),
            unit: self.unit.as_deref(),
            patient: self.patient.as_deref(),
            seconds: i64::from(self.hours) * 3600,
        };
        say(&key.sign(&wanted, Clock::system().now())?);
        Ok(())
    }
}
