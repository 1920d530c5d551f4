//! Answered questionnaires and their scores. Rows are never changed: what is delivered again is a new revision.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bytea, Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::{PatientId, SubmissionId};
use painreg_domain::instrument::Scores;
use painreg_domain::questionnaire::{Answers, Form};
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::schema::tenant::{score, submission};
use crate::scope::{PatientAccess, Tx};
use crate::statement::statement;
use crate::store::Listing;

/// Where a submission came from: unique, so that it arrives once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The system, such as `nettskjema`.
    pub system: String,
    /// The form's id there.
    pub form_id: String,
    /// The submission's id there.
    pub submission_id: String,
}

/// What is to be stored.
pub struct NewSubmission<'a> {
    /// The published form it answers.
    pub form: &'a Form,
    /// Where it came from.
    pub source: Source,
    /// Who answered: `patient` or `representative`.
    pub answered_by: &'static str,
    /// When it was answered.
    pub submitted_at: Timestamp,
    /// The answers, certainly valid.
    pub answers: &'a Answers,
    /// Their scores.
    pub scores: &'a [StoredScore],
    /// SHA-256 of what was delivered.
    pub payload_hash: [u8; 32],
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// It is new.
    Created,
    /// The same bytes are here already: nothing happened.
    Unchanged,
    /// The source changed it: a new revision stands beside the old one.
    Revised,
}

/// Where a delivery ended up.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    /// The stored revision.
    pub id: SubmissionId,
    /// Which revision of the source's submission it is, from 1.
    pub revision: i32,
    /// What became of the delivery.
    pub delivered: Delivered,
}

/// A stored submission with its scores.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Its id.
    pub id: SubmissionId,
    /// Whose it is.
    pub patient: PatientId,
    /// The form's code.
    pub form: String,
    /// The form's version.
    pub form_version: String,
    /// The wave (bølge): when in the course it was asked for.
    pub wave: String,
    /// Where it came from.
    pub source: Source,
    /// Which revision of the source's submission it is, from 1.
    pub revision: i32,
    /// The revision it replaces.
    pub supersedes: Option<SubmissionId>,
    /// `patient` or `representative`.
    pub answered_by: String,
    /// When it was answered.
    pub submitted_at: Timestamp,
    /// When it arrived.
    pub received_at: Timestamp,
    /// Item codes -> answers; unanswered items are left out.
    pub answers: Value,
    /// One result an instrument.
    pub scores: Vec<StoredScore>,
}

/// One instrument's stored result, in the shape the API shows.
#[derive(Clone, Debug)]
pub struct StoredScore {
    /// The instrument.
    pub instrument: String,
    /// The scoring algorithm and its version.
    pub algorithm: String,
    /// How complete the result is.
    pub status: String,
    /// The scales.
    pub scales: Value,
    /// The flags.
    pub flags: Value,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = submission)]
struct Row {
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
    answered_by: String,
    submitted_at: jiff_diesel::Timestamp,
    received_at: jiff_diesel::Timestamp,
    answers: Value,
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
}

impl From<&Scores> for StoredScore {
    fn from(scores: &Scores) -> Self {
        let status: &'static str = scores.status.into();
        Self {
            instrument: scores.instrument.to_owned(),
            algorithm: scores.algorithm.to_owned(),
            status: status.to_owned(),
            scales: serde_json::to_value(&scores.scales).unwrap_or_default(),
            flags: serde_json::to_value(&scores.flags).unwrap_or_default(),
        }
    }
}

impl From<ScoreRow> for StoredScore {
    fn from(row: ScoreRow) -> Self {
        Self {
            instrument: row.instrument,
            algorithm: row.algorithm,
            status: row.status,
            scales: row.scales,
            flags: row.flags,
        }
    }
}

#[derive(QueryableByName)]
struct InsertedRow {
    #[diesel(sql_type = SqlUuid)]
    #[expect(dead_code, reason = "whether a row came back is the answer")]
    id: Uuid,
}

#[derive(Queryable)]
struct KnownRow {
    id: Uuid,
    patient_id: Uuid,
    revision: i32,
    payload_hash: Vec<u8>,
}

