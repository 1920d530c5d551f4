//! Storing what arrived, one submission or hundreds, by the same two statements; never twice, and nothing overwritten.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, Bytea, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::event;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::{InvitationId, SubmissionId};
use painreg_domain::policy::Role;
use painreg_domain::questionnaire::{Answers, Form, Wave};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Source, StoredScore, free_text_place};
use crate::access::PatientAccess;
use crate::error::StoreError;
use crate::statement::statement;
use crate::store::invitations::token_hash;
use crate::store::patients;
use crate::tx::Tx;

/// What is to be stored.
pub struct NewSubmission<'a> {
    /// The published form it answers.
    pub form: &'a Form,
    /// Where it came from.
    pub source: &'a Source,
    /// Who answered.
    pub answered_by: &'a AnsweredBy,
    /// When it was answered.
    pub submitted_at: Timestamp,
    /// The answers, certainly valid.
    pub answers: &'a Answers,
    /// Their scores.
    pub scores: &'a [StoredScore],
    /// What in them the clinic must see: instrument and code.
    pub alerts: &'a [(&'static str, &'static str)],
    /// SHA-256 of what was delivered.
    pub payload_hash: [u8; 32],
    /// The token of the invitation that it says it answers.
    pub invitation: Option<&'a str>,
}

/// Who answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The patient.
    Patient,
    /// Somebody on the patient's behalf, and the source's word for the relation.
    Representative(String),
}

impl AnsweredBy {
    const fn word(&self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Representative(_) => "representative",
        }
    }

    fn representation(&self) -> Option<&str> {
        match self {
            Self::Patient => None,
            Self::Representative(kind) => Some(kind.as_str()).filter(|kind| !kind.is_empty()),
        }
    }
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// It is new.
    Created,
    /// It is here already: nothing happened.
    Unchanged,
    /// The source changed it: a new revision stands beside the old one.
    Revised,
}

impl Delivered {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Unchanged => "unchanged",
            Self::Revised => "revised",
        }
    }
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
    /// The invitation that it answers, by token or reference.
    pub invitation: Option<InvitationId>,
}

/// A row to be stored.
struct Row<'a> {
    id: Uuid,
    patient: Uuid,
    revision: i32,
    supersedes: Option<Uuid>,
    /// The answers but for free text.
    coded: Value,
    free_text: Option<Vec<u8>>,
    content_hash: [u8; 32],
    new: &'a NewSubmission<'a>,
}

#[derive(QueryableByName)]
struct StoredRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    invitation_id: Option<Uuid>,
}

#[derive(Clone, QueryableByName)]
struct KnownRow {
    #[diesel(sql_type = Text)]
    source_system: String,
    #[diesel(sql_type = Text)]
    source_form_id: String,
    #[diesel(sql_type = Text)]
    source_submission_id: String,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    patient_id: Uuid,
    #[diesel(sql_type = Integer)]
    revision: i32,
    #[diesel(sql_type = Bytea)]
    payload_hash: Vec<u8>,
    #[diesel(sql_type = Nullable<Bytea>)]
    content_hash: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    invitation_id: Option<Uuid>,
}

impl KnownRow {
    fn unchanged(&self) -> Placed {
        let id = SubmissionId::existing(self.id);
        let invitation = self.invitation_id.map(InvitationId::existing);
        Placed { id, revision: self.revision, delivered: Delivered::Unchanged, invitation }
    }

    /// The same bytes, or the same answers in another wrapping.
    fn says_the_same(&self, row: &Row<'_>) -> bool {
        self.payload_hash == row.new.payload_hash || self.content_hash.as_deref() == Some(row.content_hash.as_slice())
    }
}

/// Stores a delivery and its scores: one round trip where it is new. See [`place_each`].
pub fn place<'t>(tx: &mut Tx<'t>, access: &PatientAccess<'t>, new: &NewSubmission<'_>) -> Result<Placed, StoreError> {
    place_each(tx, &[(access, new)])?.pop().unwrap_or(Err(StoreError::InProgress))
}

