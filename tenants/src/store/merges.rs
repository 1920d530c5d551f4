//! Duplicates: candidates, merges and their undoing. A merge moves no row: the rows of a merged patient keep its id and are read
//! with the survivor's, so that both histories stay complete and undoing loses nothing.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Date as SqlDate, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff_diesel::ToDiesel as _;
use painreg_domain::event;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::{MergeId, PatientId};
use painreg_domain::patient::Sex;
use uuid::Uuid;

use crate::cursor::Keyset;
use crate::error::StoreError;
use crate::history;
use crate::schema::tenant::{patient, patient_merge};
use crate::statement::statement;
use crate::store::{Listing, parse_stored, version};
use crate::tx::Tx;

/// A merge, in force or undone.
#[derive(Clone, Debug)]
pub struct Merge {
    /// The merge's id.
    pub id: MergeId,
    /// The patient whose record contains both.
    pub survivor: PatientId,
    /// The patient merged into the survivor.
    pub duplicate: PatientId,
    /// The instant of the merge.
    pub merged_at: Timestamp,
    /// The actor who merged, as shown in the access log.
    pub merged_by: String,
    /// The instant of undoing.
    pub undone_at: Option<Timestamp>,
    /// The actor who undid it, as shown in the access log.
    pub undone_by: Option<String>,
    /// The version, from 1; every change adds 1.
    pub version: i64,
}

/// One patient of a [`Pair`].
#[derive(Clone, Debug)]
pub struct Twin {
    /// The patient's id.
    pub id: PatientId,
    /// Sequential number shown to staff; never reused.
    pub registry_number: i64,
    /// The unit that treats the patient.
    pub unit: String,
    /// The legal sex.
    pub sex: Sex,
}

/// Two patients who may be the same person.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The patient registered first.
    pub first: Twin,
    /// The patient registered later.
    pub second: Twin,
    /// Their birth date.
    pub birth_date: Date,
    /// Whether they share a mobile number.
    pub same_mobile: bool,
    /// Whether they share an e-mail address.
    pub same_email: bool,
    /// Whether one of them is known by temporary numbers only.
    pub temporary_number: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = patient_merge)]
struct MergeRow {
    id: Uuid,
    survivor: Uuid,
    duplicate: Uuid,
    merged_at: jiff_diesel::Timestamp,
    merged_by: String,
    undone_at: Option<jiff_diesel::Timestamp>,
    undone_by: Option<String>,
    version: i64,
}

impl From<MergeRow> for Merge {
    fn from(row: MergeRow) -> Self {
        Self {
            id: MergeId::existing(row.id),
            survivor: PatientId::existing(row.survivor),
            duplicate: PatientId::existing(row.duplicate),
            merged_at: row.merged_at.to_jiff(),
            merged_by: row.merged_by,
            undone_at: row.undone_at.map(jiff_diesel::Timestamp::to_jiff),
            undone_by: row.undone_by,
            version: row.version,
        }
    }
}

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = patient)]
struct LockedRow {
    id: Uuid,
    merged_into: Option<Uuid>,
}

#[derive(QueryableByName)]
struct PairRow {
    #[diesel(sql_type = SqlUuid)]
    first_id: Uuid,
    #[diesel(sql_type = BigInt)]
    first_number: i64,
    #[diesel(sql_type = Text)]
    first_unit: String,
    #[diesel(sql_type = Text)]
    first_sex: String,
    #[diesel(sql_type = SqlUuid)]
    second_id: Uuid,
    #[diesel(sql_type = BigInt)]
    second_number: i64,
    #[diesel(sql_type = Text)]
    second_unit: String,
    #[diesel(sql_type = Text)]
    second_sex: String,
    #[diesel(sql_type = SqlDate)]
    birth_date: jiff_diesel::Date,
    #[diesel(sql_type = Bool)]
    same_mobile: bool,
    #[diesel(sql_type = Bool)]
    same_email: bool,
    #[diesel(sql_type = Bool)]
    temporary_number: bool,
}

