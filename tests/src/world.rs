//! A world for each test: a database and a server in this process, both removed when the test ends.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use diesel::PgConnection;
use jiff::SignedDuration;
use painreg_api::server::{self, Options};
use painreg_domain::national_id::Acceptance;
use painreg_domain::policy::Role;
use painreg_domain::synthetic::{Generator, Person};
use painreg_tenants::{Clock, Registry, Settings};
use serde_json::{Map, Value};

use crate::actor::Actor;
use crate::cluster::Cluster;
use crate::look;
use crate::tokens::Claims;

/// The settings of a world; the default is the usual one.
#[derive(Clone)]
pub struct Setup {
    /// The rate limit of a person, in requests a second.
    pub people_per_second: u32,
    /// The rate limit of a machine client, in requests a second.
    pub machines_per_second: u32,
    /// The most connections of all tenants together.
    pub connections: usize,
    /// The most connections of one tenant.
    pub connections_per_tenant: u32,
    /// The time that a request waits for a connection.
    pub wait: Duration,
    /// The number of worker threads of the server.
    pub workers: usize,
    /// Whether national ids must be synthetic.
    pub acceptance: Acceptance,
    /// The seed of the invented people.
    pub seed: u64,
    /// Whether the server runs the background work of registries.
    pub works: bool,
    /// Changes the settings of the registry. What only tests change needs a feature that this crate's library lacks.
    pub adjust: Arc<dyn Fn(&mut Settings) + Send + Sync>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            people_per_second: 1_000_000,
            machines_per_second: 1_000_000,
            connections: 60,
            connections_per_tenant: 8,
            wait: Duration::from_secs(5),
            workers: 1,
            acceptance: Acceptance::Test,
            seed: 1,
            works: false,
            adjust: Arc::new(|_| {}),
        }
    }
}

/// A running service with the registries `alpha` and `beta`, empty but for their template.
pub struct World {
    /// The clock of the service.
    pub clock: Clock,
    /// The address on which the server listens.
    pub address: SocketAddr,
    /// The registry of the service, for actions that no request can do.
    pub registry: Registry,
    pub(crate) agent: ureq::Agent,
    database: String,
    people: Mutex<Generator>,
    /// The superuser's connection of [`World::rows`], opened when first needed.
    look: Mutex<Option<PgConnection>>,
    /// The representation of each resource, role and entity tag that was read.
    pub(crate) shown: Mutex<HashMap<(String, String, String), Vec<u8>>>,
    handle: actix_web::dev::ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// Creates the usual world.
    pub fn new() -> Self {
        Self::with(&Setup::default())
    }