/// Stores a delivery and its scores: one round trip where it is new. The same bytes again change nothing; other bytes
/// of the same source submission become the next revision; a source submission of another patient is a
/// [`StoreError::Conflict`] at `/patient`.
pub fn place<'t>(tx: &mut Tx<'t>, access: &PatientAccess<'t>, new: &NewSubmission<'_>) -> Result<Placed, StoreError> {
    let id = SubmissionId::existing(tx.random_id());
    if insert(tx, access.id().uuid(), new, id, (1, None))? {
        return Ok(Placed { id, revision: 1, delivered: Delivered::Created });
    }
    let source = &new.source;
    let known: KnownRow = submission::table
        .filter(submission::source_submission_id.eq(&source.submission_id))
        .filter(submission::source_form_id.eq(&source.form_id))
        .filter(submission::source_system.eq(&source.system))
        .order(submission::revision.desc())
        .select((submission::id, submission::patient_id, submission::revision, submission::payload_hash))
        .first(tx.conn)?;
    if !access.rows().contains(&known.patient_id) {
        return Err(StoreError::Conflict(vec![Fault::at("patient", FaultCode::Contradiction)]));
    }
    if known.payload_hash == new.payload_hash {
        let id = SubmissionId::existing(known.id);
        return Ok(Placed { id, revision: known.revision, delivered: Delivered::Unchanged });
    }
    let revision = known.revision + 1;
    // It lies where the revision before it does, whoever they were merged into meanwhile.
    if insert(tx, known.patient_id, new, id, (revision, Some(known.id)))? {
        Ok(Placed { id, revision, delivered: Delivered::Revised })
    } else {
        Err(StoreError::InProgress)
    }
}

fn insert(
    tx: &mut Tx<'_>,
    patient: Uuid,
    new: &NewSubmission<'_>,
    id: SubmissionId,
    (revision, supersedes): (i32, Option<Uuid>),
) -> Result<bool, StoreError> {
    let (form, source) = (new.form, &new.source);
    let wave: &'static str = form.wave().into();
    let scores = new.scores;
    let texts = |each: fn(&StoredScore) -> &str| scores.iter().map(each).collect::<Vec<_>>();
    let jsons = |each: fn(&StoredScore) -> &Value| scores.iter().map(each).collect::<Vec<_>>();
    let inserted: Option<InsertedRow> = statement(
        "WITH stored AS (INSERT INTO submission (id, patient_id, form, form_version, wave, source_system, \
         source_form_id, source_submission_id, revision, supersedes, answered_by, submitted_at, received_at, \
         received_by, answers, payload_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT ON CONSTRAINT submission_source_unique DO NOTHING RETURNING id), \
         scored AS (INSERT INTO score (submission_id, instrument, algorithm, status, scales, flags) \
         SELECT stored.id, result.* FROM stored, unnest(?, ?, ?, ?, ?) AS result) \
         SELECT id FROM stored",
    )
    .bind::<SqlUuid, _>(id.uuid())
    .bind::<SqlUuid, _>(patient)
    .bind::<Text, _>(form.code())
    .bind::<Text, _>(form.version())
    .bind::<Text, _>(wave)
    .bind::<Text, _>(&source.system)
    .bind::<Text, _>(&source.form_id)
    .bind::<Text, _>(&source.submission_id)
    .bind::<Integer, _>(revision)
    .bind::<Nullable<SqlUuid>, _>(supersedes)
    .bind::<Text, _>(new.answered_by)
    .bind::<Timestamptz, _>(new.submitted_at.to_diesel())
    .bind::<Timestamptz, _>(tx.now().to_diesel())
    .bind::<Text, _>(tx.trace.action())
    .bind::<Jsonb, _>(new.answers.to_json())
    .bind::<Bytea, _>(new.payload_hash.as_slice())
    .bind::<Array<Text>, _>(texts(|it| &it.instrument))
    .bind::<Array<Text>, _>(texts(|it| &it.algorithm))
    .bind::<Array<Text>, _>(texts(|it| &it.status))
    .bind::<Array<Jsonb>, _>(jsons(|it| &it.scales))
    .bind::<Array<Jsonb>, _>(jsons(|it| &it.flags))
    .get_result(tx.conn)
    .optional()?;
    Ok(inserted.is_some())
}

/// Opens the record of the patient who answered this submission, within the caller's reach, and reads it.
pub fn find(tx: &mut Tx<'_>, id: SubmissionId) -> Result<Submission, StoreError> {
    let access = tx.open_by_submission(id)?;
    let row: Row = submission::table
        .filter(submission::id.eq(id.uuid()))
        .filter(submission::patient_id.eq_any(access.rows()))
        .select(Row::as_select())
        .first(tx.conn)?;
    let scores: Vec<ScoreRow> = score::table
        .filter(score::submission_id.eq(id.uuid()))
        .order((score::instrument, score::algorithm))
        .select(ScoreRow::as_select())
        .load(tx.conn)?;
    let scores = scores.into_iter().map(StoredScore::from).collect();
    Ok(whole(row, scores))
}

