//! The stored revisions of source submissions, and what a delivery changes about them.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Bytea, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::ids::{InvitationId, SubmissionId};
use painreg_domain::revision::{Effect, Imprint, effect};
use uuid::Uuid;

use super::super::stored::{Delivered, Placed, Source};
use crate::error::{StoreError, unreadable};
use crate::statement::statement;
use crate::tx::Tx;

#[derive(QueryableByName)]
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
    #[diesel(sql_type = Timestamptz)]
    changed_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Bool)]
    outdated: bool,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    invitation_id: Option<Uuid>,
}

/// The stored revisions of one source submission, oldest first.
pub(super) struct Known {
    /// The patient row of every revision.
    pub patient: Uuid,
    revisions: Vec<Revision>,
    imprints: Vec<Imprint>,
    current: usize,
}

#[derive(Clone, Copy)]
struct Revision {
    id: Uuid,
    number: i32,
    invitation: Option<InvitationId>,
}

/// What a delivery changes about the stored revisions.
#[derive(Clone, Copy)]
pub(super) enum Change {
    /// Nothing is stored.
    Nothing,
    /// The source confirmed the current revision; no revision is stored.
    Confirmed,
    /// It is stored as the current revision, in place of this one.
    Supersedes(Uuid),
    /// It is stored beside this revision, which stays current.
    SupersededBy(Uuid),
}

impl Known {
    /// The first delivery of a source submission.
    fn first(id: Uuid, imprint: Imprint) -> Self {
        let first = Revision { id, number: 1, invitation: None };
        Self { patient: Uuid::nil(), revisions: vec![first], imprints: vec![imprint], current: 0 }
    }

    /// Decides about a delivery, and adds it to the known revisions under this id where it becomes one.
    pub fn change(&mut self, id: Uuid, imprint: &Imprint) -> Option<(Change, Placed)> {
        let current = self.revisions.get(self.current).copied()?;
        Some(match effect(&self.imprints, self.current, imprint) {
            Effect::Known(at) => (Change::Nothing, current.shown(Delivered::Unchanged, self.revisions.get(at)?)),
            Effect::Confirmed => {
                self.imprints.get_mut(self.current)?.changed_at = imprint.changed_at;
                (Change::Confirmed, current.shown(Delivered::Unchanged, &current))
            }
            found @ (Effect::Current | Effect::Outdated) => {
                let added = Revision { id, number: self.revisions.last()?.number + 1, invitation: None };
                self.revisions.push(added);
                self.imprints.push(imprint.clone());
                if found == Effect::Outdated {
                    (Change::SupersededBy(current.id), current.shown(Delivered::Superseded, &added))
                } else {
                    self.current = self.revisions.len() - 1;
                    (Change::Supersedes(current.id), added.shown(Delivered::Revised, &added))
                }
            }
        })
    }

    /// Returns the result of a delivery that a stored revision repeats.
    pub fn repeated(&self, imprint: &Imprint) -> Option<Placed> {
        let current = self.revisions.get(self.current)?;
        match effect(&self.imprints, self.current, imprint) {
            Effect::Known(at) => Some(current.shown(Delivered::Unchanged, self.revisions.get(at)?)),
            Effect::Confirmed => Some(current.shown(Delivered::Unchanged, current)),
            Effect::Current | Effect::Outdated => None,
        }
    }
}

/// The ids of a delivery.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    /// The id under which it is stored if it is no repetition.
    pub new: SubmissionId,
    /// The revision that holds its answers then, for the access log.
    pub kept: SubmissionId,
}

/// Draws ids for deliveries, before the records of their patients are opened. One round trip.
pub fn name_each(tx: &mut Tx<'_>, all: &[(&Source, &Imprint)]) -> Result<Vec<Ids>, StoreError> {
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let mut known = known(tx, all.iter().map(|(source, _)| *source))?;
    let mut ids = Vec::with_capacity(all.len());
    for (source, imprint) in all {
        let new = SubmissionId::existing(tx.random_id());
        let mut kept = new;
        if let Some(before) = known.get_mut(*source) {
            kept = before.change(new.uuid(), imprint).map_or(new, |(_, placed)| placed.kept.0);
        } else {
            known.insert((*source).clone(), Known::first(new.uuid(), (*imprint).clone()));
        }
        ids.push(Ids { new, kept });
    }
    Ok(ids)
}

impl Revision {
    /// Returns the result of a delivery that is stored as `kept`, while this revision is current.
    fn shown(self, delivered: Delivered, kept: &Self) -> Placed {
        Placed {
            id: SubmissionId::existing(self.id),
            revision: self.number,
            delivered,
            kept: (SubmissionId::existing(kept.id), kept.number),
            invitation: self.invitation,
        }
    }
}

/// Returns the stored revisions of source submissions. One round trip.
pub(super) fn known<'r>(
    tx: &mut Tx<'_>,
    sources: impl Iterator<Item = &'r Source>,
) -> Result<HashMap<Source, Known>, StoreError> {
    let sources: Vec<&Source> = sources.collect();
    let found: Vec<KnownRow> = statement(
        "SELECT source_system, source_form_id, source_submission_id, id, patient_id, revision, payload_hash, \
         content_hash, changed_at, superseded_by IS NOT NULL AS outdated, invitation_id FROM submission \
         JOIN (SELECT DISTINCT * FROM unnest(?, ?, ?) AS asked (source_submission_id, source_form_id, source_system)) asked \
         USING (source_submission_id, source_form_id, source_system) ORDER BY revision",
    )
    .bind::<Array<Text>, _>(sources.iter().map(|it| it.submission_id.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(sources.iter().map(|it| it.form_id.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(sources.iter().map(|it| it.system.as_str()).collect::<Vec<_>>())
    .load(tx.conn)?;
    let mut known: HashMap<Source, Known> = HashMap::new();
    for row in found {
        let hash = |bytes: Vec<u8>| <[u8; 32]>::try_from(bytes).map_err(|_| unreadable("a hash of another length"));
        let imprint = Imprint {
            payload: hash(row.payload_hash)?,
            content: row.content_hash.map(hash).transpose()?,
            changed_at: row.changed_at.to_jiff(),
        };
        let source =
            Source { system: row.source_system, form_id: row.source_form_id, submission_id: row.source_submission_id };
        let known = known.entry(source).or_insert_with(|| Known {
            patient: row.patient_id,
            revisions: Vec::new(),
            imprints: Vec::new(),
            current: 0,
        });
        if !row.outdated {
            known.current = known.revisions.len();
        }
        let invitation = row.invitation_id.map(InvitationId::existing);
        known.revisions.push(Revision { id: row.id, number: row.revision, invitation });
        known.imprints.push(imprint);
    }
    Ok(known)
}

/// Stores the instants at which sources confirmed their current revisions. One round trip where there are any.
pub(super) fn confirm(tx: &mut Tx<'_>, confirmed: &[(Uuid, Timestamp)]) -> Result<(), StoreError> {
    if confirmed.is_empty() {
        return Ok(());
    }
    statement(
        "UPDATE submission SET changed_at = greatest(submission.changed_at, confirmed.at) \
         FROM (SELECT id, max(at) AS at FROM unnest(?, ?) AS each (id, at) GROUP BY id) confirmed \
         WHERE submission.id = confirmed.id",
    )
    .bind::<Array<SqlUuid>, _>(confirmed.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(confirmed.iter().map(|(_, at)| at.to_diesel()).collect::<Vec<_>>())
    .execute(tx.conn)?;
    Ok(())
}
