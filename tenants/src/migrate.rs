//! Bringing schemas to this server's version: the platform's first, then every tenant's, each in its own transaction.
//! Resumable; killed anywhere, a rerun completes.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _};
use jiff_diesel::ToDiesel as _;
use painreg_domain::ids::TenantId;
use painreg_domain::policy::Role;
use secrecy::SecretString;
use strum::IntoEnumIterator as _;

use crate::clock::Clock;
use crate::connections::{Connections, owner_connection};
use crate::error::StoreError;
use crate::registry::Registry;
use crate::schema_version::{self, PLATFORM, TENANT};
use crate::statement::{run_sql, statement};
use crate::store::{code_lists, tenants};
use crate::template;

const GRANTS: &str = include_str!("../../migrations/replaceable/grants.sql");

/// One migrator at a time, whatever the process.
const LOCK: i64 = 0x7061_696e_7265_6701;

/// The result of one tenant's migration.
#[derive(Clone, Debug)]
pub struct Migrated {
    /// The slug of the migrated tenant.
    pub slug: String,
    /// The version it had.
    pub from: String,
    /// The version it has now.
    pub to: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// How one tenant's migration ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was brought to this program's version.
    Migrated,
    /// It was at this program's version already.
    Current,
    /// It failed and is unchanged; the text is PostgreSQL's.
    Failed(String),
}

impl Outcome {
    /// The word in the journal.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Migrated => "migrated",
            Self::Current => "current",
            Self::Failed(_) => "failed",
        }
    }
}

/// Prepares the platform's schema in an empty database, or brings it up. Needs the owner's address only.
pub fn platform(address: &SecretString) -> Result<(), StoreError> {
    let mut conn = owner_connection(address)?;
    locked(&mut conn, |conn| {
        run_sql(conn, "CREATE SCHEMA IF NOT EXISTS platform; SET search_path = platform")?;
        let database: NameRow = statement("SELECT current_database()::text AS name").get_result(conn)?;
        // Only the roles of tenants in this database may connect.
        run_sql(
            conn,
            &format!("REVOKE CONNECT, TEMPORARY ON DATABASE \"{}\" FROM PUBLIC", database.name.replace('"', "\"\"")),
        )?;
        pending(conn, PLATFORM)
    })
}

