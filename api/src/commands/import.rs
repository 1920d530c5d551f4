//! `painreg import`: imports answers from Nettskjema and Infopad into a registry over the public API. It uses no
//! database, and decrypted content is never written to disk.

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

use self::batch_queue::RequestLimits;
use self::credentials::{Client, Credentials, read_secret};
use self::files::Files;
use self::journal::{Journal, Target};
use self::pipeline::Pipeline;
use self::poll::Poll;
use self::registry_client::RegistryClient;
use self::sealed::Keys;
use self::service::{Service, Stop};
use self::source::Found;
use super::Failure;
use super::at_path::NamedFile;

/// The exit status of an import with deliveries that need attention.
const UNPLACED: u8 = 2;

/// Import answers into a registry, over its API.
#[derive(Subcommand)]
pub enum Import {
    /// Import from Nettskjema: files and folders, encrypted or not, or its API.
    #[command(after_help = NETTSKJEMA_HELP)]
    Nettskjema(Box<Nettskjema>),
    /// Import an export of Infopad, the system of the registry of 2015 to 2020 (OPRv1), by a mapping.
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

The name of a file determines its content, in capital or small letters: .json (a submission of TSD or of API v3, or an
array of them), .ndjson or .jsonl (submissions, or API v3's answers, a line each), .csv, .tsv or Nettskjema's report
data-FORM-..txt (CSV v1), each with .asc, .gpg or .pgp if encrypted. form*.json without answers is a form's definition
and is sent first.

A file named on the command line is imported, or the exit status is 2 and the report has the reason. In folders, files
that are no answers (attachments, links, other formats) are skipped, counted and listed.

Files are UTF-8, or UTF-16 with a byte order mark. In CSV a line ends at a line feed, a carriage return or both; the
header shows whether semicolons, tabs or commas separate the cells, and a first line sep=; is passed over, as are rows
without any text. A quotation mark opens a quotation at the beginning of a cell only, in files with tabs too; elsewhere
it is text. A row with a quotation that is not closed, or with text after it, is refused with its column, and the rows
after it are read.

Encrypted files are decrypted in memory only, and nothing of a file is sent before its integrity has been checked. Secrets
come from files or from the environment: PAINREG_TOKEN, PAINREG_ISSUER_SECRET, NETTSKJEMA_CLIENT_SECRET,
PAINREG_PGP_PASSPHRASE. Secrets and answers are sent over HTTPS only, except to this machine.

An interrupted import can be resumed: the journal next to the first source records what is stored. It holds names of files,
submissions and digests, no answers. Without it the result is the same, because the registry recognises every submission by
its number, but the import takes longer. Deliveries in quarantine are sent again with every run.

A dry run reports what the registry would do. It sends no definitions, keeps no journal and stores nothing.

Exit status: 0 when everything was placed, 2 when a delivery is in quarantine or was refused, or when a file could not be
read, 1 when the import failed before its end.";

/// Options of an import from Nettskjema.
#[derive(Args)]
pub struct Nettskjema {
    /// The number of the form. For files: the form of all of them; by default the file or its folder names it. For the
    /// API: the forms to import.
    #[arg(long = "form", value_name = "NUMBER", value_parser = number)]
    forms: Vec<String>,
    /// The file with the OpenPGP secret keys for encrypted files.
    #[arg(long, value_name = "FILE")]
    pgp_key: Option<PathBuf>,
    /// The passphrase of the OpenPGP key.
    #[arg(long, value_name = "FILE", requires = "pgp_key")]
    pgp_passphrase_file: Option<PathBuf>,
    #[arg(long, env = "PAINREG_PGP_PASSPHRASE", hide = true, hide_env_values = true)]
    pgp_passphrase: Option<SecretString>,
    /// Files and folders to import. Without any, the API is polled.
    #[arg(value_name = "FILE OR FOLDER")]
    sources: Vec<PathBuf>,
    #[command(flatten)]
    into: Destination,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    api: Api,
}

/// Options of the registry and its credentials.
#[derive(Args)]
#[command(next_help_heading = "The registry")]
struct Destination {
    /// The URL of the server.
    #[arg(long, env = "PAINREG_SERVER", value_name = "URL", value_parser = address)]
    server: String,
    /// The registry's slug.
    #[arg(long, env = "PAINREG_TENANT", value_name = "SLUG", value_parser = slug)]
    tenant: String,
    /// The file with an access token; read again when the token is refused.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[arg(long, env = "PAINREG_TOKEN", hide = true, hide_env_values = true)]
    token: Option<SecretString>,
    /// The token endpoint of the hospital's issuer, instead of a token.
    #[arg(long, env = "PAINREG_ISSUER_TOKEN_URL", value_name = "URL", value_parser = address, requires = "issuer_client_id")]
    issuer_token_url: Option<String>,
    /// The client id at the issuer.
    #[arg(long, env = "PAINREG_ISSUER_CLIENT_ID", value_name = "ID")]
    issuer_client_id: Option<String>,
    /// The file with the client secret.
    #[arg(long, value_name = "FILE")]
    issuer_secret_file: Option<PathBuf>,
    #[arg(long, env = "PAINREG_ISSUER_SECRET", hide = true, hide_env_values = true)]
    issuer_secret: Option<SecretString>,
    /// The scope to request.
    #[arg(long, value_name = "SCOPE")]
    issuer_scope: Option<String>,
}

/// Options of Nettskjema's API and its credentials.
#[derive(Args)]
#[command(next_help_heading = "Nettskjema's API")]
struct Api {
    /// The URL of the API.
    #[arg(long = "api", value_name = "URL", default_value = "https://nettskjema.no/api/v3", value_parser = address)]
    address: String,
    /// The token endpoint of Nettskjema.
    #[arg(long, value_name = "URL", default_value = "https://authorization.nettskjema.no/oauth2/token", value_parser = address)]
    token_url: String,
    /// The client id; `ID@apiclient` needs the right to edit the forms.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The file with the client secret.
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    #[arg(long, env = "NETTSKJEMA_CLIENT_SECRET", hide = true, hide_env_values = true)]
    client_secret: Option<SecretString>,
    /// Poll at this interval and import when a form has changed.
    #[arg(long, value_name = "TIME", value_parser = time)]
    watch: Option<Duration>,
}

/// Options of the import.
#[derive(Args)]
#[command(next_help_heading = "The import")]
struct How {
    /// Dry run: report what would be stored, and store nothing.
    #[arg(long)]
    dry_run: bool,
    /// The number of concurrent requests.
    #[arg(long, default_value = "2", value_parser = clap::value_parser!(u16).range(1..=32))]
    parallel: u16,
    /// The most deliveries of a request.
    #[arg(long, value_name = "NUMBER", default_value = "500", value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// The largest request of several deliveries, in KiB.
    #[arg(long, value_name = "KIB", default_value = "4096", value_parser = clap::value_parser!(u16).range(1..=8192))]
    batch_kib: u16,
    /// Give up after this long without a success.
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = time)]
    patience: Duration,
    /// The file of the journal.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Keep no journal.
    #[arg(long, conflicts_with = "journal")]
    no_journal: bool,
    /// Append the registry's signed receipts to this file, one per line.
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
    /// Write the report to this file as JSON, with every delivery that was not placed.
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

/// Parses a URL: `https`, or `http` to this machine.
fn address(text: &str) -> Result<String, String> {
    let uri: ureq::http::Uri = text.parse().map_err(|_| "it is no address")?;
    let own = matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match uri.scheme_str() {
        Some("https") => Ok(text.to_owned()),
        Some("http") if own => Ok(text.to_owned()),
        _ => Err("an address begins with https://; http:// is for this machine only".to_owned()),
    }
}

impl Import {
    /// Runs the import and returns the exit status.
    pub fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Nettskjema(it) => it.run(),
            Self::Infopad(it) => it.run(),
        }
    }
}

/// Returns a secret from its file, else from the argument or environment.
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
            (None, None) => Err("no credentials: use --token-file, PAINREG_TOKEN or --issuer-token-url".into()),
        }
    }
}

impl How {
    /// Prepares an import. `journal` is the default path of the journal.
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
            limits: RequestLimits { deliveries: usize::from(self.batch), bytes: usize::from(self.batch_kib) * 1024 },
            halted,
            journal,
            known,
            receipts: receipts.map(|path| NamedFile::append(path)).transpose()?,
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
            return Err("files take at most one --form; without it, the files or their folders name it".into());
        }
        if self.api.watch.is_some() {
            return Err("--watch polls the API and takes no files".into());
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
            return Err("give files or folders, or --client-id and --form for the API".into());
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
                    Some(Stop::GaveUp(why)) => tracing::warn!(why, "round failed; retried in the next round"),
                    _ => return Err(error),
                }
            }
            poll.service.pause(pause)?;
        }
    }
}

/// Imports the forms that have changed since the last round.
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
