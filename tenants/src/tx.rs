//! The transactions that stores work in. A [`Tx`] exists only inside the door's `run`; it knows neither the door nor the
//! stores.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use jiff::Timestamp;
use jiff::civil::Date;
use painreg_domain::calendar::norwegian_day;
use painreg_domain::code::CodeBooks;
use painreg_domain::event;
use painreg_domain::ids::{EntryId, PatientId, TenantId};
use painreg_domain::national_id::NationalId;
use painreg_domain::policy::{self, Action, Reach, Role};
use uuid::Uuid;

use crate::audit::writer::Trace;
use crate::connections::Connections;
use crate::crypt::Key;
use crate::cursor::{self, Cursor};
use crate::error::StoreError;
use crate::place::{Tenant, TenantDatabase};
use crate::principal::Principal;
use crate::settings::Settings;
use crate::statement::statement;

/// One transaction in one tenant, for one named action. `'t` is a brand: nothing that carries it outlives the
/// transaction.
pub struct Tx<'t> {
    pub(crate) conn: &'t mut PgConnection,
    pub(crate) trace: Trace<'t>,
    /// The part of a patient's record that the access log names.
    pub(crate) object: Option<String>,
    /// Whether this is a dry run.
    pub(crate) rehearsal: bool,
    /// Patients' keys that this transaction has used.
    pub(crate) keys: Vec<(Uuid, Key)>,
    /// The registry's cache generation, once the transaction has read it.
    pub(crate) generation: Option<i64>,
    /// Events to be written before COMMIT.
    pub(crate) events: Vec<PendingEvent>,
    /// The survivor of a merged patient whose record was opened by id.
    pub(crate) survivor: Option<PatientId>,
    /// Whether background jobs have something to do after COMMIT: a log has new entries or new positions.
    pub(crate) has_news: bool,
    /// How far the caller's right to the action reaches.
    pub(crate) reach: Reach,
    tenant: &'t Tenant,
    settings: &'t Settings,
    /// The one instant of everything that this transaction does.
    now: Timestamp,
    codes: CodeBooks,
    /// Patients whose follow-up must be decided again before COMMIT.
    stale: BTreeSet<Uuid>,
    /// Whether the registry's role is set instead of the caller's.
    is_system: bool,
    brand: PhantomData<fn(&'t ()) -> &'t ()>,
}

/// An event that becomes known if this transaction commits.
pub(crate) struct PendingEvent {
    pub(crate) kind: event::EventType,
    pub(crate) patient: Option<Uuid>,
    /// As the access log names it.
    pub(crate) object: String,
    pub(crate) version: Option<i64>,
}

impl<'t> Tx<'t> {
    /// A transaction that has begun on `conn`.
    pub(crate) fn new(
        conn: &'t mut PgConnection,
        trace: Trace<'t>,
        tenant: &'t Tenant,
        settings: &'t Settings,
        (reach, codes): (Reach, CodeBooks),
    ) -> Self {
        Self {
            conn,
            trace,
            object: None,
            rehearsal: false,
            keys: Vec::new(),
            generation: None,
            events: Vec::new(),
            survivor: None,
            has_news: false,
            reach,
            tenant,
            settings,
            now: settings.clock.now(),
            codes,
            stale: BTreeSet::new(),
            is_system: false,
            brand: PhantomData,
        }
    }

    /// Returns the patient into whom the patient of an opened record was merged, if its id was that of a merged patient.
    pub const fn survivor(&self) -> Option<PatientId> {
        self.survivor
    }

