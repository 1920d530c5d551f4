//! Every tenant this process serves, each behind its own login role and pool. Hands out scopes, never connections.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use diesel::PgConnection;
use diesel::prelude::*;
use painreg_domain::code::CodeBooks;
use painreg_domain::ids::{IssuerId, TenantId};
use painreg_domain::policy::Role;
use painreg_domain::questionnaire::Form;
use scheduled_thread_pool::ScheduledThreadPool;
use secrecy::{ExposeSecret as _, SecretString};

use crate::clock::Clock;
use crate::crypt::{Key, TenantKeys, kek_from_file};
use crate::error::StoreError;
use crate::issuer::IssuerSettings;
use crate::pool::{Pool, PoolSettings, Pooled, Slots, address_as};
use crate::scope::{PlatformScope, Principal, RequestContext, TenantScope};
use crate::{migrate, store};

/// How the registry reaches its database and keys.
#[derive(Clone)]
pub struct Settings {
    /// The address of the platform's owner: a role that may create roles and owns the database.
    pub database: SecretString,
    /// The key-encryption key's file; made where none is.
    pub key_file: PathBuf,
    /// How many connections all tenants together may hold.
    pub connections: usize,
    /// How many of them one tenant may hold.
    pub connections_per_tenant: u32,
    /// How long a request waits for a connection before it is told to come back.
    pub wait: Duration,
    /// After how long an unused connection is closed.
    pub idle: Duration,
    /// Serve although the database would lose writes in a crash. For tests only.
    pub allow_unsafe_database: bool,
    /// A planted fault: nothing is checked again the moment before it is sent. For the test that must notice.
    pub without_last_check: bool,
    /// Where "now" comes from.
    pub clock: Clock,
}

impl Settings {
    /// The settings that suit one server on one machine.
    pub fn new(database: SecretString, key_file: PathBuf, clock: Clock) -> Self {
        Self {
            database,
            key_file,
            connections: 60,
            connections_per_tenant: 8,
            wait: Duration::from_millis(250),
            idle: Duration::from_mins(1),
            allow_unsafe_database: false,
            without_last_check: false,
            clock,
        }
    }
}

/// The door to every tenant. Cheap to clone.
#[derive(Clone)]
pub struct Registry(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) kek: Key,
    pub(crate) pools: PoolSettings,
    pub(crate) platform: Arc<Place>,
    known: RwLock<Arc<Known>>,
}

/// What the platform's tables said when they were last read.
#[derive(Default)]
struct Known {
    generation: i64,
    tenants: HashMap<String, Arc<Tenant>>,
    issuers: Vec<Arc<TrustedIssuer>>,
    codes: CodeBooks,
    /// How old the codes are.
    code_versions: store::codes::Versions,
}

/// An issuer and whose it is.
#[derive(Debug)]
pub struct TrustedIssuer {
    /// The issuer's row.
    pub id: IssuerId,
    /// The tenant that trusts it; `None` for the platform's operators.
    pub tenant: Option<Arc<Tenant>>,
    /// What is trusted, and for what.
    pub settings: IssuerSettings,
}

/// One tenant as this process serves it.
pub struct Tenant {
    /// The tenant's id.
    pub id: TenantId,
    /// The name in the path: exact, case and all.
    pub slug: String,
    pub(crate) version: i64,
    pub(crate) suspended: bool,
    pub(crate) schema_version: String,
    pub(crate) place: Arc<Place>,
}

impl std::fmt::Debug for Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tenant").field("slug", &self.slug).finish_non_exhaustive()
    }
}

/// A schema, the way in, and the keys of what lies there.
pub(crate) struct Place {
    pub(crate) schema: String,
    /// The id that sealed values are bound to.
    pub(crate) id: Vec<u8>,
    pub(crate) keys: TenantKeys,
    address: SecretString,
    pool: Mutex<Option<Pool>>,
    last_used: AtomicI64,
    pub(crate) forms: RwLock<FormCache>,
    pub(crate) lists: RwLock<store::code_lists::ListCache>,
    pub(crate) licensing: RwLock<store::licences::LicensingCache>,
    pub(crate) plans: RwLock<store::plans::PlanCache>,
}

