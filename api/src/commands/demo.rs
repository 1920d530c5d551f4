//! `painreg demo`: five registries with invented patients, loaded through the very endpoints a hospital uses. Only
//! synthetic national ids; started again, it goes on where it was.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Args;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use painreg_domain::national_id::Acceptance;
use painreg_domain::policy::Role;
use painreg_domain::synthetic::{BASELINE_FORM_ID, Generator, Person};
use painreg_tenants::provision::{NewTenant, Placement};
use serde_json::{Value, json};
use strum::IntoEnumIterator as _;

use super::keys::{DemoKey, Wanted, demo_issuer};
use super::{Database, Failure, Listening, say};

/// The registries that the annual report for 2021 names, with invented organisation numbers left out.
const REGISTRIES: &[(&str, &str)] = &[
    ("ous", "Oslo universitetssykehus"),
    ("sorlandet", "Sørlandet sykehus"),
    ("telemark", "Sykehuset Telemark"),
    ("innlandet", "Sykehuset Innlandet"),
    ("ostfold", "Sykehuset Østfold"),
];

/// The unit of the demonstration's patients and clinicians.
const UNIT: &str = "smerteklinikk";

/// Serve registries with invented patients.
#[derive(Args)]
pub struct Demo {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    listening: Listening,
    /// How many of the five registries to make.
    #[arg(long, default_value = "5", value_parser = clap::value_parser!(u8).range(1..=5))]
    tenants: u8,
    /// How many patients each registry has.
    #[arg(long, default_value = "200")]
    patients: u32,
    /// The same seed makes the same patients and answers.
    #[arg(long, default_value = "2021")]
    seed: u64,
    /// How many requests to send at once while loading.
    #[arg(long, default_value = "8", value_parser = clap::value_parser!(u8).range(1..=64))]
    parallel: u8,
    /// Load, print and stop instead of serving.
    #[arg(long)]
    once: bool,
}

/// What is sent for one patient.
struct Case {
    number: u32,
    registration: Value,
    delivery: Value,
}

impl Demo {
    /// Loads what is missing, says where to look, and serves.
    pub fn run(self) -> Result<(), Failure> {
        if self.database.url.is_some() {
            return Err("the demonstration has a database of its own; unset DATABASE_URL".into());
        }
        say("Starting the private PostgreSQL ..");
        let opened = self.database.open(true)?;
        let key = DemoKey::in_folder(&self.database.folder)?;
        let wanted = REGISTRIES.get(..usize::from(self.tenants)).unwrap_or(REGISTRIES);
        opened.registry.trust(None, &demo_issuer(None)).map_err(super::tenant::told)?;
        super::codes::import_builtin(&opened.registry)?;
        for (slug, name) in wanted {
            if opened.registry.tenant(slug).is_none() {
                let started = Instant::now();
                super::tenant::create(
                    &opened.registry,
                    NewTenant {
                        slug: (*slug).to_owned(),
                        name: (*name).to_owned(),
                        organisation_number: None,
                        placement: Placement::Login,
                        template: "opr".to_owned(),
                        issuers: vec![demo_issuer(Some(slug))],
                    },
                )?;
                say(&format!("Created the registry {slug} ({name}) in {:.2} s", started.elapsed().as_secs_f64()));
            }
        }
        let listener = self.listen()?;
        let address = listener.local_addr()?;
        let database = self.database.clone();
        let listening = self.listening.clone();
        let slugs: Vec<&'static str> = wanted.iter().map(|(slug, _)| *slug).collect();
        std::thread::scope(|threads| {
            let loader = Mutex::new(None);
            let served = super::serve::until_stopped(opened, &database, &listening, Acceptance::Test, listener, |_| {
                let demo = &self;
                let key = &key;
                let slugs = &slugs;
                *loader.lock().unwrap_or_else(PoisonError::into_inner) = Some(threads.spawn(move || {
                    let result = demo.load_and_tell(address, key, slugs);
                    if demo.once || result.is_err() {
                        stop_this_process();
                    }
                    result
                }));
            });
            let loader = loader.into_inner().unwrap_or_else(PoisonError::into_inner);
            if let Some(loader) = loader {
                loader.join().map_err(|_| Failure::from("loading failed"))??;
            }
            served
        })
    }

