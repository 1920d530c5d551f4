//! Load tests of the server: `cargo bench -p painreg-tests --bench load`. A private durable cluster, the real server as
//! a separate process, a small load generator and, alternately, pgbench running the same SQL on the same cluster. It
//! asserts nothing; every answer that is not 2xx is counted and the first one printed.
//!
//! `PAINREG_BENCH_SECONDS` (5) for each figure, `PAINREG_BENCH_ROUNDS` (2), `PAINREG_BENCH_PATIENTS` (1000),
//! `PAINREG_BENCH_TENANTS` (100), `PAINREG_BENCH_FOLDER` (the system's temporary one: must be on a real disk),
//! `PAINREG_BENCH_KEEP` (leaves the folder, with the pgbench scripts, behind), `PAINREG_BENCH_ONLY` (figures whose name
//! and number of clients contain this, such as `answers 8`; `intake` or `followup`: questionnaires in bulk
//! or follow-up alone, with `PAINREG_BENCH_LINES` (10000) of them or patients), `PAINREG_BENCH_SERVER` (another build of the server).

mod client;
mod clinical;
mod compare;
mod database;
mod followup;
mod intake;
mod machine;
mod many;
mod patients;
mod pgbench;
mod server;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use diesel::PgConnection;
use painreg_api::commands::Failure;
use painreg_api::commands::demo_issuer::{DemoKey, Wanted, demo_issuer};
use painreg_domain::policy::{Action, Role};
use painreg_tenants::local::{Durability, Local};
use painreg_tenants::provision::{self, NewTenant, Placement};
use painreg_tenants::{Clock, KeyEncryptionKey, Principal, Registry, RequestContext, Settings, StoreError};
use secrecy::ExposeSecret as _;

use self::client::{Connection, Numbers, Outcome};
use self::database::{execute, login_address, rows_of, schema_of};
use self::machine::{Folder, Spent, durable_writes, postmaster};
use self::patients::{Patients, registration};
use self::pgbench::{Script, Seen, Step, script, transactions};
use self::server::Server;

/// The tenant of the server's requests, and the one that pgbench writes to: equal in content, each written by one side.
const SERVED: &str = "bench-served";
const DIRECT: &str = "bench-direct";
/// The Nettskjema form with eleven answers: EQ-5D-5L, four pain scales, the reason for the short form.
const SHORT_FORM_ID: &str = "1000002";
/// The login role of pgbench.
const PGBENCH_ROLE: &str = "bench_pgbench";
/// The requests that were sent: the fresh number in each, and the patient that it is about.
type Sent = Vec<(u64, String)>;
/// The number of requests of a kind that are recorded for pgbench.
const WATCHED: usize = 6;
/// The number of patients of each of the many tenants.
const FEW: u32 = 5;

fn main() -> ExitCode {
    if !std::env::args().any(|argument| argument == "--bench") {
        say("The load benchmark runs under `cargo bench` only.");
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format!("The benchmark failed: {error}"));
            let mut source = error.source();
            while let Some(cause) = source {
                say(format!("  because: {cause}"));
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark has no command line of its own")]
fn setting(name: &str) -> Option<String> {
    std::env::var(format!("PAINREG_BENCH_{name}")).ok()
}

fn number(name: &str, default: u32) -> u32 {
    setting(name).and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn say(line: impl Display) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn run() -> Result<(), Failure> {
    let program = server_program()?;
    let folder = Folder::new()?;
    let bench = Bench::prepare(&folder.0, program)?;
    let result = bench.measure();
    bench.local.stop();
    result
}

/// Returns the release program next to this one; it is built first when the sources are newer.
fn server_program() -> Result<PathBuf, Failure> {
    if let Some(path) = setting("SERVER") {
        return Ok(PathBuf::from(path));
    }
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--bin", "painreg", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"))
        .status()?;
    if !built.success() {
        return Err("the server does not build".into());
    }
    // target/release/deps/load-..., next to target/release/painreg.
    let own = std::env::current_exe()?;
    let program = own.ancestors().nth(2).ok_or("nowhere")?.join("painreg");
    program.exists().then_some(program).ok_or_else(|| "the server's program is not beside the benchmark's".into())
}

struct Bench<'f> {
    folder: &'f Path,
    program: PathBuf,
    local: Local,
    registry: Registry,
    key: DemoKey,
    numbers: Numbers,
    time: Duration,
    rounds: u32,
    patients: u32,
}

impl<'f> Bench<'f> {
    fn prepare(folder: &'f Path, program: PathBuf) -> Result<Self, Failure> {
        let local = Local::start(folder, Durability::Durable)?;
        painreg_tenants::migrate::platform(&local.address())?;
        let key = DemoKey::in_folder(folder)?;
        let key_file = folder.join("key");
        if !key_file.exists() {
            KeyEncryptionKey::create(&key_file)?;
        }
        let kek = KeyEncryptionKey::read(&key_file)?;
        let registry = Registry::open(Settings::new(local.address(), kek, Clock::system()))?;
        Ok(Self {
            folder,
            program,
            local,
            registry,
            key,
            numbers: Numbers::new(),
            time: Duration::from_secs(u64::from(number("SECONDS", 5).max(1))),
            rounds: number("ROUNDS", 2).max(1),
            patients: number("PATIENTS", 1000).max(20),
        })
    }