/// Published forms are immutable, so they are read once. What is known of a Nettskjema form carries its versions, which are
/// asked for before it is used.
#[derive(Default)]
pub(crate) struct FormCache {
    pub(crate) by_version: HashMap<(String, String), Form>,
    pub(crate) by_nettskjema: HashMap<String, store::nettskjema::Known>,
}

impl Place {
    pub(crate) fn new(schema: String, id: Vec<u8>, keys: TenantKeys, address: SecretString) -> Self {
        Self {
            schema,
            id,
            keys,
            address,
            pool: Mutex::new(None),
            last_used: AtomicI64::new(0),
            forms: RwLock::new(FormCache::default()),
            lists: RwLock::default(),
            licensing: RwLock::default(),
            plans: RwLock::default(),
        }
    }

    fn pool(&self, settings: &PoolSettings) -> Pool {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.get_or_insert_with(|| settings.pool()).clone()
    }

    /// Lets go of the pool: idle connections close now, busy ones when their work is done.
    pub(crate) fn close(&self) -> bool {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }

    /// Closes one connection that nobody uses. Whether there was one.
    fn close_one_idle(&self) -> bool {
        let pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(mut held) = pool.and_then(|pool| resting(&pool)) else { return false };
        held.close();
        true
    }
}

impl Registry {
    /// Connects to a database that `painreg migrate` has prepared, and reads what it knows.
    pub fn open(settings: Settings) -> Result<Self, StoreError> {
        let kek = kek_from_file(&settings.key_file)?;
        let keepers = ScheduledThreadPool::builder().num_threads(2).thread_name_pattern("connections-{}").build();
        let pools = PoolSettings {
            slots: Slots::new(settings.connections),
            size: settings.connections_per_tenant,
            wait: settings.wait,
            idle: settings.idle,
            keepers: Arc::new(keepers),
        };
        let keys = TenantKeys::derive(&kek, &kek.derive(&[b"platform"]), b"platform");
        let platform =
            Arc::new(Place::new("platform".to_owned(), b"platform".to_vec(), keys, settings.database.clone()));
        let registry = Self(Arc::new(Inner { settings, kek, pools, platform, known: RwLock::default() }));
        registry.reload()?;
        Ok(registry)
    }

    /// Where "now" comes from.
    pub fn clock(&self) -> &Clock {
        &self.0.settings.clock
    }

    /// How many database connections are open, over every tenant.
    pub fn open_connections(&self) -> usize {
        self.0.pools.slots.open()
    }

    /// The tenant of this exact slug.
    pub fn tenant(&self, slug: &str) -> Option<Arc<Tenant>> {
        self.known().tenants.get(slug).cloned()
    }

    /// How many tenants are known.
    pub fn tenant_count(&self) -> usize {
        self.known().tenants.len()
    }

    /// Whether a tenant's schema is of another version than this program.
    pub fn is_any_behind(&self) -> bool {
        self.known().tenants.values().any(|tenant| tenant.schema_version != migrate::tenant_version())
    }

    /// Every trusted issuer with this exact name.
    pub fn issuers(&self, name: &str) -> Vec<Arc<TrustedIssuer>> {
        self.known().issuers.iter().filter(|issuer| issuer.settings.issuer == name).cloned().collect()
    }

    /// The registry itself, in every tenant that is served: for what follows from days and plans, and not from a request.
    pub fn worker_scopes(&self) -> Vec<TenantScope> {
        let principal = Principal {
            key: "worker".to_owned(),
            actor: "painreg".to_owned(),
            role: Role::System,
            unit: None,
            hpr: None,
            organisation: None,
            client: Some("painreg worker".to_owned()),
            own: None,
            highly_assured: true,
        };
        let served = |tenant: &&Arc<Tenant>| !tenant.suspended && tenant.schema_version == migrate::tenant_version();
        let tenants: Vec<Arc<Tenant>> = self.known().tenants.values().filter(served).cloned().collect();
        let scope = |tenant| {
            let context = RequestContext { request_id: self.clock().ordered_id().to_string(), origin: None };
            TenantScope::new(self.clone(), tenant, principal.clone(), context)
        };
        tenants.into_iter().map(scope).collect()
    }

    /// The code systems, as they were when the platform's tables were last read.
    pub fn codes(&self) -> CodeBooks {
        self.known().codes.clone()
    }