    /// Creates a world with these settings.
    pub fn with(setup: &Setup) -> Self {
        let cluster = Cluster::shared();
        let database = cluster.clone_template();
        let clock = Clock::shifted();
        let mut settings = cluster.settings(&database, clock.clone());
        settings.connections = setup.connections;
        settings.connections_per_tenant = setup.connections_per_tenant;
        settings.wait = setup.wait;
        (setup.adjust)(&mut settings);
        let registry = Registry::open(settings).expect("a registry");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let options = Options {
            key_folder: cluster.key_folder(),
            public_address: format!("http://{address}"),
            acceptance: setup.acceptance,
            people_per_second: NonZeroU32::new(setup.people_per_second).expect("some"),
            machines_per_second: NonZeroU32::new(setup.machines_per_second).expect("some"),
            workers: Some(setup.workers),
            grace: Duration::from_secs(5),
            works: setup.works,
            private_database: None,
        };
        let (report_handle, started) = mpsc::channel();
        let served = registry.clone();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let running = server::start(served, &options, listener).expect("a server");
                report_handle.send(running.handle.clone()).expect("a world that waits");
                running.server.await.expect("an orderly end");
                drop(running.background);
            });
        });
        let handle = started.recv().expect("a server");
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections_per_host(16)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        let people = Mutex::new(Generator::new(setup.seed));
        Self {
            clock,
            address,
            registry,
            agent,
            database,
            people,
            look: Mutex::new(None),
            shown: Mutex::default(),
            handle,
            thread: Some(thread),
        }
    }

    /// Returns the registry `alpha`.
    pub fn alpha(&self) -> Place<'_> {
        self.place("alpha")
    }

    /// Returns the registry `beta`.
    pub fn beta(&self) -> Place<'_> {
        self.place("beta")
    }

    /// Returns the registry of this slug, which need not exist.
    pub fn place(&self, slug: &str) -> Place<'_> {
        Place { world: self, slug: slug.to_owned() }
    }

    /// Returns an operator of the platform.
    pub fn operator(&self) -> Actor<'_> {
        Actor::new(
            self,
            Claims {
                tenant: None,
                role: Role::Operator,
                subject: "operator-1".to_owned(),
                unit: None,
                patient: None,
                national_id: None,
            },
        )
    }

    /// Returns a caller without a token.
    pub fn unauthenticated(&self) -> Actor<'_> {
        self.operator().with_token(None)
    }

    /// Returns an invented adult with a synthetic number, never the same twice in one world.
    pub fn person(&self) -> Person {
        self.people.lock().unwrap_or_else(PoisonError::into_inner).person()
    }

    /// Returns an invented person to whom questionnaires can be sent: no interpreter is needed and no other reason
    /// prevents it.
    pub fn answerer(&self) -> Person {
        Person { interpreter_needed: false, cognitive_impairment: false, ..self.person() }
    }

    /// Returns a baseline delivery of `person` in Nettskjema's format.
    pub fn delivery(&self, person: &Person, submission_id: u64) -> Value {
        let now = self.clock.now();
        self.people.lock().unwrap_or_else(PoisonError::into_inner).baseline_delivery(person, submission_id, now)
    }

    /// Moves the service's clock forward.
    pub fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
    }

    /// Returns the name of this world's database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Opens a connection of the superuser, for inspection.
    pub fn sql(&self) -> PgConnection {
        Cluster::shared().superuser(&self.database)
    }

    /// Returns the rows of a query as the superuser sees them. `{alpha}` and `{beta}` are replaced by the tenants'
    /// schemas.
    pub fn rows(&self, query: &str) -> Vec<Map<String, Value>> {
        let mut look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        let conn = look.get_or_insert_with(|| self.sql());
        let query = ["alpha", "beta"].iter().fold(query.to_owned(), |query, slug| {
            let place = format!("{{{slug}}}");
            if query.contains(&place) { query.replace(&place, &schema(conn, slug)) } else { query }
        });
        look::rows(conn, &query)
    }

    /// Returns the first column of a query's only row, a number.
    pub fn number(&self, query: &str) -> i64 {
        let rows = self.rows(query);
        let value = rows.first().and_then(|row| row.values().next()).and_then(Value::as_i64);
        value.unwrap_or_else(|| panic!("not one number: {query}"))
    }

    /// Returns the name of a tenant's schema.
    pub fn schema(&self, slug: &str) -> String {
        let mut look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        schema(look.get_or_insert_with(|| self.sql()), slug)
    }

    /// Stops the server: requests in progress are finished, new ones refused.
    pub fn stops(&self) {
        // The call stops the server; the future only waits for it.
        drop(self.handle.stop(true));
    }

    /// Waits at most `limit` until `seen` returns a value.
    pub fn within<T>(&self, limit: Duration, mut seen: impl FnMut() -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            if let Some(found) = seen() {
                return found;
            }
            assert!(started.elapsed() < limit, "not seen within {limit:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn schema(conn: &mut PgConnection, slug: &str) -> String {
    let found = look::rows(conn, &format!("SELECT schema_name FROM platform.tenant WHERE slug = '{slug}'"));
    let name = found.first().and_then(|row| row.get("schema_name")).and_then(Value::as_str);
    name.unwrap_or_else(|| panic!("no registry {slug}")).to_owned()
}

impl Drop for World {
    fn drop(&mut self) {
        // The call stops the server; the future only waits for it.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if !std::thread::panicking() {
            Cluster::shared().drop_database(&self.database);
        }
    }
}

/// A registry of a world; its methods return actors.
pub struct Place<'w> {
    world: &'w World,
    slug: String,
}

impl<'w> Place<'w> {
    /// Returns a caller with this role, of the unit `clinic`.
    pub fn caller(&self, role: Role) -> Actor<'w> {
        Actor::new(
            self.world,
            Claims {
                tenant: Some(self.slug.clone()),
                role,
                subject: format!("{role}-1"),
                unit: Some("clinic".to_owned()),
                patient: None,
                national_id: None,
            },
        )
    }

    /// Returns the patient with this id in this registry, as a caller.
    pub fn patient(&self, id: &str) -> Actor<'w> {
        self.caller(Role::Patient).changed(|claims| claims.patient = Some(id.to_owned()))
    }

    /// Returns a clinician of the registry.
    pub fn clinician(&self) -> Actor<'w> {
        self.caller(Role::Clinician)
    }

    /// Returns a secretary of the registry.
    pub fn secretary(&self) -> Actor<'w> {
        self.caller(Role::Secretary)
    }

    /// Returns a registry manager.
    pub fn manager(&self) -> Actor<'w> {
        self.caller(Role::RegistryManager)
    }

    /// Returns the data protection officer.
    pub fn dpo(&self) -> Actor<'w> {
        self.caller(Role::Dpo)
    }

    /// Returns the program that delivers answers.
    pub fn importer(&self) -> Actor<'w> {
        self.caller(Role::Importer)
    }

    /// Returns the feed of the hospital's patient administration system.
    pub fn pas_feed(&self) -> Actor<'w> {
        self.caller(Role::PasFeed)
    }

    /// Returns the program that sends invitations.
    pub fn sender(&self) -> Actor<'w> {
        self.caller(Role::Sender)
    }
}