    fn measure(&self) -> Result<(), Failure> {
        self.describe()?;
        for slug in intake::TENANTS {
            self.create(slug)?;
        }
        if setting("ONLY").is_some_and(|only| only == "intake") {
            return intake::measure(self, &self.serve()?);
        }
        for slug in followup::TENANTS {
            self.create(slug)?;
        }
        if setting("ONLY").is_some_and(|only| only == "followup") {
            painreg_api::commands::codes::import_builtin(&self.registry)?;
            return followup::measure(self, &self.serve()?);
        }
        self.create(SERVED)?;
        self.create(DIRECT)?;
        for slug in clinical::TENANTS {
            self.create(slug)?;
        }
        painreg_api::commands::codes::import_builtin(&self.registry)?;
        let (ours, scripts) = self.set_up()?;
        let server = self.serve()?;
        say(format!("Server at rest: {}", server.memory()));
        self.in_turn(&server, &ours, scripts)?;
        say(format!("Server after one tenant's load: {}", server.memory()));
        clinical::measure(self, &server)?;
        intake::measure(self, &server)?;
        followup::measure(self, &server)?;
        self.many(&server)?;
        orientation();
        Ok(())
    }

    fn describe(&self) -> Result<(), Failure> {
        let version = Command::new(self.local.programs().join("postgres")).arg("--version").output()?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        say(String::from_utf8_lossy(&version.stdout).trim());
        say(format!("{cores} processors, shared by the load generator, the server and PostgreSQL"));
        say(format!(
            "Durable 8 kB writes in a row: {:.0}/s (one client cannot commit faster)",
            durable_writes(self.folder)?
        ));
        let (seconds, rounds) = (self.time.as_secs(), self.rounds);
        say(format!("{seconds} s a figure, {rounds} rounds of server and pgbench in turn, {} patients", self.patients));
        Ok(())
    }

    /// Creates a registry like the operator's command does.
    fn create(&self, slug: &str) -> Result<(), StoreError> {
        let principal = Principal::operator_at_the_machine("benchmark");
        let context = RequestContext { request_id: self.registry.clock().ordered_id().to_string(), origin: None };
        let new = NewTenant {
            slug: slug.to_owned(),
            name: slug.to_owned(),
            organisation_number: None,
            placement: Placement::Login,
            template: "opr".to_owned(),
            issuers: vec![demo_issuer(Some(slug))],
        };
        #[expect(clippy::disallowed_methods, reason = "the benchmark sits at the keyboard")]
        let scope = self.registry.platform_scope(principal, context);
        scope.run(Action::CreateTenant, move |tx| provision::create(tx, &new).map(|_| ()))?;
        self.registry.refresh()
    }

    fn token(&self, tenant: &str, role: Role) -> Result<String, Failure> {
        let wanted = Wanted {
            tenant: Some(tenant),
            role,
            subject: None,
            unit: Some("clinic"),
            patient: None,
            seconds: 24 * 3600,
        };
        self.key.sign(&wanted, self.registry.clock().now())
    }

    fn superuser(&self) -> Result<PgConnection, Failure> {
        Ok(diesel::Connection::establish(self.local.superuser_address("painreg").expose_secret())?)
    }

    /// Registers the patients of both tenants, records a few requests for pgbench, and prepares its tenant for it.
    fn set_up(&self) -> Result<(Patients, Vec<Result<Script, String>>), Failure> {
        let server = self.serve()?;
        let ours = self.register(server.address, SERVED, 1, self.patients)?;
        let direct = self.register(server.address, DIRECT, 1, self.patients)?;
        drop(server);
        let schema = schema_of(&mut self.superuser()?, DIRECT)?;
        let scripts = match self.watch(&direct) {
            Ok(scripts) => scripts.into_iter().map(|script| script.map_err(|error| error.to_string())).collect(),
            Err(error) => vec![Err(error.to_string())],
        };
        self.open_to_pgbench(&schema)?;
        Ok((ours, scripts))
    }

    /// Runs `work` twice, the second time while PostgreSQL logs statements, and returns the transactions of that time. The
    /// first time opens the server's sessions: it would refuse a session that writes values into the log.
    fn logged(
        &self,
        mut work: impl FnMut(&Server) -> Result<Sent, Failure>,
    ) -> Result<(Vec<Vec<Step>>, Sent), Failure> {
        const LOGGING: [(&str, &str); 3] =
            [("log_statement", "all"), ("log_error_verbosity", "default"), ("log_parameter_max_length", "-1")];
        let log = self.folder.join("postgres.log");
        let server = Server::start(&self.program, self.folder, &self.local, false)?;
        work(&server)?;
        let mut superuser = self.superuser()?;
        for (name, value) in LOGGING {
            execute(&mut superuser, &format!("ALTER SYSTEM SET {name} = '{value}'"))?;
        }
        execute(&mut superuser, "SELECT pg_reload_conf()")?;
        std::thread::sleep(Duration::from_millis(300));
        let before = std::fs::read_to_string(&log)?.len();
        let sent = work(&server);
        drop(server);
        for (name, _) in LOGGING {
            execute(&mut superuser, &format!("ALTER SYSTEM RESET {name}"))?;
        }
        execute(&mut superuser, "SELECT pg_reload_conf()")?;
        std::thread::sleep(Duration::from_millis(300));
        let sent = sent?;
        let text = std::fs::read_to_string(&log)?;
        let seen = transactions(text.get(before..).unwrap_or_default());
        if seen.len() != sent.len() {
            return Err(format!("{} requests became {} transactions", sent.len(), seen.len()).into());
        }
        Ok((seen, sent))
    }

