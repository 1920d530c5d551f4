//! The statement that stores submissions with their scores and alerts.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, Bytea, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff_diesel::ToDiesel as _;
use painreg_domain::event;
use painreg_domain::ids::InvitationId;
use painreg_domain::policy::Role;
use painreg_domain::questionnaire::Wave;
use uuid::Uuid;

use super::super::stored::StoredScore;
use super::Row;
use crate::columns::Columns;
use crate::error::StoreError;
use crate::statement::statement;
use crate::store::invitations::token_hash;
use crate::tx::Tx;

#[derive(QueryableByName)]
struct StoredRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    invitation_id: Option<Uuid>,
}

/// Baselines are not invited.
const UNINVITED: &str = "NULL, NULL FROM new";

/// The invitation of the same patient that is answered: that of the revision before, else by token, else by the reference in
/// the sender's system.
const INVITED: &str = "invited.id, invited.by FROM new LEFT JOIN unnest(?, ?) AS token (submission_id, hash) \
     ON token.submission_id = new.id LEFT JOIN LATERAL (SELECT * FROM (SELECT 0 AS rank, before.invitation_id AS id, \
     before.invited_by AS by FROM submission before WHERE before.id = new.supersedes AND before.invitation_id IS NOT NULL \
     UNION ALL SELECT 1, invitation.id, 'token' FROM invitation JOIN patient named ON named.id = invitation.patient_id \
     JOIN patient own ON own.id = new.patient_id WHERE token_hash = token.hash \
     AND coalesce(named.merged_into, named.id) = coalesce(own.merged_into, own.id) \
     UNION ALL SELECT 2, invitation.id, 'source' FROM invitation JOIN patient named ON named.id = invitation.patient_id \
     JOIN patient own ON own.id = new.patient_id WHERE reference = new.source_submission_id \
     AND coalesce(named.merged_into, named.id) = coalesce(own.merged_into, own.id)) candidate ORDER BY rank LIMIT 1) invited \
     ON true";

const SCORED: &str = " ON CONFLICT ON CONSTRAINT submission_source_unique DO NOTHING RETURNING id, invitation_id), \
     scored AS (INSERT INTO score (submission_id, instrument, algorithm, status, scales, flags) \
     SELECT result.* FROM unnest(?, ?, ?, ?, ?, ?) AS result (submission_id, instrument, algorithm, status, scales, flags) \
     JOIN stored ON stored.id = result.submission_id)";

const RAISE: &str = ", raised AS (INSERT INTO alert (id, patient_id, submission_id, instrument, code, raised_at, version) \
     SELECT raised.id, new.patient_id, new.id, raised.instrument, raised.code, ?, 1 \
     FROM unnest(?, ?, ?, ?) AS raised (id, submission_id, instrument, code) \
     JOIN new ON new.id = raised.submission_id JOIN stored ON stored.id = new.id)";

const SETTLE: &str = ", settled AS (UPDATE quarantine SET state = 'placed', submission_id = stored.id, updated_at = ?, \
     updated_by = ?, version = version + 1 FROM new JOIN stored ON stored.id = new.id \
     WHERE quarantine.state = 'open' AND quarantine.source_submission_id = new.source_submission_id \
     AND quarantine.source_form_id = new.source_form_id AND quarantine.source_system = new.source_system \
     AND coalesce(quarantine.changed_at <= new.changed_at, true))";

fn column<'r, T>(rows: &'r [Row<'_>], each: impl Fn(&'r Row<'_>) -> T) -> Vec<T> {
    rows.iter().map(each).collect()
}

/// Returns whether a form of this wave answers a follow-up.
const fn follows_up(wave: Wave) -> bool {
    !matches!(wave, Wave::Baseline | Wave::BaselineShort)
}

/// The instrument and code of an alert.
type Alert = (&'static str, &'static str);

/// The stored submissions with the invitation that each answers.
pub(super) type Stored = HashMap<Uuid, Option<InvitationId>>;

