//! Connections to every tenant's database under one cap. Knows neither callers nor actions.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use diesel::{ConnectionError, PgConnection};
use painreg_domain::ids::TenantId;
use scheduled_thread_pool::ScheduledThreadPool;
use secrecy::SecretString;

use crate::clock::Clock;
use crate::crypt::{Key, TenantKeys};
use crate::error::StoreError;
use crate::news::News;
use crate::place::{TenantDatabase, idle_connection};
use crate::pool::{PoolSettings, Pooled, Slots};
use crate::settings::Settings;
use crate::{database_check, session};

/// How long a connection that could be opened counts as the answer to whether another one can be opened.
const LOGIN_COUNTS: Duration = Duration::from_secs(5);

/// The way to the platform's database and to every tenant's.
pub(crate) struct Connections {
    pub(crate) settings: Settings,
    pub(crate) kek: Key,
    pub(crate) platform: TenantDatabase,
    /// What was committed in this process, for its background jobs.
    pub(crate) news: News,
    pools: PoolSettings,
    served: RwLock<Vec<Arc<TenantDatabase>>>,
}

impl Connections {
    /// Derives the platform's keys; opens no connection yet.
    pub(crate) fn new(settings: Settings) -> Self {
        let kek = settings.key.key().clone();
        let keepers = ScheduledThreadPool::builder().num_threads(2).thread_name_pattern("connections-{}").build();
        let pools = PoolSettings {
            slots: Slots::new(settings.connections),
            size: settings.connections_per_tenant,
            wait: settings.wait,
            idle: settings.idle,
            keepers: Arc::new(keepers),
        };
        let keys = TenantKeys::derive(&kek, &kek.derive(&[b"platform"]), b"platform");
        let address = settings.database.clone();
        let platform = TenantDatabase::new("platform".to_owned(), b"platform".to_vec(), keys, address);
        Self { settings, kek, platform, news: News::default(), pools, served: RwLock::default() }
    }

    /// The source of instants and ids.
    pub(crate) const fn clock(&self) -> &Clock {
        &self.settings.clock
    }

    /// How many connections are open, over every tenant.
    pub(crate) fn open(&self) -> usize {
        self.pools.slots.open()
    }

    /// Replaces the tenants' databases, whose idle connections make room for others.
    pub(crate) fn serve(&self, databases: Vec<Arc<TenantDatabase>>) {
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = databases;
    }

    fn served(&self) -> Vec<Arc<TenantDatabase>> {
        self.served.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Drops the pool of one schema, if it is served.
    pub(crate) fn close(&self, schema: &str) {
        if let Some(place) = self.served().iter().find(|place| place.schema == schema) {
            place.close();
        }
    }

    /// An open connection to the platform's database.
    pub(crate) fn to_platform(&self) -> Result<Pooled, StoreError> {
        self.connection(&self.platform)
    }

    /// An open connection to `place`: waits at most as long as the settings say, else
    /// [`StoreError::Busy`]. Where the cap over all
    /// tenants is reached, an idle connection of the least recently used tenant is closed first.
    pub(crate) fn connection(&self, place: &TenantDatabase) -> Result<Pooled, StoreError> {
        place.used(self.clock().now());
        let started = Instant::now();
        let refused = || {
            metrics::counter!("painreg_pool_refusals_total").increment(1);
            StoreError::Busy
        };
        let pool = place.pool(&self.pools);
        if let Some(held) = idle_connection(&pool) {
            return Ok(held);
        }
        let mut held = pool.get().map_err(|_| refused())?;
        while !held.is_alive() {
            let Some(slot) = self.pools.slots.take() else {
                if !self.close_least_recently_used(place) {
                    if started.elapsed() > self.settings.wait {
                        return Err(refused());
                    }
                    std::thread::sleep(Duration::from_millis(2));
                }
                continue;
            };
            held.open(&place.address, slot).map_err(|error| {
                tracing::warn!(schema = %place.schema, "database connection failed");
                place.logged_in(None);
                if is_crowded(&error) { refused() } else { unreachable() }
            })?;
            place.logged_in(Some(self.clock().now()));
            if let Err(error) = self.judge(place, held.conn()?) {
                held.close();
                return Err(error);
            }
            #[cfg(feature = "testing")]
            self.settings.testing.observe(held.conn()?);
        }
        Ok(held)
    }

    /// Refuses a session of `place` that has just been opened and breaks a promise.
    fn judge(&self, place: &TenantDatabase, conn: &mut PgConnection) -> Result<(), StoreError> {
        let judged = database_check::check(&self.settings, conn);
        place.refuse(judged.is_err());
        judged.inspect_err(|error| tracing::error!(%error, schema = %place.schema, "database session refused"))
    }

    /// Opens a session outside the pool to see whether it is refused, and closes it.
    pub(crate) fn try_session(&self, place: &TenantDatabase) -> Result<(), StoreError> {
        self.judge(place, &mut owner_connection(&place.address)?)
    }

    /// Whether a new connection to `place` can be opened; a success counts for [`LOGIN_COUNTS`]. Where no place under
    /// the cap is free, or the database has no connection left, the answer is not known and counts as yes.
    pub(crate) fn can_log_in(&self, place: &TenantDatabase) -> bool {
        let now = self.clock().now();
        let age = now.as_millisecond().saturating_sub(place.last_login());
        if u64::try_from(age).is_ok_and(|age| Duration::from_millis(age) < LOGIN_COUNTS) {
            return true;
        }
        let Some(_slot) = self.pools.slots.take() else { return true };
        let opened = session::open(&place.address);
        place.logged_in(opened.is_ok().then_some(now));
        opened.map_or_else(|error| is_crowded(&error), |_| true)
    }

    /// The pool of a database.
    #[cfg(feature = "testing")]
    pub(crate) fn pool_of(&self, place: &TenantDatabase) -> crate::pool::Pool {
        place.pool(&self.pools)
    }

    fn close_least_recently_used(&self, but: &TenantDatabase) -> bool {
        let mut places = self.served();
        places.retain(|place| place.schema != but.schema);
        places.sort_by_key(|place| place.last_used());
        let closed = places.into_iter().any(|place| place.close_one_idle());
        if closed {
            metrics::counter!("painreg_connections_evicted_total").increment(1);
        }
        closed
    }

    /// The address of a tenant's database: its sealed `dsn` where it has one, else the platform's.
    pub(crate) fn base_address(&self, id: TenantId, dsn: Option<&[u8]>) -> Result<SecretString, StoreError> {
        let Some(sealed) = dsn else { return Ok(self.settings.database.clone()) };
        let plain = self.kek.open(sealed, &[b"tenant".as_slice(), b"dsn", id.uuid().as_bytes()])?;
        Ok(SecretString::from(String::from_utf8_lossy(&plain).into_owned()))
    }
}

/// A connection of the platform's owner, outside any pool, for work that creates roles and schemas.
pub(crate) fn owner_connection(address: &SecretString) -> Result<PgConnection, StoreError> {
    session::open(address).map_err(|_| unreachable())
}

/// Whether the database refuses a connection only because it has too many.
fn is_crowded(error: &ConnectionError) -> bool {
    let text = error.to_string();
    text.contains("too many connections") || text.contains("too many clients")
}

fn unreachable() -> StoreError {
    StoreError::Unavailable("the database cannot be reached".to_owned())
}