/// Stores deliveries and their scores, in order: one round trip where all are new, three where some are known. The same
/// answers again change nothing; other answers of the same source submission become the next revision; a source submission
/// of another patient is a [`StoreError::Conflict`] at `/patient`. What waited in quarantine under the same source is placed
/// with it.
pub fn place_each<'t>(
    tx: &mut Tx<'t>,
    all: &[(&PatientAccess<'t>, &NewSubmission<'_>)],
) -> Result<Vec<Result<Placed, StoreError>>, StoreError> {
    let prepared = prepared(tx, all)?;
    let stored = insert(tx, &prepared)?;
    if stored.len() == prepared.len() {
        return Ok(prepared.iter().map(|row| Ok(row.placed(Delivered::Created, &stored))).collect());
    }
    let mut known = known(tx, prepared.iter().filter(|row| !stored.contains_key(&row.id)))?;
    let mut revisions = Vec::new();
    let mut placed: Vec<Result<Placed, StoreError>> = Vec::with_capacity(prepared.len());
    for (mut row, (access, new)) in prepared.into_iter().zip(all) {
        if stored.contains_key(&row.id) {
            placed.push(Ok(row.placed(Delivered::Created, &stored)));
            continue;
        }
        let Some(before) = known.get_mut(new.source) else {
            placed.push(Err(StoreError::InProgress));
            continue;
        };
        if !access.rows().contains(&before.patient_id) {
            placed.push(Err(StoreError::Conflict(vec![Fault::at("patient", FaultCode::Contradiction)])));
            continue;
        }
        if before.says_the_same(&row) {
            placed.push(Ok(before.unchanged()));
            continue;
        }
        // It lies where the revision before it does, whoever they were merged into meanwhile.
        row.patient = before.patient_id;
        row.revision = before.revision + 1;
        row.supersedes = Some(before.id);
        placed.push(Ok(row.placed(Delivered::Revised, &stored)));
        before.id = row.id;
        before.revision = row.revision;
        before.payload_hash = new.payload_hash.to_vec();
        before.content_hash = Some(row.content_hash.to_vec());
        revisions.push(row);
    }
    let stored = insert(tx, &revisions)?;
    for place in &mut placed {
        if let Ok(revised) = place
            && revised.delivered == Delivered::Revised
        {
            match stored.get(&revised.id.uuid()) {
                Some(invitation) => revised.invitation = *invitation,
                None => *place = Err(StoreError::InProgress),
            }
        }
    }
    Ok(placed)
}

/// Where these deliveries stand already, with the same answers; stores nothing. One round trip.
pub fn recognise_each<'t>(
    tx: &mut Tx<'t>,
    all: &[(&PatientAccess<'t>, &NewSubmission<'_>)],
) -> Result<Vec<Option<Placed>>, StoreError> {
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let prepared = prepared(tx, all)?;
    let known = known(tx, prepared.iter())?;
    let same = |(row, (access, new)): (&Row<'_>, &(&PatientAccess<'t>, &NewSubmission<'_>))| {
        let before = known.get(new.source)?;
        (access.rows().contains(&before.patient_id) && before.says_the_same(row)).then(|| before.unchanged())
    };
    Ok(prepared.iter().zip(all).map(same).collect())
}

impl Row<'_> {
    fn placed(&self, delivered: Delivered, stored: &Stored) -> Placed {
        let invitation = stored.get(&self.id).copied().flatten();
        Placed { id: SubmissionId::existing(self.id), revision: self.revision, delivered, invitation }
    }
}

