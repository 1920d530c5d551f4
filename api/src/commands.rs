//! The `painreg` command: its subcommands, a file each, and the options that they share.

mod at_path;
pub mod codes;
pub mod demo;
pub mod demo_issuer;
pub mod documents;
pub mod import;
pub mod issuer;
pub mod key;
pub mod migrate;
pub mod score;
pub mod serve;
pub mod tenant;
pub mod token;
pub mod worker;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use painreg_domain::national_id::Acceptance;
use painreg_tenants::local::{Durability, Local};
use painreg_tenants::{Clock, KeyEncryptionKey, Registry, Settings, StoreError};
use secrecy::{ExposeSecret as _, SecretString};
use tracing_subscriber::EnvFilter;

use self::at_path::AtPath as _;

/// The error of a command; its text is printed on standard error.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Pain registries (smerteregistre) of Norwegian hospitals behind one REST/JSON API.
#[derive(Parser)]
#[command(name = "painreg", version, propagate_version = true)]
pub struct Painreg {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve registries with invented patients from a private database: the quickest way to see everything.
    Demo(demo::Demo),
    /// Serve the API.
    Serve(serve::Serve),
    /// Run the background jobs of all registries in a separate process.
    Worker(worker::Worker),
    /// Create the key that everything encrypted in the database depends on.
    #[command(subcommand)]
    Key(key::Key),
    /// Migrate the platform and every registry to this version. Prints a row per registry; can be resumed.
    Migrate(migrate::Migrate),
    /// Create, list, suspend, resume, migrate and drop registries.
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// Trust issuers of access tokens.
    #[command(subcommand)]
    Issuer(issuer::Issuer),
    /// Import and list code systems (kodeverk): ICD-10, ICD-11, NCSP, NCMP, NCRP, ATC.
    #[command(subcommand)]
    Codes(codes::Codes),
    /// Import answers from Nettskjema into a registry, over its API. Needs no database.
    #[command(subcommand)]
    Import(import::Import),
    /// Score answers: a JSON object a line on standard input, a result a line on standard output. Needs no database.
    Score(score::Score),
    /// Sign an access token of the demonstration's issuer.
    Token(token::Token),
    /// Print the specification, or write it and the documents rendered from it.
    #[command(subcommand)]
    Openapi(documents::Openapi),
}

