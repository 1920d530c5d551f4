//! Optimistic versions: a change names the version that its author read, and [`StoreError::Stale`] is the answer where the
//! stored version is another one. Two kinds of tables have versions: rows that are updated in place, and append-only tables
//! where every version is a row and the highest is current.

use diesel::RunQueryDsl as _;
use diesel::pg::PgConnection;
use diesel::sql_types::BigInt;

use crate::error::StoreError;
use crate::statement::Statement;

/// Checks the version of a row that is locked or was read by this transaction.
pub(super) const fn expect(stored: i64, read: i64) -> Result<(), StoreError> {
    if stored == read { Ok(()) } else { Err(StoreError::Stale) }
}

/// Checks that a statement whose condition contains the version has changed its one row.
pub(super) const fn one_changed(rows: usize) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

/// Returns the row of a statement whose condition contains the version.
pub(super) fn changed_row<T>(row: Option<T>) -> Result<T, StoreError> {
    row.ok_or(StoreError::Stale)
}

/// Appends to an `INSERT .. SELECT` of a new version the condition on the newest stored one. The caller continues with the
/// condition of the key, if the table has one, and runs the statement with [`append`].
pub(super) fn newest_of<'a>(query: Statement<'a>, table: &'static str) -> Statement<'a> {
    query.then(" WHERE (SELECT coalesce(max(version), 0) FROM ").then(table)
}

/// Runs the insert of the version after `read`; 0 where there is none yet. Two inserts of one version cannot both succeed.
pub(super) fn append(conn: &mut PgConnection, query: Statement<'_>, read: i64) -> Result<(), StoreError> {
    one_changed(query.then(") = ? ON CONFLICT DO NOTHING").bind::<BigInt, _>(read).execute(conn)?)
}
