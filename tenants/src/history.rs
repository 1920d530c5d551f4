//! The history of rows: keeps the old state of a row that is changed or deleted, and reads rows as of an instant. The only
//! module that knows the table `row_history`.
//!
//! Rule: columns of a table that has a history are added, never renamed, retyped or dropped. Old states are JSON of the columns
//! of their time and are read with today's columns (`jsonb_populate_record`): an added column is null in them, a renamed one
//! would be lost.

use diesel::sql_types::{Array, Text, Timestamptz, Uuid as SqlUuid};
use jiff_diesel::ToDiesel as _;
use uuid::Uuid;

use crate::statement::Statement;
use crate::tx::Tx;

/// The column of a table that names its patient.
fn patient_column(table: &'static str) -> &'static str {
    if table == "patient" { "id" } else { "patient_id" }
}

/// Appends the common table expression `kept`, which stores the rows of the common table expression `old` as states that end
/// now, by this transaction's action, for `reason`. `old` holds whole rows of `table`.
pub(crate) fn keep<'a>(query: Statement<'a>, tx: &Tx<'_>, table: &'static str, reason: &'static str) -> Statement<'a> {
    query
        .then(
            "kept AS (INSERT INTO row_history (entity, entity_id, patient_id, version, valid_from, valid_to, changed_by, \
             reason, before) SELECT '",
        )
        .then(table)
        .then("', id, ")
        .then(patient_column(table))
        .then(", version, updated_at, greatest(?, updated_at), ?, ?, to_jsonb(old) FROM old) ")
        .bind::<Timestamptz, _>(tx.now().to_diesel())
        .bind::<Text, _>(tx.trace.action().to_owned())
        .bind::<Text, _>(reason)
}

/// Appends a relation, in parentheses: the rows of `table` as of an instant, only those of the patients in `rows`, if given.
pub(crate) fn at<'a>(
    query: Statement<'a>,
    table: &'static str,
    rows: Option<&[Uuid]>,
    instant: jiff_diesel::Timestamp,
) -> Statement<'a> {
    let query = query.then("(SELECT * FROM ").then(table).then(" now WHERE ");
    let query = match rows {
        Some(rows) => {
            query.then("now.").then(patient_column(table)).then(" = ANY (?)").bind::<Array<SqlUuid>, _>(rows.to_vec())
        }
        None => query.then("true"),
    };
    let query = query.then(" AND now.updated_at <= ? UNION ALL SELECT x.*").bind::<Timestamptz, _>(instant);
    let query = match rows {
        Some(rows) => from_past(query, table)
            .then(" AND row_history.patient_id = ANY (?)")
            .bind::<Array<SqlUuid>, _>(rows.to_vec()),
        None => from_past(query, table),
    };
    query
        .then(" AND row_history.valid_from <= ? AND row_history.valid_to > ?)")
        .bind::<Timestamptz, _>(instant)
        .bind::<Timestamptz, _>(instant)
}

/// Appends `FROM` the old states `x` of `table`, each beside its `row_history`, and the beginning of their condition.
pub(crate) fn from_past<'a>(query: Statement<'a>, table: &'static str) -> Statement<'a> {
    query
        .then(" FROM row_history CROSS JOIN LATERAL jsonb_populate_record(NULL::")
        .then(table)
        .then(", row_history.before) x WHERE row_history.entity = '")
        .then(table)
        .then("'")
}
