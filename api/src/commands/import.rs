//! `painreg import`: answers from Nettskjema and Infopad into a registry, over the API like everybody else. It never touches the database,
//! and what was encrypted never touches the disk.

mod batch_queue;
mod credentials;
mod files;
mod framing;
mod infopad;
mod journal;
mod pipeline;
mod poll;
mod registry_client;
mod report;
mod sealed;
mod service;
mod source;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::SignedDuration;
use painreg_tenants::Clock;
use secrecy::SecretString;

use self::batch_queue::Limits;
use self::credentials::{Client, Credentials, read_secret};
use self::files::Files;
use self::journal::{Journal, Target};
use self::pipeline::{Pipeline, appended};
use self::poll::Poll;
use self::registry_client::RegistryClient;
use self::sealed::Keys;
use self::service::{Service, Stop};
use self::source::Found;
use super::Failure;

/// The answer to an import that left something for somebody to look at.
const UNPLACED: u8 = 2;

/// Import answers into a registry, over its API.
#[derive(Subcommand)]
pub enum Import {
    /// Import what Nettskjema gives: files and folders, encrypted or not, or its API.
    #[command(after_help = NETTSKJEMA_HELP)]
    Nettskjema(Box<Nettskjema>),
    /// Import an export of Infopad, in which the registry of 2015 to 2020 (OPRv1) was filled in, by a mapping.
    #[command(after_help = infopad::HELP)]
    Infopad(Box<infopad::Infopad>),
}

const NETTSKJEMA_HELP: &str = "\
Files of one form, a folder as TSD lays it out (KEYID/FORMID/..), and Nettskjema's API every five minutes:

  painreg import nettskjema --server https://painreg.example.no --tenant ous --token-file token \\
      --form 1000001 --dry-run answers.ndjson data-1000001.csv
  painreg import nettskjema --server https://painreg.example.no --tenant ous \\
      --issuer-token-url https://login.example.no/token --issuer-client-id importer --issuer-secret-file secret \\
      --pgp-key key.asc --pgp-passphrase-file passphrase --receipts receipts.ndjson nettskjema-submissions/
  painreg import nettskjema --server https://painreg.example.no --tenant ous --token-file token \\
      --client-id 7f3c --client-secret-file nettskjema-secret --form 1000001 --form 1000002 --watch 5m

