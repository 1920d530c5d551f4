//! Every tenant this process serves, as the platform's tables name them. Read again when those have changed.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use painreg_domain::code::CodeBooks;
use painreg_domain::ids::{IssuerId, TenantId};

use crate::audit::unauthenticated::{self, UnauthenticatedRequest};
use crate::clock::Clock;
use crate::connections::Connections;
use crate::crypt::TenantKeys;
use crate::error::StoreError;
use crate::issuer::IssuerSettings;
use crate::place::{Tenant, TenantDatabase};
use crate::pool::address_as;
use crate::principal::{Principal, RequestContext};
use crate::scope::{PlatformScope, TenantScope};
use crate::settings::Settings;
use crate::store::{codes, tenants};
use crate::{database_check, keys, schema_version};

/// The door to every tenant. Cheap to clone.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    connections: Arc<Connections>,
    known: RwLock<Arc<Known>>,
}

/// The content of the platform's tables when they were last read.
#[derive(Default)]
struct Known {
    generation: i64,
    tenants: HashMap<String, Arc<Tenant>>,
    /// The slugs of active registries whose keys do not open.
    unread: Vec<String>,
    issuers: Vec<Arc<TrustedIssuer>>,
    codes: CodeBooks,
    code_versions: codes::Versions,
}

/// An issuer and the tenant that trusts it.
#[derive(Debug)]
pub struct TrustedIssuer {
    /// The issuer's row.
    pub id: IssuerId,
    /// The tenant that trusts it; `None` for the platform's operators.
    pub tenant: Option<Arc<Tenant>>,
    /// What is trusted, and for what.
    pub settings: IssuerSettings,
}

impl Registry {
    /// Connects to a database that `painreg migrate` has prepared, and reads what it knows. Refuses a key that is not
    /// the database's.
    pub fn open(settings: Settings) -> Result<Self, StoreError> {
        let connections = Arc::new(Connections::new(settings));
        let registry = Self(Arc::new(Inner { connections, known: RwLock::default() }));
        let mut held = registry.connections().to_platform()?;
        keys::check::verify(held.conn()?, &registry.connections().kek)?;
        drop(held);
        registry.reload()?;
        Ok(registry)
    }

    /// The source of instants and ids.
    pub fn clock(&self) -> &Clock {
        self.connections().clock()
    }

    /// How many database connections are open, over every tenant.
    pub fn open_connections(&self) -> usize {
        self.connections().open()
    }

    /// The tenant of this exact slug.
    pub fn tenant(&self, slug: &str) -> Option<Arc<Tenant>> {
        self.known().tenants.get(slug).cloned()
    }

    /// How many tenants are known.
    pub fn tenant_count(&self) -> usize {
        self.known().tenants.len()
    }

    /// Whether any tenant's schema is of another version than this program.
    pub fn is_any_behind(&self) -> bool {
        self.known().tenants.values().any(|tenant| tenant.schema_version != schema_version::of_tenants())
    }

    /// Every tenant that is known.
    pub(crate) fn tenants(&self) -> Vec<Arc<Tenant>> {
        self.known().tenants.values().cloned().collect()
    }

    /// The slugs of active registries whose keys do not open.
    pub(crate) fn unread(&self) -> Vec<String> {
        self.known().unread.clone()
    }

    /// Every trusted issuer with this exact name.
    pub fn issuers(&self, name: &str) -> Vec<Arc<TrustedIssuer>> {
        self.known().issuers.iter().filter(|issuer| issuer.settings.issuer == name).cloned().collect()
    }

    /// The tenants that are served: those that are neither suspended nor of another version than this program.
    fn served(&self) -> Vec<Arc<Tenant>> {
        let is_served =
            |tenant: &Arc<Tenant>| !tenant.suspended && tenant.schema_version == schema_version::of_tenants();
        self.tenants().into_iter().filter(is_served).collect()
    }

    /// The code systems, as they were when the platform's tables were last read.
    pub fn codes(&self) -> CodeBooks {
        self.known().codes.clone()
    }

    /// A caller's scope in a tenant. Only the API's authentication calls this.
    pub fn scope(&self, tenant: Arc<Tenant>, principal: Principal, context: RequestContext) -> TenantScope {
        TenantScope::new((Arc::clone(&self.0.connections), self.codes()), tenant, principal, context)
    }

    /// An operator's scope, or that of a tenant's caller who asks for a use of the platform and will be refused.
    pub fn platform_scope(&self, principal: Principal, context: RequestContext) -> PlatformScope {
        PlatformScope::new(Arc::clone(&self.0.connections), principal, context)
    }

    /// The registry's own scopes in every tenant that is served, for work that follows from days and plans and not from a
    /// request.
    pub fn worker_scopes(&self) -> Vec<TenantScope> {
        let scope = |tenant| {
            let context = RequestContext { request_id: self.clock().ordered_id().to_string(), origin: None };
            TenantScope::new((Arc::clone(&self.0.connections), self.codes()), tenant, Principal::worker(), context)
        };
        self.served().into_iter().map(scope).collect()
    }

