//! Inspection with SQL: rows as JSON objects. Fixtures are never made here.

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{PgConnection, QueryableByName, RunQueryDsl as _};
use serde_json::{Map, Value};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// Returns the rows of a query.
pub fn rows(conn: &mut PgConnection, query: &str) -> Vec<Map<String, Value>> {
    try_rows(conn, query).unwrap_or_else(|error| panic!("{query}: {error}"))
}

/// Returns the rows of a query, or PostgreSQL's error message.
pub fn try_rows(conn: &mut PgConnection, query: &str) -> Result<Vec<Map<String, Value>>, diesel::result::Error> {
    let lines: Vec<Line> =
        diesel::sql_query(format!("SELECT to_jsonb(found)::text AS line FROM ({query}) AS found")).load(conn)?;
    Ok(lines.iter().map(|line| serde_json::from_str(&line.line).expect("a row")).collect())
}

/// Runs statements as the superuser.
pub fn execute(conn: &mut PgConnection, statements: &str) {
    conn.batch_execute(statements).unwrap_or_else(|error| panic!("{statements}: {error}"));
}

/// Runs one statement and returns the number of rows that it returned or changed, or PostgreSQL's error message.
pub fn attempt(conn: &mut PgConnection, statement: &str) -> Result<usize, String> {
    diesel::sql_query(statement).execute(conn).map_err(|error| error.to_string())
}
