//! `painreg demo`: five registries with invented patients, loaded over the same API that a hospital uses. National ids
//! are synthetic. A second start resumes an interrupted one.

mod batches;
mod client;
mod overview;
mod past;

use std::collections::VecDeque;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Args;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use painreg_domain::national_id::Acceptance;
use painreg_tenants::Clock;
use painreg_tenants::provision::{NewTenant, Placement};
use serde_json::Value;

use self::batches::{PatientBatch, batches};
use self::client::Client;
use self::past::Past;
use super::demo_issuer::{DemoKey, demo_issuer};
use super::{Database, Failure, Listening, Prepare, say};

/// The registries that the annual report for 2021 names, without organisation numbers.
const REGISTRIES: &[(&str, &str)] = &[
    ("ous", "Oslo universitetssykehus"),
    ("sorlandet", "Sørlandet sykehus"),
    ("telemark", "Sykehuset Telemark"),
    ("innlandet", "Sykehuset Innlandet"),
    ("ostfold", "Sykehuset Østfold"),
];

/// Serve registries with invented patients.
#[derive(Args)]
pub struct Demo {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    listening: Listening,
    /// The number of registries to create, at most five.
    #[arg(long, default_value = "5", value_parser = clap::value_parser!(u8).range(1..=5))]
    tenants: u8,
    /// The number of patients of each registry.
    #[arg(long, default_value = "200")]
    patients: u32,
    /// The seed of patients and answers; the same seed creates the same data.
    #[arg(long, default_value = "2021")]
    seed: u64,
    /// The number of concurrent requests while loading.
    #[arg(long, default_value = "8", value_parser = clap::value_parser!(u8).range(1..=64))]
    parallel: u8,
    /// Load, print and stop instead of serving.
    #[arg(long)]
    once: bool,
}

impl Demo {
    /// Loads missing data, prints an overview, and serves.
    pub fn run(self) -> Result<(), Failure> {
        if self.database.url.is_some() {
            return Err("the demonstration uses a private database; unset DATABASE_URL".into());
        }
        say("Starting the private PostgreSQL ..");
        let clock = Clock::shifted();
        let opened = self.database.open_by(clock.clone(), Prepare::SchemaAndKey)?;
        let past = Past::of(clock, &self.database.place.folder, opened.registry.tenant(past::REGISTRY).is_none())?;
        let key = DemoKey::in_folder(&self.database.place.folder)?;
        let wanted = REGISTRIES.get(..usize::from(self.tenants)).unwrap_or(REGISTRIES);
        opened.registry.trust(None, &demo_issuer(None)).map_err(super::tenant::failure_of)?;
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
        // Registries of an older version are migrated.
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
                    let result = demo.load_and_print(address, key, slugs, past);
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

    /// Binds the configured address, or a free port where it is in use.
    fn listen(&self) -> Result<TcpListener, Failure> {
        match TcpListener::bind(&self.listening.listen) {
            Ok(listener) => Ok(listener),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                let free = TcpListener::bind("127.0.0.1:0")?;
                say(&format!("{} is in use; listening on {} instead", self.listening.listen, free.local_addr()?));
                Ok(free)
            }
            Err(error) => Err(format!("cannot listen on {}: {error}", self.listening.listen).into()),
        }
    }

    fn load_and_print(&self, address: SocketAddr, key: &DemoKey, slugs: &[&str], past: &Past) -> Result<(), Failure> {
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
        overview::print(address, key, slugs, now)
    }

    /// Sends the batches concurrently and returns the number of stored entries. Lines of an earlier run are answered
    /// with their stored results.
    fn send(
        &self,
        client: &Client,
        seed: u64,
        batches: VecDeque<PatientBatch>,
        bar: &ProgressBar,
    ) -> Result<u64, Failure> {
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

/// Sends SIGTERM to this process.
fn stop_this_process() {
    let _ = std::process::Command::new("kill").arg("-TERM").arg(std::process::id().to_string()).status();
}
