//! Finding the submission that holds certain bytes.

use diesel::prelude::*;
use diesel::sql_types::{Bytea, Integer, Nullable, Text, Uuid as SqlUuid};
use painreg_domain::ids::{InvitationId, PatientId, SubmissionId};
use painreg_domain::policy::Role;
use painreg_domain::questionnaire::Wave;
use uuid::Uuid;

use super::stored::{Delivered, Placed, Source};
use crate::error::{StoreError, unreadable};
use crate::statement::statement;
use crate::tx::Tx;

/// The submission that holds a delivery.
pub struct WithPayload {
    /// The current revision, and the one that holds the delivery.
    pub placed: Placed,
    /// The patient of the submission.
    pub patient: PatientId,
    /// The wave of its form.
    pub wave: Wave,
    /// The source of the submission.
    pub source: Source,
}

#[derive(QueryableByName)]
struct FoundRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Integer)]
    revision: i32,
    #[diesel(sql_type = SqlUuid)]
    kept_id: Uuid,
    #[diesel(sql_type = Integer)]
    kept_revision: i32,
    #[diesel(sql_type = SqlUuid)]
    patient_id: Uuid,
    #[diesel(sql_type = Text)]
    wave: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    invitation_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    source_system: String,
    #[diesel(sql_type = Text)]
    source_form_id: String,
    #[diesel(sql_type = Text)]
    source_submission_id: String,
}

/// A delivery that was placed out of quarantine may have had no readable source, or another one than its bytes say.
const PLACED: &str = " UNION ALL SELECT submission.id, submission.revision, submission.source_submission_id, \
     submission.source_form_id, submission.source_system FROM quarantine JOIN submission \
     ON submission.id = quarantine.submission_id WHERE quarantine.payload_hash = ? AND quarantine.state = 'placed' \
     AND quarantine.nettskjema_id IS NOT DISTINCT FROM ?";

/// Returns the submission that holds these bytes of this source, also where they were placed out of quarantine. One
/// round trip.
pub fn with_payload(
    tx: &mut Tx<'_>,
    nettskjema_id: Option<&str>,
    source: Option<&Source>,
    payload_hash: [u8; 32],
) -> Result<Option<WithPayload>, StoreError> {
    let text = |each: fn(&Source) -> &str| source.map(each);
    let mut query = statement(
        "WITH kept AS (SELECT id, revision, source_submission_id, source_form_id, source_system FROM submission \
         WHERE source_submission_id = ? AND source_form_id = ? AND source_system = ? AND payload_hash = ?",
    )
    .bind::<Nullable<Text>, _>(text(|it| &it.submission_id))
    .bind::<Nullable<Text>, _>(text(|it| &it.form_id))
    .bind::<Nullable<Text>, _>(text(|it| &it.system))
    .bind::<Bytea, _>(payload_hash.to_vec());
    // Only deliveries of these roles can have been in quarantine.
    if matches!(tx.principal().role, Role::Importer | Role::RegistryManager) {
        query = query
            .then(PLACED)
            .bind::<Bytea, _>(payload_hash.to_vec())
            .bind::<Nullable<Text>, _>(nettskjema_id.map(str::to_owned));
    }
    let found: Option<FoundRow> = query
        .then(
            ") SELECT current.id, current.revision, kept.id AS kept_id, kept.revision AS kept_revision, \
             coalesce(patient.merged_into, patient.id) AS patient_id, current.wave, current.invitation_id, \
             source_system, source_form_id, source_submission_id FROM kept JOIN submission current \
             USING (source_submission_id, source_form_id, source_system) JOIN patient ON patient.id = current.patient_id \
             WHERE current.superseded_by IS NULL ORDER BY current.revision DESC, kept.revision DESC LIMIT 1",
        )
        .get_result(tx.conn)
        .optional()?;
    let Some(row) = found else { return Ok(None) };
    let placed = Placed {
        id: SubmissionId::existing(row.id),
        revision: row.revision,
        delivered: Delivered::Unchanged,
        kept: (SubmissionId::existing(row.kept_id), row.kept_revision),
        invitation: row.invitation_id.map(InvitationId::existing),
    };
    Ok(Some(WithPayload {
        placed,
        patient: PatientId::existing(row.patient_id),
        wave: row.wave.parse().map_err(unreadable)?,
        source: Source {
            system: row.source_system,
            form_id: row.source_form_id,
            submission_id: row.source_submission_id,
        },
    }))
}
