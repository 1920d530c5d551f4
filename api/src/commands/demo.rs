//! `painreg demo`: five registries with invented patients, loaded through the very endpoints a hospital uses. Only
//! synthetic national ids; started again, it goes on where it was.

mod past;

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Args;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use painreg_domain::national_id::Acceptance;
use painreg_domain::policy::Role;
use painreg_domain::synthetic::{BASELINE_FORM_ID, Generator, Person};
use painreg_tenants::Clock;
use painreg_tenants::provision::{NewTenant, Placement};
use serde_json::{Value, json};
use strum::IntoEnumIterator as _;

use self::past::Past;
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

/// What is sent for some patients: their registration and courses in one request, and a delivery of answers for each of
/// those whom the clinic has met.
struct Batch {
    number: usize,
    lines: String,
    deliveries: Vec<(u32, Value)>,
    patients: u64,
}

/// How many patients one request registers.
const TOGETHER: u32 = 20;
/// The project of the demonstration, after one of the annual report.
const PROJECT: &str = "opioid-taper";
/// One of so many takes part in it.
const PARTICIPANTS: u32 = 25;

impl Demo {
    /// Loads what is missing, says where to look, and serves.
    pub fn run(self) -> Result<(), Failure> {
        if self.database.url.is_some() {
            return Err("the demonstration has a database of its own; unset DATABASE_URL".into());
        }
        say("Starting the private PostgreSQL ..");
        let clock = Clock::shifted();
        let opened = self.database.open_by(clock.clone(), true)?;
        let past = Past::of(clock, &self.database.folder, opened.registry.tenant(past::REGISTRY).is_none())?;
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
        // What an older version began is brought to this one.
        if opened.registry.is_any_behind() {
            super::migrate::one_or_all(&opened.registry, None, false)?;
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
                let past = &past;
                *loader.lock().unwrap_or_else(PoisonError::into_inner) = Some(threads.spawn(move || {
                    let result = demo.load_and_tell(address, key, slugs, past);
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

    fn load_and_tell(&self, address: SocketAddr, key: &DemoKey, slugs: &[&str], past: &Past) -> Result<(), Failure> {
        past.live(self.seed, |slug, now| Client::new(address, slug, key, now))?;
        let now = Clock::system().now();
        let bars = MultiProgress::new();
        for (at, slug) in slugs.iter().enumerate() {
            let client = Client::new(address, slug, key, now)?;
            let seed = self.seed.wrapping_add(u64::try_from(at).unwrap_or(0).wrapping_mul(1_000_003));
            let batches = batches(seed, self.patients, painreg_domain::calendar::norwegian_day(now))?;
            let held = client.summary()?;
            let count = |name: &str| held.get(name).and_then(Value::as_u64).unwrap_or(0);
            let deliveries: usize = batches.iter().map(|batch| batch.deliveries.len()).sum();
            let before = if *slug == past::REGISTRY { past.holds(self.seed) } else { (0, 0) };
            let held = |name: &str, before: usize| usize::try_from(count(name)).unwrap_or(0).saturating_sub(before);
            let wanted = usize::try_from(self.patients).unwrap_or(usize::MAX);
            if held("submissions", before.1) >= deliveries && held("patients", before.0) >= wanted {
                continue;
            }
            client.project()?;
            let bar = bars.add(ProgressBar::new(u64::from(self.patients)));
            bar.set_style(ProgressStyle::with_template(
                "{prefix:>10} {bar:40} {pos}/{len} patients  {per_sec}  {eta}",
            )?);
            bar.set_prefix((*slug).to_owned());
            let started = Instant::now();
            let entries = self.send(&client, seed, batches, &bar)?;
            bar.finish();
            let seconds = started.elapsed().as_secs_f64();
            say(&format!(
                "Loaded {slug}: {} patients, {entries} entries, {deliveries} answered questionnaires in {seconds:.1} s \
                 ({:.0} patients a minute)",
                self.patients,
                f64::from(self.patients) * 60.0 / seconds
            ));
        }
        tell(address, key, slugs, now)
    }

    /// Sends every batch, several at once, and counts the entries stored. A line that was sent before is answered from
    /// what was stored then.
    fn send(&self, client: &Client, seed: u64, batches: VecDeque<Batch>, bar: &ProgressBar) -> Result<u64, Failure> {
        let queue = Mutex::new(batches);
        let entries = AtomicU64::new(0);
        let failed: Mutex<Option<Failure>> = Mutex::new(None);
        std::thread::scope(|threads| {
            for _ in 0..self.parallel {
                threads.spawn(|| {
                    loop {
                        let batch = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                        let Some(batch) = batch else { return };
                        match client.send(seed, &batch) {
                            Ok(stored) => {
                                entries.fetch_add(stored, Ordering::Relaxed);
                                bar.inc(batch.patients);
                            }
                            Err(error) => {
                                queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
                                *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                                return;
                            }
                        }
                    }
                });
            }
        });
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.map_or(Ok(entries.into_inner()), Err)
    }
}

/// The patients, courses and answers of one registry: they depend on the seed and the day alone.
fn batches(seed: u64, patients: u32, today: Date) -> Result<VecDeque<Batch>, Failure> {
    let mut generator = Generator::new(seed);
    let mut batches: VecDeque<Batch> = VecDeque::new();
    for number in 0..patients {
        if number % TOGETHER == 0 {
            batches.push_back(Batch {
                number: batches.len(),
                lines: String::new(),
                deliveries: Vec::new(),
                patients: 0,
            });
        }
        let Some(batch) = batches.back_mut() else { continue };
        let person = generator.person();
        let course = generator.course(&person, today);
        let mut line = serde_json::to_value(&course)?;
        if let (Some(seen), Some(entries)) =
            (course.first_seen_on, line.get_mut("entries").and_then(Value::as_array_mut))
            && number % PARTICIPANTS == 0
        {
            let content = json!({"project": PROJECT, "joined_on": seen});
            entries.push(json!({"kind": "project_participation", "content": content}));
        }
        if let Value::Object(members) = &mut line {
            members.insert("patient".to_owned(), registration(&person, course.deceased_on));
        }
        writeln!(batch.lines, "{line}")?;
        batch.patients += 1;
        if let (Some(received), Some(seen)) = (course.received_on, course.first_seen_on) {
            // Answered before the first consultation, as it should be.
            let answered = seen.checked_sub(3.days()).unwrap_or(seen).max(received);
            let created = answered.at(8, 30, 0, 0).to_zoned(TimeZone::UTC)?.timestamp();
            // Another seed makes other patients, so its submissions are others too.
            let submission = (seed % 100_000) * 10_000_000 + u64::from(number);
            batch.deliveries.push((number, generator.baseline_delivery(&person, submission, created)));
        }
    }
    Ok(batches)
}

fn registration(person: &Person, deceased_on: Option<Date>) -> Value {
    json!({
        "national_id": {"type": "fnr", "value": person.national_id},
        "sex": person.sex,
        "birth_date": person.birth_date,
        "language": person.language,
        "interpreter_needed": person.interpreter_needed,
        "cognitive_impairment": person.cognitive_impairment,
        "contact": {"mobile": person.mobile, "email": person.email},
        "deceased_on": deceased_on,
    })
}

/// The demonstration as its own client: a secretary registers, an importer delivers, a sender sends, a manager counts.
struct Client {
    agent: ureq::Agent,
    base: String,
    secretary: String,
    importer: String,
    sender: String,
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
            sender: sign(Role::Sender)?,
            manager: sign(Role::RegistryManager)?,
        })
    }

    /// The project that some patients take part in; there already is as good.
    fn project(&self) -> Result<(), Failure> {
        let project = json!({"code": PROJECT, "title": "Nedtrapping av opioider (oppdiktet)", "kind": "quality",
            "starts_on": "2015-10-01", "fields": [{"code": "taper_wanted", "kind": "boolean"}]});
        match self.post("/projects", &self.manager, "demo-project", &project)? {
            (201 | 409, _) => Ok(()),
            (_, said) => Err(format!("the project was refused: {said}").into()),
        }
    }

    /// Registers the patients of a batch with their courses and delivers their answers; how many entries were stored.
    fn send(&self, seed: u64, batch: &Batch) -> Result<u64, Failure> {
        let mut entries = 0;
        for result in self.register(&format!("demo-{seed}-{}", batch.number), &batch.lines)? {
            let stored = result.pointer("/registered/entries").and_then(Value::as_array).map_or(0, Vec::len);
            entries += u64::try_from(stored).unwrap_or(0);
        }
        for (number, delivery) in &batch.deliveries {
            self.deliver(BASELINE_FORM_ID, &format!("demo-{seed}-answers-{number}"), delivery)?;
        }
        Ok(entries)
    }

    /// Registers patients with what is recorded of them; what became of each.
    fn register(&self, key: &str, lines: &str) -> Result<Vec<Value>, Failure> {
        let (_, told) = self.send_text(
            "POST",
            "/patient-batches",
            (&self.secretary, &[("idempotency-key", key), ("content-type", "application/x-ndjson")]),
            lines,
        )?;
        let results = told.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>();
        let results = results.map_err(|_| format!("a batch was refused: {told}"))?;
        for result in &results {
            let code = result.pointer("/problem/code").and_then(Value::as_str);
            // Registered by an earlier run whose stored answers are gone, or on another day: that is what was wanted.
            if !matches!(code, None | Some("already_exists" | "key_reused")) {
                return Err(format!("registering a patient was refused: {result}").into());
            }
        }
        Ok(results)
    }

    /// Delivers somebody's answers.
    fn deliver(&self, form_id: &str, key: &str, delivery: &Value) -> Result<(), Failure> {
        match self.post(&format!("/nettskjema/{form_id}/deliveries"), &self.importer, key, delivery)? {
            (200 | 201, _) => Ok(()),
            (_, said) => Err(format!("a delivery was refused: {said}").into()),
        }
    }

    fn post(&self, path: &str, token: &str, key: &str, body: &Value) -> Result<(u16, Value), Failure> {
        self.send_json("POST", path, (token, &[("idempotency-key", key)]), body)
    }

    fn send_json(
        &self,
        method: &str,
        path: &str,
        (token, headers): (&str, &[(&str, &str)]),
        body: &Value,
    ) -> Result<(u16, Value), Failure> {
        let headers = [headers, &[("content-type", "application/json")]].concat();
        let (status, text) = self.send_text(method, path, (token, &headers), &body.to_string())?;
        Ok((status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? }))
    }

    fn send_text(
        &self,
        method: &str,
        path: &str,
        (token, headers): (&str, &[(&str, &str)]),
        body: &str,
    ) -> Result<(u16, String), Failure> {
        let mut tries = 0;
        loop {
            let mut request = ureq::http::Request::builder()
                .method(method)
                .uri(format!("{}{path}", self.base))
                .header("authorization", format!("Bearer {token}"));
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let mut answer = self.agent.run(request.body(body)?)?;
            let status = answer.status().as_u16();
            // Busy, too fast, or the same key at work: the server says when to come back.
            if matches!(status, 429 | 503) && tries < 20 {
                tries += 1;
                std::thread::sleep(std::time::Duration::from_millis(100 * tries));
                continue;
            }
            return Ok((status, answer.body_mut().read_to_string()?));
        }
    }

    /// What a sender is answered.
    fn expect(&self, path: &str, key: &str, body: &Value) -> Result<Value, Failure> {
        match self.post(path, &self.sender, key, body)? {
            (200 | 201, said) => Ok(said),
            (_, said) => Err(format!("{path} was refused: {said}").into()),
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
    for path in ["submissions", "timeline", "omeq-series", "permissions", "differences?from=2026-01-01T00:00:00Z"] {
        say(&format!("curl -sH \"Authorization: Bearer $TOKEN\" '{base}/v1/tenants/{slug}/patients/{patient}/{path}'"));
    }
    let carriers = Client::new(address, &slug, key, now)?.get("/implant-components?ongoing=true&limit=200")?;
    let mut carriers = carriers.get("items").and_then(Value::as_array).into_iter().flatten();
    if let Some(carrier) = carriers.find(|carrier| carrier.get("udi_di").is_some_and(Value::is_string)) {
        let text = |name: &str| carrier.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (whose, device) = (text("patient_id"), text("udi_di"));
        say(&format!(
            "curl -sH \"Authorization: Bearer $TOKEN\" {base}/v1/tenants/{slug}/patients/{whose}/current-implants"
        ));
        say(&format!(
            "curl -sH \"Authorization: Bearer $TOKEN\" '{base}/v1/tenants/{slug}/device-recalls?udi_di={device}'"
        ));
    }
    for path in ["episodes?ongoing=true&limit=3", "code-systems/icd11/codes?query=chronic%20primary", "code-lists"] {
        say(&format!("curl -sH \"Authorization: Bearer $TOKEN\" '{base}/v1/tenants/{slug}/{path}'"));
    }
    say(&format!(
        "curl -sH \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \
         -d '{{\"answers\":{{\"isi_01\":2,\"isi_02\":1,\"isi_03\":0,\"isi_04\":3,\"isi_05\":1,\"isi_06\":2,\"isi_07\":2}}}}' \
         {base}/v1/tenants/{slug}/instruments/isi/scores"
    ));
    tell_follow_up(&Client::new(address, &slug, key, now)?)?;
    say("\nServing until interrupted (Ctrl-C).");
    Ok(())
}

/// How many answered, and why somebody was not asked.
fn tell_follow_up(client: &Client) -> Result<(), Failure> {
    let base = &client.base;
    say(&format!("\nOf follow-up, as a registry manager:\n\nTOKEN={}", client.manager));
    let mut paths =
        vec!["follow-up-statistics?from=2021-06-01&to=2022-05-31".to_owned(), "follow-up-counts".to_owned()];
    let unasked = client.get("/follow-up-decisions?rule=closed_12&reason=category_missing&limit=1")?;
    if let Some(patient) = unasked.pointer("/items/0/patient_id").and_then(Value::as_str) {
        paths.push(format!("patients/{patient}/follow-up"));
    }
    for path in paths {
        say(&format!("curl -sH \"Authorization: Bearer $TOKEN\" '{base}/{path}'"));
    }
    Ok(())
}

/// Asks this very process to stop in its orderly way.
fn stop_this_process() {
    let _ = std::process::Command::new("kill").arg("-TERM").arg(std::process::id().to_string()).status();
}