/// Rows of what is new, free text sealed: one round trip where there is any.
fn prepared<'a, 't>(
    tx: &mut Tx<'t>,
    all: &[(&PatientAccess<'t>, &'a NewSubmission<'a>)],
) -> Result<Vec<Row<'a>>, StoreError> {
    let texts: Vec<Option<Value>> = all.iter().map(|(_, new)| new.answers.free_text()).collect();
    let owners: Vec<Uuid> =
        all.iter().zip(&texts).filter(|(_, text)| text.is_some()).map(|((access, _), _)| access.id().uuid()).collect();
    let keys = if owners.is_empty() { Vec::new() } else { patients::keys(tx, &owners)? };
    all.iter()
        .zip(texts)
        .map(|((access, new), text)| {
            let (id, patient) = (tx.random_id(), access.id().uuid());
            let coded = new.answers.coded();
            let content_hash = content_hash(new, &coded, text.as_ref());
            let free_text = text.map(|text| {
                let (_, key) = keys.iter().find(|(owner, _)| *owner == patient).ok_or(StoreError::NotFound)?;
                Ok::<_, StoreError>(key.seal(text.to_string().as_bytes(), &free_text_place(tx.place(), id)))
            });
            let free_text = free_text.transpose()?;
            Ok(Row { id, patient, revision: 1, supersedes: None, coded, free_text, content_hash, new })
        })
        .collect()
}

/// What a delivery says, whatever it was wrapped in.
fn content_hash(new: &NewSubmission<'_>, coded: &Value, text: Option<&Value>) -> [u8; 32] {
    let mut hash = Sha256::new();
    let who = new.answered_by;
    for part in [new.form.code(), new.form.version(), who.word(), who.representation().unwrap_or_default()] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(new.submitted_at.as_second().to_be_bytes());
    hash.update(serde_json::to_vec(coded).unwrap_or_default());
    hash.update(serde_json::to_vec(&text).unwrap_or_default());
    hash.finalize().into()
}

const NEW: &str = "WITH new AS (SELECT * FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) AS new \
     (id, patient_id, form, form_version, wave, source_system, source_form_id, source_submission_id, revision, supersedes, \
     answered_by, representation, submitted_at, answers, free_text, payload_hash, content_hash)), \
     stored AS (INSERT INTO submission (id, patient_id, form, form_version, wave, source_system, source_form_id, \
     source_submission_id, revision, supersedes, answered_by, representation, submitted_at, answers, free_text, \
     payload_hash, content_hash, received_at, received_by, invitation_id, invited_by) SELECT new.*, ?, ?, ";
/// No baseline was asked for by an invitation.
const UNINVITED: &str = "NULL, NULL FROM new";
/// The invitation to the same patient that the answer names: by its token, else by what the sender's system calls it. A
/// revision answers what the revision before it did.
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
     AND quarantine.source_form_id = new.source_form_id AND quarantine.source_system = new.source_system)";

fn column<'r, T>(rows: &'r [Row<'_>], each: impl Fn(&'r Row<'_>) -> T) -> Vec<T> {
    rows.iter().map(each).collect()
}

/// Whether a form of this wave answers a follow-up.
const fn follows_up(wave: Wave) -> bool {
    !matches!(wave, Wave::Baseline | Wave::BaselineShort)
}

/// An alert: instrument and code.
type Alert = (&'static str, &'static str);

/// What was stored, and which invitation each answers.
type Stored = HashMap<Uuid, Option<InvitationId>>;

