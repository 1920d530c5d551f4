//! The door to the database: a [`Tx`] exists only inside [`TenantScope::run`]. No tenant, no role, no action: no
//! transaction. And no patient data without a [`PatientAccess`], which is handed out after the access has been logged.
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
//! let scope = TenantScope { registry: todo!(), tenant: todo!(), principal: todo!(), context: todo!() };
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
//! // The connection is nobody's but this crate's.
//! use painreg_tenants::Tx;
//! fn raw(tx: &mut Tx<'_>) { let _ = &tx.conn; }
//! ```

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bytea, Nullable, Text, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff::civil::Date;
use painreg_domain::calendar::norwegian_day;
use painreg_domain::clinical::LegalBasis;
use painreg_domain::clinical::legal_basis::{self, Circumstances};
use painreg_domain::code::CodeBooks;
use painreg_domain::event;
use painreg_domain::ids::{EntryId, PatientId, SubmissionId, TenantId};
use painreg_domain::national_id::NationalId;
use painreg_domain::policy::{self, Action, Reach, Role};
use uuid::Uuid;

use crate::audit::Trace;
use crate::clock::Clock;
use crate::crypt::Key;
use crate::error::StoreError;
pub(crate) use crate::error::unreadable;
use crate::migrate;
use crate::pool::Pooled;
use crate::registry::{Place, Registry, Tenant};
use crate::statement::{Statement, statement};
use crate::store::decisions;
use crate::store::events::{self, Happening};
use crate::store::idempotency::{self, Once, Reply};

/// Who is calling, as the issuer vouched for it.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Unique over every issuer: the issuer's row and its `sub`. Idempotency keys and rate limits belong to it.
    pub key: String,
    /// The token's `sub`, as the access log shows it.
    pub actor: String,
    /// The one role of the token.
    pub role: Role,
    /// The caller's unit, where the role's reach is a unit.
    pub unit: Option<String>,
    /// Health personnel number (HPR-nummer).
    pub hpr: Option<String>,
    /// Organisation number.
    pub organisation: Option<String>,
    /// The client the token was issued to.
    pub client: Option<String>,
    /// Which patient the caller is, where the caller is one.
    pub own: Option<OwnRecord>,
    /// Whether the issuer vouches at the level of assurance that patient data asks for.
    pub highly_assured: bool,
}

impl Principal {
    /// An operator whom no token vouches for: whoever can read the key file and reach the database as its owner.
    pub fn operator_at_the_machine(actor: &str) -> Self {
        Self {
            key: format!("command-line:{actor}"),
            actor: actor.to_owned(),
            role: Role::Operator,
            unit: None,
            hpr: None,
            organisation: None,
            client: Some("painreg command line".to_owned()),
            own: None,
            highly_assured: true,
        }
    }
}

/// How a patient's token says who the patient is.
#[derive(Clone, Debug)]
pub enum OwnRecord {
    /// By the id in this registry.
    Id(PatientId),
    /// By national id.
    NationalId(NationalId),
}

/// Where a request came from, for the access log.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The id that the caller was told.
    pub request_id: String,
    /// The peer's address.
    pub origin: Option<String>,
}

/// Proof of an authenticated caller in a known tenant.
#[derive(Clone)]
pub struct TenantScope {
    registry: Registry,
    tenant: Arc<Tenant>,
    principal: Principal,
    context: RequestContext,
}

/// Proof of an authenticated caller who asks for something of the platform.
#[derive(Clone)]
pub struct PlatformScope {
    registry: Registry,
    principal: Principal,
    context: RequestContext,
}

/// One transaction in one tenant, for one named action. `'t` is a brand: nothing that carries it outlives the
/// transaction.
pub struct Tx<'t> {
    pub(crate) conn: &'t mut PgConnection,
    pub(crate) scope: &'t TenantScope,
    pub(crate) trace: Trace<'t>,
    /// What of a patient's record is touched, for the access log.
    object: Option<String>,
    /// Whether nothing of this is to stay.
    rehearsal: bool,
    /// The keys of patients that this transaction has needed.
    pub(crate) keys: Vec<(Uuid, Key)>,
    /// The one instant of everything that this transaction does.
    now: Timestamp,
    reach: Reach,
    codes: CodeBooks,
    /// How often the registry's lists, licences and settings had changed when the transaction first asked.
    generation: Option<i64>,
    /// Whose facts have changed: they are decided again before the transaction ends.
    touched: BTreeSet<Uuid>,
    /// What happened, for those who are told: written before the transaction ends.
    pub(crate) events: Vec<Happening>,
    /// Whether the registry's own role is at work instead of the caller's.
    is_system: bool,
    brand: PhantomData<fn(&'t ()) -> &'t ()>,
}