/// Merges one patient into another. Faults name the member that is merged already or is the same patient.
pub fn merge(tx: &mut Tx<'_>, survivor: PatientId, duplicate: PatientId) -> Result<Merge, StoreError> {
    if survivor == duplicate {
        return Err(StoreError::Invalid(vec![Fault::at("duplicate_id", FaultCode::SamePatient)]));
    }
    // Both are opened by their own ids: each access is logged, and a patient out of reach is not found.
    let id = MergeId::existing(tx.random_id());
    tx.about(format!("patient_merge/{id}"));
    let opened = [tx.open_patient(survivor)?.id(), tx.open_patient(duplicate)?.id()];
    let mut both = [survivor.uuid(), duplicate.uuid()];
    both.sort_unstable();
    let locked: Vec<LockedRow> = patient::table
        .filter(patient::id.eq_any(both))
        .order(patient::id)
        .select(LockedRow::as_select())
        .for_no_key_update()
        .load(tx.conn)?;
    for (member, id) in [("survivor_id", survivor), ("duplicate_id", duplicate)] {
        if locked.iter().any(|row| row.id == id.uuid() && row.merged_into.is_some()) {
            return Err(StoreError::Conflict(vec![Fault::at(member, FaultCode::AlreadyExists)]));
        }
    }
    if opened != [survivor, duplicate] {
        return Err(StoreError::Stale);
    }
    let mut moving: Vec<Uuid> = patient::table
        .filter(patient::merged_into.eq(duplicate.uuid()))
        .order(patient::id)
        .select(patient::id)
        .for_no_key_update()
        .load(tx.conn)?;
    moving.push(duplicate.uuid());
    set_survivor(tx, &moving, Some(survivor.uuid()), survivor.uuid(), "merge")?;
    let now = tx.now();
    let row: MergeRow = diesel::insert_into(patient_merge::table)
        .values((
            patient_merge::id.eq(id.uuid()),
            patient_merge::survivor.eq(survivor.uuid()),
            patient_merge::duplicate.eq(duplicate.uuid()),
            patient_merge::merged_at.eq(now.to_diesel()),
            patient_merge::merged_by.eq(&tx.principal().actor),
            patient_merge::created_at.eq(now.to_diesel()),
            patient_merge::updated_at.eq(now.to_diesel()),
            patient_merge::updated_by.eq(tx.trace.action()),
            patient_merge::version.eq(1),
        ))
        .returning(MergeRow::as_returning())
        .get_result(tx.conn)?;
    for patient in both {
        tx.emit(event::EventType::PatientMerged, Some(patient), format!("patient_merge/{id}"), Some(1));
    }
    Ok(row.into())
}

/// Undoes a merge: both patients have separate records again, each with the entries recorded under it.
pub fn undo(tx: &mut Tx<'_>, id: MergeId, version: i64) -> Result<Merge, StoreError> {
    let row: MergeRow =
        patient_merge::table.find(id.uuid()).select(MergeRow::as_select()).for_update().first(tx.conn)?;
    tx.about(format!("patient_merge/{id}"));
    // The survivor may have been merged since: the record that opens is the root of the chain.
    let root = tx.open_patient(PatientId::existing(row.survivor))?.id().uuid();
    let of_root: Vec<Uuid> = patient::table
        .filter(patient::id.eq(root).or(patient::merged_into.eq(root)))
        .order(patient::id)
        .select(patient::id)
        .for_no_key_update()
        .load(tx.conn)?;
    debug_assert!(!of_root.is_empty(), "the record is open");
    version::expect(row.version, version)?;
    if row.undone_at.is_some() {
        return Err(StoreError::WrongState);
    }
    let now = tx.now();
    let row: MergeRow = diesel::update(patient_merge::table.find(id.uuid()))
        .set((
            patient_merge::undone_at.eq(now.to_diesel()),
            patient_merge::undone_by.eq(&tx.principal().actor),
            patient_merge::updated_at.eq(now.to_diesel()),
            patient_merge::updated_by.eq(tx.trace.action()),
            patient_merge::version.eq(patient_merge::version + 1),
        ))
        .returning(MergeRow::as_returning())
        .get_result(tx.conn)?;
    tx.mark_follow_up_stale(root);
    unmerge(tx, root)?;
    for patient in [row.survivor, row.duplicate] {
        tx.emit(event::EventType::PatientUnmerged, Some(patient), format!("patient_merge/{id}"), Some(row.version));
    }
    Ok(row.into())
}

