//! `painreg tenant`: creates, lists and changes registries.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use painreg_domain::organisation_number::OrganisationNumber;
use painreg_domain::policy::Action;
use painreg_tenants::provision::{self, NewTenant, Placement};
use painreg_tenants::store::tenants;
use painreg_tenants::{IssuerSettings, PlatformScope, Principal, Registry, RequestContext, StoreError};

use super::{Database, Failure, Prepare, say};

/// Create, list, suspend, resume, migrate and drop registries.
#[derive(Subcommand)]
pub enum Tenant {
    /// Create a registry from a template.
    Create(Create),
    /// List all registries.
    List(List),
    /// Suspend a registry: requests are refused, all data is kept.
    Suspend(One),
    /// Resume a suspended registry.
    Resume(One),
    /// Migrate one registry to this version.
    Migrate(One),
    /// Drop a suspended registry with all its data. This cannot be undone.
    Drop(Drop),
}

/// Options of a new registry.
#[derive(Args)]
pub struct Create {
    #[command(flatten)]
    database: Database,
    /// The name in paths: lower-case letters, digits and dashes.
    slug: String,
    /// The name for people.
    #[arg(long)]
    name: String,
    /// The hospital trust's organisation number.
    #[arg(long)]
    organisation_number: Option<String>,
    /// The template of the registry.
    #[arg(long, default_value = "opr")]
    template: String,
    /// The URL of a separate database for this registry.
    #[arg(long, env = "PAINREG_TENANT_DSN", hide_env_values = true)]
    dsn: Option<String>,
    /// A file with the settings of an issuer to trust, as JSON; may be repeated.
    #[arg(long)]
    issuer: Vec<PathBuf>,
}

/// Options of the list of registries.
#[derive(Args)]
pub struct List {
    #[command(flatten)]
    database: Database,
}

/// Options of a command on one registry.
#[derive(Args)]
pub struct One {
    #[command(flatten)]
    database: Database,
    /// The registry's slug.
    slug: String,
}

/// Options of dropping a registry.
#[derive(Args)]
pub struct Drop {
    #[command(flatten)]
    one: One,
    /// The slug again, as a confirmation.
    #[arg(long)]
    confirm: String,
}

impl Tenant {
    /// Runs the subcommand.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Create(it) => it.run(),
            Self::List(it) => {
                let opened = it.database.open(Prepare::Nothing)?;
                let scope = operator(&opened.registry);
                let mut after: Option<String> = None;
                say(&format!("{:<40} {:<10} {:<10} {:<18} name", "registry", "state", "placement", "version"));
                loop {
                    let start = after.clone();
                    let listing = scope
                        .run(Action::ListTenants, move |tx| tenants::list(tx, start.as_deref(), 200))
                        .map_err(failure_of)?;
                    for row in &listing.items {
                        say(&format!(
                            "{:<40} {:<10} {:<10} {:<18} {}",
                            row.slug, row.state, row.placement, row.schema_version, row.name
                        ));
                    }
                    after = listing.items.last().map(|row| row.slug.clone());
                    if !listing.more {
                        return Ok(());
                    }
                }
            }
            Self::Suspend(it) => it.set_suspended(true),
            Self::Resume(it) => it.set_suspended(false),
            Self::Migrate(it) => {
                let opened = it.database.open(Prepare::Schema)?;
                super::migrate::one_or_all(&opened.registry, Some(&it.slug), false)
            }
            Self::Drop(it) => {
                if it.confirm != it.one.slug {
                    return Err("--confirm must repeat the slug; nothing was dropped".into());
                }
                let opened = it.one.database.open(Prepare::Nothing)?;
                let slug = it.one.slug;
                let gone = slug.clone();
                operator(&opened.registry)
                    .run(Action::DropTenant, move |tx| {
                        let version = tenants::find(tx, &slug)?.version;
                        provision::drop(tx, &slug, version)
                    })
                    .map_err(failure_of)?;
                say(&format!("{gone} was dropped"));
                Ok(())
            }
        }
    }
}

impl Create {
    fn run(self) -> Result<(), Failure> {
        let issuers = self.issuer.iter().map(settings_in).collect::<Result<Vec<_>, _>>()?;
        let organisation_number = self
            .organisation_number
            .as_deref()
            .map(OrganisationNumber::parse)
            .transpose()
            .map_err(|fault| format!("--organisation-number: {}", fault.en()))?;
        let new = NewTenant {
            slug: self.slug,
            name: self.name,
            organisation_number,
            placement: self.dsn.map_or(Placement::Login, |dsn| Placement::Dsn(dsn.into())),
            template: self.template,
            issuers,
        };
        let opened = self.database.open(Prepare::Nothing)?;
        let made = create(&opened.registry, new)?;
        say(&format!("{made} was created"));
        Ok(())
    }
}

impl One {
    fn set_suspended(self, suspended: bool) -> Result<(), Failure> {
        let opened = self.database.open(Prepare::Nothing)?;
        let slug = self.slug;
        let action = if suspended { Action::SuspendTenant } else { Action::ResumeTenant };
        let record = operator(&opened.registry)
            .run(action, move |tx| {
                let version = tenants::find(tx, &slug)?.version;
                tenants::set_suspended(tx, &slug, version, suspended)
            })
            .map_err(failure_of)?;
        say(&format!("{} is {}", record.slug, record.state));
        Ok(())
    }
}

/// Creates a registry and returns its slug.
pub(super) fn create(registry: &Registry, new: NewTenant) -> Result<String, Failure> {
    let made = operator(registry)
        .run(Action::CreateTenant, move |tx| provision::create(tx, &new).map(|record| record.slug))
        .map_err(failure_of)?;
    registry.refresh()?;
    Ok(made)
}

/// Reads the settings of an issuer from a file.
pub(super) fn settings_in(path: &PathBuf) -> Result<IssuerSettings, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?)
}

/// Returns the operator's scope. Access to the key file and to the database as its owner is the authorisation.
pub(super) fn operator(registry: &Registry) -> PlatformScope {
    #[expect(
        clippy::disallowed_methods,
        reason = "the command line authenticates the operator by access to the machine"
    )]
    let actor = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_else(|_| "unknown".to_owned());
    let principal = Principal::operator_at_the_machine(&actor);
    let context = RequestContext { request_id: registry.clock().ordered_id().to_string(), origin: None };
    #[expect(clippy::disallowed_methods, reason = "the command line opens the platform's scope itself")]
    registry.platform_scope(principal, context)
}

/// Converts an error to a message for the terminal.
pub(super) fn failure_of(error: StoreError) -> Failure {
    match &error {
        StoreError::Conflict(faults) | StoreError::Invalid(faults) => {
            let places: Vec<String> = faults
                .iter()
                .map(|fault| format!("{}: {}", fault.pointer.trim_start_matches('/'), fault.code.en()))
                .collect();
            places.join("; ").into()
        }
        StoreError::Active => "the registry is active; suspend it first".into(),
        StoreError::Database(source) => format!("the database failed: {source}").into(),
        _ => error.into(),
    }
}
