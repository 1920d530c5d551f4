//! Creating and removing a whole registry: roles, schema, grants, template. Everything in one database
//! in one transaction, so that half a registry never exists.

use diesel::prelude::*;
use diesel::sql_types::{Bytea, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff_diesel::ToDiesel as _;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::TenantId;
use painreg_domain::organisation_number::OrganisationNumber;
use painreg_domain::policy::Action;
use secrecy::{ExposeSecret as _, SecretString};

use crate::audit::writer::Trace;
use crate::connections::owner_connection;
use crate::crypt::{Key, hex, random};
use crate::error::StoreError;
use crate::issuer::IssuerSettings;
use crate::migrate::{self, request_roles};
use crate::principal::{Principal, RequestContext};
use crate::registry::Registry;
use crate::statement::{run_sql, statement};
use crate::store::tenants::{self, TenantRecord};
use crate::store::{code_lists, forms, plans};
use crate::tx::PlatformTx;
use crate::{database_check, keys, schema_version, template};

/// The place of a new registry's data.
#[derive(Clone, Debug)]
pub enum Placement {
    /// In the platform's database.
    Login,
    /// In a separate database, reached at this address as an owner that may create roles.
    Dsn(SecretString),
}

/// A registry to be created.
#[derive(Clone, Debug)]
pub struct NewTenant {
    /// The name in the path: lower-case letters, digits and dashes, 3 to 40 characters, a letter first.
    pub slug: String,
    /// The name for people.
    pub name: String,
    /// The hospital trust's organisation number.
    pub organisation_number: Option<OrganisationNumber>,
    /// The place of its data.
    pub placement: Placement,
    /// The template it starts from.
    pub template: String,
    /// The issuers it trusts.
    pub issuers: Vec<IssuerSettings>,
}

impl NewTenant {
    /// Everything that is wrong with it.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !is_slug(&self.slug) {
            faults.push(Fault::at("slug", FaultCode::InvalidFormat));
        }
        if self.name.trim().is_empty() || self.name.chars().count() > 200 {
            faults.push(Fault::at("name", FaultCode::InvalidFormat));
        }
        if template::forms(&self.template).is_none() {
            faults.push(Fault::at("template", FaultCode::UnknownReference));
        }
        faults.extend(template::faults(&self.template).into_iter().map(|fault| fault.under("/template")));
        faults.extend(issuer_faults(&self.issuers));
        faults
    }
}

/// Everything that is wrong with a tenant's list of issuers.
pub fn issuer_faults(issuers: &[IssuerSettings]) -> Vec<Fault> {
    issuers.iter().enumerate().flat_map(|(at, issuer)| issuer.faults(&format!("/issuers/{at}"), false)).collect()
}

fn is_slug(text: &str) -> bool {
    let bytes = text.as_bytes();
    (3..=40).contains(&bytes.len())
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last().is_some_and(|last| *last != b'-')
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
}