What a file holds is known by its name: .json (a submission of TSD or of API v3, or an array of them), .ndjson (submissions,
or API v3's answers, a line each), .csv (CSV v1), each of them with .asc if it is encrypted. form*.json is a form's
definition and is sent first. Attachments are named in the report and not taken.

What is encrypted is decrypted in memory only, and nothing of it is sent before its integrity has been checked. Secrets come
from files or from the environment: PAINREG_TOKEN, PAINREG_ISSUER_SECRET, NETTSKJEMA_CLIENT_SECRET, PAINREG_PGP_PASSPHRASE. They and the
answers go over HTTPS only, but for addresses of this machine.

An import can be killed and run again: it goes on where it was, by the journal beside the first source. The journal names
files, submissions and digests, no answers. Without it the end is the same, since the registry knows every submission by its
number; it only takes longer. What the registry has in quarantine is sent again with every run.

A dry run asks the registry what it would do; it sends no definitions, keeps no journal, and stores nothing.

The answer is 0 where everything was placed, 2 where something waits in quarantine, was refused or could not be read, and 1
where the import failed before its end.";

/// What to import from Nettskjema, and where to.
#[derive(Args)]
pub struct Nettskjema {
    /// The number of the form. For files: whose they all are; absent, they or their folder say it. For the API: which forms
    /// to ask for.
    #[arg(long = "form", value_name = "NUMBER", value_parser = number)]
    forms: Vec<String>,
    /// The OpenPGP secret key that opens .asc files.
    #[arg(long, value_name = "FILE")]
    pgp_key: Option<PathBuf>,
    /// The passphrase of the key.
    #[arg(long, value_name = "FILE", requires = "pgp_key")]
    pgp_passphrase_file: Option<PathBuf>,
    #[arg(long, env = "PAINREG_PGP_PASSPHRASE", hide = true, hide_env_values = true)]
    pgp_passphrase: Option<SecretString>,
    /// Files and folders. None: the API is asked.
    #[arg(value_name = "FILE OR FOLDER")]
    sources: Vec<PathBuf>,
    #[command(flatten)]
    into: Destination,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    api: Api,
}

/// The registry, and how to be let in.
#[derive(Args)]
#[command(next_help_heading = "The registry")]
struct Destination {
    /// The server's address.
    #[arg(long, env = "PAINREG_SERVER", value_name = "URL", value_parser = address)]
    server: String,
    /// The registry's slug.
    #[arg(long, env = "PAINREG_TENANT", value_name = "SLUG", value_parser = slug)]
    tenant: String,
    /// An access token; read again when it is refused.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[arg(long, env = "PAINREG_TOKEN", hide = true, hide_env_values = true)]
    token: Option<SecretString>,
    /// Instead of a token: where the hospital's issuer gives tokens to its clients.
    #[arg(long, env = "PAINREG_ISSUER_TOKEN_URL", value_name = "URL", value_parser = address, requires = "issuer_client_id")]
    issuer_token_url: Option<String>,
    /// The client's id there.
    #[arg(long, env = "PAINREG_ISSUER_CLIENT_ID", value_name = "ID")]
    issuer_client_id: Option<String>,
    /// Its secret.
    #[arg(long, value_name = "FILE")]
    issuer_secret_file: Option<PathBuf>,
    #[arg(long, env = "PAINREG_ISSUER_SECRET", hide = true, hide_env_values = true)]
    issuer_secret: Option<SecretString>,
    /// The scope to ask for.
    #[arg(long, value_name = "SCOPE")]
    issuer_scope: Option<String>,
}

/// Nettskjema's API, and how to be let in.
#[derive(Args)]
#[command(next_help_heading = "Nettskjema's API")]
struct Api {
    /// Its address.
    #[arg(long = "api", value_name = "URL", default_value = "https://nettskjema.no/api/v3", value_parser = address)]
    address: String,
    /// Where it gives tokens to its clients.
    #[arg(long, value_name = "URL", default_value = "https://authorization.nettskjema.no/oauth2/token", value_parser = address)]
    token_url: String,
    /// The client's id; `ID@apiclient` must be among those who may edit the forms.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Its secret.
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    #[arg(long, env = "NETTSKJEMA_CLIENT_SECRET", hide = true, hide_env_values = true)]
    client_secret: Option<SecretString>,
    /// Ask again and again, after so long a pause, and fetch when something has changed.
    #[arg(long, value_name = "TIME", value_parser = time)]
    watch: Option<Duration>,
}

/// How to import.
#[derive(Args)]
#[command(next_help_heading = "The import")]
struct How {
    /// Ask what would be stored, and store nothing.
    #[arg(long)]
    dry_run: bool,
    /// How many requests are under way at once.
    #[arg(long, default_value = "2", value_parser = clap::value_parser!(u16).range(1..=32))]
    parallel: u16,
    /// How many deliveries there are in a request at most.
    #[arg(long, value_name = "NUMBER", default_value = "500", value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// How many KiB a request of several deliveries has at most.
    #[arg(long, value_name = "KIB", default_value = "4096", value_parser = clap::value_parser!(u16).range(1..=8192))]
    batch_kib: u16,
    /// For how long nothing but failures is borne.
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = time)]
    patience: Duration,
    /// Where the journal is.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Remember nothing.
    #[arg(long, conflicts_with = "journal")]
    no_journal: bool,
    /// Keep the registry's signed receipts: proof of what was delivered, a line each, added to those that are there.
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
    /// Write the report to a file too, as JSON, with everything that was not placed.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

fn number(text: &str) -> Result<String, String> {
    if framing::is_number(text) { Ok(text.to_owned()) } else { Err("a form's number is digits".to_owned()) }
}

fn slug(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
    if fits { Ok(text.to_owned()) } else { Err("a slug has small letters, digits and hyphens".to_owned()) }
}

fn time(text: &str) -> Result<Duration, String> {
    let time: Option<SignedDuration> = text.parse().ok();
    time.and_then(|it| it.try_into().ok()).ok_or_else(|| "a time is written like 30s, 5m or 1h30m".to_owned())
}

/// Secrets and answers leave this machine over HTTPS only.
fn address(text: &str) -> Result<String, String> {
    let uri: ureq::http::Uri = text.parse().map_err(|_| "it is no address")?;
    let own = matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match uri.scheme_str() {
        Some("https") => Ok(text.to_owned()),
        Some("http") if own => Ok(text.to_owned()),
        _ => Err("an address begins with https://; http:// reaches this machine only".to_owned()),
    }
}

impl Import {
    /// Does what was asked.
    pub fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Nettskjema(it) => it.run(),
            Self::Infopad(it) => it.run(),
        }
    }
}

/// A secret from its file, or from where clap found it.
fn secret(file: Option<&PathBuf>, given: Option<&SecretString>) -> Result<Option<SecretString>, Failure> {
    file.map_or_else(|| Ok(given.cloned()), |path| read_secret(path).map(Some))
}

impl Destination {
    fn credentials(&self) -> Result<Credentials, Failure> {
        if let (Some(url), Some(id)) = (&self.issuer_token_url, &self.issuer_client_id) {
            let secret = secret(self.issuer_secret_file.as_ref(), self.issuer_secret.as_ref())?;
            let secret =
                secret.ok_or("the client's secret is missing: --issuer-secret-file or PAINREG_ISSUER_SECRET")?;
            return Ok(Credentials::Client(Box::new(Client::new(url, id, secret, self.issuer_scope.clone()))));
        }
        match (&self.token_file, &self.token) {
            (Some(path), _) => Ok(Credentials::File(path.clone())),
            (None, Some(token)) => Ok(Credentials::Given(token.clone())),
            (None, None) => {
                Err("nothing says how to be let in: --token-file, PAINREG_TOKEN or --issuer-token-url".into())
            }
        }
    }
}

