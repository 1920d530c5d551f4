//! Opening patients' records: the only source of a [`PatientAccess`], which is handed out after the access has been logged
//! in the same transaction.

use std::marker::PhantomData;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bytea, Nullable, Text, Uuid as SqlUuid};
use jiff::civil::Date;
use painreg_domain::clinical::LegalBasis;
use painreg_domain::clinical::legal_basis::{self, Circumstances};
use painreg_domain::ids::{InvitationId, PatientId, SubmissionId};
use painreg_domain::national_id::NationalId;
use painreg_domain::policy::Reach;
use uuid::Uuid;

use crate::audit::columns::{INSERT, Object};
use crate::error::{StoreError, unreadable};
use crate::statement::{Statement, statement};
use crate::tx::Tx;

/// Receipt that opening this patient's record is in the access log, written in this very transaction.
pub struct PatientAccess<'t> {
    id: PatientId,
    /// The rows that hold the record: the patient's own first, then those merged into it.
    rows: Vec<Uuid>,
    brand: PhantomData<fn(&'t ()) -> &'t ()>,
}

impl PatientAccess<'_> {
    const fn new(id: PatientId, rows: Vec<Uuid>) -> Self {
        Self { id, rows, brand: PhantomData }
    }

    /// The patient whose record is open.
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
pub enum PatientRef {
    /// The patient's id in this registry.
    Id(PatientId),
    /// A number that identifies the person.
    NationalId(NationalId),
}

impl PatientRef {
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
pub struct RecordingContext {
    /// The patient's birth date.
    pub born: Date,
    /// Date of death.
    pub died: Option<Date>,
    /// The legal basis of the patient's data.
    pub grounds: Vec<LegalBasis>,
    /// Whether questionnaires must not be sent, for other reasons.
    pub circumstances: Circumstances,
    /// The registry's cache generation.
    pub(crate) lists: i64,
}

/// How much of a patient the statement that opens the record reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OpenFields {
    Nothing,
    /// The legal basis only: an importer may not read more.
    LegalBasis,
    /// What a [`RecordingContext`] holds.
    RecordingContext,
}

