//! Queries of the database behind the server, run as the superuser.

use diesel::{PgConnection, QueryableByName, RunQueryDsl as _};
use painreg_api::commands::Failure;
use secrecy::{ExposeSecret as _, SecretString};

use super::PGBENCH_ROLE;

#[derive(QueryableByName)]
struct SchemaRow {
    #[diesel(sql_type = diesel::sql_types::Text)]
    schema_name: String,
}

#[expect(clippy::disallowed_methods, reason = "asked once")]
pub fn schema_of(conn: &mut PgConnection, slug: &str) -> Result<String, Failure> {
    let row: SchemaRow = diesel::sql_query("SELECT schema_name FROM platform.tenant WHERE slug = $1")
        .bind::<diesel::sql_types::Text, _>(slug)
        .get_result(conn)?;
    Ok(row.schema_name)
}

#[derive(QueryableByName)]
struct RowsRow {
    #[diesel(sql_type = diesel::sql_types::Text)]
    rows: String,
}

/// Returns the row counts of a tenant's tables, which show that both sides did the same work.
#[expect(clippy::disallowed_methods, reason = "asked once")]
pub fn rows_of(conn: &mut PgConnection, slug: &str) -> Result<String, Failure> {
    let schema = schema_of(conn, slug)?;
    let row: RowsRow = diesel::sql_query(format!(
        "SELECT format('%s patients, %s submissions of %s patients, %s scores, %s access log events, %s stored answers', \
         (SELECT count(*) FROM {schema}.patient), count(*), count(DISTINCT patient_id), \
         (SELECT count(*) FROM {schema}.score), (SELECT count(*) FROM {schema}.audit_event), \
         (SELECT count(*) FROM {schema}.idempotency_key)) AS rows FROM {schema}.submission"
    ))
    .get_result(conn)?;
    Ok(row.rows)
}

#[expect(clippy::disallowed_methods, reason = "the superuser's own text, in a cluster that is thrown away")]
pub fn execute(conn: &mut PgConnection, sql: &str) -> Result<(), Failure> {
    use diesel::connection::SimpleConnection as _;
    Ok(conn.batch_execute(sql)?)
}

/// Returns the superuser's address with pgbench's login; later parameters override earlier ones.
pub fn login_address(superuser: &SecretString) -> String {
    format!("{}&user={PGBENCH_ROLE}&password=bench", superuser.expose_secret())
}
