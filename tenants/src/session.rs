//! Opening a session: what its work relies on is set for the session, whatever a role, a database or the server has as default.

use diesel::{Connection as _, PgConnection};
use secrecy::{ExposeSecret as _, SecretString};

use crate::statement::run_sql;

/// The settings of every session, in one round trip when it is opened. A COMMIT that is acknowledged is on disk; values have
/// one form as text; no limit applies but those that a transaction sets itself. Compiling short statements (jit) takes
/// longer than running them.
const SETTINGS: &str = "SELECT \
     set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' \
     ELSE 'on' END, false), \
     set_config('default_transaction_isolation', 'read committed', false), \
     set_config('default_transaction_deferrable', 'off', false), \
     set_config('statement_timeout', '0', false), \
     set_config('lock_timeout', '0', false), \
     set_config('idle_in_transaction_session_timeout', '0', false), \
     set_config('idle_session_timeout', '0', false), \
     set_config('row_security', 'on', false), \
     set_config('TimeZone', 'UTC', false), \
     set_config('DateStyle', 'ISO, YMD', false), \
     set_config('IntervalStyle', 'postgres', false), \
     set_config('standard_conforming_strings', 'on', false), \
     set_config('transform_null_equals', 'off', false), \
     set_config('array_nulls', 'on', false), \
     set_config('bytea_output', 'hex', false), \
     set_config('extra_float_digits', '1', false), \
     set_config('jit', 'off', false)";

/// Opens a session at an address.
pub(crate) fn open(address: &SecretString) -> Result<PgConnection, diesel::ConnectionError> {
    let mut conn = PgConnection::establish(address.expose_secret())?;
    run_sql(&mut conn, SETTINGS).map_err(|error| diesel::ConnectionError::BadConnection(error.to_string()))?;
    Ok(conn)
}
