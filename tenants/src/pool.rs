//! Connections: a small lazily opened pool a tenant, one cap over all of them. Knows nothing of tenants' meaning.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::{Connection as _, PgConnection};
use scheduled_thread_pool::ScheduledThreadPool;
use secrecy::{ExposeSecret as _, SecretString};

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

    fn take(&self) -> Option<Slot> {
        self.0
            .open
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |open| (open < self.0.cap).then_some(open + 1))
            .ok()
            .map(|_| Slot(Self(Arc::clone(&self.0))))
    }

    pub(crate) fn are_full(&self) -> bool {
        self.open() >= self.0.cap
    }

    /// How many connections are open now.
    pub(crate) fn open(&self) -> usize {
        self.0.open.load(Ordering::Acquire)
    }
}

/// One open connection's place under the cap.
struct Slot(Slots);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An open connection and its place under the cap.
pub(crate) struct Held {
    pub(crate) conn: PgConnection,
    /// Set when the connection must not be used again.
    pub(crate) spoilt: bool,
    _slot: Slot,
}

/// Opens connections to one address.
pub(crate) struct Opener {
    address: SecretString,
    slots: Slots,
}

/// Why a connection could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("the server's connection cap is reached")]
    Full,
    #[error(transparent)]
    Database(#[from] diesel::ConnectionError),
}

impl r2d2::ManageConnection for Opener {
    type Connection = Held;
    type Error = OpenError;

    fn connect(&self) -> Result<Held, OpenError> {
        let slot = self.slots.take().ok_or(OpenError::Full)?;
        let conn = PgConnection::establish(self.address.expose_secret())?;
        Ok(Held { conn, spoilt: false, _slot: slot })
    }

    /// Never asked: the transaction's first round trip is the check.
    fn is_valid(&self, _: &mut Held) -> Result<(), OpenError> {
        Ok(())
    }

    fn has_broken(&self, held: &mut Held) -> bool {
        held.spoilt || std::thread::panicking() || AnsiTransactionManager::is_broken_transaction_manager(&mut held.conn)
    }
}

/// A pool of one tenant's connections.
pub(crate) type Pool = r2d2::Pool<Opener>;
/// A connection out of a pool.
pub(crate) type Pooled = r2d2::PooledConnection<Opener>;

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
    pub(crate) fn pool(&self, address: SecretString) -> Pool {
        r2d2::Pool::builder()
            .max_size(self.size)
            .min_idle(Some(0))
            .test_on_check_out(false)
            .connection_timeout(self.wait)
            .idle_timeout(Some(self.idle))
            .max_lifetime(Some(Duration::from_mins(30)))
            .thread_pool(Arc::clone(&self.keepers))
            .error_handler(Box::new(QuietHandler))
            .build_unchecked(Opener { address, slots: self.slots.clone() })
    }
}

/// Failures to connect show as 503 where they matter; the log gets one line without the address.
#[derive(Debug)]
struct QuietHandler;

impl r2d2::HandleError<OpenError> for QuietHandler {
    fn handle_error(&self, error: OpenError) {
        tracing::warn!(%error, "a database connection could not be opened");
    }
}

/// `base` with another user and password; libpq lets later parameters override earlier ones.
pub(crate) fn address_as(base: &SecretString, user: &str, password: &str) -> SecretString {
    let base = base.expose_secret();
    let is_uri = base.starts_with("postgres://") || base.starts_with("postgresql://");
    SecretString::from(if is_uri {
        let joint = if base.contains('?') { '&' } else { '?' };
        format!("{base}{joint}user={user}&password={password}&application_name=painreg")
    } else {
        format!("{base} user={user} password={password} application_name=painreg")
    })
}

/// An opener outside any pool, to learn why a pool has none to give.
pub(crate) fn opener(address: &SecretString, settings: &PoolSettings) -> Opener {
    Opener { address: address.clone(), slots: settings.slots.clone() }
}