    /// A caller's scope in a tenant. Only the API's authentication calls this.
    pub fn scope(&self, tenant: Arc<Tenant>, principal: Principal, context: RequestContext) -> TenantScope {
        TenantScope::new(self.clone(), tenant, principal, context)
    }

    /// An operator's scope, or that of a tenant's caller who asks for something of the platform and will be refused.
    pub fn platform_scope(&self, principal: Principal, context: RequestContext) -> PlatformScope {
        PlatformScope::new(self.clone(), principal, context)
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.0.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the platform's tables if they have changed since they were last read.
    pub fn refresh(&self) -> Result<(), StoreError> {
        let mut held = self.0.connection(&self.0.platform)?;
        let generation = store::tenants::generation(held.conn()?)?;
        drop(held);
        if generation == self.known().generation { Ok(()) } else { self.reload() }
    }

    /// Reads the platform's tables. Tenants that have not changed keep their pools.
    pub(crate) fn reload(&self) -> Result<(), StoreError> {
        let mut held = self.0.connection(&self.0.platform)?;
        let before = self.known();
        let (generation, rows, issuers) = store::tenants::load_all(held.conn()?)?;
        // Counted before they are read, as the generation is.
        let code_versions = store::codes::versions(held.conn()?)?;
        let codes = store::codes::load_all(held.conn()?, (&before.codes, &before.code_versions), &code_versions)?;
        drop(held);
        let mut tenants = HashMap::with_capacity(rows.len());
        for row in rows {
            let tenant = match before.tenants.get(&row.slug) {
                Some(same) if same.id == row.id && same.version == row.version => Arc::clone(same),
                _ => match self.tenant_from(&row) {
                    Ok(tenant) => Arc::new(tenant),
                    // One registry whose keys do not open must not keep the others from being served.
                    Err(error) => {
                        tracing::error!(%error, registry = %row.slug, "a registry cannot be served");
                        continue;
                    }
                },
            };
            tenants.insert(row.slug, tenant);
        }
        let by_id: HashMap<TenantId, Arc<Tenant>> =
            tenants.values().map(|tenant| (tenant.id, Arc::clone(tenant))).collect();
        let issuers = issuers
            .into_iter()
            .filter_map(|row| {
                let tenant = match row.tenant {
                    None => None,
                    Some(id) => Some(Arc::clone(by_id.get(&id)?)),
                };
                Some(Arc::new(TrustedIssuer { id: row.id, tenant, settings: row.settings }))
            })
            .collect();
        *self.0.known.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Known { generation, tenants, issuers, codes, code_versions });
        Ok(())
    }

    fn tenant_from(&self, row: &store::tenants::ServedRow) -> Result<Tenant, StoreError> {
        let id = row.id.uuid().into_bytes().to_vec();
        let key = Key::unwrap_from(&row.tenant_key, &self.0.kek, &[b"tenant".as_slice(), b"tenant_key", &id])?;
        let password = self.0.kek.open(&row.login_password, &[b"tenant".as_slice(), b"login_password", &id])?;
        let password = String::from_utf8_lossy(&password).into_owned();
        let base = self.base_address(row.id, row.dsn.as_deref())?;
        let address = address_as(&base, &format!("{}_login", row.schema), &password);
        let keys = TenantKeys::derive(&self.0.kek, &key, &id);
        Ok(Tenant {
            id: row.id,
            slug: row.slug.clone(),
            version: row.version,
            suspended: row.suspended,
            schema_version: row.schema_version.clone(),
            place: Arc::new(Place::new(row.schema.clone(), id, keys, address)),
        })
    }

    /// The address of the database a tenant lies in: its own where it has one, else the platform's.
    pub(crate) fn base_address(&self, id: TenantId, dsn: Option<&[u8]>) -> Result<SecretString, StoreError> {
        let Some(sealed) = dsn else { return Ok(self.0.settings.database.clone()) };
        let plain = self.0.kek.open(sealed, &[b"tenant".as_slice(), b"dsn", id.uuid().as_bytes()])?;
        Ok(SecretString::from(String::from_utf8_lossy(&plain).into_owned()))
    }

    /// Whether the database can be trusted with writes, or what is wrong with it.
    pub fn check_database(&self) -> Result<(), StoreError> {
        let mut held = self.0.connection(&self.0.platform)?;
        migrate::check_platform_version(held.conn()?)?;
        self.judge(held.conn()?)
    }

