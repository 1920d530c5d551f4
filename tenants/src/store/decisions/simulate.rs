//! Simulating a plan: what it would change, without storing anything.

use painreg_domain::followup::{Plan, decide};
use painreg_domain::ids::PatientId;

use super::redecide::records;
use super::stored::Content;
use crate::error::StoreError;
use crate::tx::Tx;

/// The number of patients who are read at a time.
const BATCH: i64 = 500;

/// One decision of one patient, now and under a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The patient of the decision.
    pub patient: PatientId,
    /// The current decision; `None` where there is none.
    pub before: Option<Content>,
    /// The decision under the plan; `None` where there would be none.
    pub after: Option<Content>,
}

impl Compared {
    /// Whether the plan would change nothing of the occurrence.
    pub fn is_unchanged(&self) -> bool {
        matches!((&self.before, &self.after), (Some(before), Some(after)) if before.says_the_same(after))
    }
}

/// Calls `see` with every decision, now and if the plan were published now, in order of patient ids. Returns the number of
/// patients. Stores nothing.
pub fn simulate(tx: &mut Tx<'_>, plan: &Plan, mut see: impl FnMut(Compared)) -> Result<usize, StoreError> {
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
                    see(Compared { patient, before, after: Some(content) });
                }
                for gone in record.before {
                    see(Compared { patient, before: Some(gone.content), after: None });
                }
            }
        }
    })
}

/// Logs that these patients were shown.
pub fn shown(tx: &mut Tx<'_>, patients: &[PatientId]) -> Result<(), StoreError> {
    tx.open_all(patients)
}
