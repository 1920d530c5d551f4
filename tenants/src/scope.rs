//! The door to the database: a [`Tx`] exists only inside [`TenantScope::run`]. Without a tenant, a role
//! and an action there is no transaction, and without a [`PatientAccess`](crate::PatientAccess), which is handed out after
//! the access has been logged, no patient data.
//!
//! ```compile_fail,E0521
//! // A receipt cannot leave the transaction that logged it.
//! use painreg_tenants::{PatientAccess, StoreError, TenantScope};
//! use painreg_domain::{ids::PatientId, policy::Action};
//! fn steal(scope: &TenantScope, id: PatientId) {
//!     let mut kept: Option<PatientAccess<'_>> = None;
//!     let _ = scope.run(Action::ReadPatient, |tx| { kept = Some(tx.open_patient(id)?); Ok::<_, StoreError>(()) });
//! }
//! ```
//! ```compile_fail,E0451
//! // A scope cannot be made by hand: its fields are private, and only the registry makes one.
//! use painreg_tenants::TenantScope;
//! let scope = TenantScope { connections: todo!(), codes: todo!(), tenant: todo!(), principal: todo!(), context: todo!() };
//! ```
//! ```compile_fail,E0624
//! // Nor through its constructor.
//! let make = painreg_tenants::TenantScope::new;
//! ```
//! ```compile_fail,E0308
//! // Answers cannot be read without opening the patient: an id is not a receipt.
//! use painreg_tenants::{StoreError, Tx, store::submissions};
//! use painreg_domain::ids::PatientId;
//! fn read(tx: &mut Tx<'_>, id: PatientId) { let _ = submissions::of_patient(tx, &id, None, 10); }
//! ```
//! ```compile_fail,E0308
//! // Ids cannot be swapped.
//! use painreg_tenants::Tx;
//! use painreg_domain::ids::SubmissionId;
//! fn open(tx: &mut Tx<'_>, id: SubmissionId) { let _ = tx.open_patient(id); }
//! ```
//! ```compile_fail,E0616
//! // The connection is private to the crate.
//! use painreg_tenants::Tx;
//! fn raw(tx: &mut Tx<'_>) { let _ = &tx.conn; }
//! ```

use std::sync::Arc;

use diesel::PgConnection;
use painreg_domain::code::CodeBooks;
use painreg_domain::ids::PatientId;
use painreg_domain::policy::{self, Action, Limits, Reach};

use crate::audit::writer::Trace;
use crate::clock::Clock;
use crate::commit;
use crate::connections::Connections;
use crate::error::{AuditOutcome, StoreError};
use crate::place::Tenant;
use crate::principal::{Principal, RequestContext};
use crate::schema_version;
use crate::store::sequencer;
use crate::transaction::{End, prelude, timed, transaction};
use crate::tx::{PlatformTx, Tx, UnauditedTx};

/// Proof of an authenticated caller in a known tenant.
#[derive(Clone)]
pub struct TenantScope {
    connections: Arc<Connections>,
    codes: CodeBooks,
    tenant: Arc<Tenant>,
    principal: Principal,
    context: RequestContext,
}

/// Proof of an authenticated caller of a use of the platform.
#[derive(Clone)]
pub struct PlatformScope {
    connections: Arc<Connections>,
    principal: Principal,
    context: RequestContext,
}

/// The records and the object that a transaction touched, for the access log.
#[derive(Default)]
struct Seen {
    opened: Vec<PatientId>,
    object: Option<String>,
    rehearsed: bool,
    has_news: bool,
}

impl TenantScope {
    /// A caller's scope in a tenant. Every transaction in it uses these code systems.
    pub(crate) fn new(
        (connections, codes): (Arc<Connections>, CodeBooks),
        tenant: Arc<Tenant>,
        principal: Principal,
        context: RequestContext,
    ) -> Self {
        Self { connections, codes, tenant, principal, context }
    }

    /// Returns the caller that the scope was made for.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns the tenant that the scope is limited to.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The source of instants and ids.
    pub fn clock(&self) -> &Clock {
        self.connections.clock()
    }