impl<'t> Tx<'t> {
    /// Opens one patient's record: checks the caller's reach, logs the access, hands out the receipt. The id of a patient
    /// who was merged into another opens the other's record. One round trip.
    pub fn open_patient(&mut self, id: PatientId) -> Result<PatientAccess<'t>, StoreError> {
        self.open_by_id(id, OpenFields::Nothing).map(|(access, _)| access)
    }

    /// As [`Tx::open_patient`], and reads what must be known before anything is recorded. One round trip too.
    pub fn open_to_record(&mut self, id: PatientId) -> Result<(PatientAccess<'t>, RecordingContext), StoreError> {
        let (access, row) = self.open_by_id(id, OpenFields::RecordingContext)?;
        Ok((access, row.recording_context()?))
    }

    fn open_by_id(&mut self, id: PatientId, fields: OpenFields) -> Result<(PatientAccess<'t>, OpenedRow), StoreError> {
        let found = self.open_found(statement(BY_ID).bind::<SqlUuid, _>(id.uuid()), fields)?;
        if found.0.id() != id {
            self.survivor = Some(found.0.id());
        }
        Ok(found)
    }

    /// As [`Tx::open_patient`], refused where the patient's legal basis does not allow that answers are kept.
    pub fn open_to_collect(&mut self, patient: &PatientRef) -> Result<PatientAccess<'t>, StoreError> {
        let query = match patient {
            PatientRef::Id(id) => statement(BY_ID).bind::<SqlUuid, _>(id.uuid()),
            PatientRef::NationalId(number) => statement(BY_NATIONAL_ID).bind::<Bytea, _>(self.blind_index(number)),
        };
        let (access, row) = self.open_found(query, OpenFields::LegalBasis)?;
        self.may_keep(&row.grounds()?)?;
        Ok(access)
    }

    /// As [`Tx::open_to_collect`], of many, in the order asked, each for the object at its place: two round trips, one for
    /// one patient. For callers who reach every patient.
    pub fn open_each_to_collect(
        &mut self,
        asked: &[PatientRef],
        objects: &[String],
    ) -> Result<Vec<Result<PatientAccess<'t>, StoreError>>, StoreError> {
        if self.reach != Reach::All {
            return Err(StoreError::Forbidden);
        }
        if let ([one], [object]) = (asked, objects) {
            let usual = self.object.replace(object.clone());
            let opened = self.open_to_collect(one);
            self.object = usual;
            return match opened {
                Err(refused @ (StoreError::NotFound | StoreError::NotPermitted(_))) => Ok(vec![Err(refused)]),
                opened => Ok(vec![Ok(opened?)]),
            };
        }
        let ids: Vec<Option<Uuid>> = asked.iter().map(PatientRef::id).collect();
        let indexes: Vec<Option<Vec<u8>>> =
            asked.iter().map(|patient| patient.number().map(|number| self.blind_index(number))).collect();
        let rows: Vec<NumberedRow> = statement(
            "WITH found AS (SELECT asked.n, patient.id AS patient_id \
             FROM unnest(?, ?) WITH ORDINALITY AS asked (id, blind_index, n) \
             LEFT JOIN patient_identifier ON patient_identifier.blind_index = asked.blind_index \
             JOIN patient named ON named.id = coalesce(asked.id, patient_identifier.patient_id) \
             JOIN patient ON patient.id = coalesce(named.merged_into, named.id)) SELECT n, patient_id, ",
        )
        .bind::<Array<Nullable<SqlUuid>>, _>(ids)
        .bind::<Array<Nullable<Bytea>>, _>(indexes)
        .then(MERGED)
        .then(GROUNDS)
        .then("NULL AS context FROM found")
        .load(self.conn)?;
        let mut all: Vec<Result<PatientAccess<'t>, StoreError>> =
            asked.iter().map(|_| Err(StoreError::NotFound)).collect();
        let mut seen = Vec::with_capacity(rows.len());
        for NumberedRow { n, opened: row } in rows {
            let rows = row.rows();
            let at = usize::try_from(n).map_or(0, |n| n.saturating_sub(1));
            seen.extend(rows.iter().map(|id| (PatientId::existing(*id), objects.get(at).cloned())));
            self.generation = self.generation.or(row.generation);
            let grounds = row.grounds()?;
            let id = PatientId::existing(row.patient_id);
            let access = self.may_keep(&grounds).map(|()| PatientAccess::new(id, rows));
            if let Some(place) = all.get_mut(at) {
                *place = access;
            }
        }
        self.log_each(&seen)?;
        self.trace.opened.extend(seen.into_iter().map(|(id, _)| id));
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
        self.open_found(query, OpenFields::Nothing).map(|(access, _)| access)
    }

    /// Opens the record of the patient who answered this submission, which the access log names, within the caller's reach. One
    /// round trip.
    pub(crate) fn open_by_submission(&mut self, id: SubmissionId) -> Result<PatientAccess<'t>, StoreError> {
        self.about(format!("submission/{id}"));
        let query = statement(BY_SUBMISSION).bind::<SqlUuid, _>(id.uuid());
        self.open_found(query, OpenFields::Nothing).map(|(access, _)| access)
    }

    /// Opens the record of the patient whom this invitation was made for, within the caller's reach. One round trip.
    pub(crate) fn open_by_invitation(&mut self, id: InvitationId) -> Result<PatientAccess<'t>, StoreError> {
        let query = statement(BY_INVITATION).bind::<SqlUuid, _>(id.uuid());
        self.open_found(query, OpenFields::Nothing).map(|(access, _)| access)
    }

    /// Finishes a search for one patient within the caller's reach. The event is written by the statement that finds the
    /// patient.
    fn open_found(
        &mut self,
        query: Statement<'_>,
        fields: OpenFields,
    ) -> Result<(PatientAccess<'t>, OpenedRow), StoreError> {
        let query = self.within_patient(query);
        let query = query
            .then("), logged AS (")
            .then(INSERT)
            .then("SELECT patient_id, ?, ")
            .bind::<SqlUuid, _>(self.ordered_id());
        let query = self.trace.columns(query, self.object.clone(), "ok");
        let query = query.then(" FROM found) SELECT patient_id, ").then(MERGED);
        let query = match fields {
            OpenFields::Nothing => {
                query.then("NULL AS grounds, NULL::bigint AS generation, NULL AS context FROM found")
            }
            OpenFields::LegalBasis => query.then(GROUNDS).then("NULL AS context FROM found"),
            OpenFields::RecordingContext => query.then(GROUNDS).then(
                "json_build_object('born', birth_date, 'died', deceased_on, 'cognitive_impairment', \
                 cognitive_impairment, 'interpreter_needed', interpreter_needed)::text AS context \
                 FROM found JOIN patient ON patient.id = found.patient_id",
            ),
        };
        let row: OpenedRow = query.get_result(self.conn)?;
        self.generation = self.generation.or(row.generation);
        let id = PatientId::existing(row.patient_id);
        self.trace.written += 1;
        self.trace.opened.push(id);
        // The access is logged for every merged patient too: their log must be complete if they are unmerged.
        let merged: Vec<PatientId> = row.merged.iter().copied().map(PatientId::existing).collect();
        self.open_all(&merged)?;
        self.trace.opened.extend(merged);
        Ok((PatientAccess::new(id, row.rows()), row))
    }

    /// Logs that every patient of a list was shown: one round trip, an event a patient.
    pub(crate) fn open_all(&mut self, ids: &[PatientId]) -> Result<(), StoreError> {
        let object = self.object.clone();
        self.log_each(&ids.iter().map(|id| (*id, object.clone())).collect::<Vec<_>>())
    }

    /// Logs accesses, each with its object. One round trip.
    fn log_each(&mut self, accesses: &[(PatientId, Option<String>)]) -> Result<(), StoreError> {
        if accesses.is_empty() {
            return Ok(());
        }
        let events: Vec<Uuid> = accesses.iter().map(|_| self.ordered_id()).collect();
        let query = statement(INSERT).then("SELECT shown.patient, shown.event, ");
        self.trace
            .columns(query, Object::Each("shown.object"), "ok")
            .then(" FROM unnest(?, ?, ?) AS shown (patient, event, object)")
            .bind::<Array<SqlUuid>, _>(accesses.iter().map(|(id, _)| id.uuid()).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(events)
            .bind::<Array<Nullable<Text>>, _>(accesses.iter().map(|(_, object)| object.as_deref()).collect::<Vec<_>>())
            .execute(self.conn)?;
        self.trace.written += accesses.len();
        Ok(())
    }

    /// The receipt of a patient whom this transaction has just registered: the trace is written with the registration.
    pub(crate) fn registered(&mut self, id: PatientId) -> PatientAccess<'t> {
        self.trace.written += 1;
        PatientAccess::new(id, vec![id.uuid()])
    }
}

