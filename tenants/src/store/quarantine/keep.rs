//! Keeping a delivery that cannot be placed.

use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Bytea, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff_diesel::ToDiesel as _;
use painreg_domain::event;
use painreg_domain::followup::TOKEN_LENGTH;
use painreg_domain::ids::QuarantineId;
use serde_json::Value;
use uuid::Uuid;

use super::sealed_aad;
use crate::columns::Columns;
use crate::error::StoreError;
use crate::statement::statement;
use crate::store::invitations::token_hash;
use crate::store::submissions::Source;
use crate::tx::Tx;

/// A delivery that cannot be placed.
pub struct Unplaced<'a> {
    /// The Nettskjema form's number; `None` for submissions in the registry's own format.
    pub nettskjema_id: Option<&'a str>,
    /// The payload's media type.
    pub media_type: &'a str,
    /// The source submission, if it could be read.
    pub source: Option<&'a Source>,
    /// The instant of the source's last change, if it could be read.
    pub changed_at: Option<Timestamp>,
    /// SHA-256 of the payload.
    pub payload_hash: [u8; 32],
    /// The delivered bytes.
    pub payload: &'a [u8],
    /// The faults that prevent placing it.
    pub reasons: &'a Value,
}

#[derive(QueryableByName)]
struct KeptRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Bool)]
    waits: bool,
    #[diesel(sql_type = Array<SqlUuid>)]
    patients: Vec<Uuid>,
}

/// A superseded delivery that arrives again is counted, and so is an open one. A delivery supersedes the open ones of its
/// source, unless the source changed one of them later: then it is superseded at once.
const KEEP: &str = ", again AS (UPDATE quarantine SET deliveries = quarantine.deliveries + 1, updated_at = new.updated_at, \
     updated_by = new.updated_by, version = quarantine.version + 1 FROM new WHERE quarantine.id = (SELECT known.id \
     FROM quarantine known WHERE known.payload_hash = new.payload_hash AND known.state = 'superseded' \
     AND known.nettskjema_id IS NOT DISTINCT FROM new.nettskjema_id ORDER BY known.updated_at DESC LIMIT 1) \
     AND NOT EXISTS (SELECT FROM quarantine open WHERE open.payload_hash = new.payload_hash AND open.state = 'open') \
     RETURNING quarantine.id, false AS waits), \
     others AS (SELECT open.id, coalesce(open.changed_at > new.changed_at, false) AS later FROM quarantine open JOIN new \
     ON open.source_submission_id = new.source_submission_id AND open.source_form_id = new.source_form_id \
     AND open.source_system = new.source_system WHERE open.state = 'open' AND open.payload_hash <> new.payload_hash \
     AND NOT EXISTS (SELECT FROM again)), \
     superseded AS (UPDATE quarantine SET state = 'superseded', updated_at = new.updated_at, updated_by = new.updated_by, \
     version = quarantine.version + 1 FROM new, others WHERE quarantine.id = others.id AND NOT others.later \
     RETURNING quarantine.invitation_id), \
     named AS (SELECT id, patient_id FROM invitation WHERE token_hash = ANY (?) ORDER BY id LIMIT 1), \
     kept AS (INSERT INTO quarantine (invitation_id, state, deliveries, version, ";

const KEPT: &str = ") SELECT (SELECT id FROM named), CASE WHEN EXISTS (SELECT FROM others WHERE later) THEN 'superseded' \
     ELSE 'open' END, 1, 1, new.* FROM new WHERE NOT EXISTS (SELECT FROM again) \
     ON CONFLICT (payload_hash) WHERE state = 'open' DO UPDATE SET deliveries = quarantine.deliveries + 1, \
     reasons = EXCLUDED.reasons, updated_at = EXCLUDED.updated_at, updated_by = EXCLUDED.updated_by, \
     version = quarantine.version + 1 RETURNING id, state = 'open' AS waits) \
     SELECT item.id, item.waits, ARRAY(SELECT patient_id FROM named UNION SELECT patient_id FROM superseded \
     JOIN invitation ON invitation.id = invitation_id) AS patients FROM (TABLE kept UNION ALL TABLE again) item";

/// Stores a delivery that cannot be placed, and logs that. An equal delivery is counted, not stored twice; a later one of
/// the same source supersedes it. Two round trips.
pub fn keep(tx: &mut Tx<'_>, new: &Unplaced<'_>) -> Result<QuarantineId, StoreError> {
    let id = tx.random_id();
    let sealed = tx.place().keys.quarantine.seal(new.payload, &sealed_aad(tx.place(), b"sealed", id));
    let now = tx.now().to_diesel();
    let by = tx.trace.action();
    let source = |each: fn(&Source) -> &str| new.source.map(each);
    let columns = Columns::default()
        .column::<SqlUuid, _>("id", id)
        .column::<Nullable<Text>, _>("nettskjema_id", new.nettskjema_id)
        .column::<Text, _>("media_type", new.media_type)
        .column::<Nullable<Text>, _>("source_system", source(|it| &it.system))
        .column::<Nullable<Text>, _>("source_form_id", source(|it| &it.form_id))
        .column::<Nullable<Text>, _>("source_submission_id", source(|it| &it.submission_id))
        .column::<Nullable<Timestamptz>, _>("changed_at", new.changed_at.map(jiff_diesel::ToDiesel::to_diesel))
        .column::<Bytea, _>("payload_hash", new.payload_hash.as_slice())
        .column::<Bytea, _>("sealed", sealed)
        .column::<Jsonb, _>("reasons", new.reasons)
        .column::<Timestamptz, _>("received_at", now)
        .column::<Text, _>("received_by", by)
        .column::<Timestamptz, _>("updated_at", now)
        .column::<Text, _>("updated_by", by);
    let insert = statement(KEEP).bind::<Array<Bytea>, _>(token_hashes(new.payload)).names(&columns).then(KEPT);
    let query =
        statement("WITH new (").names(&columns).then(") AS (VALUES (").values(columns).then("))").append(insert);
    let kept: KeptRow = query.get_result(tx.conn)?;
    for patient in kept.patients {
        tx.mark_follow_up_stale(patient);
    }
    let object = format!("quarantine/{}", kept.id);
    tx.trace.write(tx.conn, None, Some(object.clone()), "quarantined")?;
    if kept.waits {
        tx.emit(event::EventType::DeliveryQuarantined, None, object, None);
    }
    Ok(QuarantineId::existing(kept.id))
}

/// Returns the hashes of every word of a payload that could be the token of an invitation.
fn token_hashes(payload: &[u8]) -> Vec<Vec<u8>> {
    const MOST: usize = 100;
    payload
        .split(|byte| !byte.is_ascii_alphanumeric())
        .filter(|word| word.len() == TOKEN_LENGTH)
        .filter_map(|word| std::str::from_utf8(word).ok())
        .take(MOST)
        .map(|word| token_hash(word).to_vec())
        .collect()
}