/// Stores the rows whose source and revision are new, with scores and alerts; returns which.
pub(super) fn insert(tx: &mut Tx<'_>, rows: &[Row<'_>]) -> Result<Stored, StoreError> {
    if rows.is_empty() {
        return Ok(Stored::new());
    }
    let scores: Vec<(Uuid, &StoredScore)> =
        rows.iter().flat_map(|row| row.new.scores.iter().map(|score| (row.id, score))).collect();
    let alerts: Vec<(Uuid, (Uuid, Alert))> = rows
        .iter()
        .flat_map(|row| row.new.alerts.iter().map(|alert| (row.id, *alert)))
        .map(|(submission, alert)| (submission, (tx.random_id(), alert)))
        .collect();
    let (now, by) = (tx.now().to_diesel(), tx.trace.action());
    let columns = Columns::default()
        .column::<Array<SqlUuid>, _>("id", column(rows, |row| row.id))
        .column::<Array<SqlUuid>, _>("patient_id", column(rows, |row| row.patient))
        .column::<Array<Text>, _>("form", column(rows, |row| row.new.form.code()))
        .column::<Array<Text>, _>("form_version", column(rows, |row| row.new.form.version()))
        .column::<Array<Text>, _>("wave", column(rows, |row| <&'static str>::from(row.new.form.wave())))
        .column::<Array<Text>, _>("source_system", column(rows, |row| row.new.source.system.as_str()))
        .column::<Array<Text>, _>("source_form_id", column(rows, |row| row.new.source.form_id.as_str()))
        .column::<Array<Text>, _>("source_submission_id", column(rows, |row| row.new.source.submission_id.as_str()))
        .column::<Array<Integer>, _>("revision", column(rows, |row| row.revision))
        .column::<Array<Nullable<SqlUuid>>, _>("supersedes", column(rows, |row| row.supersedes))
        .column::<Array<Nullable<SqlUuid>>, _>("superseded_by", column(rows, |row| row.superseded_by))
        .column::<Array<Timestamptz>, _>("changed_at", column(rows, |row| row.new.imprint.changed_at.to_diesel()))
        .column::<Array<Text>, _>("answered_by", column(rows, |row| row.new.answered_by.word()))
        .column::<Array<Nullable<Text>>, _>("representation", column(rows, |row| row.new.answered_by.representation()))
        .column::<Array<Timestamptz>, _>("submitted_at", column(rows, |row| row.new.submitted_at.to_diesel()))
        .column::<Array<Jsonb>, _>("answers", column(rows, |row| &row.coded))
        .column::<Array<Nullable<Bytea>>, _>("free_text", column(rows, |row| row.free_text.as_deref()))
        .column::<Array<Bytea>, _>("payload_hash", column(rows, |row| row.new.imprint.payload.as_slice()))
        .column::<Array<Nullable<Bytea>>, _>(
            "content_hash",
            column(rows, |row| row.new.imprint.content.as_ref().map(<[u8; 32]>::as_slice)),
        );
    let stored = statement("").then("), stored AS (INSERT INTO submission (").names(&columns);
    let mut query = statement("WITH new AS (SELECT * FROM ")
        .unnest(columns, "new")
        .append(stored)
        .then(", received_at, received_by, invitation_id, invited_by) SELECT new.*, ?, ?, ")
        .bind::<Timestamptz, _>(now)
        .bind::<Text, _>(by);
    if rows.iter().any(|row| follows_up(row.new.form.wave())) {
        let tokens: Vec<(Uuid, Vec<u8>)> =
            rows.iter().filter_map(|row| Some((row.id, token_hash(row.new.invitation?).to_vec()))).collect();
        query = query
            .then(INVITED)
            .bind::<Array<SqlUuid>, _>(tokens.iter().map(|(id, _)| *id).collect::<Vec<_>>())
            .bind::<Array<Bytea>, _>(tokens.into_iter().map(|(_, hash)| hash).collect::<Vec<_>>());
    } else {
        query = query.then(UNINVITED);
    }
    let mut query = query
        .then(SCORED)
        .bind::<Array<SqlUuid>, _>(scores.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(scores.iter().map(|(_, it)| it.instrument.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(scores.iter().map(|(_, it)| it.algorithm.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(scores.iter().map(|(_, it)| it.status.as_str()).collect::<Vec<_>>())
        .bind::<Array<Jsonb>, _>(scores.iter().map(|(_, it)| &it.scales).collect::<Vec<_>>())
        .bind::<Array<Jsonb>, _>(scores.iter().map(|(_, it)| &it.flags).collect::<Vec<_>>());
    if !alerts.is_empty() {
        query = query
            .then(RAISE)
            .bind::<Timestamptz, _>(now)
            .bind::<Array<SqlUuid>, _>(alerts.iter().map(|(_, (id, _))| *id).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(alerts.iter().map(|(id, _)| *id).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(alerts.iter().map(|(_, (_, (instrument, _)))| *instrument).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(alerts.iter().map(|(_, (_, (_, code)))| *code).collect::<Vec<_>>());
    }
    // Only deliveries of these roles can have been in quarantine.
    if matches!(tx.principal().role, Role::Importer | Role::RegistryManager) {
        query = query.then(SETTLE).bind::<Timestamptz, _>(now).bind::<Text, _>(by);
    }
    let stored: Vec<StoredRow> = query.then(" SELECT id, invitation_id FROM stored").load(tx.conn)?;
    for row in rows.iter().filter(|row| follows_up(row.new.form.wave())) {
        tx.mark_follow_up_stale(row.patient);
    }
    let new: HashSet<Uuid> = stored.iter().map(|row| row.id).collect();
    // An outdated revision changes nothing that a subscriber follows.
    for row in rows.iter().filter(|row| new.contains(&row.id) && row.superseded_by.is_none()) {
        let kind =
            if row.revision > 1 { event::EventType::SubmissionRevised } else { event::EventType::SubmissionStored };
        tx.emit(kind, Some(row.patient), format!("submission/{}", row.id), Some(row.revision.into()));
    }
    for (row, (alert, _)) in &alerts {
        if let Some(row) = rows.iter().find(|it| it.id == *row && new.contains(&it.id)) {
            tx.emit(event::EventType::AlertRaised, Some(row.patient), format!("alert/{alert}"), Some(1));
        }
    }
    Ok(stored.into_iter().map(|row| (row.id, row.invitation_id.map(InvitationId::existing))).collect())
}
