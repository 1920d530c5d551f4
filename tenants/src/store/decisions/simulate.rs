//! Simulating a plan: what it would change, without storing anything.

use painreg_domain::followup::{Plan, decide};
use painreg_domain::ids::PatientId;

use super::redecide::records;
use super::stored::Content;
use crate::error::StoreError;
use crate::tx::Tx;

/// The number of patients who are read at a time.
const BATCH: i64 = 500;

/// What a plan would change of one patient's follow-up.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The patient.
    pub patient: PatientId,
    /// What is decided now; `None`: nothing.
    pub before: Option<Content>,
    /// What would be; `None`: nothing.
    pub after: Option<Content>,
}

/// What a plan would change, were it published now, patient by patient in order of ids: `see` is shown every difference.
/// How many patients there are. Nothing is stored.
pub fn simulate(tx: &mut Tx<'_>, plan: &Plan, mut see: impl FnMut(Difference)) -> Result<usize, StoreError> {
    let now = tx.now();
    tx.as_system(|tx| {
        let (mut seen, mut after) = (0, None);
        loop {
            let (_, records) = records(tx, None, after, Some(BATCH))?;
            let Some(last) = records.last() else { return Ok(seen) };
            after = Some(last.patient);
            seen += records.len();
            for mut record in records {
                let patient = PatientId::existing(record.patient);
                for decision in decide(plan, &record.facts, now).decisions {
                    let content = Content::from(&decision);
                    let place = record.before.iter().position(|old| old.content.key() == content.key());
                    let before = place.map(|place| record.before.swap_remove(place).content);
                    if before.as_ref() != Some(&content) {
                        see(Difference { patient, before, after: Some(content) });
                    }
                }
                for gone in record.before {
                    see(Difference { patient, before: Some(gone.content), after: None });
                }
            }
        }
    })
}

/// Logs that these patients were shown.
pub fn shown(tx: &mut Tx<'_>, patients: &[PatientId]) -> Result<(), StoreError> {
    tx.open_all(patients)
}
