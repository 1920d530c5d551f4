//! Storing submissions, one or hundreds, by the same two statements. A redelivery changes nothing; a changed submission becomes a
//! new revision.

mod insert;

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, Bytea, Integer, Nullable, Text, Uuid as SqlUuid};
use jiff::Timestamp;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::{InvitationId, SubmissionId};
use painreg_domain::questionnaire::{Answers, Form};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use self::insert::{Stored, insert};
use super::read::free_text_aad;
use super::stored::{Source, StoredScore};
use crate::access::PatientAccess;
use crate::error::StoreError;
use crate::statement::statement;
use crate::store::patients;
use crate::tx::Tx;

/// A submission to be stored.
pub struct NewSubmission<'a> {
    /// The published form that was answered.
    pub form: &'a Form,
    /// The source of the submission.
    pub source: &'a Source,
    /// The person who answered.
    pub answered_by: &'a AnsweredBy,
    /// The instant of answering.
    pub submitted_at: Timestamp,
    /// The validated answers.
    pub answers: &'a Answers,
    /// The scores of the answers.
    pub scores: &'a [StoredScore],
    /// The alerts raised by the answers: instrument and code.
    pub alerts: &'a [(&'static str, &'static str)],
    /// SHA-256 of the delivered bytes.
    pub payload_hash: [u8; 32],
    /// The token of the invitation that it claims to answer.
    pub invitation: Option<&'a str>,
}

/// The person who answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The patient answered.
    Patient,
    /// A representative answered; with the source's word for the relation.
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

/// The result of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// The submission is new.
    Created,
    /// The submission is stored already; nothing changed.
    Unchanged,
    /// The source changed the submission: a new revision was added.
    Revised,
}

impl Delivered {
    /// Returns the word used in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Unchanged => "unchanged",
            Self::Revised => "revised",
        }
    }
}

/// The stored submission of a delivery.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    /// The stored revision.
    pub id: SubmissionId,
    /// The number of the revision, from 1.
    pub revision: i32,
    /// The result of the delivery.
    pub delivered: Delivered,
    /// The invitation that it answers, found by token or reference.
    pub invitation: Option<InvitationId>,
}

/// A row to be stored.
struct Row<'a> {
    id: Uuid,
    patient: Uuid,
    revision: i32,
    supersedes: Option<Uuid>,
    /// The answers without free text.
    coded: Value,
    free_text: Option<Vec<u8>>,
    content_hash: [u8; 32],
    new: &'a NewSubmission<'a>,
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

    /// Returns whether the delivery has the same bytes, or the same answers in another format.
    fn says_the_same(&self, row: &Row<'_>) -> bool {
        self.payload_hash == row.new.payload_hash || self.content_hash.as_deref() == Some(row.content_hash.as_slice())
    }
}

/// Stores a delivery with its scores; one round trip where it is new. See [`place_each`].
pub fn place<'t>(tx: &mut Tx<'t>, access: &PatientAccess<'t>, new: &NewSubmission<'_>) -> Result<Placed, StoreError> {
    place_each(tx, &[(access, new)])?.pop().unwrap_or(Err(StoreError::InProgress))
}

/// Stores deliveries with their scores, in order: one round trip where all are new, three where some are known. The same
/// answers again change nothing; other answers of the same source submission become the next revision; a source submission
/// of another patient is a [`StoreError::Conflict`] at `/patient`. Open quarantine items of the same source are placed with
/// it.
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
        // A revision belongs to the patient row of the revision before it, also after a merge.
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

/// Returns the stored submissions that these deliveries repeat; stores nothing. One round trip.
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

/// Returns the rows to store, with free text sealed; one round trip where there is free text.
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
                Ok::<_, StoreError>(key.seal(text.to_string().as_bytes(), &free_text_aad(tx.place(), id)))
            });
            let free_text = free_text.transpose()?;
            Ok(Row { id, patient, revision: 1, supersedes: None, coded, free_text, content_hash, new })
        })
        .collect()
}

/// Returns the hash of a delivery's content, which is independent of its format.
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

/// Returns the latest revisions of these source submissions.
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