    /// The address asked for, or the next free port where that one is taken.
    fn listen(&self) -> Result<TcpListener, Failure> {
        match TcpListener::bind(&self.listening.listen) {
            Ok(listener) => Ok(listener),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                let free = TcpListener::bind("127.0.0.1:0")?;
                say(&format!("{} is taken; listening on {} instead", self.listening.listen, free.local_addr()?));
                Ok(free)
            }
            Err(error) => Err(format!("cannot listen on {}: {error}", self.listening.listen).into()),
        }
    }

    fn load_and_tell(&self, address: SocketAddr, key: &DemoKey, slugs: &[&str]) -> Result<(), Failure> {
        let now = painreg_tenants::Clock::system().now();
        let bars = MultiProgress::new();
        for (at, slug) in slugs.iter().enumerate() {
            let client = Client::new(address, slug, key, now)?;
            let held = client.summary()?;
            if held.get("submissions").and_then(Value::as_u64).is_some_and(|n| n >= u64::from(self.patients)) {
                continue;
            }
            let bar = bars.add(ProgressBar::new(u64::from(self.patients)));
            bar.set_style(ProgressStyle::with_template(
                "{prefix:>10} {bar:40} {pos}/{len} patients  {per_sec}  {eta}",
            )?);
            bar.set_prefix((*slug).to_owned());
            let seed = self.seed.wrapping_add(u64::try_from(at).unwrap_or(0).wrapping_mul(1_000_003));
            let cases = cases(seed, self.patients);
            self.send(&client, cases, &bar)?;
            bar.finish();
        }
        tell(address, key, slugs, now)
    }

    /// Sends every case, several at once. A case that was sent before is answered from what was stored then.
    fn send(&self, client: &Client, cases: VecDeque<Case>, bar: &ProgressBar) -> Result<(), Failure> {
        let queue = Mutex::new(cases);
        let failed: Mutex<Option<Failure>> = Mutex::new(None);
        std::thread::scope(|threads| {
            for _ in 0..self.parallel {
                threads.spawn(|| {
                    loop {
                        let case = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                        let Some(case) = case else { return };
                        if let Err(error) = client.send(self.seed, &case) {
                            queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
                            *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                            return;
                        }
                        bar.inc(1);
                    }
                });
            }
        });
        failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }
}

