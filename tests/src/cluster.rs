//! One temporary PostgreSQL cluster for a test process and one template database in it, with the registries `alpha` and
//! `beta`. The cluster ends with the process, whatever ends it, and its folder is removed.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::{Connection as _, PgConnection};
use painreg_domain::policy::Action;
use painreg_tenants::local::{Durability, Local};
use painreg_tenants::provision::{self, NewTenant, Placement};
use painreg_tenants::{Clock, KeyEncryptionKey, Principal, Registry, RequestContext, Settings, StoreError, migrate};
use secrecy::{ExposeSecret as _, SecretString};

use crate::look::execute;
use crate::tokens::{SET, Signer, issuer};

/// The cluster of this process.
pub struct Cluster {
    /// The PostgreSQL server of the process.
    pub local: Local,
    /// The folder for all files of this process.
    pub folder: PathBuf,
    /// The key that every registry trusts.
    pub signer: Signer,
    clones: AtomicUsize,
}

const TEMPLATE: &str = "template_registry";
/// The registries of the template.
const REGISTRIES: [(&str, &str); 2] = [("alpha", "Alpha sykehus"), ("beta", "Beta sykehus")];

static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);

impl Cluster {
    /// Returns the cluster of this process, started by the first call.
    pub fn shared() -> &'static Self {
        &CLUSTER
    }

    fn start() -> Self {
        let folder = parent().join(format!("painreg-test-{}", std::process::id()));
        sweep_when_we_end(&folder);
        let local = Local::start(&folder, Durability::Throwaway).expect("a private PostgreSQL");
        let signer = Signer::fresh();
        let keys = folder.join("issuers");
        std::fs::create_dir_all(&keys).expect("a folder of key sets");
        std::fs::write(keys.join(SET), signer.key_set().to_string()).expect("a key set");
        KeyEncryptionKey::create(&folder.join("key")).expect("a key");
        let cluster = Self { local, folder, signer, clones: AtomicUsize::new(0) };
        cluster.make_template();
        cluster
    }

    fn make_template(&self) {
        let mut owner = self.connect(&self.local.address());
        execute(&mut owner, &format!("CREATE DATABASE {TEMPLATE}"));
        let address = self.local.address_of(TEMPLATE);
        migrate::platform(&address).expect("the platform's schema");
        // Login roles belong to the cluster and are shared by every clone, and so is their connection limit.
        let settings = Settings { connections_per_tenant: 25, ..self.settings(TEMPLATE, Clock::system()) };
        let registry = Registry::open(settings).expect("a registry");
        registry.trust(None, &issuer(None)).expect("operators");
        painreg_api::commands::codes::import_builtin(&registry).expect("the codes that the program brings along");
        for (slug, name) in REGISTRIES {
            create_tenant(&registry, slug, name).expect("a registry of the template");
        }
    }

    /// Returns settings that connect to `database`.
    pub fn settings(&self, database: &str, clock: Clock) -> Settings {
        let key = KeyEncryptionKey::read(&self.key_file()).expect("a key");
        Settings { allow_unsafe_database: true, ..Settings::new(self.local.address_of(database), key, clock) }
    }

    /// Returns the path of the key file.
    pub fn key_file(&self) -> PathBuf {
        self.folder.join("key")
    }

    /// Returns the folder of issuers' key sets.
    pub fn key_folder(&self) -> PathBuf {
        self.folder.join("issuers")
    }

    /// Opens a connection of the superuser.
    pub fn superuser(&self, database: &str) -> PgConnection {
        self.connect(&self.local.superuser_address(database))
    }

    /// Opens a connection to an address.
    pub fn connect(&self, address: &SecretString) -> PgConnection {
        PgConnection::establish(address.expose_secret()).expect("a connection")
    }

    /// Creates a copy of the template and returns its name. PostgreSQL does not copy the database's grants, so they are
    /// granted again.
    pub fn clone_template(&self) -> String {
        let name = format!("world_{}", self.clones.fetch_add(1, Ordering::Relaxed));
        let mut owner = self.connect(&self.local.address());
        execute(&mut owner, &format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY"));
        let mut inside = self.connect(&self.local.address_of(&name));
        execute(
            &mut inside,
            "DO $$ DECLARE login text; BEGIN \
             EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); \
             FOR login IN SELECT schema_name || '_login' FROM platform.tenant LOOP \
             EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), login); END LOOP; END $$",
        );
        name
    }

    /// Creates an empty database of the owner and returns its name.
    pub fn empty_database(&self) -> String {
        let name = format!("empty_{}", self.clones.fetch_add(1, Ordering::Relaxed));
        execute(&mut self.connect(&self.local.address()), &format!("CREATE DATABASE {name}"));
        name
    }

    /// Removes a database and disconnects its clients.
    pub fn drop_database(&self, name: &str) {
        execute(&mut self.superuser("postgres"), &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    }
}

/// Returns the folder of the cluster's folder: in memory where there is room, because a database of a test is some thousand
/// files, which take half of a test's time on a disk. `TMPDIR` overrides it.
fn parent() -> PathBuf {
    const MEMORY: &str = "/dev/shm";
    const ROOM: u64 = 2 << 30;
    let said = Command::new("df").args(["-Pk", MEMORY]).output();
    let said = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let free = said.lines().nth(1).and_then(|row| row.split_whitespace().nth(3)?.parse::<u64>().ok());
    let is_writable = || std::fs::metadata(MEMORY).is_ok_and(|it| it.permissions().mode() & 0o1777 == 0o1777);
    if std::env::var_os("TMPDIR").is_none() && free.is_some_and(|kib| kib * 1024 >= ROOM) && is_writable() {
        PathBuf::from(MEMORY)
    } else {
        std::env::temp_dir()
    }
}

/// Creates a registry behind the API, for templates.
pub(crate) fn create_tenant(registry: &Registry, slug: &str, name: &str) -> Result<(), StoreError> {
    let principal = Principal::operator_at_the_machine("harness");
    let context = RequestContext { request_id: "harness".to_owned(), origin: None };
    let new = NewTenant {
        slug: slug.to_owned(),
        name: name.to_owned(),
        organisation_number: None,
        placement: Placement::Login,
        template: "opr".to_owned(),
        issuers: vec![issuer(Some(slug))],
    };
    registry.platform_scope(principal, context).run(Action::CreateTenant, |tx| provision::create(tx, &new)).map(|_| ())
}

/// Starts a small shell that outlives this process: when its standard input closes, which happens when this process
/// ends in any way, it waits until PostgreSQL has stopped and removes the folder.
fn sweep_when_we_end(folder: &Path) {
    const SWEEPER: &str = "cat >/dev/null; n=0; while [ -e \"$1/postgres/postmaster.pid\" ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n+1)); done; sleep 0.2; rm -rf \"$1\"";
    let sweeper = Command::new("sh")
        .args(["-c", SWEEPER, "painreg-sweeper"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .current_dir("/")
        .spawn();
    // Its standard input stays open until the process ends.
    std::mem::forget(sweeper);
}