impl Painreg {
    /// Runs the subcommand and returns the exit status.
    pub fn run(self) -> Result<ExitCode, Failure> {
        match self.command {
            Command::Import(it) => return it.run(),
            Command::Score(it) => return it.run(),
            Command::Demo(it) => it.run(),
            Command::Serve(it) => it.run(),
            Command::Worker(it) => it.run(),
            Command::Key(it) => it.run(),
            Command::Migrate(it) => it.run(),
            Command::Tenant(it) => it.run(),
            Command::Issuer(it) => it.run(),
            Command::Codes(it) => it.run(),
            Command::Token(it) => it.run(),
            Command::Openapi(it) => it.run(),
        }?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Runs the program: parses the arguments, runs the subcommand, and prints an error on standard error.
pub fn main() -> ExitCode {
    let filter =
        EnvFilter::try_from_env("PAINREG_LOG").unwrap_or_else(|_| EnvFilter::new("warn,painreg_api::commands=info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
    match Painreg::parse().run() {
        Ok(code) => code,
        Err(error) => {
            tracing::debug!(%error, "command failed");
            eprintln!("painreg: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The environment, which decides whether national ids must be synthetic.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Environment {
    /// Real people: synthetic numbers are refused.
    Production,
    /// Synthetic numbers only.
    Test,
}

impl Environment {
    const fn acceptance(self) -> Acceptance {
        match self {
            Self::Production => Acceptance::Production,
            Self::Test => Acceptance::Test,
        }
    }
}

/// The place of the key file.
#[derive(Args, Clone)]
pub struct KeyPlace {
    /// The folder of the key file, the issuers' key sets and the private database.
    #[arg(long, env = "PAINREG_FOLDER", default_value = ".painreg")]
    folder: PathBuf,
    /// The file with the key-encryption key, mode 0600; `painreg key create` creates it. Default: `key` in the folder.
    #[arg(long, env = "PAINREG_KEY_FILE")]
    key_file: Option<PathBuf>,
}

impl KeyPlace {
    fn key_file(&self) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| self.folder.join("key"))
    }
}

/// What happens to the database and the key before the platform is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prepare {
    /// Nothing; a private database is migrated.
    Nothing,
    /// The platform's schema is migrated.
    Schema,
    /// The platform's schema is migrated, and a key is created where the database has not been used with one.
    SchemaAndKey,
}

/// Options of the database and the keys.
#[derive(Args, Clone)]
pub struct Database {
    #[command(flatten)]
    place: KeyPlace,
    /// The URL of the database, with a role that owns it and may create roles. Default: a private PostgreSQL in the
    /// folder.
    #[arg(long = "database-url", id = "database-url", env = "DATABASE_URL", hide_env_values = true)]
    url: Option<String>,
    /// The most database connections of all registries. Default: 200 to the private PostgreSQL, 60 to another.
    #[arg(long, env = "PAINREG_CONNECTIONS")]
    connections: Option<usize>,
    /// The most database connections of one registry.
    #[arg(long, env = "PAINREG_CONNECTIONS_PER_TENANT", default_value = "8")]
    connections_per_tenant: u32,
}

/// The opened platform, with its private PostgreSQL if it has one.
struct Opened {
    registry: Registry,
    /// The private PostgreSQL. It stops when dropped; the registry must not outlive it.
    local: Option<Local>,
}

impl Database {
    /// Returns the database URL; starts the private PostgreSQL where no URL is given.
    fn start(&self) -> Result<(SecretString, Option<Local>), Failure> {
        if let Some(url) = &self.url {
            return Ok((SecretString::from(url.clone()), None));
        }
        let local = Local::start(&self.place.folder, Durability::Durable)?;
        Ok((local.address(), Some(local)))
    }

    /// Opens the platform.
    fn open(&self, prepare: Prepare) -> Result<Opened, Failure> {
        self.open_by(Clock::system(), prepare)
    }

    /// Opens the platform with another clock.
    fn open_by(&self, clock: Clock, prepare: Prepare) -> Result<Opened, Failure> {
        let (folder, key_file) = (&self.place.folder, self.place.key_file());
        std::fs::create_dir_all(folder).at(folder)?;
        let may_create = prepare == Prepare::SchemaAndKey && !key_file.exists();
        // A key that cannot be used is reported before anything is changed.
        let known = (!may_create).then(|| KeyEncryptionKey::read(&key_file)).transpose()?;
        let (address, local) = self.start()?;
        if prepare != Prepare::Nothing || local.is_some() {
            painreg_tenants::migrate::platform(&address)?;
        }
        let key = if let Some(key) = known {
            key
        } else {
            if !painreg_tenants::provision::is_key_used(&address)? {
                KeyEncryptionKey::create(&key_file)?;
            }
            KeyEncryptionKey::read(&key_file)?
        };
        let mut settings = Settings::new(SecretString::from(address.expose_secret().to_owned()), key, clock);
        settings.connections = self.connections.unwrap_or(if local.is_some() { 200 } else { 60 });
        settings.connections_per_tenant = self.connections_per_tenant;
        let registry = Registry::open(settings).map_err(|error| match error {
            StoreError::Crypt(error) => Failure::from(format!("{}: {error}", key_file.display())),
            error => format!("{error}; has `painreg migrate` been run on this database?").into(),
        })?;
        Ok(Opened { registry, local })
    }

    /// Returns the folder of the issuers' key sets.
    fn key_folder(&self) -> PathBuf {
        self.place.folder.join("issuers")
    }
}

/// Options of the server: addresses, rate limits, shutdown.
#[derive(Args, Clone)]
pub struct Listening {
    /// The address to listen on.
    #[arg(long, env = "PAINREG_LISTEN", default_value = "127.0.0.1:8080")]
    listen: String,
    /// The URL that clients use and that proofs of possession name. Default: `http://` and the address to listen on.
    #[arg(long, env = "PAINREG_PUBLIC_ADDRESS")]
    public_address: Option<String>,
    /// The permitted requests per second of one person.
    #[arg(long, env = "PAINREG_PEOPLE_PER_SECOND", default_value = "100")]
    people_per_second: NonZeroU32,
    /// The permitted requests per second of one machine client.
    #[arg(long, env = "PAINREG_MACHINES_PER_SECOND", default_value = "5000")]
    machines_per_second: NonZeroU32,
    /// Do not run background jobs in this process; `painreg worker` runs them.
    #[arg(long, env = "PAINREG_WITHOUT_WORKER")]
    without_worker: bool,
    /// The longest time in seconds that a shutdown waits for requests in progress.
    #[arg(long, env = "PAINREG_GRACE", default_value = "20")]
    grace: u64,
}

impl Listening {
    fn options(
        &self,
        database: &Database,
        acceptance: Acceptance,
        address: std::net::SocketAddr,
        local: Option<&Local>,
    ) -> crate::server::Options {
        crate::server::Options {
            key_folder: database.key_folder(),
            public_address: self.public_address.clone().unwrap_or_else(|| format!("http://{address}")),
            acceptance,
            people_per_second: self.people_per_second,
            machines_per_second: self.machines_per_second,
            workers: None,
            grace: Duration::from_secs(self.grace),
            works: !self.without_worker,
            private_database: local.map(Local::watch),
        }
    }
}

/// Prints a line on standard output. The log goes to standard error.
fn say(line: &str) {
    use std::io::Write as _;
    // A closed pipe is not an error of the command.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