/// One transaction on the platform's own tables, where no patient is.
pub struct PlatformTx<'t> {
    pub(crate) conn: &'t mut PgConnection,
    pub(crate) scope: &'t PlatformScope,
    pub(crate) trace: Trace<'t>,
}

/// Receipt that opening this patient's record stands in the access log, written in this very transaction.
pub struct PatientAccess<'t> {
    id: PatientId,
    /// The rows that hold the record: the patient's own first, then those merged into it.
    rows: Vec<Uuid>,
    brand: PhantomData<fn(&'t ()) -> &'t ()>,
}

impl PatientAccess<'_> {
    /// Whose record is open.
    pub const fn id(&self) -> PatientId {
        self.id
    }

    /// The patients whose rows make up the record.
    pub(crate) fn rows(&self) -> Vec<Uuid> {
        self.rows.clone()
    }

    /// Whether duplicates have been merged into the patient.
    pub(crate) fn is_merged(&self) -> bool {
        self.rows.len() > 1
    }
}

/// A patient, by id or by number.
#[derive(Clone, Debug)]
pub enum Whose {
    /// The patient's id in this registry.
    Id(PatientId),
    /// A number that identifies the person.
    NationalId(NationalId),
}

impl Whose {
    const fn number(&self) -> Option<&NationalId> {
        match self {
            Self::Id(_) => None,
            Self::NationalId(number) => Some(number),
        }
    }

    fn id(&self) -> Option<Uuid> {
        match self {
            Self::Id(id) => Some(id.uuid()),
            Self::NationalId(_) => None,
        }
    }
}

/// What must be known of a patient before anything is recorded: read by the statement that opens the record.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Birth date.
    pub born: Date,
    /// Date of death.
    pub died: Option<Date>,
    /// On what grounds the patient is in the registry.
    pub grounds: Vec<LegalBasis>,
    /// Whether questionnaires must not be sent, for other reasons.
    pub circumstances: Circumstances,
    /// How often the registry's code lists and projects have changed.
    pub(crate) lists: i64,
}

/// How much of a patient the statement that opens the record reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Nothing,
    /// The grounds only: an importer may not read more.
    Grounds,
    Standing,
}

impl TenantScope {
    pub(crate) const fn new(
        registry: Registry,
        tenant: Arc<Tenant>,
        principal: Principal,
        context: RequestContext,
    ) -> Self {
        Self { registry, tenant, principal, context }
    }

    /// Who is calling.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Where.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Where "now" comes from.
    pub fn clock(&self) -> &Clock {
        self.registry.clock()
    }

