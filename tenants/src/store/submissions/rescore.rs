//! Rescoring: a new version of a score where the result has changed.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff_diesel::ToDiesel as _;
use painreg_domain::ids::{PatientId, SubmissionId};
use serde_json::Value;
use uuid::Uuid;

use super::stored::StoredScore;
use crate::error::StoreError;
use crate::statement::statement;
use crate::tx::Tx;

/// A submission and the newest score that one instrument has in it.
#[derive(Clone, Debug)]
pub struct Scored {
    /// The submission's id.
    pub id: SubmissionId,
    /// Item codes -> answers.
    pub answers: Value,
    /// The newest version of the instrument's score.
    pub score: StoredScore,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    patient_id: Uuid,
    #[diesel(sql_type = Jsonb)]
    answers: Value,
    #[diesel(sql_type = Text)]
    algorithm: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Jsonb)]
    scales: Value,
    #[diesel(sql_type = Jsonb)]
    flags: Value,
    #[diesel(sql_type = Integer)]
    version: i32,
}

/// Hands `each` the submissions that have been scored with this instrument, by id, after `after`, one row at a time; returns
/// the last and how many. Logs every patient whose answers are read. Two round trips.
pub(crate) fn each_scored_with(
    tx: &mut Tx<'_>,
    instrument: &str,
    after: Option<SubmissionId>,
    limit: i64,
    mut each: impl FnMut(Scored),
) -> Result<(Option<SubmissionId>, i64), StoreError> {
    let (mut last, mut found) = (None, 0);
    let mut shown = Vec::new();
    statement(
        "SELECT submission.id, coalesce(patient.merged_into, patient.id) AS patient_id, answers, newest.algorithm, \
         newest.status, newest.scales, newest.flags, newest.version \
         FROM submission JOIN patient ON patient.id = submission.patient_id \
         CROSS JOIN LATERAL (SELECT * FROM score WHERE score.submission_id = submission.id AND instrument = ? \
         ORDER BY version DESC LIMIT 1) newest \
         WHERE ? IS NULL OR submission.id > ? ORDER BY submission.id LIMIT ?",
    )
    .bind::<Text, _>(instrument)
    .bind::<Nullable<SqlUuid>, _>(after.map(SubmissionId::uuid))
    .bind::<Nullable<SqlUuid>, _>(after.map(SubmissionId::uuid))
    .bind::<BigInt, _>(limit)
    .stream(tx.conn, |row: Row| {
        let id = SubmissionId::existing(row.id);
        (last, found) = (Some(id), found + 1);
        shown.push(PatientId::existing(row.patient_id));
        each(Scored {
            id,
            answers: row.answers,
            score: StoredScore {
                instrument: instrument.to_owned(),
                algorithm: row.algorithm,
                status: row.status,
                scales: row.scales,
                flags: row.flags,
                version: row.version,
                scored_at: None,
            },
        });
        Ok(())
    })?;
    shown.sort_unstable();
    shown.dedup();
    tx.open_all(&shown)?;
    Ok((last, found))
}

/// Returns how many submissions have been scored with this instrument.
pub fn count_scored_with(tx: &mut Tx<'_>, instrument: &str) -> Result<i64, StoreError> {
    #[derive(QueryableByName)]
    struct CountRow {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let row: CountRow = statement("SELECT count(DISTINCT submission_id) AS count FROM score WHERE instrument = ?")
        .bind::<Text, _>(instrument)
        .get_result(tx.conn)?;
    Ok(row.count)
}

/// Adds versions of scores. One round trip. Returns [`StoreError::InProgress`] if another transaction added one of them.
pub fn add_scores(tx: &mut Tx<'_>, scores: &[(SubmissionId, StoredScore)]) -> Result<(), StoreError> {
    if scores.is_empty() {
        return Ok(());
    }
    let texts = |each: fn(&StoredScore) -> &str| scores.iter().map(|(_, score)| each(score)).collect::<Vec<_>>();
    let added = statement(
        "INSERT INTO score (submission_id, instrument, algorithm, status, scales, flags, version, scored_at) \
         SELECT result.*, ? FROM unnest(?, ?, ?, ?, ?, ?, ?) AS result ON CONFLICT DO NOTHING",
    )
    .bind::<Timestamptz, _>(tx.now().to_diesel())
    .bind::<Array<SqlUuid>, _>(scores.iter().map(|(id, _)| id.uuid()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(texts(|it| &it.instrument))
    .bind::<Array<Text>, _>(texts(|it| &it.algorithm))
    .bind::<Array<Text>, _>(texts(|it| &it.status))
    .bind::<Array<Jsonb>, _>(scores.iter().map(|(_, it)| &it.scales).collect::<Vec<_>>())
    .bind::<Array<Jsonb>, _>(scores.iter().map(|(_, it)| &it.flags).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(scores.iter().map(|(_, it)| it.version).collect::<Vec<_>>())
    .execute(tx.conn)?;
    if added == scores.len() { Ok(()) } else { Err(StoreError::InProgress) }
}
