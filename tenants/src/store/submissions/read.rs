//! Reading submissions and scores, with free text decrypted.

use diesel::prelude::*;
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::ids::{PatientId, SubmissionId};
use serde_json::Value;
use uuid::Uuid;

use super::stored::{Source, StoredScore, Submission};
use crate::access::PatientAccess;
use crate::cursor::Keyset;
use crate::error::{StoreError, unreadable};
use crate::place::TenantDatabase;
use crate::schema::tenant::{score, submission};
use crate::store::{Listing, patients};
use crate::tx::Tx;

#[derive(Queryable, Selectable)]
#[diesel(table_name = submission)]
struct SubmissionRow {
    id: Uuid,
    patient_id: Uuid,
    form: String,
    form_version: String,
    wave: String,
    source_system: String,
    source_form_id: String,
    source_submission_id: String,
    revision: i32,
    supersedes: Option<Uuid>,
    superseded_by: Option<Uuid>,
    answered_by: String,
    representation: Option<String>,
    submitted_at: jiff_diesel::Timestamp,
    changed_at: jiff_diesel::Timestamp,
    received_at: jiff_diesel::Timestamp,
    answers: Value,
    free_text: Option<Vec<u8>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = score)]
struct ScoreRow {
    submission_id: Uuid,
    instrument: String,
    algorithm: String,
    status: String,
    scales: Value,
    flags: Value,
    version: i32,
    scored_at: Option<jiff_diesel::Timestamp>,
}

impl From<ScoreRow> for StoredScore {
    fn from(row: ScoreRow) -> Self {
        Self {
            instrument: row.instrument,
            algorithm: row.algorithm,
            status: row.status,
            scales: row.scales,
            flags: row.flags,
            version: row.version,
            scored_at: row.scored_at.map(jiff_diesel::Timestamp::to_jiff),
        }
    }
}

/// Opens the record of the patient who answered this submission, within the caller's reach, and reads it.
pub fn find(tx: &mut Tx<'_>, id: SubmissionId) -> Result<Submission, StoreError> {
    let access = tx.open_by_submission(id)?;
    one(tx, &access, id)
}

/// Returns a submission and the revision that it replaces, if there is one.
pub fn find_with_superseded(tx: &mut Tx<'_>, id: SubmissionId) -> Result<(Submission, Option<Submission>), StoreError> {
    let access = tx.open_by_submission(id)?;
    let found = one(tx, &access, id)?;
    let before = found.supersedes.map(|before| one(tx, &access, before)).transpose()?;
    Ok((found, before))
}

fn one<'t>(tx: &mut Tx<'t>, access: &PatientAccess<'t>, id: SubmissionId) -> Result<Submission, StoreError> {
    let row: SubmissionRow = submission::table
        .filter(submission::id.eq(id.uuid()))
        .filter(submission::patient_id.eq_any(access.rows()))
        .select(SubmissionRow::as_select())
        .first(tx.conn)?;
    whole(tx, vec![row])?.pop().ok_or(StoreError::NotFound)
}

/// Returns these submissions of the open record's patient, in no order.
pub fn find_each<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    ids: &[SubmissionId],
) -> Result<Vec<Submission>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<SubmissionRow> = submission::table
        .filter(submission::id.eq_any(ids.iter().map(|id| id.uuid())))
        .filter(submission::patient_id.eq_any(access.rows()))
        .select(SubmissionRow::as_select())
        .load(tx.conn)?;
    whole(tx, rows)
}