    /// Sends a few requests while PostgreSQL logs their statements, and makes scripts from the log.
    fn watch(&self, direct: &Patients) -> Result<Vec<Result<Script, Failure>>, Failure> {
        let (seen, sent) = self.logged(|server| {
            let mut sent = Vec::new();
            let mut connection = Connection::new(server.address);
            for templates in [&direct.short, &direct.baseline, &direct.reads] {
                for (template, patient) in templates.iter().zip(&direct.ids).take(WATCHED) {
                    let number = self.numbers.next();
                    let answer = connection.exchange(template.clone().with(number))?;
                    if !(200..300).contains(&answer.status) {
                        return Err(String::from_utf8_lossy(answer.body).into_owned().into());
                    }
                    sent.push((number, patient.clone()));
                }
            }
            Ok(sent)
        })?;
        let seen: Vec<Seen<'_>> =
            seen.iter().zip(&sent).map(|(steps, (number, patient))| Seen { number: *number, patient, steps }).collect();
        let count = usize::try_from(self.patients)?;
        Ok(seen
            .chunks(WATCHED)
            .zip(["short", "baseline", "read"])
            .map(|(some, name)| script(self.folder, name, some, count))
            .collect())
    }

    /// Creates a login for pgbench with the same grants as the server's, and patients that it can select by number.
    fn open_to_pgbench(&self, schema: &str) -> Result<(), Failure> {
        let mut superuser = self.superuser()?;
        execute(
            &mut superuser,
            &format!(
                "CREATE ROLE {PGBENCH_ROLE} LOGIN NOINHERIT PASSWORD 'bench'; \
                 ALTER ROLE {PGBENCH_ROLE} SET search_path = ''; \
                 ALTER ROLE {PGBENCH_ROLE} SET jit = off; \
                 ALTER ROLE {PGBENCH_ROLE} SET TimeZone = 'UTC'; \
                 GRANT CONNECT ON DATABASE painreg TO {PGBENCH_ROLE}; \
                 GRANT {schema}_importer, {schema}_clinician, {schema}_system TO {PGBENCH_ROLE}; \
                 BEGIN; \
                 SET LOCAL session_replication_role = replica; \
                 SET LOCAL search_path = {schema}, pg_temp; \
                 CREATE TEMP TABLE counted ON COMMIT DROP AS \
                 SELECT id AS old, row_number() OVER (ORDER BY registry_number) AS n FROM patient; \
                 UPDATE patient SET id = lpad(n::text, 32, '0')::uuid FROM counted WHERE id = old; \
                 UPDATE patient_key SET patient_id = lpad(n::text, 32, '0')::uuid FROM counted WHERE patient_id = old; \
                 UPDATE submission SET patient_id = lpad(n::text, 32, '0')::uuid FROM counted WHERE patient_id = old; \
                 UPDATE patient_identifier SET patient_id = lpad(n::text, 32, '0')::uuid, \
                 blind_index = convert_to((1000000000000000000 + n)::text, 'UTF8') FROM counted WHERE patient_id = old; \
                 COMMIT"
            ),
        )?;
        for slug in [SERVED, DIRECT] {
            let schema = schema_of(&mut superuser, slug)?;
            for table in ["patient", "patient_key", "patient_identifier"] {
                execute(&mut superuser, &format!("VACUUM (FULL, ANALYZE) {schema}.{table}"))?;
            }
        }
        execute(&mut superuser, "CHECKPOINT")
    }

    fn serve(&self) -> Result<Server, Failure> {
        Server::start(&self.program, self.folder, &self.local, true)
    }

    fn spent(&self, server: &Server) -> Spent {
        Spent::now(Some(server.pid()), postmaster(self.folder))
    }
}

fn figures(outcome: &Outcome) -> String {
    format!(
        "{:>8.0} {:>8.2} {:>8.2} {:>8.2} {:>6}",
        outcome.rate(),
        outcome.quantile(500),
        outcome.quantile(950),
        outcome.quantile(990),
        outcome.error_count()
    )
}

fn tell_errors(outcome: &Outcome) {
    if let Some(first) = &outcome.first_error {
        say(format!("  errors {:?}; the first: {first}", outcome.errors));
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn orientation() {
    say(
        "\nFor orientation, others' own figures on their own machines: fastest comparable system (a Rust FHIR server, no",
    );
    say("auth, validation or audit) 825 req/s p99 18 ms; Django + django-tenants 304; ODK Central 246.");
}