    /// Runs `work` as `action`, or refuses it. Blocking. Either everything `work` did is in the database when this
    /// returns `Ok`, its trace in the access log included, or nothing is; a refusal is logged on its own.
    pub fn run<T, E: From<StoreError> + Refusal>(
        &self,
        action: Action,
        work: impl for<'t> FnOnce(&mut Tx<'t>) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.tenant.suspended {
            return Err(StoreError::Suspended.into());
        }
        if self.tenant.schema_version != migrate::tenant_version() {
            return Err(StoreError::WrongVersion.into());
        }
        let reach = policy::reach(self.principal.role, action);
        if reach == Reach::No {
            return self.log_outcome(action, &[], None, "forbidden").and(Err(StoreError::Forbidden.into()));
        }
        if action.category().is_about_patients() && !self.principal.highly_assured {
            return self.log_outcome(action, &[], None, "forbidden").and(Err(StoreError::LowAssurance.into()));
        }
        let mut opened = Vec::new();
        let mut object = None;
        let mut rehearsed = false;
        let outcome: Result<T, E> = timed(action, || {
            self.transaction(|conn| {
                let trace = Trace::new(self.registry.clock(), &self.principal, &self.context, action);
                let codes = self.registry.codes();
                let brand = PhantomData;
                let now = self.registry.clock().now();
                let keys = Vec::new();
                let mut tx = Tx {
                    conn,
                    scope: self,
                    trace,
                    object: None,
                    rehearsal: false,
                    keys,
                    now,
                    reach,
                    codes,
                    generation: None,
                    touched: BTreeSet::new(),
                    events: Vec::new(),
                    is_system: false,
                    brand,
                };
                let result = work(&mut tx).and_then(|done| {
                    decisions::settle(&mut tx)?;
                    events::write(&mut tx)?;
                    Ok(done)
                });
                opened = std::mem::take(&mut tx.trace.opened);
                object = tx.object.take();
                rehearsed = tx.rehearsal;
                let result = result?;
                tx.trace.finish(tx.conn, object.clone())?;
                Ok((result, if rehearsed { End::RollBack } else { End::Commit }))
            })
        });
        if rehearsed && outcome.is_ok() {
            self.log_outcome::<E>(action, &opened, object.as_deref(), "rehearsed")?;
        }
        // What was rolled back took its trace along; what the caller learnt all the same is logged again.
        match outcome {
            Err(error) => match error.learnt() {
                Some(what) if what != "refused" || !opened.is_empty() => {
                    self.log_outcome(action, &opened, object.as_deref(), what).and(Err(error))
                }
                _ => Err(error),
            },
            done => done,
        }
    }

    /// Writes the refusal itself. Where that fails, the caller hears of the failure: nothing happens unseen.
    fn log_outcome<E: From<StoreError>>(
        &self,
        action: Action,
        opened: &[PatientId],
        object: Option<&str>,
        outcome: &'static str,
    ) -> Result<(), E> {
        self.transaction(|conn| {
            let mut trace = Trace::new(self.registry.clock(), &self.principal, &self.context, action);
            if opened.is_empty() {
                trace.write(conn, None, object.map(str::to_owned), outcome)?;
            }
            for patient in opened {
                trace.write(conn, Some(*patient), object.map(str::to_owned), outcome)?;
            }
            Ok(((), End::Commit))
        })
    }

    /// Asks something that is about no patient and leaves no trace: whether there is work to do.
    pub(crate) fn glance<T>(
        &self,
        ask: impl FnOnce(&mut PgConnection, Timestamp) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let now = self.registry.clock().now();
        self.transaction(|conn| Ok((ask(conn, now)?, End::RollBack)))
    }

    fn transaction<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<(T, End), E>,
    ) -> Result<T, E> {
        let prelude = prelude(&self.tenant.place, Some(self.principal.role));
        transaction(&self.registry, &self.tenant.place, &prelude, work)
    }
}

impl PlatformScope {
    pub(crate) const fn new(registry: Registry, principal: Principal, context: RequestContext) -> Self {
        Self { registry, principal, context }
    }

    /// Who is calling.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The registry, for the uses that create, migrate and drop tenants.
    pub(crate) const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Runs `work` on the platform's tables as `action`, or refuses it. Blocking. See [`TenantScope::run`].
    pub fn run<T, E: From<StoreError> + Refusal>(
        &self,
        action: Action,
        work: impl for<'t> FnOnce(&mut PlatformTx<'t>) -> Result<T, E>,
    ) -> Result<T, E> {
        if policy::reach(self.principal.role, action) != Reach::All {
            return self.refuse(action).and(Err(StoreError::Forbidden.into()));
        }
        let place = &self.registry.0.platform;
        timed(action, || {
            transaction(&self.registry, place, &prelude(place, None), |conn| {
                let trace = Trace::new(self.registry.clock(), &self.principal, &self.context, action);
                let mut tx = PlatformTx { conn, scope: self, trace };
                let result = work(&mut tx)?;
                tx.trace.finish(tx.conn, None)?;
                Ok((result, End::Commit))
            })
        })
    }

    fn refuse<E: From<StoreError>>(&self, action: Action) -> Result<(), E> {
        let place = &self.registry.0.platform;
        transaction(&self.registry, place, &prelude(place, None), |conn| {
            let mut trace = Trace::new(self.registry.clock(), &self.principal, &self.context, action);
            trace.write(conn, None, None, "forbidden")?;
            Ok(((), End::Commit))
        })
    }
}

/// What an error tells its caller about the registry: such answers are logged although nothing was done.
pub trait Refusal {
    /// `not_found`, `conflict`, or `refused` where only an opened record makes it worth logging; `None` where nothing
    /// was learnt, because the service failed or was busy.
    fn learnt(&self) -> Option<&'static str>;
}

impl Refusal for StoreError {
    fn learnt(&self) -> Option<&'static str> {
        match self {
            Self::NotFound => Some("not_found"),
            Self::Conflict(_) => Some("conflict"),
            Self::Stale
            | Self::Invalid(_)
            | Self::Active
            | Self::InUse
            | Self::WrongState
            | Self::NotPermitted(_)
            | Self::LicenceBlocked(_) => Some("refused"),
            _ => None,
        }
    }
}

