//! Whether a session keeps this service's promises: durability, no patient data in the database's log, and constraints that
//! hold. It is judged when it is opened, because a role or a database may have settings that the session cannot change.

use diesel::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Text};

use crate::error::StoreError;
use crate::settings::Settings;
use crate::statement::statement;

/// A setting and the values that keep the promises.
struct Rule(&'static str, &'static [&'static str]);

/// Without these no statement does what it says.
const ALWAYS: &[Rule] = &[
    // Replicas check no foreign keys.
    Rule("session_replication_role", &["origin"]),
    Rule("default_transaction_read_only", &["off"]),
    Rule("zero_damaged_pages", &["off"]),
    Rule("ignore_checksum_failure", &["off"]),
];

/// Without these an acknowledged write can be lost or a row be written into the database's log.
const SAFE: &[Rule] = &[
    Rule("fsync", &["on"]),
    Rule("full_page_writes", &["on"]),
    Rule("synchronous_commit", &["on", "remote_write", "remote_apply"]),
    Rule("log_error_verbosity", &["terse"]),
    Rule("log_statement", &["none"]),
    Rule("log_parameter_max_length_on_error", &["0"]),
    Rule("log_min_duration_statement", &["-1"]),
    Rule("log_min_duration_sample", &["-1"]),
    Rule("log_transaction_sample_rate", &["0"]),
    Rule("log_min_error_statement", &["panic", "fatal", "log"]),
];

/// Refuses a session that could lose acknowledged writes, break constraints, or write rows into the database's log.
pub(crate) fn check(settings: &Settings, conn: &mut PgConnection) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct SettingRow {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        value: String,
    }
    let rules = || ALWAYS.iter().chain(if settings.allow_unsafe_database { &[] } else { SAFE });
    let names: Vec<&str> = rules().map(|rule| rule.0).collect();
    let found: Vec<SettingRow> = statement("SELECT name, current_setting(name) AS value FROM unnest(?) AS name")
        .bind::<Array<Text>, _>(names)
        .load(conn)?;
    let breaks = |it: &&SettingRow| rules().any(|rule| rule.0 == it.name && !rule.1.contains(&it.value.as_str()));
    found.iter().find(breaks).map_or(Ok(()), |SettingRow { name, value }| {
        Err(StoreError::Unavailable(format!(
            "the database setting {name} = {value} could lose writes, break constraints or leak rows into its log"
        )))
    })
}