/// Sets the survivor of every patient whose rows are read with `root`'s to the end of its chain of merges in force. A patient
/// is the duplicate of at most one merge in force, so that every chain has one end.
fn unmerge(tx: &mut Tx<'_>, root: Uuid) -> Result<(), StoreError> {
    let led: Vec<LockedRow> = statement(
        "WITH RECURSIVE up (id, at) AS (SELECT id, id FROM patient WHERE merged_into = ? UNION ALL \
         SELECT up.id, survivor FROM up JOIN patient_merge ON duplicate = up.at AND undone_at IS NULL) \
         SELECT up.id, nullif(up.at, up.id) AS merged_into FROM up WHERE NOT EXISTS (SELECT FROM patient_merge \
         WHERE duplicate = up.at AND undone_at IS NULL) ORDER BY up.id",
    )
    .bind::<SqlUuid, _>(root)
    .load(tx.conn)?;
    let mut ends: Vec<Option<Uuid>> = led.iter().map(|row| row.merged_into).collect();
    ends.sort_unstable();
    ends.dedup();
    for end in ends.into_iter().filter(|end| *end != Some(root)) {
        let those: Vec<Uuid> = led.iter().filter(|row| row.merged_into == end).map(|row| row.id).collect();
        set_survivor(tx, &those, end, root, "merge_undone")?;
    }
    Ok(())
}

/// Sets or clears the survivor of these patients and keeps their old state in the history. Their contact data counts as
/// changed: claimed invitations are not sent. They, the new survivor and `other`, the one who was or becomes the survivor, get
/// one version that none of them had: each of their ids may show another record from now on.
fn set_survivor(
    tx: &mut Tx<'_>,
    patients: &[Uuid],
    at: Option<Uuid>,
    other: Uuid,
    reason: &'static str,
) -> Result<(), StoreError> {
    if patients.is_empty() {
        return Ok(());
    }
    for patient in patients.iter().copied().chain(at) {
        tx.mark_follow_up_stale(patient);
    }
    let affected: Vec<Uuid> = patients.iter().copied().chain(at).chain([other]).collect();
    let old = statement("WITH old AS (SELECT * FROM patient WHERE id = ANY (?)), ").bind::<Array<SqlUuid>, _>(affected);
    history::keep(old, tx, "patient", reason)
        .then(
            "UPDATE patient SET merged_into = CASE WHEN moved THEN ? ELSE patient.merged_into END, contact_changed_at = CASE \
             WHEN moved THEN ? ELSE patient.contact_changed_at END, updated_at = greatest(?, patient.updated_at), \
             updated_by = ?, version = newest + 1 FROM (SELECT id, id = ANY (?) AS moved, max(version) OVER () AS newest \
             FROM old) one WHERE patient.id = one.id",
        )
        .bind::<Nullable<SqlUuid>, _>(at)
        .bind::<Timestamptz, _>(tx.now().to_diesel())
        .bind::<Timestamptz, _>(tx.now().to_diesel())
        .bind::<Text, _>(tx.trace.action())
        .bind::<Array<SqlUuid>, _>(patients.to_vec())
        .execute(tx.conn)?;
    Ok(())
}