/// Stores the rows that are new to their source and revision, with scores and alerts; says which.
fn insert(tx: &mut Tx<'_>, rows: &[Row<'_>]) -> Result<Stored, StoreError> {
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
    let mut query = statement(NEW)
        .bind::<Array<SqlUuid>, _>(column(rows, |row| row.id))
        .bind::<Array<SqlUuid>, _>(column(rows, |row| row.patient))
        .bind::<Array<Text>, _>(column(rows, |row| row.new.form.code()))
        .bind::<Array<Text>, _>(column(rows, |row| row.new.form.version()))
        .bind::<Array<Text>, _>(column(rows, |row| <&'static str>::from(row.new.form.wave())))
        .bind::<Array<Text>, _>(column(rows, |row| row.new.source.system.as_str()))
        .bind::<Array<Text>, _>(column(rows, |row| row.new.source.form_id.as_str()))
        .bind::<Array<Text>, _>(column(rows, |row| row.new.source.submission_id.as_str()))
        .bind::<Array<Integer>, _>(column(rows, |row| row.revision))
        .bind::<Array<Nullable<SqlUuid>>, _>(column(rows, |row| row.supersedes))
        .bind::<Array<Text>, _>(column(rows, |row| row.new.answered_by.word()))
        .bind::<Array<Nullable<Text>>, _>(column(rows, |row| row.new.answered_by.representation()))
        .bind::<Array<Timestamptz>, _>(column(rows, |row| row.new.submitted_at.to_diesel()))
        .bind::<Array<Jsonb>, _>(column(rows, |row| &row.coded))
        .bind::<Array<Nullable<Bytea>>, _>(column(rows, |row| row.free_text.as_deref()))
        .bind::<Array<Bytea>, _>(column(rows, |row| row.new.payload_hash.as_slice()))
        .bind::<Array<Bytea>, _>(column(rows, |row| row.content_hash.as_slice()))
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
    // What people submit never was in quarantine.
    if matches!(tx.principal().role, Role::Importer | Role::RegistryManager) {
        query = query.then(SETTLE).bind::<Timestamptz, _>(now).bind::<Text, _>(by);
    }
    let stored: Vec<StoredRow> = query.then(" SELECT id, invitation_id FROM stored").load(tx.conn)?;
    for row in rows.iter().filter(|row| follows_up(row.new.form.wave())) {
        tx.mark_follow_up_stale(row.patient);
    }
    let new: HashSet<Uuid> = stored.iter().map(|row| row.id).collect();
    for row in rows.iter().filter(|row| new.contains(&row.id)) {
        let kind = if row.revision > 1 { event::Kind::SubmissionRevised } else { event::Kind::SubmissionStored };
        tx.emit(kind, Some(row.patient), format!("submission/{}", row.id), Some(row.revision.into()));
    }
    for (row, (alert, _)) in &alerts {
        if let Some(row) = rows.iter().find(|it| it.id == *row && new.contains(&it.id)) {
            tx.emit(event::Kind::AlertRaised, Some(row.patient), format!("alert/{alert}"), Some(1));
        }
    }
    Ok(stored.into_iter().map(|row| (row.id, row.invitation_id.map(InvitationId::existing))).collect())
}

/// The newest revisions of these sources.
fn known<'r>(
    tx: &mut Tx<'_>,
    rows: impl Iterator<Item = &'r Row<'r>>,
) -> Result<HashMap<Source, KnownRow>, StoreError> {
    let sources: Vec<&Source> = rows.map(|row| row.new.source).collect();
    let found: Vec<KnownRow> = statement(
        "SELECT DISTINCT ON (source_submission_id, source_form_id, source_system) source_system, source_form_id, \
         source_submission_id, id, patient_id, revision, payload_hash, content_hash, invitation_id FROM submission \
         JOIN unnest(?, ?, ?) AS asked (source_submission_id, source_form_id, source_system) \
         USING (source_submission_id, source_form_id, source_system) \
         ORDER BY source_submission_id, source_form_id, source_system, revision DESC",
    )
    .bind::<Array<Text>, _>(sources.iter().map(|it| it.submission_id.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(sources.iter().map(|it| it.form_id.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(sources.iter().map(|it| it.system.as_str()).collect::<Vec<_>>())
    .load(tx.conn)?;
    let source = |row: &KnownRow| Source {
        system: row.source_system.clone(),
        form_id: row.source_form_id.clone(),
        submission_id: row.source_submission_id.clone(),
    };
    Ok(found.into_iter().map(|row| (source(&row), row)).collect())
}
