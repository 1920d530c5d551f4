//! Where a tenant's data is: its schema, its keys, its pool, and what its transactions share in memory.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use painreg_domain::ids::TenantId;
use secrecy::SecretString;

use crate::cache::Cache;
use crate::crypt::TenantKeys;
use crate::pool::{Pool, PoolSettings, Pooled};

/// One tenant as this process serves it.
pub struct Tenant {
    /// The tenant's id.
    pub id: TenantId,
    /// The name in the path: exact, including upper and lower case.
    pub slug: String,
    pub(crate) version: i64,
    pub(crate) suspended: bool,
    pub(crate) schema_version: String,
    pub(crate) place: Arc<TenantDatabase>,
}

impl std::fmt::Debug for Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tenant").field("slug", &self.slug).finish_non_exhaustive()
    }
}

/// A schema, the way to it, and the keys of its sealed values.
pub(crate) struct TenantDatabase {
    pub(crate) schema: String,
    /// The id that sealed values are bound to.
    pub(crate) id: Vec<u8>,
    pub(crate) keys: TenantKeys,
    pub(crate) address: SecretString,
    pub(crate) cache: Cache,
    pool: Mutex<Option<Pool>>,
    /// Whether the last session that was opened was refused.
    refused: AtomicBool,
    /// Milliseconds since 1970.
    last_used: AtomicI64,
    /// When a connection was last opened, in milliseconds since 1970; 0 if none was.
    last_login: AtomicI64,
}

impl TenantDatabase {
    pub(crate) fn new(schema: String, id: Vec<u8>, keys: TenantKeys, address: SecretString) -> Self {
        let cache = Cache::default();
        Self {
            schema,
            id,
            keys,
            address,
            cache,
            pool: Mutex::new(None),
            refused: AtomicBool::new(false),
            last_used: AtomicI64::new(0),
            last_login: AtomicI64::new(0),
        }
    }

    /// The pool, created on first use.
    pub(crate) fn pool(&self, settings: &PoolSettings) -> Pool {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.get_or_insert_with(|| settings.pool()).clone()
    }

    /// Notes whether the session opened last is refused.
    pub(crate) fn refuse(&self, refused: bool) {
        self.refused.store(refused, Ordering::Relaxed);
    }

    /// Whether the session opened last was refused.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// Notes that the pool is used now.
    pub(crate) fn used(&self, now: Timestamp) {
        self.last_used.store(now.as_millisecond(), Ordering::Relaxed);
    }

    /// When the pool was last used, in milliseconds since 1970.
    pub(crate) fn last_used(&self) -> i64 {
        self.last_used.load(Ordering::Relaxed)
    }

    /// Notes whether a connection could be opened now.
    pub(crate) fn logged_in(&self, now: Option<Timestamp>) {
        self.last_login.store(now.map_or(0, Timestamp::as_millisecond), Ordering::Relaxed);
    }

    /// When a connection was last opened, in milliseconds since 1970; 0 if none was.
    pub(crate) fn last_login(&self) -> i64 {
        self.last_login.load(Ordering::Relaxed)
    }

    /// Drops the pool: idle connections close now, busy ones when their work is done.
    pub(crate) fn close(&self) {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Closes one idle connection. Returns whether there was one.
    pub(crate) fn close_one_idle(&self) -> bool {
        let pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(mut held) = pool.and_then(|pool| idle_connection(&pool)) else { return false };
        held.close();
        true
    }
}

/// An open connection that no transaction uses. Permits without a connection come up first as likely as not; they are
/// returned to the pool.
pub(crate) fn idle_connection(pool: &Pool) -> Option<Pooled> {
    let mut closed = Vec::new();
    while let Some(mut held) = pool.try_get() {
        if held.is_alive() {
            return Some(held);
        }
        closed.push(held);
    }
    None
}
