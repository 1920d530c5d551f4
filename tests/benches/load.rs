//! How much the server bears: `cargo bench -p painreg-tests`. A private durable cluster, the real server as a process of
//! its own, a small load generator, and in turn with it pgbench running the same SQL on the same cluster. It asserts
//! nothing; every answer that is not 2xx is counted and the first one shown.
//!
//! `PAINREG_BENCH_SECONDS` (5) for each figure, `PAINREG_BENCH_ROUNDS` (2), `PAINREG_BENCH_PATIENTS` (1000),
//! `PAINREG_BENCH_TENANTS` (100), `PAINREG_BENCH_FOLDER` (the system's temporary one: must be on a real disk),
//! `PAINREG_BENCH_KEEP` (leaves the folder, with the pgbench scripts, behind), `PAINREG_BENCH_ONLY` (figures whose name
//! and number of clients contain this, such as `answers 8`; `intake` or `followup`: questionnaires in bulk
//! or follow-up alone, with `PAINREG_BENCH_LINES` (10000) of them or patients), `PAINREG_BENCH_SERVER` (another build of the server).

#[path = "load/client.rs"]
mod client;
#[path = "load/clinical.rs"]
mod clinical;
#[path = "load/followup.rs"]
mod followup;
#[path = "load/intake.rs"]
mod intake;
#[path = "load/machine.rs"]
mod machine;
#[path = "load/pgbench.rs"]
mod pgbench;

use std::fmt::Display;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use diesel::{PgConnection, QueryableByName, RunQueryDsl as _};
use painreg_api::commands::Failure;
use painreg_api::commands::keys::{DemoKey, Wanted, demo_issuer};
use painreg_domain::policy::{Action, Role};
use painreg_domain::synthetic::{BASELINE_FORM_ID, Generator, Person};
use painreg_tenants::local::{Durability, Local};
use painreg_tenants::provision::{self, NewTenant, Placement};
use painreg_tenants::{Clock, Principal, Registry, RequestContext, Settings, StoreError};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use self::client::{Connection, FRESH, Numbers, Outcome, Template, count, load};
use self::machine::{Spent, durable_writes, megabytes, postmaster};
use self::pgbench::{Script, Seen, Step, script, transactions};

/// The tenant the server is asked about, and the one pgbench writes to: alike, and each grows by its own hand only.
const SERVED: &str = "bench-served";
const DIRECT: &str = "bench-direct";
/// The Nettskjema form with eleven answers: EQ-5D-5L, four pain scales, the reason for the short form.
const SHORT_FORM_ID: &str = "1000002";
/// pgbench's own login.
const PGBENCH_ROLE: &str = "bench_pgbench";
/// Patients of each of the many tenants.
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

