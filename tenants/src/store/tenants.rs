//! The platform's own tables: which registries there are and whom they trust. Knows nothing of any patient.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Bytea, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::ids::{IssuerId, TenantId};
use painreg_domain::organisation_number::OrganisationNumber;
use uuid::Uuid;

use crate::error::StoreError;
use crate::error::unreadable;
use crate::issuer::IssuerSettings;
use crate::statement::{Statement, statement};
use crate::store::{Listing, unreadable_value, version};
use crate::tx::PlatformTx;

/// A registry as operators see it.
#[derive(Clone, Debug)]
pub struct TenantRecord {
    /// Its id.
    pub id: TenantId,
    /// The name in the path.
    pub slug: String,
    /// The name for people.
    pub name: String,
    /// The hospital trust's organisation number.
    pub organisation_number: Option<OrganisationNumber>,
    /// Where it lies: `login` (this database) or `dsn` (its own).
    pub placement: String,
    /// `active` or `suspended`.
    pub state: String,
    /// The template it was made from.
    pub template: String,
    /// The newest migration it has.
    pub schema_version: String,
    /// Whom it trusts.
    pub issuers: Vec<IssuerSettings>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts changes; the ETag.
    pub version: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    slug: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    organisation_number: Option<String>,
    #[diesel(sql_type = Text)]
    placement: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Text)]
    template: String,
    #[diesel(sql_type = Text)]
    schema_version: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

/// What the registry needs to serve a tenant.
pub(crate) struct ServedRow {
    pub(crate) id: TenantId,
    pub(crate) slug: String,
    pub(crate) schema: String,
    pub(crate) dsn: Option<Vec<u8>>,
    pub(crate) login_password: Vec<u8>,
    pub(crate) tenant_key: Vec<u8>,
    pub(crate) template: String,
    pub(crate) suspended: bool,
    pub(crate) schema_version: String,
    pub(crate) version: i64,
}

/// An issuer's row.
pub(crate) struct IssuerRow {
    pub(crate) id: IssuerId,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) settings: IssuerSettings,
}