/// Returns one merge. Logs both patients.
pub fn find(tx: &mut Tx<'_>, id: MergeId) -> Result<Merge, StoreError> {
    let row: MergeRow = patient_merge::table.find(id.uuid()).select(MergeRow::as_select()).first(tx.conn)?;
    let merge = Merge::from(row);
    tx.about(format!("patient_merge/{id}"));
    tx.open_all(&[merge.survivor, merge.duplicate])?;
    Ok(merge)
}

/// Returns merges, latest first. Logs every patient shown.
pub fn list(
    tx: &mut Tx<'_>,
    after: Option<Keyset<Timestamp, MergeId>>,
    limit: i64,
) -> Result<Listing<Merge>, StoreError> {
    let mut query = patient_merge::table
        .order((patient_merge::merged_at.desc(), patient_merge::id.desc()))
        .select(MergeRow::as_select())
        .into_boxed();
    if let Some(Keyset(at, id)) = after {
        let at = at.to_diesel();
        query = query
            .filter(patient_merge::merged_at.le(at))
            .filter(patient_merge::merged_at.lt(at).or(patient_merge::id.lt(id.uuid())));
    }
    Ok(tx.list(query, limit, |row: &MergeRow| [row.survivor, row.duplicate])?.map(Merge::from))
}

/// Returns pairs who may be the same person, by registry numbers: with the same birth date, the same sex as far as known, and
/// a shared mobile number or e-mail address, or one of them known by temporary numbers only. Logs every patient shown.
pub fn candidates(tx: &mut Tx<'_>, after: Option<Keyset<i64, i64>>, limit: i64) -> Result<Listing<Pair>, StoreError> {
    let Keyset(first, second) = after.unwrap_or(Keyset(0, 0));
    let query = statement(
        "SELECT * FROM (SELECT first.id AS first_id, first.registry_number AS first_number, first.unit AS first_unit, \
         first.sex AS first_sex, second.id AS second_id, second.registry_number AS second_number, \
         second.unit AS second_unit, second.sex AS second_sex, first.birth_date, \
         coalesce(first.mobile_index = second.mobile_index, false) AS same_mobile, \
         coalesce(first.email_index = second.email_index, false) AS same_email, \
         (NOT EXISTS (SELECT FROM patient_identifier WHERE patient_id = first.id AND kind = 'fnr') OR \
         NOT EXISTS (SELECT FROM patient_identifier WHERE patient_id = second.id AND kind = 'fnr')) AS temporary_number \
         FROM patient first JOIN patient second ON second.birth_date = first.birth_date \
         AND second.registry_number > first.registry_number \
         WHERE first.merged_into IS NULL AND second.merged_into IS NULL \
         AND (first.sex = second.sex OR 'unknown' IN (first.sex, second.sex)) \
         AND first.registry_number >= ?) pair \
         WHERE (same_mobile OR same_email OR temporary_number) AND (first_number, second_number) > (?, ?)",
    )
    .bind::<BigInt, _>(first)
    .bind::<BigInt, _>(first)
    .bind::<BigInt, _>(second);
    let query = tx.within(tx.within(query, "first_id"), "second_id").then(" ORDER BY first_number, second_number");
    let twin = |id, registry_number, unit, sex: &str| {
        Ok::<_, StoreError>(Twin { id: PatientId::existing(id), registry_number, unit, sex: parse_stored(sex)? })
    };
    tx.list(query, limit, |row: &PairRow| [row.first_id, row.second_id])?.try_map(|row| {
        Ok(Pair {
            first: twin(row.first_id, row.first_number, row.first_unit, &row.first_sex)?,
            second: twin(row.second_id, row.second_number, row.second_unit, &row.second_sex)?,
            birth_date: row.birth_date.to_jiff(),
            same_mobile: row.same_mobile,
            same_email: row.same_email,
            temporary_number: row.temporary_number,
        })
    })
}
