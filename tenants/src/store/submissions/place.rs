//! Storing submissions, one or hundreds, by the same two statements. A redelivery changes nothing; a submission that its source
//! changed becomes a new revision, which is current if no later change is stored.

mod insert;
mod known;

use jiff::Timestamp;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::SubmissionId;
use painreg_domain::questionnaire::{Answers, Form};
use painreg_domain::revision::Imprint;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use self::insert::{Stored, insert};
use self::known::{Change, confirm, known};
pub use self::known::{Ids, name_each};
use super::read::free_text_aad;
use super::stored::{Delivered, Placed, Source, StoredScore};
use crate::access::PatientAccess;
use crate::error::StoreError;
use crate::store::patients;
use crate::tx::Tx;

/// A submission to be stored.
pub struct NewSubmission<'a> {
    /// The id under which it is stored if it is no repetition, drawn by [`name_each`].
    pub id: SubmissionId,
    /// The published form that was answered.
    pub form: &'a Form,
    /// The source of the submission.
    pub source: &'a Source,
    /// The person who answered.
    pub answered_by: &'a AnsweredBy,
    /// The instant of answering.
    pub submitted_at: Timestamp,
    /// What identifies the delivery among those of its source.
    pub imprint: &'a Imprint,
    /// The validated answers.
    pub answers: &'a Answers,
    /// The scores of the answers.
    pub scores: &'a [StoredScore],
    /// The alerts raised by the answers: instrument and code.
    pub alerts: &'a [(&'static str, &'static str)],
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

/// A row to be stored.
struct Row<'a> {
    id: Uuid,
    patient: Uuid,
    revision: i32,
    supersedes: Option<Uuid>,
    superseded_by: Option<Uuid>,
    /// The answers without free text.
    coded: Value,
    free_text: Option<Vec<u8>>,
    new: &'a NewSubmission<'a>,
}

/// Stores a delivery with its scores; one round trip where it is new. See [`place_each`].
pub fn place<'t>(tx: &mut Tx<'t>, access: &PatientAccess<'t>, new: &NewSubmission<'_>) -> Result<Placed, StoreError> {
    place_each(tx, &[(access, new)])?.pop().unwrap_or(Err(StoreError::InProgress))
}

/// Stores deliveries with their scores, in order: one round trip where all are new, three where some are known, one more
/// where a source confirmed what is stored. What any revision says already changes nothing; a later change of the source
/// becomes the current revision, an earlier one a revision beside it; a source submission of another patient is a
/// [`StoreError::Conflict`] at `/patient`. Open quarantine items of the same source are placed with it.
pub fn place_each<'t>(
    tx: &mut Tx<'t>,
    all: &[(&PatientAccess<'t>, &NewSubmission<'_>)],
) -> Result<Vec<Result<Placed, StoreError>>, StoreError> {
    let prepared = prepared(tx, all)?;
    let stored = insert(tx, &prepared)?;
    if stored.len() == prepared.len() {
        return Ok(prepared.iter().map(|row| Ok(row.created(&stored))).collect());
    }
    let mut known = known(tx, prepared.iter().filter(|row| !stored.contains_key(&row.id)).map(|row| row.new.source))?;
    let (mut revisions, mut confirmed) = (Vec::new(), Vec::new());
    let mut placed: Vec<Result<Placed, StoreError>> = Vec::with_capacity(prepared.len());
    for (mut row, (access, new)) in prepared.into_iter().zip(all) {
        if stored.contains_key(&row.id) {
            placed.push(Ok(row.created(&stored)));
            continue;
        }
        let Some(before) = known.get_mut(new.source) else {
            placed.push(Err(StoreError::InProgress));
            continue;
        };
        if !access.rows().contains(&before.patient) {
            placed.push(Err(StoreError::Conflict(vec![Fault::at("patient", FaultCode::Contradiction)])));
            continue;
        }
        let Some((change, found)) = before.change(row.id, new.imprint) else {
            placed.push(Err(StoreError::InProgress));
            continue;
        };
        match change {
            Change::Nothing => {}
            Change::Confirmed => confirmed.push((found.id.uuid(), new.imprint.changed_at)),
            Change::Supersedes(current) => row.supersedes = Some(current),
            Change::SupersededBy(current) => row.superseded_by = Some(current),
        }
        if matches!(change, Change::Supersedes(_) | Change::SupersededBy(_)) {
            // A revision belongs to the patient row of the revisions before it, also after a merge.
            row.patient = before.patient;
            row.revision = found.kept.1;
            revisions.push(row);
        }
        placed.push(Ok(found));
    }
    let stored = insert(tx, &revisions)?;
    confirm(tx, &confirmed)?;
    for place in &mut placed {
        let Ok(added) = place else { continue };
        let is_added = matches!(added.delivered, Delivered::Revised | Delivered::Superseded);
        if is_added && !stored.contains_key(&added.kept.0.uuid()) {
            *place = Err(StoreError::InProgress);
        } else if let Some(invitation) = stored.get(&added.id.uuid()) {
            added.invitation = *invitation;
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
    let known = known(tx, all.iter().map(|(_, new)| new.source))?;
    let same = |(access, new): &(&PatientAccess<'t>, &NewSubmission<'_>)| {
        let before = known.get(new.source).filter(|before| access.rows().contains(&before.patient))?;
        before.repeated(new.imprint)
    };
    Ok(all.iter().map(same).collect())
}

impl Row<'_> {
    fn created(&self, stored: &Stored) -> Placed {
        let invitation = stored.get(&self.id).copied().flatten();
        let id = SubmissionId::existing(self.id);
        Placed { id, revision: self.revision, delivered: Delivered::Created, kept: (id, self.revision), invitation }
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
            let (id, patient) = (new.id.uuid(), access.id().uuid());
            let coded = new.answers.coded();
            let free_text = text.map(|text| {
                let (_, key) = keys.iter().find(|(owner, _)| *owner == patient).ok_or(StoreError::NotFound)?;
                Ok::<_, StoreError>(key.seal(text.to_string().as_bytes(), &free_text_aad(tx.place(), id)))
            });
            let free_text = free_text.transpose()?;
            Ok(Row { id, patient, revision: 1, supersedes: None, superseded_by: None, coded, free_text, new })
        })
        .collect()
}

/// Returns what identifies a delivery among those of its source. The hash of the content is independent of its format.
pub fn imprint(
    form: &Form,
    who: &AnsweredBy,
    submitted_at: Timestamp,
    changed_at: Timestamp,
    answers: &Answers,
    payload: [u8; 32],
) -> Imprint {
    let mut hash = Sha256::new();
    for part in [form.code(), form.version(), who.word(), who.representation().unwrap_or_default()] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(submitted_at.as_second().to_be_bytes());
    hash.update(serde_json::to_vec(&answers.coded()).unwrap_or_default());
    hash.update(serde_json::to_vec(&answers.free_text()).unwrap_or_default());
    // As PostgreSQL keeps it.
    let changed_at = Timestamp::from_microsecond(changed_at.as_microsecond()).unwrap_or(changed_at);
    Imprint { payload, content: Some(hash.finalize().into()), changed_at }
}
