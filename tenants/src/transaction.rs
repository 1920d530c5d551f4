//! One transaction on a clean connection. Knows roles and schemas, neither callers nor actions' meaning.

use std::time::Instant;

use diesel::PgConnection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use painreg_domain::policy::{Action, Limits, Role};

use crate::connections::Connections;
use crate::error::StoreError;
use crate::place::TenantDatabase;
use crate::pool::Pooled;

/// How a transaction that succeeded ends.
pub(crate) enum End {
    /// Its effects are kept.
    Commit,
    /// It was a dry run or only read.
    RollBack,
}

/// What begins every transaction, in one round trip. First comes the check that the connection is clean: a role set for
/// the session survives COMMIT, and would bypass the second wall.
pub(crate) fn prelude(place: &TenantDatabase, role: Option<Role>, limits: Limits) -> String {
    let schema = &place.schema;
    let (clean, role) = match role {
        Some(role) => (
            "current_setting('search_path') IN ('', '\"\"') AND ",
            format!("set_config('role', '{schema}_{role}', true), "),
        ),
        None => ("", String::new()),
    };
    let Limits { statement, lock, idle } = limits;
    let [statement, lock, idle] = [statement, lock, idle].map(|limit| limit.as_millis());
    // PostgreSQL evaluates a list from left to right; were it otherwise, the check would fail every time, not pass.
    format!(
        "BEGIN; SELECT 1 / ({clean}current_setting('role') = 'none')::int, \
         {role}set_config('search_path', '{schema}, pg_temp', true), \
         set_config('statement_timeout', '{statement}', true), set_config('lock_timeout', '{lock}', true), \
         set_config('idle_in_transaction_session_timeout', '{idle}', true)"
    )
}

/// Runs `work` in one transaction.
pub(crate) fn transaction<T, E: From<StoreError>>(
    connections: &Connections,
    place: &TenantDatabase,
    prelude: &str,
    work: impl FnOnce(&mut PgConnection) -> Result<(T, End), E>,
) -> Result<T, E> {
    let mut held = begin(connections, place, prelude)?;
    let result = work(held.conn()?);
    let ended = match &result {
        Ok((_, End::Commit)) => AnsiTransactionManager::commit_transaction(held.conn()?),
        Ok((_, End::RollBack)) | Err(_) => AnsiTransactionManager::rollback_transaction(held.conn()?),
    };
    if let Err(error) = ended {
        held.spoilt = true;
        // A failed rollback changes nothing for the caller; a failed commit does.
        if result.is_ok() {
            return Err(StoreError::from(error).into());
        }
    }
    result.map(|(done, _)| done)
}

/// A connection on which a transaction has begun. One that fails to begin is discarded and another one tried.
fn begin(connections: &Connections, place: &TenantDatabase, prelude: &str) -> Result<Pooled, StoreError> {
    let mut last = StoreError::Busy;
    for _ in 0..=connections.settings.connections_per_tenant {
        let mut held = connections.connection(place)?;
        match AnsiTransactionManager::begin_transaction_sql(held.conn()?, prelude) {
            Ok(()) => return Ok(held),
            Err(error) => {
                held.spoilt = true;
                metrics::counter!("painreg_connections_discarded_total").increment(1);
                tracing::warn!(%error, schema = %place.schema, "database connection discarded: BEGIN failed");
                last = match StoreError::from(error) {
                    StoreError::Database(_) => StoreError::Unavailable("a transaction could not begin".to_owned()),
                    other => other,
                };
            }
        }
    }
    Err(last)
}

/// Measures a transaction under its action's name, inside a span with the tenant and the action.
pub(crate) fn timed<T, E>(tenant: &str, action: Action, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let name: &'static str = action.into();
    let _span = tracing::debug_span!("transaction", tenant, action = name).entered();
    let started = Instant::now();
    let result = work();
    let outcome = if result.is_ok() { "committed" } else { "rolled_back" };
    metrics::histogram!("painreg_transaction_seconds", "action" => name, "outcome" => outcome)
        .record(started.elapsed().as_secs_f64());
    result
}
