//! How the registry reaches its database and keys. Holds values only.

use std::time::Duration;

#[cfg(feature = "testing")]
use diesel::connection::{Connection as _, InstrumentationEvent};
#[cfg(feature = "testing")]
use diesel::pg::PgConnection;
use secrecy::SecretString;

use crate::clock::Clock;
use crate::keys::KeyEncryptionKey;

/// How the registry reaches its database and keys.
#[derive(Clone)]
pub struct Settings {
    /// The address of the platform's owner: a role that may create roles and owns the database.
    pub database: SecretString,
    /// The key that everything encrypted in the database depends on.
    pub key: KeyEncryptionKey,
    /// The most connections that all tenants together may hold.
    pub connections: usize,
    /// The most connections that one tenant may hold.
    pub connections_per_tenant: u32,
    /// How long a request waits for a connection before it is refused as busy.
    pub wait: Duration,
    /// After how long an unused connection is closed.
    pub idle: Duration,
    /// Serve although the database would lose writes in a crash. For tests only.
    pub allow_unsafe_database: bool,
    /// The source of instants and ids.
    pub clock: Clock,
    /// What only tests change.
    #[cfg(feature = "testing")]
    pub testing: Testing,
}

/// A function that is called with the text of every statement before it is sent.
#[cfg(feature = "testing")]
pub type StatementObserver = std::sync::Arc<dyn Fn(&str) + Send + Sync>;

/// A function that is called with a job's name before each round of it; a panic in it is a planted fault.
#[cfg(feature = "testing")]
pub type JobObserver = std::sync::Arc<dyn Fn(&'static str) + Send + Sync>;

/// What only tests change. A program that is built without the feature `testing` has none of it.
#[cfg(feature = "testing")]
#[derive(Clone, Default)]
pub struct Testing {
    /// A planted fault: the last check before sending is skipped. For the test that must detect it.
    pub without_last_check: bool,
    /// Is called with every statement.
    pub observer: Option<StatementObserver>,
    /// Is called before each round of a job.
    pub before_job: Option<JobObserver>,
}

#[cfg(feature = "testing")]
impl Testing {
    /// Has every statement of a connection reported.
    pub(crate) fn observe(&self, conn: &mut PgConnection) {
        let Some(observer) = self.observer.clone() else { return };
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                let whole = query.to_string();
                observer(whole.split_once(" -- binds: ").map_or(whole.as_str(), |(text, _)| text));
            }
        });
    }
}

impl Settings {
    /// The settings that suit one server on one machine.
    pub fn new(database: SecretString, key: KeyEncryptionKey, clock: Clock) -> Self {
        Self {
            database,
            key,
            connections: 60,
            connections_per_tenant: 8,
            wait: Duration::from_millis(250),
            idle: Duration::from_mins(1),
            allow_unsafe_database: false,
            clock,
            #[cfg(feature = "testing")]
            testing: Testing::default(),
        }
    }

    /// Whether the last check before sending is skipped, which only a test can ask for.
    #[cfg(feature = "testing")]
    pub(crate) const fn skips_last_check(&self) -> bool {
        self.testing.without_last_check
    }

    /// Whether the last check before sending is skipped: never.
    #[cfg(not(feature = "testing"))]
    #[expect(clippy::unused_self, reason = "a test's settings decide")]
    pub(crate) const fn skips_last_check(&self) -> bool {
        false
    }
}