#[derive(QueryableByName)]
struct ServedRaw {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    slug: String,
    #[diesel(sql_type = Text)]
    schema_name: String,
    #[diesel(sql_type = Nullable<Bytea>)]
    dsn: Option<Vec<u8>>,
    #[diesel(sql_type = Bytea)]
    login_password: Vec<u8>,
    #[diesel(sql_type = Bytea)]
    tenant_key: Vec<u8>,
    #[diesel(sql_type = Text)]
    template: String,
    #[diesel(sql_type = Bool)]
    suspended: bool,
    #[diesel(sql_type = Text)]
    schema_version: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

#[derive(QueryableByName)]
struct IssuerRaw {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    tenant_id: Option<Uuid>,
    #[diesel(sql_type = Jsonb)]
    settings: serde_json::Value,
}

#[derive(QueryableByName)]
struct GenerationRow {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

const COLUMNS: &str = "SELECT id, slug, name, organisation_number, placement, state, template, schema_version, \
                       created_at, updated_at, version FROM platform.tenant ";

/// How often the platform's tables have changed.
pub(crate) fn generation(conn: &mut PgConnection) -> Result<i64, StoreError> {
    let row: GenerationRow = statement("SELECT value FROM platform.generation").get_result(conn)?;
    Ok(row.value)
}

/// Tells every process that the platform's tables have changed.
pub(crate) fn move_generation(conn: &mut PgConnection) -> Result<(), StoreError> {
    statement("UPDATE platform.generation SET value = value + 1").execute(conn)?;
    Ok(())
}

/// Everything the registry serves from. The generation is read first: a change in between is noticed at the next look.
pub(crate) fn load_all(conn: &mut PgConnection) -> Result<(i64, Vec<ServedRow>, Vec<IssuerRow>), StoreError> {
    let generation = generation(conn)?;
    let tenants = statement(
        "SELECT id, slug, schema_name, dsn, login_password, tenant_key, template, state = 'suspended' AS suspended, \
         schema_version, version FROM platform.tenant ORDER BY slug",
    )
    .load::<ServedRaw>(conn)?;
    let issuers = statement("SELECT id, tenant_id, settings FROM platform.issuer ORDER BY created_at, id")
        .load::<IssuerRaw>(conn)?;
    let tenants = tenants
        .into_iter()
        .map(|row| ServedRow {
            id: TenantId::existing(row.id),
            slug: row.slug,
            schema: row.schema_name,
            dsn: row.dsn,
            login_password: row.login_password,
            tenant_key: row.tenant_key,
            template: row.template,
            suspended: row.suspended,
            schema_version: row.schema_version,
            version: row.version,
        })
        .collect();
    let issuers = issuers
        .into_iter()
        .filter_map(|row| match serde_json::from_value(row.settings) {
            Ok(settings) => Some(IssuerRow {
                id: IssuerId::existing(row.id),
                tenant: row.tenant_id.map(TenantId::existing),
                settings,
            }),
            Err(error) => {
                tracing::error!(%error, issuer = %row.id, "an issuer's settings cannot be read; it is not trusted");
                None
            }
        })
        .collect();
    Ok((generation, tenants, issuers))
}

/// Registries by slug, after `after`.
pub fn list(tx: &mut PlatformTx<'_>, after: Option<&str>, limit: i64) -> Result<Listing<TenantRecord>, StoreError> {
    let query =
        statement(COLUMNS).then("WHERE slug > ? ORDER BY slug").bind::<Text, _>(after.unwrap_or_default().to_owned());
    Listing::load(tx.conn, query, limit)?.try_map(|row| whole(tx.conn, row))
}

/// One registry.
pub fn find(tx: &mut PlatformTx<'_>, slug: &str) -> Result<TenantRecord, StoreError> {
    by_slug(tx.conn, slug)
}

pub(crate) fn by_slug(conn: &mut PgConnection, slug: &str) -> Result<TenantRecord, StoreError> {
    let row: Row = statement(COLUMNS).then("WHERE slug = ?").bind::<Text, _>(slug.to_owned()).get_result(conn)?;
    whole(conn, row)
}

fn whole(conn: &mut PgConnection, row: Row) -> Result<TenantRecord, StoreError> {
    let issuers: Vec<IssuerRaw> =
        statement("SELECT id, tenant_id, settings FROM platform.issuer WHERE tenant_id = ? ORDER BY created_at, id")
            .bind::<SqlUuid, _>(row.id)
            .load(conn)?;
    Ok(TenantRecord {
        id: TenantId::existing(row.id),
        slug: row.slug,
        name: row.name,
        organisation_number: row
            .organisation_number
            .map(|text| OrganisationNumber::parse(&text).map_err(|_| unreadable_value::<OrganisationNumber>()))
            .transpose()?,
        placement: row.placement,
        state: row.state,
        template: row.template,
        schema_version: row.schema_version,
        issuers: issuers
            .into_iter()
            .map(|raw| serde_json::from_value(raw.settings).map_err(unreadable))
            .collect::<Result<_, _>>()?,
        created_at: row.created_at.to_jiff(),
        updated_at: row.updated_at.to_jiff(),
        version: row.version,
    })
}

/// Changes a registry's name and issuers, unless somebody changed the row since `version` was read.
pub fn update(
    tx: &mut PlatformTx<'_>,
    slug: &str,
    version: i64,
    name: &str,
    issuers: &[IssuerSettings],
) -> Result<TenantRecord, StoreError> {
    let action = tx.trace.action();
    let now = tx.now();
    let query = statement("UPDATE platform.tenant SET name = ?").bind::<Text, _>(name);
    changed(tx.conn, query, slug, version, action, now)?;
    let id = by_slug(tx.conn, slug)?.id;
    let mut known: Vec<IssuerRaw> =
        statement("SELECT id, tenant_id, settings FROM platform.issuer WHERE tenant_id = ?")
            .bind::<SqlUuid, _>(id.uuid())
            .load(tx.conn)?;
    let clock = tx.trace.clock;
    for settings in issuers {
        // An issuer that stays keeps its row: callers' idempotency keys and cursors hang on it.
        let same = known.iter().position(|raw| {
            serde_json::from_value::<IssuerSettings>(raw.settings.clone()).is_ok_and(|before| {
                before.issuer == settings.issuer && before.required_claim == settings.required_claim
            })
        });
        match same {
            Some(at) => {
                statement("UPDATE platform.issuer SET settings = ? WHERE id = ?")
                    .bind::<Jsonb, _>(serde_json::to_value(settings).unwrap_or_default())
                    .bind::<SqlUuid, _>(known.swap_remove(at).id)
                    .execute(tx.conn)?;
            }
            None => trust(tx.conn, clock, Some(id), settings)?,
        }
    }
    for gone in known {
        statement("DELETE FROM platform.issuer WHERE id = ?").bind::<SqlUuid, _>(gone.id).execute(tx.conn)?;
    }
    tx.trace.write(tx.conn, None, Some(slug.to_owned()), "ok")?;
    by_slug(tx.conn, slug)
}

/// Suspends or resumes a registry, unless somebody changed the row since `version` was read.
pub fn set_suspended(
    tx: &mut PlatformTx<'_>,
    slug: &str,
    version: i64,
    suspended: bool,
) -> Result<TenantRecord, StoreError> {
    let action = tx.trace.action();
    let now = tx.now();
    let state = if suspended { "suspended" } else { "active" };
    let query = statement("UPDATE platform.tenant SET state = ?").bind::<Text, _>(state);
    changed(tx.conn, query, slug, version, action, now)?;
    tx.trace.write(tx.conn, None, Some(slug.to_owned()), "ok")?;
    by_slug(tx.conn, slug)
}

fn changed(
    conn: &mut PgConnection,
    query: Statement<'_>,
    slug: &str,
    version: i64,
    action: &'static str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let before = by_slug(conn, slug)?;
    let rows = query
        .then(", updated_at = ?, updated_by = ?, version = version + 1 WHERE slug = ? AND version = ?")
        .bind::<Timestamptz, _>(now.to_diesel())
        .bind::<Text, _>(action)
        .bind::<Text, _>(before.slug)
        .bind::<BigInt, _>(version)
        .execute(conn)?;
    // Issuers that were withdrawn must be withdrawn everywhere, even where none is added.
    version::one_changed(rows)?;
    move_generation(conn)
}

/// Adds an issuer.
pub(crate) fn trust(
    conn: &mut PgConnection,
    clock: &crate::Clock,
    tenant: Option<TenantId>,
    settings: &IssuerSettings,
) -> Result<(), StoreError> {
    statement("INSERT INTO platform.issuer (id, tenant_id, issuer, settings, created_at) VALUES (?, ?, ?, ?, ?)")
        .bind::<SqlUuid, _>(clock.random_id())
        .bind::<Nullable<SqlUuid>, _>(tenant.map(TenantId::uuid))
        .bind::<Text, _>(settings.issuer.clone())
        .bind::<Jsonb, _>(serde_json::to_value(settings).unwrap_or_default())
        .bind::<Timestamptz, _>(clock.now().to_diesel())
        .execute(conn)?;
    move_generation(conn)
}