    /// Runs `work` as `action`, or refuses it. Blocking. Either everything `work` did is in the database when this
    /// returns `Ok`, its trace in the access log included, or nothing is; a refusal is logged in its own transaction.
    pub fn run<T, E: From<StoreError> + AuditOutcome>(
        &self,
        action: Action,
        work: impl for<'t> FnOnce(&mut Tx<'t>) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.tenant.suspended {
            return Err(StoreError::Suspended.into());
        }
        if self.tenant.schema_version != schema_version::of_tenants() {
            return Err(StoreError::WrongVersion.into());
        }
        let mut seen = Seen::default();
        let reach = policy::reach(self.principal.role, action);
        if reach == Reach::No {
            return self.log_outcome(action, &seen, "forbidden").and(Err(StoreError::Forbidden.into()));
        }
        if action.category().is_about_patients() && !self.principal.highly_assured {
            return self.log_outcome(action, &seen, "forbidden").and(Err(StoreError::LowAssurance.into()));
        }
        let outcome: Result<T, E> = timed(&self.tenant.slug, action, || {
            self.transaction(action.limits(), |conn| {
                let settings = &self.connections.settings;
                let mut tx = Tx::new(conn, self.trace(action), &self.tenant, settings, (reach, self.codes.clone()));
                let result = work(&mut tx).and_then(|done| {
                    commit::before_commit(&mut tx)?;
                    Ok(done)
                });
                seen.opened = std::mem::take(&mut tx.trace.opened);
                seen.object = tx.object.take();
                seen.rehearsed = tx.rehearsal;
                seen.has_news = tx.has_news;
                let end = if seen.rehearsed { End::RollBack } else { End::Commit };
                result.map(|done| (done, end))
            })
        });
        if seen.rehearsed && outcome.is_ok() {
            self.log_outcome::<E>(action, &seen, "rehearsed")?;
        }
        // After an error too: the COMMIT may have succeeded and its answer been lost.
        if seen.has_news {
            self.connections.news.add(self.tenant.id);
        }
        // A rollback removes the trace too; records that were opened all the same are logged again.
        match outcome {
            Err(error) => match error.audit_outcome() {
                Some(what) if what != "refused" || !seen.opened.is_empty() => {
                    self.log_outcome(action, &seen, what).and(Err(error))
                }
                _ => Err(error),
            },
            done => done,
        }
    }

    /// Logs the outcome of a transaction that left no trace. Where that fails, the caller gets the failure instead:
    /// nothing happens unseen.
    fn log_outcome<E: From<StoreError>>(&self, action: Action, seen: &Seen, outcome: &'static str) -> Result<(), E> {
        self.transaction(action.limits(), |conn| {
            let mut trace = self.trace(action);
            if seen.opened.is_empty() {
                trace.write(conn, None, seen.object.clone(), outcome)?;
            }
            for patient in &seen.opened {
                trace.write(conn, Some(*patient), seen.object.clone(), outcome)?;
            }
            Ok(((), End::Commit))
        })
    }

    /// Asks a question that is about no patient, without a trace in the access log: whether there is work to do.
    pub fn run_unaudited<T>(
        &self,
        ask: impl for<'t> FnOnce(&mut UnauditedTx<'t>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let now = self.clock().now();
        self.transaction(Limits::REQUEST, |conn| Ok((ask(&mut UnauditedTx { conn, now })?, End::RollBack)))
    }

    /// Gives positions to what was committed to the registry's logs, and returns whether there may be more. Leaves no trace in
    /// the access log: it follows from actions that are logged, changes no entry and shows none.
    pub fn sequence(&self) -> Result<bool, StoreError> {
        let epoch = self.clock().random_id();
        let (numbered, more) = self.transaction(Limits::REQUEST, |conn| {
            Ok::<_, StoreError>((sequencer::number_all(conn, epoch)?, End::Commit))
        })?;
        if numbered > 0 {
            self.connections.news.add(self.tenant.id);
        }
        Ok(more)
    }

    fn trace(&self, action: Action) -> Trace<'_> {
        Trace::new(self.connections.clock(), &self.principal, &self.context, action)
    }

    fn transaction<T, E: From<StoreError>>(
        &self,
        limits: Limits,
        work: impl FnOnce(&mut PgConnection) -> Result<(T, End), E>,
    ) -> Result<T, E> {
        let place = &self.tenant.place;
        transaction(&self.connections, place, &prelude(place, Some(self.principal.role), limits), work)
    }
}

impl PlatformScope {
    /// A caller's scope in the platform.
    pub(crate) const fn new(connections: Arc<Connections>, principal: Principal, context: RequestContext) -> Self {
        Self { connections, principal, context }
    }

    /// Returns the caller that the scope was made for.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Runs `work` on the platform's tables as `action`, or refuses it. Blocking. See [`TenantScope::run`].
    pub fn run<T, E: From<StoreError> + AuditOutcome>(
        &self,
        action: Action,
        work: impl for<'t> FnOnce(&mut PlatformTx<'t>) -> Result<T, E>,
    ) -> Result<T, E> {
        if policy::reach(self.principal.role, action) != Reach::All {
            return self.refuse(action).and(Err(StoreError::Forbidden.into()));
        }
        timed("platform", action, || {
            self.transaction(action.limits(), |conn| {
                let connections = &*self.connections;
                let mut tx = PlatformTx { conn, trace: self.trace(action), connections };
                let result = work(&mut tx)?;
                tx.trace.finish(tx.conn, None)?;
                Ok((result, End::Commit))
            })
        })
    }

    fn refuse<E: From<StoreError>>(&self, action: Action) -> Result<(), E> {
        self.transaction(action.limits(), |conn| {
            self.trace(action).write(conn, None, None, "forbidden")?;
            Ok(((), End::Commit))
        })
    }

    fn trace(&self, action: Action) -> Trace<'_> {
        Trace::new(self.connections.clock(), &self.principal, &self.context, action)
    }

    fn transaction<T, E: From<StoreError>>(
        &self,
        limits: Limits,
        work: impl FnOnce(&mut PgConnection) -> Result<(T, End), E>,
    ) -> Result<T, E> {
        let connections = &*self.connections;
        transaction(connections, &connections.platform, &prelude(&connections.platform, None, limits), work)
    }
}
