//! Whether a database keeps this service's promises: durability, and no patient data in the database's log.

use diesel::PgConnection;
use diesel::prelude::*;

use crate::error::StoreError;
use crate::settings::Settings;
use crate::statement::statement;

/// Refuses a database that could lose acknowledged writes, or write rows into its log.
pub(crate) fn check(settings: &Settings, conn: &mut PgConnection) -> Result<(), StoreError> {
    if settings.allow_unsafe_database {
        return Ok(());
    }
    unsafe_setting(conn)?.map_or(Ok(()), |setting| {
        Err(StoreError::Unavailable(format!(
            "the database setting {setting} could lose writes or leak rows into its log"
        )))
    })
}

/// The first setting that breaks a promise, if any.
fn unsafe_setting(conn: &mut PgConnection) -> Result<Option<String>, StoreError> {
    #[derive(QueryableByName)]
    struct SettingRow {
        #[diesel(sql_type = diesel::sql_types::Text)]
        name: String,
    }
    let found: Vec<SettingRow> = statement(
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