impl<'t> Tx<'t> {
    /// The instant of this transaction: the same one through all of it, so that what one state ends with is what the next
    /// begins with.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Who is calling.
    pub fn principal(&self) -> &'t Principal {
        &self.scope.principal
    }

    /// The code systems, the same ones through the whole transaction. No round trip.
    pub const fn codes(&self) -> &CodeBooks {
        &self.codes
    }

    /// Which tenant this is.
    pub fn tenant_id(&self) -> TenantId {
        self.scope.tenant.id
    }

    /// What the registry is called in paths.
    pub fn slug(&self) -> &'t str {
        &self.scope.tenant.slug
    }

    /// The day it is in Norway.
    pub fn today(&self) -> Date {
        norwegian_day(self.now())
    }

    /// Names what is touched, for the access log: `diagnosis/<id>`. Before the record is opened, if there is one.
    pub fn about(&mut self, object: String) {
        self.object = Some(object);
    }

    /// Makes this a rehearsal: everything is done and checked, nothing stays but the log of it.
    pub const fn rehearse(&mut self) {
        self.rehearsal = true;
    }

    /// An id for something new.
    pub fn new_entry_id(&self) -> EntryId {
        EntryId::existing(self.random_id())
    }

    /// Says that a fact about this patient has changed: what follows for the follow-up is decided again before the
    /// transaction ends.
    pub(crate) fn touch(&mut self, patient: Uuid) {
        self.touched.insert(patient);
    }

    /// Whose facts have changed so far; they count as decided.
    pub(crate) fn take_touched(&mut self) -> Vec<Uuid> {
        std::mem::take(&mut self.touched).into_iter().collect()
    }

    /// Says that something happened: others are told if this transaction commits, and only then.
    pub(crate) fn emit(&mut self, kind: event::Kind, patient: Option<Uuid>, object: String, version: Option<i64>) {
        self.events.push(Happening { kind, patient, object, version });
    }

    /// Does what follows from the caller's deed and what the caller's own role has no right to, as the registry itself:
    /// deciding reads facts that an importer, say, must not see. What is learnt stays in this crate. Statements are planned
    /// once, for a registry that grows: planning how to gather a patient's facts takes longer than gathering them.
    pub(crate) fn as_system<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let become_role = |tx: &mut Self, role: Role| {
            let name = format!("{}_{role}", tx.place().schema);
            let (plans, scans) = if role == Role::System { ("force_generic_plan", "off") } else { ("auto", "on") };
            statement(
                "SELECT set_config('role', ?, true), set_config('plan_cache_mode', ?, true), \
                 set_config('enable_seqscan', ?, true)",
            )
            .bind::<Text, _>(name)
            .bind::<Text, _>(plans)
            .bind::<Text, _>(scans)
            .execute(tx.conn)
        };
        if self.is_system {
            return work(self);
        }
        become_role(self, Role::System)?;
        self.is_system = true;
        // Where the work fails nothing more is done in this transaction.
        let done = work(self)?;
        self.is_system = false;
        become_role(self, self.scope.principal.role)?;
        Ok(done)
    }

    /// How far the caller's right to another action reaches.
    pub fn may(&self, action: Action) -> bool {
        policy::reach(self.scope.principal.role, action) != Reach::No
    }

    /// How often the registry's lists, licences and settings had changed when the transaction first asked: read by the
    /// statement that opens a record to collect or record, else one round trip.
    pub(crate) fn generation(&mut self) -> Result<i64, StoreError> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            value: i64,
        }
        if let Some(known) = self.generation {
            return Ok(known);
        }
        let row: Row = statement("SELECT value FROM list_generation").get_result(self.conn)?;
        Ok(*self.generation.insert(row.value))
    }

    /// Whether the fault is planted that the test of sending must notice.
    pub(crate) fn has_no_last_check(&self) -> bool {
        self.scope.registry.0.settings.without_last_check
    }

    pub(crate) fn place(&self) -> &'t Place {
        &self.scope.tenant.place
    }

    pub(crate) fn random_id(&self) -> Uuid {
        self.scope.registry.clock().random_id()
    }

    pub(crate) fn ordered_id(&self) -> Uuid {
        self.scope.registry.clock().ordered_id()
    }

    /// The unit whose patients the caller reaches; `None` where every unit is within reach. A caller whose reach is a
    /// unit and whose token names none reaches nobody.
    pub(crate) fn unit_in_reach(&self) -> Option<&'t str> {
        (self.reach == Reach::Unit).then(|| self.scope.principal.unit.as_deref().unwrap_or_default())
    }

    fn own_in_reach(&self) -> Option<Own> {
        (self.reach == Reach::Own).then(|| match &self.scope.principal.own {
            Some(OwnRecord::Id(id)) => Own::Id(id.uuid()),
            Some(OwnRecord::NationalId(number)) => Own::Index(self.blind_index(number)),
            // A patient's token that does not say who the patient is opens nothing.
            None => Own::Id(Uuid::nil()),
        })
    }

    fn within_own<'q>(&self, query: Statement<'q>) -> Statement<'q> {
        match self.own_in_reach() {
            Some(Own::Id(own)) => query
                .then(" AND patient.id = (SELECT coalesce(own.merged_into, own.id) FROM patient own WHERE own.id = ?)")
                .bind::<SqlUuid, _>(own),
            Some(Own::Index(index)) => query
                .then(
                    " AND patient.id = (SELECT coalesce(own.merged_into, own.id) FROM patient own \
                     JOIN patient_identifier ON patient_identifier.patient_id = own.id WHERE blind_index = ?)",
                )
                .bind::<Bytea, _>(index),
            None => query,
        }
    }

    pub(crate) fn blind_index(&self, number: &NationalId) -> Vec<u8> {
        self.place().keys.index.mac(number.canonical().as_bytes()).to_vec()
    }

    /// Opens one patient's record: checks the caller's reach, logs the access, hands out the receipt. The id of a patient
    /// who was merged into another opens the other's record. One round trip.
    pub fn open_patient(&mut self, id: PatientId) -> Result<PatientAccess<'t>, StoreError> {
        let query = statement(BY_ID).bind::<SqlUuid, _>(id.uuid());
        self.opened(query, Need::Nothing).map(|(access, _)| access)
    }

    /// As [`Tx::open_patient`], and reads what must be known before anything is recorded. One round trip all the same.
    pub fn open_to_record(&mut self, id: PatientId) -> Result<(PatientAccess<'t>, Standing), StoreError> {
        let query = statement(BY_ID).bind::<SqlUuid, _>(id.uuid());
        let (access, row) = self.opened(query, Need::Standing)?;
        Ok((access, row.standing()?))
    }

    /// As [`Tx::open_patient`], refused where the patient's legal basis does not allow that answers are kept.
    pub fn open_to_collect(&mut self, whose: &Whose) -> Result<PatientAccess<'t>, StoreError> {
        let query = match whose {
            Whose::Id(id) => statement(BY_ID).bind::<SqlUuid, _>(id.uuid()),
            Whose::NationalId(number) => statement(BY_NATIONAL_ID).bind::<Bytea, _>(self.blind_index(number)),
        };
        let (access, row) = self.opened(query, Need::Grounds)?;
        self.may_keep(&row.grounds()?)?;
        Ok(access)
    }

    /// As [`Tx::open_to_collect`], of many, in the order asked: two round trips. For those who reach every patient.
    pub fn open_each_to_collect(
        &mut self,
        asked: &[Whose],
    ) -> Result<Vec<Result<PatientAccess<'t>, StoreError>>, StoreError> {
        if self.reach != Reach::All {
            return Err(StoreError::Forbidden);
        }
        let ids: Vec<Option<Uuid>> = asked.iter().map(Whose::id).collect();
        let indexes: Vec<Option<Vec<u8>>> =
            asked.iter().map(|whose| whose.number().map(|number| self.blind_index(number))).collect();
        let rows: Vec<NumberedRow> = statement(
            "WITH found AS (SELECT asked.n, patient.id AS patient_id \
             FROM unnest(?, ?) WITH ORDINALITY AS asked (id, blind_index, n) \
             LEFT JOIN patient_identifier ON patient_identifier.blind_index = asked.blind_index \
             JOIN patient named ON named.id = coalesce(asked.id, patient_identifier.patient_id) \
             JOIN patient ON patient.id = coalesce(named.merged_into, named.id)) SELECT n, patient_id, \
             ARRAY(SELECT id FROM patient merged WHERE merged.merged_into = found.patient_id ORDER BY id) AS merged, ",
        )
        .bind::<Array<Nullable<SqlUuid>>, _>(ids)
        .bind::<Array<Nullable<Bytea>>, _>(indexes)
        .then(GROUNDS)
        .then("NULL AS standing FROM found")
        .load(self.conn)?;
        let mut all: Vec<Result<PatientAccess<'t>, StoreError>> =
            asked.iter().map(|_| Err(StoreError::NotFound)).collect();
        let mut seen = Vec::with_capacity(rows.len());
        for NumberedRow { n, opened: row } in rows {
            let id = PatientId::existing(row.patient_id);
            seen.push(id);
            seen.extend(row.merged.iter().copied().map(PatientId::existing));
            self.generation = self.generation.or(row.generation);
            let grounds = row.grounds()?;
            let access = self.may_keep(&grounds).map(|()| {
                let mut rows = vec![row.patient_id];
                rows.extend_from_slice(&row.merged);
                PatientAccess { id, rows, brand: PhantomData }
            });
            let place = usize::try_from(n).ok().and_then(|n| all.get_mut(n.saturating_sub(1)));
            if let Some(place) = place {
                *place = access;
            }
        }
        self.open_all(&seen)?;
        self.trace.opened.extend(seen);
        Ok(all)
    }

    /// Refuses to keep what the patient's legal basis does not allow today.
    pub fn may_keep(&self, grounds: &[LegalBasis]) -> Result<(), StoreError> {
        let verdict = legal_basis::may_keep(grounds, self.today());
        if verdict.allowed { Ok(()) } else { Err(StoreError::NotPermitted(verdict.reason)) }
    }

    /// Opens the record of the patient with this national id, within the caller's reach. One round trip.
    pub fn open_by_national_id(&mut self, number: &NationalId) -> Result<PatientAccess<'t>, StoreError> {
        let query = statement(BY_NATIONAL_ID).bind::<Bytea, _>(self.blind_index(number));
        self.opened(query, Need::Nothing).map(|(access, _)| access)
    }

    /// Opens the record of the patient who answered this submission, within the caller's reach. One round trip.
    pub(crate) fn open_by_submission(&mut self, id: SubmissionId) -> Result<PatientAccess<'t>, StoreError> {
        let query = statement(
            "WITH found AS (SELECT patient.id AS patient_id FROM submission \
             JOIN patient named ON named.id = submission.patient_id \
             JOIN patient ON patient.id = coalesce(named.merged_into, named.id) WHERE submission.id = ?",
        )
        .bind::<SqlUuid, _>(id.uuid());
        self.opened(query, Need::Nothing).map(|(access, _)| access)
    }

    /// Finishes a search for one patient: only what the caller's reach asks for is asked of the database, because an
    /// importer, say, may not even name the other columns. The event is written by the statement that finds the patient.
    fn opened(&mut self, query: Statement<'_>, need: Need) -> Result<(PatientAccess<'t>, OpenedRow), StoreError> {
        let query = self.within_own(query);
        let query = match self.unit_in_reach() {
            Some(unit) => query.then(" AND patient.unit = ?").bind::<Text, _>(unit),
            None => query,
        };
        let query = query
            .then(
                "), logged AS (INSERT INTO audit_event (object, id, at, actor_kind, actor, hpr, role, organisation, \
                 client, action, purpose, categories, origin, outcome, request_id, patient_id) \
                 SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, patient_id FROM found) \
                 SELECT patient_id, ARRAY(SELECT id FROM patient merged WHERE merged.merged_into = found.patient_id \
                 ORDER BY id) AS merged, ",
            )
            .bind::<Nullable<Text>, _>(self.object.clone());
        let query = self.trace.bind_to(query, "ok");
        let query = match need {
            Need::Nothing => query.then("NULL AS grounds, NULL::bigint AS generation, NULL AS standing FROM found"),
            Need::Grounds => query.then(GROUNDS).then("NULL AS standing FROM found"),
            Need::Standing => query.then(GROUNDS).then(
                "json_build_object('born', birth_date, 'died', deceased_on, 'cognitive_impairment', \
                 cognitive_impairment, 'interpreter_needed', interpreter_needed)::text AS standing \
                 FROM found JOIN patient ON patient.id = found.patient_id",
            ),
        };
        let row: OpenedRow = query.get_result(self.conn)?;
        self.generation = self.generation.or(row.generation);
        let id = PatientId::existing(row.patient_id);
        self.trace.written += 1;
        self.trace.opened.push(id);
        // Whoever was merged into the patient finds the look in their own log too, should they be parted again.
        let merged: Vec<PatientId> = row.merged.iter().copied().map(PatientId::existing).collect();
        self.open_all(&merged)?;
        self.trace.opened.extend(merged);
        let mut rows = vec![row.patient_id];
        rows.extend_from_slice(&row.merged);
        Ok((PatientAccess { id, rows, brand: PhantomData }, row))
    }

    /// Logs that every patient of a list was shown: one round trip, an event a patient.
    pub(crate) fn open_all(&mut self, ids: &[PatientId]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let patients: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let events: Vec<Uuid> = ids.iter().map(|_| self.ordered_id()).collect();
        let query = statement(
            "INSERT INTO audit_event (patient_id, id, object, at, actor_kind, actor, hpr, role, organisation, client, \
             action, purpose, categories, origin, outcome, request_id) \
             SELECT shown.patient, shown.event, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? \
             FROM unnest(?, ?) AS shown (patient, event)",
        )
        .bind::<Nullable<Text>, _>(self.object.clone());
        self.trace
            .bind_rest_to(query, "ok")
            .bind::<Array<SqlUuid>, _>(patients)
            .bind::<Array<SqlUuid>, _>(events)
            .execute(self.conn)?;
        self.trace.written += ids.len();
        Ok(())
    }

    /// The receipt of a patient whom this transaction has just registered: the trace is written with the registration.
    pub(crate) fn registered(&mut self, id: PatientId) -> PatientAccess<'t> {
        self.trace.written += 1;
        PatientAccess { id, rows: vec![id.uuid()], brand: PhantomData }
    }
}