/// Creates a registry. Registries whose slugs look similar share nothing: schema and role names are drawn, not made from
/// the slug.
pub fn create(tx: &mut PlatformTx<'_>, new: &NewTenant) -> Result<TenantRecord, StoreError> {
    let faults = new.faults();
    if !faults.is_empty() {
        return Err(StoreError::Invalid(faults));
    }
    let connections = tx.connections;
    let clock = connections.clock();
    let id = TenantId::existing(clock.random_id());
    let row = id.uuid().into_bytes();
    let schema = format!("t_{}", hex(&random::<16>()));
    let password = hex(&random::<32>());
    let kek = &connections.kek;
    // The database may have been replaced by another one since the start.
    keys::check::verify(tx.conn, kek)?;
    let tenant_key = keys::wrap_tenant_key(&Key::random(), kek, id);
    let sealed_password = kek.seal(password.as_bytes(), &[b"tenant".as_slice(), b"login_password", &row]);
    let dsn = match &new.placement {
        Placement::Login => None,
        Placement::Dsn(address) => {
            Some(kek.seal(address.expose_secret().as_bytes(), &[b"tenant".as_slice(), b"dsn", &row]))
        }
    };
    let now = clock.now().to_diesel();
    statement(
        "INSERT INTO platform.tenant (id, slug, name, organisation_number, schema_name, placement, dsn, login_password, \
         tenant_key, state, template, schema_version, created_at, updated_at, updated_by) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'active', ?, ?, ?, ?, ?)",
    )
    .bind::<SqlUuid, _>(id.uuid())
    .bind::<Text, _>(&new.slug)
    .bind::<Text, _>(&new.name)
    .bind::<Nullable<Text>, _>(new.organisation_number.as_ref().map(OrganisationNumber::as_str))
    .bind::<Text, _>(&schema)
    .bind::<Text, _>(if dsn.is_some() { "dsn" } else { "login" })
    .bind::<Nullable<Bytea>, _>(dsn)
    .bind::<Bytea, _>(sealed_password)
    .bind::<Bytea, _>(tenant_key)
    .bind::<Text, _>(&new.template)
    .bind::<Text, _>(schema_version::of_tenants())
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now)
    .bind::<Text, _>(tx.trace.action())
    .execute(tx.conn)?;
    for issuer in &new.issuers {
        tenants::trust(tx.conn, clock, Some(id), issuer)?;
    }
    tenants::bump_generation(tx.conn)?;
    let limit = connections.settings.connections_per_tenant * 4;
    let build = |conn: &mut PgConnection| -> Result<(), StoreError> {
        run_sql(conn, "SET LOCAL statement_timeout = '60s'")?;
        let database = database_name(conn)?;
        run_sql(conn, &creation(&schema, &password, limit, &database))?;
        migrate::bring_up(conn, &schema)?;
        forms::seed(conn, &template::forms(&new.template).unwrap_or_default(), clock.now())?;
        code_lists::seed(conn, &template::lists(&new.template), clock.now())?;
        if let Some(plan) = template::plan(&new.template) {
            plans::seed(conn, &plan, clock.now())?;
        }
        run_sql(conn, "SET LOCAL search_path = platform, pg_temp")
    };
    match &new.placement {
        Placement::Login => build(tx.conn)?,
        // The other database commits first; if the platform's own commit then fails, an unreferenced schema under a
        // drawn name is left there, and a second attempt draws another.
        Placement::Dsn(address) => {
            let mut conn = owner_connection(address)?;
            database_check::check(&connections.settings, &mut conn)?;
            conn.transaction(build)?;
        }
    }
    tx.trace.write(tx.conn, None, Some(new.slug.clone()), "ok")?;
    tenants::by_slug(tx.conn, &new.slug)
}

/// Whether a key has been used in the database at this address: whether it may hold encrypted values.
pub fn is_key_used(address: &SecretString) -> Result<bool, StoreError> {
    keys::check::is_used(&mut owner_connection(address)?)
}

#[derive(QueryableByName)]
struct DatabaseRow {
    #[diesel(sql_type = Text)]
    name: String,
}

fn database_name(conn: &mut PgConnection) -> Result<String, StoreError> {
    let row: DatabaseRow = statement("SELECT quote_ident(current_database()) AS name").get_result(conn)?;
    Ok(row.name)
}

/// The login role reaches its own tenant's request roles and nothing else; it inherits nothing.
fn creation(schema: &str, password: &str, limit: u32, database: &str) -> String {
    use std::fmt::Write as _;
    let mut sql = format!(
        "CREATE ROLE {schema}_login LOGIN NOINHERIT NOCREATEDB NOCREATEROLE CONNECTION LIMIT {limit} PASSWORD '{password}'; \
         ALTER ROLE {schema}_login SET search_path = ''; \
         GRANT CONNECT ON DATABASE {database} TO {schema}_login; \
         CREATE SCHEMA {schema}; "
    );
    for role in request_roles() {
        let _ = write!(sql, "CREATE ROLE {schema}_{role} NOLOGIN NOINHERIT; GRANT {schema}_{role} TO {schema}_login; ");
    }
    sql
}

/// Everything of a registry, as far as it is still there: removing it may be tried again.
fn removal(schema: &str, database: &str) -> String {
    use std::fmt::Write as _;
    let mut sql = format!(
        "DROP SCHEMA IF EXISTS {schema} CASCADE; \
         DO $$ BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '{schema}_login') THEN \
         REVOKE ALL ON DATABASE {database} FROM {schema}_login; END IF; END $$; "
    );
    for role in request_roles() {
        let _ = write!(sql, "DROP ROLE IF EXISTS {schema}_{role}; ");
    }
    let _ = write!(sql, "DROP ROLE IF EXISTS {schema}_login");
    sql
}