/// The patients and answers of one registry, in an order that depends on the seed alone.
fn cases(seed: u64, patients: u32) -> VecDeque<Case> {
    let mut generator = Generator::new(seed);
    let first: Timestamp = "2021-01-04T08:00:00Z".parse().unwrap_or(Timestamp::UNIX_EPOCH);
    (0..patients)
        .map(|number| {
            let person = generator.person();
            let created = first.checked_add(SignedDuration::from_mins(i64::from(number) * 97)).unwrap_or(first);
            // Another seed makes other patients, so its submissions are others too.
            let submission = (seed % 100_000) * 10_000_000 + u64::from(number);
            let delivery = generator.baseline_delivery(&person, submission, created);
            Case { number, registration: registration(&person), delivery }
        })
        .collect()
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

/// The demonstration as its own client: a secretary registers, an importer delivers, a manager counts.
struct Client {
    agent: ureq::Agent,
    base: String,
    secretary: String,
    importer: String,
    manager: String,
}

impl Client {
    fn new(address: SocketAddr, slug: &str, key: &DemoKey, now: Timestamp) -> Result<Self, Failure> {
        let sign = |role| {
            key.sign(
                &Wanted { tenant: Some(slug), role, subject: None, unit: Some(UNIT), patient: None, seconds: 3600 },
                now,
            )
        };
        Ok(Self {
            agent: ureq::Agent::config_builder()
                .http_status_as_error(false)
                .max_idle_connections_per_host(64)
                .build()
                .new_agent(),
            base: format!("http://{address}/v1/tenants/{slug}"),
            secretary: sign(Role::Secretary)?,
            importer: sign(Role::Importer)?,
            manager: sign(Role::RegistryManager)?,
        })
    }

    fn send(&self, seed: u64, case: &Case) -> Result<(), Failure> {
        let key = format!("demo-{seed}-{}", case.number);
        let registered = self.post("/patients", &self.secretary, &key, &case.registration)?;
        // Registered by an earlier run whose stored answers are gone: that is what was wanted.
        if !matches!(registered.0, 201 | 409) {
            return Err(format!("registering a patient was refused: {}", registered.1).into());
        }
        let place = format!("/nettskjema/{BASELINE_FORM_ID}/deliveries");
        let delivered = self.post(&place, &self.importer, &key, &case.delivery)?;
        if !matches!(delivered.0, 200 | 201) {
            return Err(format!("a delivery was refused: {}", delivered.1).into());
        }
        Ok(())
    }

    fn post(&self, path: &str, token: &str, key: &str, body: &Value) -> Result<(u16, Value), Failure> {
        let url = format!("{}{path}", self.base);
        let mut tries = 0;
        loop {
            let mut answer = self
                .agent
                .post(&url)
                .header("authorization", format!("Bearer {token}"))
                .header("idempotency-key", key)
                .send_json(body)?;
            let status = answer.status().as_u16();
            // Busy, too fast, or the same key at work: the server says when to come back.
            if matches!(status, 429 | 503) && tries < 20 {
                tries += 1;
                std::thread::sleep(std::time::Duration::from_millis(100 * tries));
                continue;
            }
            return Ok((status, answer.body_mut().read_json()?));
        }
    }

    fn get(&self, path: &str) -> Result<Value, Failure> {
        let mut answer = self
            .agent
            .get(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {}", self.manager))
            .call()?;
        let body: Value = answer.body_mut().read_json()?;
        if answer.status().as_u16() == 200 { Ok(body) } else { Err(format!("{path} was refused: {body}").into()) }
    }

    fn summary(&self) -> Result<Value, Failure> {
        self.get("/summary")
    }
}

/// The figures shown for each registry: heading, instrument, scale.
const SHOWN: &[(&str, &str, &str)] = &[
    ("EQ-5D", "eq5d5l", "index"),
    ("EQ VAS", "eq5d5l", "vas"),
    ("NRS avg", "nrs", "average"),
    ("ODI %", "odi_opr_mod", "total"),
    ("HSCL-25", "hscl25", "total"),
    ("ISI", "isi", "total"),
    ("PCS", "pcs", "total"),
    ("CFQ-11", "cfq11", "total"),
    ("GSE", "gse10", "total"),
];

/// What there is now, and how to look at it.
fn tell(address: SocketAddr, key: &DemoKey, slugs: &[&str], now: Timestamp) -> Result<(), Failure> {
    let mut heading = format!("\n{:<12} {:>8} {:>11}", "registry", "patients", "submissions");
    for (name, ..) in SHOWN {
        let _ = write!(heading, " {name:>8}");
    }
    say(&heading);
    let mut patient = None;
    for slug in slugs {
        let client = Client::new(address, slug, key, now)?;
        let summary = client.summary()?;
        let count = |name: &str| summary.get(name).and_then(Value::as_u64).unwrap_or(0);
        let mut line = format!("{slug:<12} {:>8} {:>11}", count("patients"), count("submissions"));
        for (_, instrument, scale) in SHOWN {
            let mean = summary.get("means").and_then(Value::as_array).into_iter().flatten().find(|mean| {
                mean.get("instrument").and_then(Value::as_str) == Some(instrument)
                    && mean.get("scale").and_then(Value::as_str) == Some(scale)
            });
            let _ = match mean.and_then(|mean| mean.get("mean")).and_then(Value::as_f64) {
                Some(mean) => write!(line, " {mean:>8.2}"),
                None => write!(line, " {:>8}", "-"),
            };
        }
        say(&line);
        if patient.is_none() {
            let listed = client.get("/patients?limit=1")?;
            patient =
                listed.pointer("/items/0/id").and_then(Value::as_str).map(|id| ((*slug).to_owned(), id.to_owned()));
        }
    }
    let Some((slug, patient)) = patient else { return Err("no patient was loaded".into()) };
    say(&format!("\nTokens of {slug}'s demonstration issuer, good for 12 hours:"));
    let mut clinician = String::new();
    for role in Role::iter().filter(|role| *role != Role::System) {
        let operator = role == Role::Operator;
        let token = key.sign(
            &Wanted {
                tenant: Some(slug.as_str()).filter(|_| !operator),
                role,
                subject: None,
                unit: Some(UNIT),
                patient: (role == Role::Patient).then_some(patient.as_str()),
                seconds: 12 * 3600,
            },
            now,
        )?;
        say(&format!("  {role:<17} {token}"));
        if role == Role::Clinician {
            clinician = token;
        }
    }
    let base = format!("http://{address}");
    say(&format!("\nDocumentation: {base}/docs/\n\nReady to paste:\n"));
    say(&format!("TOKEN={clinician}"));
    say(&format!("curl -sH \"Authorization: Bearer $TOKEN\" '{base}/v1/tenants/{slug}/patients?limit=3'"));
    say(&format!("curl -sH \"Authorization: Bearer $TOKEN\" {base}/v1/tenants/{slug}/patients/{patient}"));
    say(&format!("curl -sH \"Authorization: Bearer $TOKEN\" {base}/v1/tenants/{slug}/patients/{patient}/submissions"));
    say(&format!(
        "curl -sH \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \
         -d '{{\"answers\":{{\"isi_01\":2,\"isi_02\":1,\"isi_03\":0,\"isi_04\":3,\"isi_05\":1,\"isi_06\":2,\"isi_07\":2}}}}' \
         {base}/v1/tenants/{slug}/instruments/isi/scores"
    ));
    say("\nServing until interrupted (Ctrl-C).");
    Ok(())
}

/// Asks this very process to stop in its orderly way.
fn stop_this_process() {
    let _ = std::process::Command::new("kill").arg("-TERM").arg(std::process::id().to_string()).status();
}