impl PlatformTx<'_> {
    /// The instant of this transaction's clock.
    pub fn now(&self) -> Timestamp {
        self.scope.registry.clock().now()
    }
}

/// The caller's own record, as the database knows it.
enum Own {
    Id(Uuid),
    Index(Vec<u8>),
}

/// A transaction that remembers answers, so that a repeated request has one effect and one answer.
pub trait Ledger {
    /// The stored answer to this very request, if it has been answered before. Until the transaction ends nobody else can
    /// work on the same key.
    fn recall(&mut self, once: &Once) -> Result<Option<Reply>, StoreError>;
    /// Keeps the answer to this request for thirty days.
    fn remember(&mut self, once: &Once, reply: &Reply) -> Result<(), StoreError>;
}

impl Ledger for Tx<'_> {
    fn recall(&mut self, once: &Once) -> Result<Option<Reply>, StoreError> {
        idempotency::recall(self.conn, &mut self.trace, &self.scope.tenant.place, once)
    }

    fn remember(&mut self, once: &Once, reply: &Reply) -> Result<(), StoreError> {
        idempotency::remember(self.conn, &self.trace, &self.scope.tenant.place, once, reply)
    }
}

impl Ledger for PlatformTx<'_> {
    fn recall(&mut self, once: &Once) -> Result<Option<Reply>, StoreError> {
        idempotency::recall(self.conn, &mut self.trace, &self.scope.registry.0.platform, once)
    }

    fn remember(&mut self, once: &Once, reply: &Reply) -> Result<(), StoreError> {
        idempotency::remember(self.conn, &self.trace, &self.scope.registry.0.platform, once, reply)
    }
}