    /// The instant of this transaction: the same one through all of it, so that one state ends exactly when the next
    /// begins.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the caller of the transaction.
    pub const fn principal(&self) -> &'t Principal {
        self.trace.principal
    }

    /// The code systems, the same ones through the whole transaction. No round trip.
    pub const fn codes(&self) -> &CodeBooks {
        &self.codes
    }

    /// The tenant's id.
    pub const fn tenant_id(&self) -> TenantId {
        self.tenant.id
    }

    /// The tenant's name in paths.
    pub fn slug(&self) -> &'t str {
        &self.tenant.slug
    }

    /// The current day in Norway.
    pub fn today(&self) -> Date {
        norwegian_day(self.now())
    }

    /// Names the object of the action for the access log: `diagnosis/<id>`. Before the record is opened, if there is one.
    pub fn about(&mut self, object: String) {
        self.object = Some(object);
    }

    /// Makes this a dry run: everything is done and checked, only its trace in the access log is kept.
    pub const fn rehearse(&mut self) {
        self.rehearsal = true;
    }

    /// A new id for an entry.
    pub fn new_entry_id(&self) -> EntryId {
        EntryId::existing(self.random_id())
    }

    /// Marks the patient's follow-up as stale, because a fact about the patient has changed: it is decided again before
    /// COMMIT.
    pub(crate) fn mark_follow_up_stale(&mut self, patient: Uuid) {
        self.stale.insert(patient);
    }

    /// Takes the patients whose follow-up is stale; they count as decided.
    pub(crate) fn take_stale(&mut self) -> Vec<Uuid> {
        std::mem::take(&mut self.stale).into_iter().collect()
    }

    /// Adds an event: it becomes known if this transaction commits, and only then.
    pub(crate) fn emit(&mut self, kind: event::EventType, patient: Option<Uuid>, object: String, version: Option<i64>) {
        self.events.push(PendingEvent { kind, patient, object, version });
    }

    /// Runs `work` as the registry's role, for consequences of the caller's action that the caller's role has no right to:
    /// deciding reads facts that an importer, for example, must not see. Its result stays in this crate. Statements use
    /// generic plans, suited to a large registry: planning how to gather a patient's facts takes longer than gathering them.
    pub(crate) fn as_system<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let set_role = |tx: &mut Self, role: Role| {
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
        set_role(self, Role::System)?;
        self.is_system = true;
        // Where the work fails, the transaction is rolled back.
        let done = work(self)?;
        self.is_system = false;
        set_role(self, self.principal().role)?;
        Ok(done)
    }

    /// Whether the caller has a right to another action, however far it reaches.
    pub fn may(&self, action: Action) -> bool {
        policy::reach(self.principal().role, action) != Reach::No
    }

    /// The registry's cache generation, which counts changes of lists, licences and settings: read by the statement that
    /// opens a record to collect or record, else one round trip.
    pub(crate) fn generation(&mut self) -> Result<i64, StoreError> {
        #[derive(QueryableByName)]
        struct GenerationRow {
            #[diesel(sql_type = BigInt)]
            value: i64,
        }
        if let Some(known) = self.generation {
            return Ok(known);
        }
        let row: GenerationRow = statement("SELECT value FROM config_generation").get_result(self.conn)?;
        Ok(*self.generation.insert(row.value))
    }

    /// Whether the last check before sending is skipped, which only a test can ask for.
    pub(crate) const fn skips_last_check(&self) -> bool {
        self.settings.skips_last_check()
    }

    /// Seals a position in `list`: the list's name and everything that filters and sorts it.
    pub fn seal_cursor(&self, list: &str, position: &impl Display) -> Cursor {
        cursor::seal(&self.place().keys.cursor, &self.principal().key, list, position)
    }

    /// Returns the position of a cursor, if it was sealed for this caller and this list.
    pub fn open_cursor<K: FromStr>(&self, list: &str, cursor: Option<Cursor>) -> Result<Option<K>, StoreError> {
        cursor::open(&self.place().keys.cursor, &self.principal().key, list, cursor)
    }

    pub(crate) fn place(&self) -> &'t TenantDatabase {
        &self.tenant.place
    }

    pub(crate) fn random_id(&self) -> Uuid {
        self.trace.clock.random_id()
    }

    pub(crate) fn ordered_id(&self) -> Uuid {
        self.trace.clock.ordered_id()
    }

    pub(crate) fn blind_index(&self, number: &NationalId) -> Vec<u8> {
        self.place().keys.index.mac(number.canonical().as_bytes()).to_vec()
    }
}

/// One transaction on the platform's own tables, which hold no patient data.
pub struct PlatformTx<'t> {
    pub(crate) conn: &'t mut PgConnection,
    pub(crate) trace: Trace<'t>,
    /// For uses that create, migrate and drop tenants.
    pub(crate) connections: &'t Connections,
}

impl<'t> PlatformTx<'t> {
    /// The instant of this transaction's clock.
    pub fn now(&self) -> Timestamp {
        self.trace.clock.now()
    }

    /// Seals a cursor as [`Tx::seal_cursor`] does.
    pub fn seal_cursor(&self, list: &str, position: &impl Display) -> Cursor {
        cursor::seal(&self.place().keys.cursor, &self.trace.principal.key, list, position)
    }

    /// Opens a cursor as [`Tx::open_cursor`] does.
    pub fn open_cursor<K: FromStr>(&self, list: &str, cursor: Option<Cursor>) -> Result<Option<K>, StoreError> {
        cursor::open(&self.place().keys.cursor, &self.trace.principal.key, list, cursor)
    }

    pub(crate) const fn place(&self) -> &'t TenantDatabase {
        &self.connections.platform
    }
}

/// A transaction that asks whether there is work to do: it is about no patient, leaves no trace and is rolled back.
pub struct UnauditedTx<'t> {
    pub(crate) conn: &'t mut PgConnection,
    pub(crate) now: Timestamp,
}