impl How {
    /// An import that is ready to run; `journal`: where its journal is if nothing else is said.
    fn pipeline(&self, into: &Destination, journal: impl FnOnce() -> PathBuf) -> Result<Pipeline, Failure> {
        let halted = Arc::new(AtomicBool::new(false));
        let service =
            Service::new("the registry", &into.server, into.credentials()?, self.patience, Arc::clone(&halted));
        let receipts = self.receipts.as_ref().filter(|_| !self.dry_run);
        let aim = Target { server: into.server.trim_end_matches('/').to_owned(), tenant: into.tenant.clone() };
        let (journal, known) = if self.dry_run || self.no_journal {
            (None, HashSet::new())
        } else {
            let path = self.journal.clone().unwrap_or_else(journal);
            let (journal, known) = Journal::open(&path, &aim, receipts.is_some())?;
            (Some(journal), known)
        };
        Ok(Pipeline {
            target: RegistryClient::new(service, into.tenant.clone(), self.dry_run, Clock::system()),
            parallel: usize::from(self.parallel),
            limits: Limits { deliveries: usize::from(self.batch), bytes: usize::from(self.batch_kib) * 1024 },
            halted,
            journal,
            known,
            receipts: receipts.map(|path| appended(path)).transpose()?,
            report: self.report.clone(),
            seen: HashSet::new(),
            columns: None,
        })
    }
}

fn code(all_placed: bool) -> ExitCode {
    if all_placed { ExitCode::SUCCESS } else { ExitCode::from(UNPLACED) }
}

impl Nettskjema {
    fn run(self) -> Result<ExitCode, Failure> {
        match self.sources.first() {
            Some(first) => {
                let first = first.clone();
                self.files(&first)
            }
            None => self.poll(),
        }
    }

    fn files(self, first: &std::path::Path) -> Result<ExitCode, Failure> {
        if self.forms.len() > 1 {
            return Err("files are of one form: say --form once, or let them or their folders say it".into());
        }
        if self.api.watch.is_some() {
            return Err("--watch asks the API again and again; files are read once".into());
        }
        let passphrase = secret(self.pgp_passphrase_file.as_ref(), self.pgp_passphrase.as_ref())?;
        let keys = self.pgp_key.as_ref().map(|path| Keys::read(path, passphrase.as_ref())).transpose()?;
        let mut pipeline = self.how.pipeline(&self.into, || journal::beside(first))?;
        let files = Files {
            found: Found::of(&self.sources)?,
            keys: keys.unwrap_or_default(),
            form: self.forms.into_iter().next(),
            remember: pipeline.journal.is_some(),
        };
        let bytes = files.found.bytes();
        pipeline.run(Some(bytes), |queue, target| files.feed(queue, target)).map(code)
    }

    fn poll(self) -> Result<ExitCode, Failure> {
        let Some(id) = self.api.client_id.as_ref().filter(|_| !self.forms.is_empty()) else {
            return Err("name files or folders, or the API's --client-id and --form".into());
        };
        let secret = secret(self.api.client_secret_file.as_ref(), self.api.client_secret.as_ref())?;
        let secret =
            secret.ok_or("the client's secret is missing: --client-secret-file or NETTSKJEMA_CLIENT_SECRET")?;
        let credentials = Credentials::Client(Box::new(Client::new(&self.api.token_url, id, secret, None)));
        let name = format!("nettskjema-{}{}", self.into.tenant, journal::SUFFIX);
        let mut pipeline = self.how.pipeline(&self.into, || PathBuf::from(name))?;
        let service =
            Service::new("Nettskjema", &self.api.address, credentials, self.how.patience, Arc::clone(&pipeline.halted));
        let mut poll = Poll { service, address: self.api.address.clone(), forms: self.forms, seen: HashMap::new() };
        let Some(pause) = self.api.watch else {
            return round(&mut poll, &mut pipeline).map(code);
        };
        loop {
            if let Err(error) = round(&mut poll, &mut pipeline) {
                match error.downcast_ref() {
                    Some(Stop::GaveUp(why)) => tracing::warn!(why, "this round failed; the next one may not"),
                    _ => return Err(error),
                }
            }
            poll.service.pause(pause)?;
        }
    }
}

/// Imports the forms that have changed since the last time.
fn round(poll: &mut Poll, pipeline: &mut Pipeline) -> Result<bool, Failure> {
    let changed = poll.changed()?;
    if changed.is_empty() {
        return Ok(true);
    }
    let asked = &*poll;
    let forms = asked.forms.iter().filter(|form| changed.contains_key(*form));
    let placed = pipeline.run(None, |queue, target| {
        for form in forms {
            asked.feed(form, queue, target)?;
        }
        Ok(())
    })?;
    poll.seen.extend(changed);
    Ok(placed)
}