/// The grounds on which a patient's data is in the registry.
const GROUNDS: &str = "(SELECT json_agg(json_build_object('basis', basis, 'decision', decision, 'against', \
     against, 'valid_from', valid_from, 'valid_to', valid_to, 'source', legal_basis.source)) FROM legal_basis \
     WHERE legal_basis.patient_id = ANY (ARRAY(SELECT id FROM patient merged \
     WHERE merged.merged_into = found.patient_id) || found.patient_id))::text AS grounds, \
     (SELECT value FROM list_generation) AS generation, ";
/// The patient of an id: whoever was merged into another is the other.
const BY_ID: &str = "WITH found AS (SELECT patient.id AS patient_id FROM patient named \
     JOIN patient ON patient.id = coalesce(named.merged_into, named.id) WHERE named.id = ?";
/// The patient of a number, by its blind index.
const BY_NATIONAL_ID: &str = "WITH found AS (SELECT patient.id AS patient_id FROM patient_identifier \
     JOIN patient named ON named.id = patient_identifier.patient_id \
     JOIN patient ON patient.id = coalesce(named.merged_into, named.id) WHERE blind_index = ?";

#[derive(QueryableByName)]
struct OpenedRow {
    #[diesel(sql_type = SqlUuid)]
    patient_id: Uuid,
    #[diesel(sql_type = Array<SqlUuid>)]
    merged: Vec<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    grounds: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    generation: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    standing: Option<String>,
}

