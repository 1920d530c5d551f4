//! The platform's tables of registries and their issuers. They hold no patient data.

use diesel::prelude::*;
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::ids::{IssuerId, TenantId};
use painreg_domain::organisation_number::OrganisationNumber;
use uuid::Uuid;

use crate::error::StoreError;
use crate::error::unreadable;
use crate::issuer::IssuerSettings;
use crate::schema::platform::{generation, issuer, tenant};
use crate::store::{Listing, unreadable_value, version};
use crate::tx::PlatformTx;

/// A registry, as shown to operators.
#[derive(Clone, Debug)]
pub struct TenantRecord {
    /// The id of the registry.
    pub id: TenantId,
    /// The name in paths.
    pub slug: String,
    /// The name shown to people.
    pub name: String,
    /// The hospital trust's organisation number.
    pub organisation_number: Option<OrganisationNumber>,
    /// The placement: `login` (this database) or `dsn` (another database).
    pub placement: String,
    /// The state: `active` or `suspended`.
    pub state: String,
    /// The name of the template it was created from.
    pub template: String,
    /// The version of the newest migration applied.
    pub schema_version: String,
    /// The issuers of accepted tokens.
    pub issuers: Vec<IssuerSettings>,
    /// The instant of creation.
    pub created_at: Timestamp,
    /// The instant of the last change.
    pub updated_at: Timestamp,
    /// The version, from 1; every change adds 1. The ETag.
    pub version: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tenant)]
struct Row {
    id: Uuid,
    slug: String,
    name: String,
    organisation_number: Option<String>,
    placement: String,
    state: String,
    template: String,
    schema_version: String,
    created_at: jiff_diesel::Timestamp,
    updated_at: jiff_diesel::Timestamp,
    version: i64,
}

/// The columns of a registry that serving it needs.
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

/// An issuer with its parsed settings.
pub(crate) struct IssuerRow {
    pub(crate) id: IssuerId,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) settings: IssuerSettings,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tenant)]
struct ServedRaw {
    id: Uuid,
    slug: String,
    schema_name: String,
    dsn: Option<Vec<u8>>,
    login_password: Vec<u8>,
    tenant_key: Vec<u8>,
    template: String,
    state: String,
    schema_version: String,
    version: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = issuer)]
struct IssuerRaw {
    id: Uuid,
    tenant_id: Option<Uuid>,
    settings: serde_json::Value,
}

/// The columns of a registry that operators change; `None` keeps the stored value.
#[derive(AsChangeset, Default)]
#[diesel(table_name = tenant)]
struct Change<'a> {
    name: Option<&'a str>,
    state: Option<&'static str>,
}

/// Returns the platform's cache generation, which counts changes of its tables.
pub(crate) fn generation(conn: &mut PgConnection) -> Result<i64, StoreError> {
    Ok(generation::table.select(generation::value).first(conn)?)
}

/// Increments the platform's cache generation: every process reads the tables again after the commit.
pub(crate) fn bump_generation(conn: &mut PgConnection) -> Result<(), StoreError> {
    diesel::update(generation::table).set(generation::value.eq(generation::value + 1)).execute(conn)?;
    Ok(())
}

/// Returns the cache generation, every registry and every issuer that can be read. The generation is read first: a change in
/// between is noticed by the next comparison.
pub(crate) fn load_all(conn: &mut PgConnection) -> Result<(i64, Vec<ServedRow>, Vec<IssuerRow>), StoreError> {
    let generation = generation(conn)?;
    let tenants: Vec<ServedRaw> = tenant::table.order(tenant::slug).select(ServedRaw::as_select()).load(conn)?;
    let issuers: Vec<IssuerRaw> =
        issuer::table.order((issuer::created_at, issuer::id)).select(IssuerRaw::as_select()).load(conn)?;
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
            suspended: row.state == "suspended",
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
                tracing::error!(%error, issuer = %row.id, "issuer ignored: its stored settings cannot be read");
                None
            }
        })
        .collect();
    Ok((generation, tenants, issuers))
}

/// Returns registries by slug, after `after`.
pub fn list(tx: &mut PlatformTx<'_>, after: Option<&str>, limit: i64) -> Result<Listing<TenantRecord>, StoreError> {
    let query =
        tenant::table.filter(tenant::slug.gt(after.unwrap_or_default())).order(tenant::slug).select(Row::as_select());
    Listing::load(tx.conn, query, limit)?.try_map(|row| whole(tx.conn, row))
}

