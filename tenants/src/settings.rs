//! How the registry reaches its database and keys. Holds values only.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::clock::Clock;

/// How the registry reaches its database and keys.
#[derive(Clone)]
pub struct Settings {
    /// The address of the platform's owner: a role that may create roles and owns the database.
    pub database: SecretString,
    /// The key-encryption key's file; created where it is missing.
    pub key_file: PathBuf,
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
    /// A planted fault: the last check before sending is skipped. For the test that must notice.
    pub without_last_check: bool,
    /// The source of instants and ids.
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