#[derive(QueryableByName)]
struct DroppedRow {
    #[diesel(sql_type = SqlUuid)]
    id: uuid::Uuid,
    #[diesel(sql_type = Text)]
    schema_name: String,
    #[diesel(sql_type = Nullable<Bytea>)]
    dsn: Option<Vec<u8>>,
}

/// Removes a suspended registry and everything in it, keys included. There is no way back.
pub fn drop(tx: &mut PlatformTx<'_>, slug: &str, version: i64) -> Result<(), StoreError> {
    let record = tenants::by_slug(tx.conn, slug)?;
    if record.version != version {
        return Err(StoreError::Stale);
    }
    if record.state != "suspended" {
        return Err(StoreError::Active);
    }
    let row: DroppedRow =
        statement("DELETE FROM platform.tenant WHERE slug = ? AND version = ? RETURNING id, schema_name, dsn")
            .bind::<Text, _>(slug)
            .bind::<diesel::sql_types::BigInt, _>(version)
            .get_result(tx.conn)?;
    tenants::bump_generation(tx.conn)?;
    tx.connections.close(&row.schema_name);
    let clear = |conn: &mut PgConnection| -> Result<(), StoreError> {
        run_sql(conn, "SET LOCAL statement_timeout = '60s'")?;
        let database = database_name(conn)?;
        run_sql(conn, &removal(&row.schema_name, &database))
    };
    if row.dsn.is_some() {
        let address = tx.connections.base_address(TenantId::existing(row.id), row.dsn.as_deref())?;
        owner_connection(&address)?.transaction(clear)?;
    } else {
        clear(tx.conn)?;
    }
    tx.trace.write(tx.conn, None, Some(slug.to_owned()), "ok")
}

/// Brings one registry to this server's version. The migration commits on its own, journal and all.
pub fn migrate(tx: &mut PlatformTx<'_>, slug: &str) -> Result<migrate::Migrated, StoreError> {
    let done = migrate::migrate_tenants(tx.connections, Some(slug), false, |_| {})?;
    tx.trace.write(tx.conn, None, Some(slug.to_owned()), "ok")?;
    done.into_iter().next().ok_or(StoreError::NotFound)
}

impl Registry {
    /// Trusts an issuer of operators, or one more of a tenant's. For the command line; tenants' issuers also change
    /// over the API.
    pub fn trust(&self, tenant: Option<&str>, settings: &IssuerSettings) -> Result<(), StoreError> {
        let faults = settings.faults("", tenant.is_none());
        if !faults.is_empty() {
            return Err(StoreError::Invalid(faults));
        }
        let mut conn = owner_connection(&self.connections().settings.database)?;
        conn.transaction::<_, StoreError, _>(|conn| {
            let id = tenant.map(|slug| tenants::by_slug(conn, slug)).transpose()?.map(|record| record.id);
            // An issuer that is known keeps its row: callers' idempotency keys and cursors hang on it.
            let changed = statement(
                "UPDATE platform.issuer SET settings = ? WHERE issuer = ? AND tenant_id IS NOT DISTINCT FROM ?",
            )
            .bind::<diesel::sql_types::Jsonb, _>(serde_json::to_value(settings).unwrap_or_default())
            .bind::<Text, _>(&settings.issuer)
            .bind::<Nullable<SqlUuid>, _>(id.map(TenantId::uuid))
            .execute(conn)?;
            if changed > 0 {
                tenants::bump_generation(conn)?;
            } else {
                tenants::trust(conn, self.clock(), id, settings)?;
            }
            run_sql(conn, "SET LOCAL search_path = platform, pg_temp")?;
            let who = Principal::operator_at_the_machine("command line");
            let context = RequestContext { request_id: self.clock().ordered_id().to_string(), origin: None };
            let object = format!("{} trusts {}", tenant.unwrap_or("platform"), settings.issuer);
            Trace::new(self.clock(), &who, &context, Action::UpdateTenant).write(conn, None, Some(object), "ok")?;
            statement("UPDATE platform.tenant SET version = version + 1 WHERE id = ?")
                .bind::<Nullable<SqlUuid>, _>(id.map(TenantId::uuid))
                .execute(conn)?;
            Ok(())
        })?;
        self.reload()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_have_one_form() {
        for good in ["ous", "sorlandet", "a-1", "abc123"] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "ab", "Ous", "ous_", "-ous", "ous-", "1ous", "o us", "øst", "a.b", "../x"] {
            assert!(!is_slug(bad), "{bad}");
        }
    }
}