#[derive(QueryableByName)]
struct NameRow {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct LockedRow {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

/// Runs `work` while no other migrator runs; waits for one that does.
fn locked<T>(
    conn: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut tries = 0;
    loop {
        let row: LockedRow =
            statement("SELECT pg_try_advisory_lock(?) AS locked").bind::<BigInt, _>(LOCK).get_result(conn)?;
        if row.locked {
            break;
        }
        tries += 1;
        if tries > 600 {
            return Err(StoreError::Busy);
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let result = work(conn);
    // The session ends with the connection, and the lock with the session.
    let _ = statement("SELECT pg_advisory_unlock(?) AS locked").bind::<BigInt, _>(LOCK).get_result::<LockedRow>(conn);
    result
}

impl Registry {
    /// Brings every tenant, or the one called `only`, to this program's version. Stops at the first failure, unless `go_on`;
    /// calls `seen` after each.
    pub fn migrate(
        &self,
        only: Option<&str>,
        go_on: bool,
        seen: impl FnMut(&Migrated),
    ) -> Result<Vec<Migrated>, StoreError> {
        let done = migrate_tenants(self.connections(), only, go_on, seen)?;
        self.reload()?;
        Ok(done)
    }
}

/// As [`Registry::migrate`]; the caller sees to it that the registry reads the platform's tables again.
pub(crate) fn migrate_tenants(
    connections: &Connections,
    only: Option<&str>,
    go_on: bool,
    mut seen: impl FnMut(&Migrated),
) -> Result<Vec<Migrated>, StoreError> {
    let mut conn = owner_connection(&connections.settings.database)?;
    let done = locked(&mut conn, |conn| {
        let (_, rows, _) = tenants::load_all(conn)?;
        let mut done = Vec::new();
        for row in rows.into_iter().filter(|row| only.is_none_or(|slug| slug == row.slug)) {
            let started = connections.clock().now();
            let outcome = migrate_one(connections, conn, &row);
            let migrated = Migrated {
                slug: row.slug,
                from: row.schema_version.clone(),
                to: if matches!(outcome, Outcome::Failed(_)) {
                    row.schema_version.clone()
                } else {
                    schema_version::of_tenants().to_owned()
                },
                outcome,
            };
            journal(conn, connections.clock(), row.id, &migrated, started)?;
            seen(&migrated);
            let failed = matches!(migrated.outcome, Outcome::Failed(_));
            done.push(migrated);
            if failed && !go_on {
                break;
            }
        }
        Ok(done)
    })?;
    if only.is_some() && done.is_empty() {
        return Err(StoreError::NotFound);
    }
    Ok(done)
}

fn migrate_one(connections: &Connections, platform: &mut PgConnection, row: &tenants::ServedRow) -> Outcome {
    let mut work = || -> Result<Outcome, StoreError> {
        let mut elsewhere;
        let base = connections.base_address(row.id, row.dsn.as_deref())?;
        let conn = if row.dsn.is_some() {
            elsewhere = owner_connection(&base)?;
            &mut elsewhere
        } else {
            &mut *platform
        };
        let before = row.schema_version.clone();
        let now = connections.clock().now();
        conn.transaction::<_, StoreError, _>(|conn| {
            bring_up(conn, &row.schema)?;
            // Lists that came with a migration; those a registry has are its own.
            code_lists::seed(conn, &template::lists(&row.template), now)
        })?;
        let current = before == schema_version::of_tenants();
        if !current {
            platform.transaction::<_, StoreError, _>(|platform| {
            statement("UPDATE platform.tenant SET schema_version = ?, updated_at = ?, updated_by = 'MigrateTenant', version = version + 1 WHERE id = ?")
                .bind::<Text, _>(schema_version::of_tenants())
                .bind::<Timestamptz, _>(connections.clock().now().to_diesel())
                .bind::<SqlUuid, _>(row.id.uuid())
                .execute(platform)?;
            tenants::bump_generation(platform)
            })?;
        }
        Ok(if current { Outcome::Current } else { Outcome::Migrated })
    };
    work().unwrap_or_else(|error| {
        let why = match &error {
            StoreError::Database(source) => source.to_string(),
            other => other.to_string(),
        };
        Outcome::Failed(why)
    })
}

fn journal(
    conn: &mut PgConnection,
    clock: &Clock,
    tenant: TenantId,
    migrated: &Migrated,
    started: jiff::Timestamp,
) -> Result<(), StoreError> {
    let error = match &migrated.outcome {
        Outcome::Failed(why) => Some(why.clone()),
        _ => None,
    };
    statement(
        "INSERT INTO platform.migration_run (id, tenant_id, from_version, to_version, started_at, finished_at, outcome, error) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind::<SqlUuid, _>(clock.ordered_id())
    .bind::<SqlUuid, _>(tenant.uuid())
    .bind::<Text, _>(migrated.from.clone())
    .bind::<Text, _>(migrated.to.clone())
    .bind::<Timestamptz, _>(started.to_diesel())
    .bind::<Timestamptz, _>(clock.now().to_diesel())
    .bind::<Text, _>(migrated.outcome.word())
    .bind::<Nullable<Text>, _>(error)
    .execute(conn)?;
    Ok(())
}

/// Runs the pending migrations of a tenant's schema and renews its grants. Inside the caller's transaction.
pub(crate) fn bring_up(conn: &mut PgConnection, schema: &str) -> Result<(), StoreError> {
    run_sql(conn, &format!("SET LOCAL search_path = {schema}"))?;
    pending(conn, TENANT)?;
    run_sql(conn, &grants(schema))
}

fn pending(conn: &mut PgConnection, set: EmbeddedMigrations) -> Result<(), StoreError> {
    conn.run_pending_migrations(set).map(|_| ()).map_err(|error| {
        tracing::error!(%error, "migration failed");
        match error.downcast::<diesel::result::Error>() {
            Ok(error) => StoreError::Database(*error),
            Err(other) => StoreError::Database(diesel::result::Error::QueryBuilderError(other)),
        }
    })
}

/// Takes every right on the schema back from its request roles and gives those of `grants.sql`.
fn grants(schema: &str) -> String {
    let mut sql = GRANTS.to_owned();
    let mut everyone = Vec::new();
    for role in request_roles() {
        let name = format!("{schema}_{role}");
        sql = sql.replace(&format!("{{{role}}}"), &name);
        everyone.push(name);
    }
    let everyone = everyone.join(", ");
    format!(
        "REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {everyone}; \
         REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {everyone}; \
         GRANT USAGE ON SCHEMA {schema} TO {everyone}; {sql}"
    )
}

/// The roles that requests run as inside a tenant: every role but the operator.
pub(crate) fn request_roles() -> impl Iterator<Item = &'static str> {
    Role::iter().filter(|role| *role != Role::Operator).map(Into::into)
}