/// Returns the submissions of the open record's patient, newest first, after the position `after`.
pub fn of_patient<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    after: Option<Keyset<Timestamp, SubmissionId>>,
    limit: i64,
) -> Result<Listing<Submission>, StoreError> {
    let mut query = submission::table
        .filter(submission::patient_id.eq_any(access.rows()))
        .order((submission::submitted_at.desc(), submission::id.desc()))
        .limit(limit + 1)
        .select(SubmissionRow::as_select())
        .into_boxed();
    if let Some(Keyset(at, id)) = after {
        let at = at.to_diesel();
        query = query.filter(
            submission::submitted_at.lt(at).or(submission::submitted_at.eq(at).and(submission::id.lt(id.uuid()))),
        );
    }
    let Listing { items: rows, more } = Listing::cut(query.load::<SubmissionRow>(tx.conn)?, limit);
    Ok(Listing { items: whole(tx, rows)?, more })
}

/// Opens the patient's record and returns every version of every score of a submission, newest first.
pub fn scores(tx: &mut Tx<'_>, id: SubmissionId) -> Result<Vec<StoredScore>, StoreError> {
    tx.open_by_submission(id)?;
    let rows: Vec<ScoreRow> = score::table
        .filter(score::submission_id.eq(id.uuid()))
        .order((score::instrument, score::version.desc()))
        .select(ScoreRow::as_select())
        .load(tx.conn)?;
    Ok(rows.into_iter().map(StoredScore::from).collect())
}

/// Adds scores and free text to rows. One round trip; one more where there is free text.
fn whole(tx: &mut Tx<'_>, rows: Vec<SubmissionRow>) -> Result<Vec<Submission>, StoreError> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut scores: Vec<ScoreRow> = score::table
        .filter(score::submission_id.eq_any(ids))
        .order((score::submission_id, score::instrument, score::version.desc()))
        .select(ScoreRow::as_select())
        .load(tx.conn)?;
    // The newest version of each counts.
    scores.dedup_by(|later, kept| later.submission_id == kept.submission_id && later.instrument == kept.instrument);
    let owners: Vec<Uuid> = rows.iter().filter(|row| row.free_text.is_some()).map(|row| row.patient_id).collect();
    let keys = if owners.is_empty() { Vec::new() } else { patients::keys(tx, &owners)? };
    rows.into_iter()
        .map(|mut row| {
            if let Some(sealed) = row.free_text.take() {
                // Without a key the patient was erased, and the free text with it.
                let key = keys.iter().find(|(owner, _)| *owner == row.patient_id).map(|(_, key)| key);
                let plain = key.map(|key| key.open(&sealed, &free_text_aad(tx.place(), row.id))).transpose()?;
                let words: Option<Value> =
                    plain.map(|plain| serde_json::from_slice(&plain)).transpose().map_err(unreadable)?;
                if let (Some(answers), Some(Value::Object(words))) = (row.answers.as_object_mut(), words) {
                    answers.extend(words);
                }
            }
            let of_this = scores.extract_if(.., |score| score.submission_id == row.id).map(StoredScore::from).collect();
            Ok(into_submission(row, of_this))
        })
        .collect()
}

/// Returns the associated data of the sealed free text of a submission.
pub(super) fn free_text_aad(place: &TenantDatabase, id: Uuid) -> [Vec<u8>; 4] {
    [place.id.clone(), b"submission".to_vec(), b"free_text".to_vec(), id.into_bytes().to_vec()]
}

fn into_submission(row: SubmissionRow, scores: Vec<StoredScore>) -> Submission {
    Submission {
        id: SubmissionId::existing(row.id),
        patient: PatientId::existing(row.patient_id),
        form: row.form,
        form_version: row.form_version,
        wave: row.wave,
        source: Source {
            system: row.source_system,
            form_id: row.source_form_id,
            submission_id: row.source_submission_id,
        },
        revision: row.revision,
        supersedes: row.supersedes.map(SubmissionId::existing),
        superseded_by: row.superseded_by.map(SubmissionId::existing),
        answered_by: row.answered_by,
        representation: row.representation,
        submitted_at: row.submitted_at.to_jiff(),
        changed_at: row.changed_at.to_jiff(),
        received_at: row.received_at.to_jiff(),
        answers: row.answers,
        scores,
    }
}