#[derive(QueryableByName)]
struct NumberedRow {
    #[diesel(sql_type = BigInt)]
    n: i64,
    #[diesel(embed)]
    opened: OpenedRow,
}

#[derive(serde::Deserialize)]
struct StandingRow {
    born: Date,
    died: Option<Date>,
    cognitive_impairment: bool,
    interpreter_needed: bool,
}

impl OpenedRow {
    fn grounds(&self) -> Result<Vec<LegalBasis>, StoreError> {
        let Some(text) = &self.grounds else { return Ok(Vec::new()) };
        serde_json::from_str(text).map_err(unreadable)
    }

    fn standing(&self) -> Result<Standing, StoreError> {
        let row: StandingRow =
            serde_json::from_str(self.standing.as_deref().unwrap_or_default()).map_err(unreadable)?;
        let StandingRow { born, died, cognitive_impairment, interpreter_needed } = row;
        let circumstances = Circumstances { deceased_on: died, cognitive_impairment, interpreter_needed };
        let lists = self.generation.unwrap_or_default();
        Ok(Standing { born, died, grounds: self.grounds()?, circumstances, lists })
    }
}

/// What begins every transaction, in one round trip. First comes the check that nobody left anything on the connection:
/// a role set for the session survives COMMIT, and would turn the second wall into a door.
fn prelude(place: &Place, role: Option<Role>) -> String {
    let schema = &place.schema;
    let (clean, role) = match role {
        Some(role) => (
            "current_setting('search_path') IN ('', '\"\"') AND ",
            format!("set_config('role', '{schema}_{role}', true), "),
        ),
        None => ("", String::new()),
    };
    // PostgreSQL evaluates a list from left to right; were it otherwise, the check would fail every time, not pass.
    // Statements are short and many: compiling one (jit) takes longer than running it.
    format!(
        "BEGIN; SELECT 1 / ({clean}current_setting('role') = 'none')::int, \
         {role}set_config('search_path', '{schema}, pg_temp', true), set_config('TimeZone', 'UTC', true), \
         set_config('statement_timeout', '15s', true), set_config('lock_timeout', '5s', true), \
         set_config('idle_in_transaction_session_timeout', '30s', true), \
         set_config('jit', 'off', true)"
    )
}