/// The patient of an id; of a merged patient the survivor.
const BY_ID: &str = "WITH found AS (SELECT patient.id AS patient_id FROM patient named \
     JOIN patient ON patient.id = coalesce(named.merged_into, named.id) WHERE named.id = ?";
/// The patient of a number, by its blind index.
const BY_NATIONAL_ID: &str = "WITH found AS (SELECT patient.id AS patient_id FROM patient_identifier \
     JOIN patient named ON named.id = patient_identifier.patient_id \
     JOIN patient ON patient.id = coalesce(named.merged_into, named.id) WHERE blind_index = ?";
/// The patient of a submission.
const BY_SUBMISSION: &str = "WITH found AS (SELECT patient.id AS patient_id FROM submission \
     JOIN patient named ON named.id = submission.patient_id \
     JOIN patient ON patient.id = coalesce(named.merged_into, named.id) WHERE submission.id = ?";
/// The patient of an invitation.
const BY_INVITATION: &str = "WITH found AS (SELECT patient.id AS patient_id FROM invitation \
     JOIN patient named ON named.id = invitation.patient_id \
     JOIN patient ON patient.id = coalesce(named.merged_into, named.id) WHERE invitation.id = ?";
/// The patients who were merged into the one that was found.
const MERGED: &str =
    "ARRAY(SELECT id FROM patient merged WHERE merged.merged_into = found.patient_id ORDER BY id) AS merged, ";
/// The legal basis of the found patient's data, and the registry's cache generation. A join, because an array of the merged
/// patients would hide from the planner that they are few.
const GROUNDS: &str = "(SELECT json_agg(json_build_object('basis', basis, 'decision', decision, 'against', \
     against, 'valid_from', valid_from, 'valid_to', valid_to, 'source', legal_basis.source)) \
     FROM (SELECT found.patient_id AS id UNION ALL SELECT merged.id FROM patient merged \
     WHERE merged.merged_into = found.patient_id) own JOIN legal_basis ON legal_basis.patient_id = own.id)::text AS grounds, \
     (SELECT value FROM config_generation) AS generation, ";

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
    context: Option<String>,
}

#[derive(QueryableByName)]
struct NumberedRow {
    #[diesel(sql_type = BigInt)]
    n: i64,
    #[diesel(embed)]
    opened: OpenedRow,
}

/// What the column `context` holds.
#[derive(serde::Deserialize)]
struct ContextJson {
    born: Date,
    died: Option<Date>,
    cognitive_impairment: bool,
    interpreter_needed: bool,
}

impl OpenedRow {
    /// The rows of the record, the patient's own first.
    fn rows(&self) -> Vec<Uuid> {
        std::iter::once(self.patient_id).chain(self.merged.iter().copied()).collect()
    }

    fn grounds(&self) -> Result<Vec<LegalBasis>, StoreError> {
        let Some(text) = &self.grounds else { return Ok(Vec::new()) };
        serde_json::from_str(text).map_err(unreadable)
    }

    fn recording_context(&self) -> Result<RecordingContext, StoreError> {
        let context: ContextJson =
            serde_json::from_str(self.context.as_deref().unwrap_or_default()).map_err(unreadable)?;
        let ContextJson { born, died, cognitive_impairment, interpreter_needed } = context;
        let circumstances = Circumstances { deceased_on: died, cognitive_impairment, interpreter_needed };
        let lists = self.generation.unwrap_or_default();
        Ok(RecordingContext { born, died, grounds: self.grounds()?, circumstances, lists })
    }
}