/// Returns one registry.
pub fn find(tx: &mut PlatformTx<'_>, slug: &str) -> Result<TenantRecord, StoreError> {
    by_slug(tx.conn, slug)
}

pub(crate) fn by_slug(conn: &mut PgConnection, slug: &str) -> Result<TenantRecord, StoreError> {
    let row: Row = tenant::table.filter(tenant::slug.eq(slug)).select(Row::as_select()).first(conn)?;
    whole(conn, row)
}

fn whole(conn: &mut PgConnection, row: Row) -> Result<TenantRecord, StoreError> {
    let issuers: Vec<IssuerRaw> = issuer::table
        .filter(issuer::tenant_id.eq(row.id))
        .order((issuer::created_at, issuer::id))
        .select(IssuerRaw::as_select())
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

/// Changes the name and the issuers of a registry; [`StoreError::Stale`] if the row changed since `version` was read.
pub fn update(
    tx: &mut PlatformTx<'_>,
    slug: &str,
    version: i64,
    name: &str,
    issuers: &[IssuerSettings],
) -> Result<TenantRecord, StoreError> {
    let action = tx.trace.action();
    let now = tx.now();
    changed(tx.conn, Change { name: Some(name), ..Change::default() }, slug, version, action, now)?;
    let id = by_slug(tx.conn, slug)?.id;
    let mut known: Vec<IssuerRaw> =
        issuer::table.filter(issuer::tenant_id.eq(id.uuid())).select(IssuerRaw::as_select()).load(tx.conn)?;
    let clock = tx.trace.clock;
    for settings in issuers {
        // A known issuer keeps its row: idempotency keys and cursors of its callers contain the id of the row.
        let same = known.iter().position(|raw| {
            serde_json::from_value::<IssuerSettings>(raw.settings.clone()).is_ok_and(|before| {
                before.issuer == settings.issuer && before.required_claim == settings.required_claim
            })
        });
        match same {
            Some(at) => {
                diesel::update(issuer::table.find(known.swap_remove(at).id))
                    .set(issuer::settings.eq(serde_json::to_value(settings).map_err(unreadable)?))
                    .execute(tx.conn)?;
            }
            None => trust(tx.conn, clock, Some(id), settings)?,
        }
    }
    if !known.is_empty() {
        let withdrawn = issuer::table.filter(issuer::id.eq_any(known.iter().map(|raw| raw.id)));
        diesel::delete(withdrawn).execute(tx.conn)?;
    }
    tx.trace.write(tx.conn, None, Some(slug.to_owned()), "ok")?;
    by_slug(tx.conn, slug)
}

/// Suspends or resumes a registry; [`StoreError::Stale`] if the row changed since `version` was read.
pub fn set_suspended(
    tx: &mut PlatformTx<'_>,
    slug: &str,
    version: i64,
    suspended: bool,
) -> Result<TenantRecord, StoreError> {
    let action = tx.trace.action();
    let now = tx.now();
    let state = if suspended { "suspended" } else { "active" };
    changed(tx.conn, Change { state: Some(state), ..Change::default() }, slug, version, action, now)?;
    tx.trace.write(tx.conn, None, Some(slug.to_owned()), "ok")?;
    by_slug(tx.conn, slug)
}

fn changed(
    conn: &mut PgConnection,
    change: Change<'_>,
    slug: &str,
    version: i64,
    action: &'static str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let before = by_slug(conn, slug)?;
    let read = tenant::table.filter(tenant::slug.eq(before.slug)).filter(tenant::version.eq(version));
    let rows = diesel::update(read)
        .set((
            change,
            tenant::updated_at.eq(now.to_diesel()),
            tenant::updated_by.eq(action),
            tenant::version.eq(tenant::version + 1),
        ))
        .execute(conn)?;
    version::one_changed(rows)?;
    // Removed issuers must be removed in every process, also where none is added.
    bump_generation(conn)
}

/// Adds an issuer to a registry, or to the platform where `tenant` is absent.
pub(crate) fn trust(
    conn: &mut PgConnection,
    clock: &crate::Clock,
    tenant: Option<TenantId>,
    settings: &IssuerSettings,
) -> Result<(), StoreError> {
    diesel::insert_into(issuer::table)
        .values((
            issuer::id.eq(clock.random_id()),
            issuer::tenant_id.eq(tenant.map(TenantId::uuid)),
            issuer::issuer_.eq(&settings.issuer),
            issuer::settings.eq(serde_json::to_value(settings).map_err(unreadable)?),
            issuer::created_at.eq(clock.now().to_diesel()),
        ))
        .execute(conn)?;
    bump_generation(conn)
}
