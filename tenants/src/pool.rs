//! Connections: a small lazily opened pool a tenant, one cap over all of them. Knows nothing of tenants' meaning.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use diesel::PgConnection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use scheduled_thread_pool::ScheduledThreadPool;
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::StoreError;
use crate::session;

/// How many connections may be open at once, over every tenant.
#[derive(Clone, Debug)]
pub(crate) struct Slots(Arc<SlotCount>);

#[derive(Debug)]
struct SlotCount {
    cap: usize,
    open: AtomicUsize,
}

impl Slots {
    pub(crate) fn new(cap: usize) -> Self {
        Self(Arc::new(SlotCount { cap, open: AtomicUsize::new(0) }))
    }

    /// A place, if there is one.
    pub(crate) fn take(&self) -> Option<Slot> {
        self.0
            .open
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |open| (open < self.0.cap).then_some(open + 1))
            .ok()
            .map(|_| Slot(Self(Arc::clone(&self.0))))
    }

    /// How many connections are open now.
    pub(crate) fn open(&self) -> usize {
        self.0.open.load(Ordering::Acquire)
    }
}

/// One open connection's place under the cap.
pub(crate) struct Slot(Slots);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A tenant's permit for one connection, which is opened on first use. r2d2 retries in the background when its manager
/// fails, long after the caller has left; permits never fail, so a connection is opened only for a waiting caller.
pub(crate) struct Held {
    open: Option<(PgConnection, Slot)>,
    /// Set when the connection must not be used again.
    pub(crate) spoilt: bool,
}

impl Held {
    /// Whether the connection is open and the server has not closed its end; closes it where the server has. Reads what the
    /// server has sent already, without a round trip: its last message first, then the end.
    pub(crate) fn is_alive(&mut self) -> bool {
        let Some((conn, _)) = &mut self.open else { return false };
        let alive = (0..2).all(|_| conn.notifications_iter().all(|read| read.is_ok()));
        if !alive {
            self.close();
            metrics::counter!("painreg_connections_discarded_total").increment(1);
        }
        alive
    }

    /// Opens the connection in this place under the cap.
    pub(crate) fn open(&mut self, address: &SecretString, slot: Slot) -> Result<(), diesel::ConnectionError> {
        self.open = Some((session::open(address)?, slot));
        Ok(())
    }

    /// Closes the connection and frees its place under the cap; the permit stays.
    pub(crate) fn close(&mut self) {
        self.open = None;
    }

    /// The connection, if it is open.
    pub(crate) fn conn(&mut self) -> Result<&mut PgConnection, StoreError> {
        self.open.as_mut().map(|(conn, _)| conn).ok_or(StoreError::Busy)
    }
}

/// Hands out permits.
pub(crate) struct Permits;

impl r2d2::ManageConnection for Permits {
    type Connection = Held;
    type Error = std::convert::Infallible;

    fn connect(&self) -> Result<Held, Self::Error> {
        Ok(Held { open: None, spoilt: false })
    }

    /// Never called: the transaction's first round trip is the check.
    fn is_valid(&self, _: &mut Held) -> Result<(), Self::Error> {
        Ok(())
    }

    fn has_broken(&self, held: &mut Held) -> bool {
        let broken = |(conn, _): &mut (PgConnection, Slot)| AnsiTransactionManager::is_broken_transaction_manager(conn);
        held.spoilt || std::thread::panicking() || held.open.as_mut().is_some_and(broken)
    }
}

/// A pool of one tenant's connections.
pub(crate) type Pool = r2d2::Pool<Permits>;
/// A connection out of a pool.
pub(crate) type Pooled = r2d2::PooledConnection<Permits>;

/// What every pool is made with.
#[derive(Clone)]
pub(crate) struct PoolSettings {
    pub(crate) slots: Slots,
    pub(crate) size: u32,
    pub(crate) wait: Duration,
    pub(crate) idle: Duration,
    /// One small thread pool opens and reaps connections for every tenant.
    pub(crate) keepers: Arc<ScheduledThreadPool>,
}

impl PoolSettings {
    /// A pool that opens nothing until it is asked.
    pub(crate) fn pool(&self) -> Pool {
        r2d2::Pool::builder()
            .max_size(self.size)
            .min_idle(Some(0))
            .test_on_check_out(false)
            .connection_timeout(self.wait)
            .idle_timeout(Some(self.idle))
            .max_lifetime(Some(Duration::from_mins(30)))
            .thread_pool(Arc::clone(&self.keepers))
            .build_unchecked(Permits)
    }
}

/// `base` with another user and password; libpq lets later parameters override earlier ones.
pub(crate) fn address_as(base: &SecretString, user: &str, password: &str) -> SecretString {
    let base = base.expose_secret();
    let is_uri = base.starts_with("postgres://") || base.starts_with("postgresql://");
    SecretString::from(if is_uri {
        let joint = if base.contains('?') { '&' } else { '?' };
        format!("{base}{joint}user={user}&password={password}&application_name=painreg&connect_timeout=2")
    } else {
        format!("{base} user={user} password={password} application_name=painreg connect_timeout=2")
    })
}