    /// Is called before each round of a background job; a test plants faults here.
    pub fn begin_job(&self, job: &'static str) {
        #[cfg(feature = "testing")]
        if let Some(before) = &self.connections().settings.testing.before_job {
            before(job);
        }
        #[cfg(not(feature = "testing"))]
        let _ = job;
    }

    /// Adds counts of unauthenticated requests to the platform's log of refusals, by minute.
    pub fn record_unauthenticated(&self, counts: Vec<(UnauthenticatedRequest, i64)>) -> Result<(), StoreError> {
        let mut held = self.connections().to_platform()?;
        unauthenticated::record(held.conn()?, self.clock().now(), counts)
    }

    /// The way to the platform's database and to every tenant's.
    pub(crate) fn connections(&self) -> &Connections {
        &self.0.connections
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.0.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the platform's tables if they have changed since they were last read.
    pub fn refresh(&self) -> Result<(), StoreError> {
        let mut held = self.connections().to_platform()?;
        let generation = tenants::generation(held.conn()?)?;
        drop(held);
        if generation == self.known().generation { Ok(()) } else { self.reload() }
    }

    /// Reads the platform's tables. Tenants that have not changed keep their pools.
    pub(crate) fn reload(&self) -> Result<(), StoreError> {
        let mut held = self.connections().to_platform()?;
        let before = self.known();
        let (generation, rows, issuers) = tenants::load_all(held.conn()?)?;
        // Counted before they are read, as the generation is.
        let code_versions = codes::versions(held.conn()?)?;
        let codes = codes::load_all(held.conn()?, (&before.codes, &before.code_versions), &code_versions)?;
        drop(held);
        let mut tenants = HashMap::with_capacity(rows.len());
        let mut unread = Vec::new();
        for row in rows {
            let tenant = match before.tenants.get(&row.slug) {
                Some(same) if same.id == row.id && same.version == row.version => Arc::clone(same),
                _ => match self.tenant_from(&row) {
                    Ok(tenant) => Arc::new(tenant),
                    // A tenant whose keys cannot be decrypted must not affect the others.
                    Err(error) => {
                        tracing::error!(%error, tenant = %row.slug, "tenant not loaded");
                        if !row.suspended {
                            unread.push(row.slug);
                        }
                        continue;
                    }
                },
            };
            tenants.insert(row.slug, tenant);
        }
        let by_id: HashMap<TenantId, Arc<Tenant>> =
            tenants.values().map(|tenant| (tenant.id, Arc::clone(tenant))).collect();
        let issuers = issuers
            .into_iter()
            .filter_map(|row| {
                let tenant = match row.tenant {
                    None => None,
                    Some(id) => Some(Arc::clone(by_id.get(&id)?)),
                };
                Some(Arc::new(TrustedIssuer { id: row.id, tenant, settings: row.settings }))
            })
            .collect();
        let databases = tenants.values().map(|tenant| Arc::clone(&tenant.place)).collect();
        self.connections().serve(databases);
        *self.0.known.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Known { generation, tenants, unread, issuers, codes, code_versions });
        Ok(())
    }

    fn tenant_from(&self, row: &tenants::ServedRow) -> Result<Tenant, StoreError> {
        let id = row.id.uuid().into_bytes().to_vec();
        let kek = &self.connections().kek;
        let key = keys::unwrap_tenant_key(&row.tenant_key, kek, row.id)?;
        let password = kek.open(&row.login_password, &[b"tenant".as_slice(), b"login_password", &id])?;
        let password = String::from_utf8_lossy(&password).into_owned();
        let base = self.connections().base_address(row.id, row.dsn.as_deref())?;
        let address = address_as(&base, &format!("{}_login", row.schema), &password);
        let keys = TenantKeys::derive(kek, &key, &id);
        Ok(Tenant {
            id: row.id,
            slug: row.slug.clone(),
            version: row.version,
            suspended: row.suspended,
            schema_version: row.schema_version.clone(),
            place: Arc::new(TenantDatabase::new(row.schema.clone(), id, keys, address)),
        })
    }

    /// Refuses to serve while a check of the database fails, with its reason.
    pub fn check_database(&self) -> Result<(), StoreError> {
        CHECKS.iter().try_for_each(|check| check(self))
    }

    /// The platform's database is at this program's version and can be trusted with writes.
    fn check_platform(&self) -> Result<(), StoreError> {
        let mut held = self.connections().to_platform()?;
        schema_version::check_platform(held.conn()?)?;
        database_check::check(&self.connections().settings, held.conn()?)
    }

    /// No tenant's sessions are refused. One that was is tried again here: nothing else does while no requests come.
    fn check_sessions(&self) -> Result<(), StoreError> {
        for tenant in self.served().into_iter().filter(|tenant| tenant.place.is_refused()) {
            self.connections().try_session(&tenant.place).map_err(|error| {
                let why = format!("sessions of {} are refused: {error}", tenant.slug);
                StoreError::Unavailable(why)
            })?;
        }
        Ok(())
    }
}

/// A condition of readiness; the error is the reason where it does not hold.
type Check = fn(&Registry) -> Result<(), StoreError>;

/// What readiness depends on, in this order.
const CHECKS: &[Check] = &[Registry::check_platform, Registry::check_sessions];
