//! Deliveries whose bytes are stored already: a repetition changes nothing, however the delivery was placed and whatever
//! mapping, form or number it would be read by today.

use crate::access::PatientRef;
use crate::app::receipt::Kept;
use crate::error::StoreError;
use crate::store::submissions::{self, Source};
use crate::tx::Tx;

use super::Stored;

/// Returns the stored questionnaire of these bytes, `None` where there is none, an error where it may not be kept any
/// more. One round trip; two more where the bytes are known.
pub fn recognise(
    tx: &mut Tx<'_>,
    nettskjema_id: Option<&str>,
    source: Option<&Source>,
    payload_hash: [u8; 32],
) -> Result<Option<Result<Stored, StoreError>>, StoreError> {
    let Some(found) = submissions::with_payload(tx, nettskjema_id, source, payload_hash)? else { return Ok(None) };
    let (id, revision) = found.placed.kept;
    tx.about(format!("submission/{id}"));
    let access = match tx.open_to_collect(&PatientRef::Id(found.patient)) {
        Ok(access) => access,
        Err(StoreError::NotFound) => return Ok(None),
        Err(error @ StoreError::NotPermitted(_)) => return Ok(Some(Err(error))),
        Err(error) => return Err(error),
    };
    let receipt = tx.receipt(Kept::Stored(id, revision), Some(&found.source), &payload_hash);
    Ok(Some(Ok(Stored {
        placed: found.placed,
        patient: access.id(),
        wave: found.wave.into(),
        scores: Vec::new(),
        alerts: Vec::new(),
        warnings: Vec::new(),
        remarks: Vec::new(),
        receipt,
        source: found.source,
    })))
}