    /// Refuses a database that could lose acknowledged writes, or write rows into its log.
    pub(crate) fn judge(&self, conn: &mut PgConnection) -> Result<(), StoreError> {
        if self.0.settings.allow_unsafe_database {
            return Ok(());
        }
        unsafe_setting(conn)?.map_or(Ok(()), |setting| {
            Err(StoreError::Unavailable(format!(
                "the database setting {setting} could lose writes or leak rows into its log"
            )))
        })
    }
}

/// The first setting that breaks a promise of ours, if any: durability, and no patient data in the database's log.
fn unsafe_setting(conn: &mut PgConnection) -> Result<Option<String>, StoreError> {
    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = diesel::sql_types::Text)]
        name: String,
    }
    let found: Vec<Setting> = crate::statement::statement(
        "SELECT name || ' = ' || setting AS name FROM pg_catalog.pg_settings WHERE \
         (name IN ('fsync', 'full_page_writes') AND setting <> 'on') OR \
         (name = 'synchronous_commit' AND setting IN ('off', 'local')) OR \
         (name = 'log_error_verbosity' AND setting <> 'terse') OR \
         (name = 'log_statement' AND setting <> 'none') OR \
         (name = 'log_parameter_max_length_on_error' AND setting <> '0') OR \
         (name = 'log_min_duration_statement' AND setting <> '-1') OR \
         (name = 'log_min_error_statement' AND setting NOT IN ('panic', 'fatal', 'log')) ORDER BY name",
    )
    .load(conn)?;
    Ok(found.into_iter().next().map(|setting| setting.name))
}

impl Inner {
    /// An open connection to `place`: at most the settings' wait, then [`StoreError::Busy`]. Where the cap over all
    /// tenants is reached, a resting connection of the tenant that has been quiet longest makes room.
    pub(crate) fn connection(&self, place: &Place) -> Result<Pooled, StoreError> {
        place.last_used.store(self.settings.clock.now().as_millisecond(), Ordering::Relaxed);
        let started = Instant::now();
        let refused = || {
            metrics::counter!("painreg_pool_refusals_total").increment(1);
            StoreError::Busy
        };
        let pool = place.pool(&self.pools);
        if let Some(held) = resting(&pool) {
            return Ok(held);
        }
        let mut held = pool.get().map_err(|_| refused())?;
        while !held.is_open() {
            let Some(slot) = self.pools.slots.take() else {
                if !self.close_the_quietest(place) {
                    if started.elapsed() > self.settings.wait {
                        return Err(refused());
                    }
                    std::thread::sleep(Duration::from_millis(2));
                }
                continue;
            };
            held.open(&place.address, slot).map_err(|error| {
                let text = error.to_string();
                tracing::warn!(schema = %place.schema, "a database connection could not be opened");
                if text.contains("too many connections") || text.contains("too many clients") {
                    refused()
                } else {
                    StoreError::Unavailable("the database cannot be reached".to_owned())
                }
            })?;
        }
        Ok(held)
    }

    fn close_the_quietest(&self, but: &Place) -> bool {
        let known = Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner));
        let mut places: Vec<&Arc<Place>> =
            known.tenants.values().map(|tenant| &tenant.place).filter(|place| place.schema != but.schema).collect();
        places.sort_by_key(|place| place.last_used.load(Ordering::Relaxed));
        let closed = places.into_iter().any(|place| place.close_one_idle());
        if closed {
            metrics::counter!("painreg_connections_evicted_total").increment(1);
        }
        closed
    }
}

/// An open connection that nobody uses. Permits without a connection come up first as likely as not; they are handed back.
fn resting(pool: &Pool) -> Option<Pooled> {
    let mut closed = Vec::new();
    while let Some(held) = pool.try_get() {
        if held.is_open() {
            return Some(held);
        }
        closed.push(held);
    }
    None
}

/// A connection of the platform's owner, outside any pool, for work that creates roles and schemas.
pub(crate) fn owner_connection(address: &SecretString) -> Result<PgConnection, StoreError> {
    PgConnection::establish(address.expose_secret())
        .map_err(|_| StoreError::Unavailable("the database cannot be reached".to_owned()))
}