/// The submissions of the patient whose record is open, newest first, after the place `after`.
pub fn of_patient<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    after: Option<(Timestamp, SubmissionId)>,
    limit: i64,
) -> Result<Listing<Submission>, StoreError> {
    let mut query = submission::table
        .filter(submission::patient_id.eq_any(access.rows()))
        .order((submission::submitted_at.desc(), submission::id.desc()))
        .limit(limit + 1)
        .select(Row::as_select())
        .into_boxed();
    if let Some((at, id)) = after {
        let at = at.to_diesel();
        query = query.filter(
            submission::submitted_at.lt(at).or(submission::submitted_at.eq(at).and(submission::id.lt(id.uuid()))),
        );
    }
    let Listing { items: rows, more } = Listing::cut(query.load::<Row>(tx.conn)?, limit);
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut scores: Vec<ScoreRow> = score::table
        .filter(score::submission_id.eq_any(ids))
        .order((score::submission_id, score::instrument, score::algorithm))
        .select(ScoreRow::as_select())
        .load(tx.conn)?;
    let items = rows
        .into_iter()
        .map(|row| {
            let of_this = scores.extract_if(.., |score| score.submission_id == row.id).map(StoredScore::from).collect();
            whole(row, of_this)
        })
        .collect();
    Ok(Listing { items, more })
}

fn whole(row: Row, scores: Vec<StoredScore>) -> Submission {
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
        answered_by: row.answered_by,
        submitted_at: row.submitted_at.to_jiff(),
        received_at: row.received_at.to_jiff(),
        answers: row.answers,
        scores,
    }
}

/// How much a registry holds. No mean tells about fewer than [`FEWEST_PEOPLE`] patients.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Registered patients.
    pub patients: i64,
    /// Current submissions: superseded revisions are not counted.
    pub submissions: i64,
    /// Mean scores of current submissions, by instrument, scale and value set.
    pub means: Vec<Mean>,
}

/// One scale's mean.
#[derive(Clone, Debug, QueryableByName)]
pub struct Mean {
    /// The instrument.
    #[diesel(sql_type = Text)]
    pub instrument: String,
    /// The scale.
    #[diesel(sql_type = Text)]
    pub scale: String,
    /// The value set, where the scale has one.
    #[diesel(sql_type = Nullable<Text>)]
    pub value_set: Option<String>,
    /// How many results.
    #[diesel(sql_type = BigInt)]
    pub n: i64,
    /// Their mean, to two decimals: with more, two readings around one delivery would tell the new patient's score.
    #[diesel(sql_type = Double)]
    pub mean: f64,
}

/// Of fewer people than these no figure is shown.
pub const FEWEST_PEOPLE: i64 = 5;

#[derive(QueryableByName)]
struct CountsRow {
    #[diesel(sql_type = BigInt)]
    patients: i64,
    #[diesel(sql_type = BigInt)]
    submissions: i64,
}

/// How much the registry holds.
pub fn summary(tx: &mut Tx<'_>) -> Result<Summary, StoreError> {
    let counts: CountsRow = statement(
        "SELECT (SELECT count(*) FROM patient WHERE merged_into IS NULL) AS patients, (SELECT count(*) FROM submission WHERE NOT EXISTS \
         (SELECT FROM submission later WHERE later.supersedes = submission.id)) AS submissions",
    )
    .get_result(tx.conn)?;
    let means = statement(
        "SELECT instrument, scale ->> 'code' AS scale, scale ->> 'value_set' AS value_set, count(*) AS n, \
         round(avg((scale ->> 'value')::numeric), 2)::double precision AS mean \
         FROM score JOIN submission ON submission.id = score.submission_id, jsonb_array_elements(scales) AS scale \
         WHERE jsonb_typeof(scale -> 'value') = 'number' AND NOT EXISTS \
         (SELECT FROM submission later WHERE later.supersedes = submission.id) \
         GROUP BY 1, 2, 3 HAVING count(DISTINCT patient_id) >= ? ORDER BY 1, 2, 3",
    )
    .bind::<BigInt, _>(FEWEST_PEOPLE)
    .load::<Mean>(tx.conn)?;
    Ok(Summary { patients: counts.patients, submissions: counts.submissions, means })
}