/// A folder of our own that goes when we go.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let parent = setting("FOLDER").map_or_else(std::env::temp_dir, PathBuf::from);
        let path = parent.join(format!("painreg-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if setting("KEEP").is_some() {
            say(format!("Left behind: {}", self.0.display()));
        } else {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// The release program beside this one, built first if it is not what the sources say.
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
    // target/release/deps/load-..., beside which target/release/painreg lies.
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
        let registry = Registry::open(Settings::new(local.address(), folder.join("key"), Clock::system()))?;
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
        let (ours, scripts) = self.furnish()?;
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

    /// Creates a registry as the operator at the keyboard does.
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

    /// Registers the patients of both tenants, watches a few requests for pgbench, and gets its tenant ready for it.
    fn furnish(&self) -> Result<(Patients, Vec<Result<Script, String>>), Failure> {
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

    /// Does something while PostgreSQL logs what a tenant's own login sends; the transactions it became.
    fn logged(
        &self,
        tenant: &str,
        work: impl FnOnce(&Server) -> Result<Vec<(u64, String)>, Failure>,
    ) -> Result<Vec<Vec<Step>>, Failure> {
        let log = self.folder.join("postgres.log");
        let login = format!("{}_login", schema_of(&mut self.superuser()?, tenant)?);
        let logging =
            [("log_statement", "all"), ("log_error_verbosity", "default"), ("log_parameter_max_length", "-1")];
        let mut superuser = self.superuser()?;
        for (name, value) in logging {
            execute(&mut superuser, &format!("ALTER ROLE {login} SET {name} = '{value}'"))?;
        }
        let before = std::fs::read_to_string(&log)?.len();
        let server = self.serve()?;
        let sent = work(&server);
        drop(server);
        for (name, _) in logging {
            execute(&mut superuser, &format!("ALTER ROLE {login} RESET {name}"))?;
        }
        let sent = sent?;
        let text = std::fs::read_to_string(&log)?;
        let seen = transactions(text.get(before..).unwrap_or_default());
        if seen.len() != sent.len() {
            return Err(format!("{} requests became {} transactions", sent.len(), seen.len()).into());
        }
        Ok(seen)
    }

    /// Sends a few requests while PostgreSQL logs what they become, and makes scripts of that.
    fn watch(&self, direct: &Patients) -> Result<Vec<Result<Script, Failure>>, Failure> {
        let mut sent = Vec::new();
        let seen = self.logged(DIRECT, |server| {
            let mut connection = Connection::new(server.address);
            for templates in [&direct.short, &direct.baseline, &direct.reads] {
                for (template, patient) in templates.iter().zip(&direct.ids).take(4) {
                    let number = self.numbers.next();
                    let answer = connection.exchange(template.clone().with(number))?;
                    if !(200..300).contains(&answer.status) {
                        return Err(String::from_utf8_lossy(answer.body).into_owned().into());
                    }
                    sent.push((number, patient.clone()));
                }
            }
            Ok(sent.clone())
        })?;
        let seen: Vec<Seen<'_>> =
            seen.iter().zip(&sent).map(|(steps, (number, patient))| Seen { number: *number, patient, steps }).collect();
        let count = usize::try_from(self.patients)?;
        Ok(seen
            .chunks(4)
            .zip(["short", "baseline", "read"])
            .map(|(alike, name)| match alike {
                [.., before, last] => script(self.folder, name, before, last, count),
                _ => Err("too few requests".into()),
            })
            .collect())
    }

    /// A login for pgbench as narrow as the server's own, and patients it can name by counting.
    fn open_to_pgbench(&self, schema: &str) -> Result<(), Failure> {
        let mut superuser = self.superuser()?;
        execute(
            &mut superuser,
            &format!(
                "CREATE ROLE {PGBENCH_ROLE} LOGIN NOINHERIT PASSWORD 'bench'; \
                 ALTER ROLE {PGBENCH_ROLE} SET search_path = ''; \
                 GRANT CONNECT ON DATABASE painreg TO {PGBENCH_ROLE}; \
                 GRANT {schema}_importer, {schema}_clinician TO {PGBENCH_ROLE}; \
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
        Server::start(&self.program, self.folder, &self.local)
    }

    /// Registers patients over the API, and prepares what will be asked about them.
    fn register(&self, address: SocketAddr, tenant: &str, seed: u64, wanted: u32) -> Result<Patients, Failure> {
        let secretary = self.token(tenant, Role::Secretary)?;
        let importer = self.token(tenant, Role::Importer)?;
        let clinician = self.token(tenant, Role::Clinician)?;
        let created = self.registry.clock().now();
        let base = format!("/v1/tenants/{tenant}");
        let delivered = |form: &str, body: &Value| {
            let mut body = body.clone();
            if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert("submission_id".to_owned(), FRESH.parse::<u64>().unwrap_or_default().into());
            }
            let path = format!("{base}/nettskjema/{form}/deliveries");
            Template::new("POST", &path, &importer, Some(&body.to_string()))
        };
        let mut generator = Generator::new(seed);
        let mut patients = Patients::default();
        let mut registrations = Vec::new();
        for _ in 0..wanted {
            let person = generator.person();
            let body = registration(&person).to_string();
            registrations.push(Template::new("POST", &format!("{base}/patients"), &secretary, Some(&body)));
            let fresh = FRESH.parse().unwrap_or_default();
            patients.baseline.push(delivered(BASELINE_FORM_ID, &generator.baseline_delivery(&person, fresh, created)));
            patients.short.push(delivered(SHORT_FORM_ID, &short(&person, created)));
        }
        // A few at a time: in a row each would wait for the disk alone.
        let share = registrations.len().div_ceil(8).max(1);
        let ids: Vec<Result<Vec<String>, Failure>> = std::thread::scope(|threads| {
            let running: Vec<_> = registrations
                .chunks_mut(share)
                .map(|mine| {
                    threads.spawn(move || {
                        let mut connection = Connection::new(address);
                        mine.iter_mut().map(|one| registered(&mut connection, one.with(self.numbers.next()))).collect()
                    })
                })
                .collect();
            let broken = || Err(Failure::from("registering broke off"));
            running.into_iter().map(|thread| thread.join().unwrap_or_else(|_| broken())).collect()
        });
        for some in ids {
            patients.ids.extend(some?);
        }
        for id in &patients.ids {
            patients.reads.push(Template::new("GET", &format!("{base}/patients/{id}"), &clinician, None));
        }
        Ok(patients)
    }

    /// Server and pgbench in turn, so that what the machine does meanwhile meets both.
    fn in_turn(&self, server: &Server, ours: &Patients, scripts: Vec<Result<Script, String>>) -> Result<(), Failure> {
        let mut scripts = scripts.into_iter();
        let mut next = || scripts.next().unwrap_or_else(|| Err("not watched".to_owned()));
        let kinds = [
            ("submission, 11 answers", &ours.short, next(), [1, 8, 32].as_slice()),
            ("submission, baseline", &ours.baseline, next(), &[8]),
            ("patient read", &ours.reads, next(), &[1, 8]),
        ];
        let program = self.local.programs().join("pgbench");
        let address = login_address(&self.local.superuser_address("painreg"));
        say(format!(
            "\n{:<24}{:>3} {:>5} {:>8} {:>8} {:>8} {:>8} {:>6} | {:>8} {:>8} {:>6} | {:>7} {:>9} {:>7} | {:>9}",
            "what",
            "c",
            "round",
            "req/s",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "errors",
            "pgb. tps",
            "pgb. ms",
            "ratio",
            "server",
            "postgres",
            "client",
            "pgb. post."
        ));
        say(format!("{:>105}{}", "", "processor ms a request"));
        let only = setting("ONLY").unwrap_or_default();
        for (what, templates, script, levels) in kinds {
            for clients in levels.iter().filter(|clients| format!("{what} {clients}").contains(&only)) {
                let warming = self.time.min(Duration::from_secs(1));
                load(server.address, templates, &self.numbers, *clients, warming);
                let mut ratios = Vec::new();
                for round in 1..=self.rounds {
                    let before = self.spent(server);
                    let outcome = load(server.address, templates, &self.numbers, *clients, self.time);
                    let each = self.spent(server).each_since(before, count(outcome.latencies.len()));
                    let direct = script.as_ref().map_err(ToString::to_string).and_then(|script| {
                        let before = self.spent(server);
                        let stamp = self.registry.clock().now().as_microsecond();
                        let told = script.run(&program, &address, *clients, self.time.as_secs(), stamp);
                        let told = told.map_err(|error| error.to_string())?;
                        let seconds = f64::from(u32::try_from(self.time.as_secs()).unwrap_or(u32::MAX));
                        Ok((told, self.spent(server).each_since(before, told.rate * seconds)))
                    });
                    let compared = match &direct {
                        Ok((told, theirs)) => {
                            ratios.push(outcome.rate() / told.rate.max(f64::EPSILON));
                            (
                                format!("{:>8.0} {:>8.2} {:>6.2}", told.rate, told.latency, outcome.rate() / told.rate),
                                format!("{:>9.3}", theirs.postgres),
                            )
                        }
                        Err(_) => (format!("{:>8} {:>8} {:>6}", "-", "-", "-"), format!("{:>9}", "-")),
                    };
                    say(format!(
                        "{what:<24}{clients:>3} {round:>5} {} | {} | {:>7.3} {:>9.3} {:>7.3} | {}",
                        figures(&outcome),
                        compared.0,
                        each.server,
                        each.postgres,
                        each.client,
                        compared.1
                    ));
                    tell_errors(&outcome);
                    if let Err(why) = direct {
                        say(format!("  no pgbench figure: {why}"));
                    }
                }
                ratios.sort_unstable_by(f64::total_cmp);
                if let (Some(low), Some(high)) =
                    (ratios.get((ratios.len().max(1) - 1) / 2), ratios.get(ratios.len() / 2))
                {
                    say(format!(
                        "{:<24}{clients:>3} median ratio server/pgbench {:.2}",
                        what,
                        f64::midpoint(*low, *high)
                    ));
                }
            }
            if let Ok(script) = &script {
                say(format!("{what}: {} round trips to the database", script.round_trips));
            }
        }
        let mut superuser = self.superuser()?;
        for (who, slug) in [("server", SERVED), ("pgbench", DIRECT)] {
            say(format!("Left by the {who:<7} {}", rows_of(&mut superuser, slug)?));
        }
        Ok(())
    }

    fn spent(&self, server: &Server) -> Spent {
        Spent::now(Some(server.pid()), postmaster(self.folder))
    }

    /// Many tenants: making, migrating and serving them.
    fn many(&self, server: &Server) -> Result<(), Failure> {
        let wanted = number("TENANTS", 100);
        if wanted == 0 {
            return Ok(());
        }
        let slugs: Vec<String> = (1..=wanted).map(|at| format!("many-{at:03}")).collect();
        let mut times = Vec::new();
        for slug in &slugs {
            let started = Instant::now();
            self.create(slug)?;
            times.push(started.elapsed());
        }
        times.sort_unstable();
        let at = |index: usize| times.get(index).copied().unwrap_or_default();
        say(format!(
            "\n{wanted} tenants created: median {:.0} ms, longest {:.0} ms",
            millis(at(times.len() / 2)),
            millis(at(times.len().saturating_sub(1)))
        ));
        let started = Instant::now();
        let migrated = self.registry.migrate(None, false, |_| {})?.len();
        say(format!("Migrating all {migrated} tenants with nothing pending: {:.2} s", started.elapsed().as_secs_f64()));
        self.migrate_anew()?;
        // The server looks for changes every second.
        std::thread::sleep(Duration::from_millis(2500));
        let mut templates = Vec::new();
        for (at, slug) in slugs.iter().enumerate() {
            let seed = 2 + u64::try_from(at)?;
            templates.extend(self.register(server.address, slug, seed, FEW)?.short);
        }
        load(server.address, &templates, &self.numbers, 8, self.time.min(Duration::from_secs(2)));
        for round in 1..=self.rounds {
            let before = self.spent(server);
            let outcome = load(server.address, &templates, &self.numbers, 8, self.time);
            let each = self.spent(server).each_since(before, count(outcome.latencies.len()));
            say(format!(
                "{:<24}{:>3} {round:>5} {} | processor ms a request: server {:.3}, postgres {:.3}, client {:.3}",
                format!("{wanted} tenants, 11 answers"),
                8,
                figures(&outcome),
                each.server,
                each.postgres,
                each.client
            ));
            tell_errors(&outcome);
        }
        say(format!("Server after {wanted} tenants' load: {}", server.memory()));
        Ok(())
    }

    /// Takes one tenant's tables away and lets the migration make them again.
    fn migrate_anew(&self) -> Result<(), Failure> {
        let slug = "many-anew";
        self.create(slug)?;
        let mut superuser = self.superuser()?;
        let schema = schema_of(&mut superuser, slug)?;
        execute(
            &mut superuser,
            &format!(
                "DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema} AUTHORIZATION painreg; \
                 UPDATE platform.tenant SET schema_version = '' WHERE slug = '{slug}'"
            ),
        )?;
        let started = Instant::now();
        let done = self.registry.migrate(Some(slug), false, |_| {})?;
        let outcome = done.first().map_or("nothing", |one| one.outcome.word());
        say(format!("Migrating one tenant from nothing ({outcome}): {:.0} ms", millis(started.elapsed())));
        Ok(())
    }
}

/// What will be asked about the patients of one tenant.
#[derive(Default)]
struct Patients {
    ids: Vec<String>,
    short: Vec<Template>,
    baseline: Vec<Template>,
    reads: Vec<Template>,
}

fn registered(connection: &mut Connection, request: &[u8]) -> Result<String, Failure> {
    let mut tries = 0;
    loop {
        let answer = connection.exchange(request)?;
        let body: Value = serde_json::from_slice(answer.body)?;
        if answer.status == 503 && tries < 20 {
            // Not what is measured here; the load itself counts every such answer.
            tries += 1;
            std::thread::sleep(Duration::from_millis(100));
            continue;
        }
        let id = body.get("id").and_then(Value::as_str).filter(|_| answer.status == 201);
        return id.map(str::to_owned).ok_or_else(|| format!("registering a patient was refused: {body}").into());
    }
}

fn registration(person: &Person) -> Value {
    json!({
        "national_id": {"type": "fnr", "value": person.national_id},
        "sex": person.sex,
        "birth_date": person.birth_date,
        "language": person.language,
        "interpreter_needed": person.interpreter_needed,
        "cognitive_impairment": person.cognitive_impairment,
        "contact": {"mobile": person.mobile, "email": person.email},
    })
}

/// A delivery of the short form.
fn short(person: &Person, created: jiff::Timestamp) -> Value {
    json!({
        "version": "2024-09",
        "version_minor": 2,
        "metadata": {
            "created": created,
            "answer_time": 265_150,
            "submission_id": 0,
            "number_of_attachments": 0,
            "respondent": {"provider": "idporten", "sub": "2f7c0d6e5b4a3928", "personal_identifier": person.national_id},
        },
        "answers": {
            "kortversjon_aarsak": "own_equipment",
            "eq5d_mo": "3", "eq5d_sc": "1", "eq5d_ua": "3", "eq5d_pd": "4", "eq5d_ad": "2", "eq5d_vas": 45,
            "nrs_worst": 8, "nrs_least": 4, "nrs_average": 6, "nrs_now": 5,
        },
    })
}

#[derive(QueryableByName)]
struct SchemaRow {
    #[diesel(sql_type = diesel::sql_types::Text)]
    schema_name: String,
}

#[expect(clippy::disallowed_methods, reason = "asked once")]
fn schema_of(conn: &mut PgConnection, slug: &str) -> Result<String, Failure> {
    let row: SchemaRow = diesel::sql_query("SELECT schema_name FROM platform.tenant WHERE slug = $1")
        .bind::<diesel::sql_types::Text, _>(slug)
        .get_result(conn)?;
    Ok(row.schema_name)
}

#[derive(QueryableByName)]
struct RowsRow {
    #[diesel(sql_type = diesel::sql_types::Text)]
    rows: String,
}

/// How much stands in a tenant's tables: shows that both did the same work.
#[expect(clippy::disallowed_methods, reason = "asked once")]
fn rows_of(conn: &mut PgConnection, slug: &str) -> Result<String, Failure> {
    let schema = schema_of(conn, slug)?;
    let row: RowsRow = diesel::sql_query(format!(
        "SELECT format('%s patients, %s submissions of %s patients, %s scores, %s access log events, %s stored answers', \
         (SELECT count(*) FROM {schema}.patient), count(*), count(DISTINCT patient_id), \
         (SELECT count(*) FROM {schema}.score), (SELECT count(*) FROM {schema}.audit_event), \
         (SELECT count(*) FROM {schema}.idempotency_key)) AS rows FROM {schema}.submission"
    ))
    .get_result(conn)?;
    Ok(row.rows)
}

#[expect(clippy::disallowed_methods, reason = "the superuser's own text, in a cluster that is thrown away")]
fn execute(conn: &mut PgConnection, sql: &str) -> Result<(), Failure> {
    use diesel::connection::SimpleConnection as _;
    Ok(conn.batch_execute(sql)?)
}

/// The superuser's address with pgbench's own login; later parameters override earlier ones.
fn login_address(superuser: &SecretString) -> String {
    format!("{}&user={PGBENCH_ROLE}&password=bench", superuser.expose_secret())
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

/// The server as a process of its own; ends with this.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(program: &Path, folder: &Path, local: &Local) -> Result<Self, Failure> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new(program)
            .arg("serve")
            .env("DATABASE_URL", local.address().expose_secret())
            .env("PAINREG_FOLDER", folder)
            .env("PAINREG_KEY_FILE", folder.join("key"))
            .env("PAINREG_LISTEN", address.to_string())
            .env("PAINREG_ENVIRONMENT", "test")
            .env("PAINREG_LOG", "error")
            // No caller is slowed down here.
            .env("PAINREG_PEOPLE_PER_SECOND", "1000000")
            .env("PAINREG_MACHINES_PER_SECOND", "1000000")
            .stdin(Stdio::null())
            .spawn()?;
        let mut server = Self { child, address };
        let started = Instant::now();
        let mut ready = Template::new("GET", "/health/ready", "none", None);
        while started.elapsed() < Duration::from_secs(20) {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("the server ended at once: {status}").into());
            }
            let answered = Connection::new(address).exchange(ready.with(0)).map(|answer| answer.status);
            if matches!(answered, Ok(200)) {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("the server is not ready after 20 s".into())
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn memory(&self) -> String {
        let pid = self.pid();
        format!("{:.1} MB resident, at most {:.1} MB", megabytes(pid, "VmRSS"), megabytes(pid, "VmHWM"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg("-TERM").arg(self.pid().to_string()).status();
        let started = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if started.elapsed() > Duration::from_secs(10) {
                let _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