/// One transaction on a clean connection. A connection that does not even begin is thrown away and another one tried.
fn transaction<T, E: From<StoreError>>(
    registry: &Registry,
    place: &Place,
    prelude: &str,
    work: impl FnOnce(&mut PgConnection) -> Result<(T, End), E>,
) -> Result<T, E> {
    let mut held = begin(registry, place, prelude)?;
    let result = work(held.conn()?);
    let ended = match &result {
        Ok((_, End::Commit)) => AnsiTransactionManager::commit_transaction(held.conn()?),
        Ok((_, End::RollBack)) | Err(_) => AnsiTransactionManager::rollback_transaction(held.conn()?),
    };
    if let Err(error) = ended {
        held.spoilt = true;
        // A failed rollback changes nothing for the caller; a failed commit does.
        if result.is_ok() {
            return Err(StoreError::from(error).into());
        }
    }
    result.map(|(done, _)| done)
}

/// How a transaction that succeeded ends.
enum End {
    Commit,
    /// It was a rehearsal.
    RollBack,
}

fn begin(registry: &Registry, place: &Place, prelude: &str) -> Result<Pooled, StoreError> {
    let mut last = StoreError::Busy;
    for _ in 0..=registry.0.settings.connections_per_tenant {
        let mut held = registry.0.connection(place)?;
        match AnsiTransactionManager::begin_transaction_sql(held.conn()?, prelude) {
            Ok(()) => return Ok(held),
            Err(error) => {
                held.spoilt = true;
                metrics::counter!("painreg_connections_discarded_total").increment(1);
                tracing::warn!(%error, "a connection that would not begin was thrown away");
                last = match StoreError::from(error) {
                    StoreError::Database(_) => StoreError::Unavailable("a transaction could not begin".to_owned()),
                    other => other,
                };
            }
        }
    }
    Err(last)
}

fn timed<T, E>(action: Action, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let name: &'static str = action.into();
    let started = Instant::now();
    let result = work();
    let outcome = if result.is_ok() { "committed" } else { "rolled_back" };
    metrics::histogram!("painreg_transaction_seconds", "action" => name, "outcome" => outcome)
        .record(started.elapsed().as_secs_f64());
    result
}
