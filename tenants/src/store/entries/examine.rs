//! Examining an entry before it is stored.

use painreg_domain::clinical::{Entry, EntryKind, Examination};
use serde_json::{Map, Value};

use crate::access::RecordingContext;
use crate::error::{StoreError, unreadable};
use crate::store::code_lists;
use crate::tx::Tx;

/// An examined entry: all stored members except id, patient, instants and version.
pub struct Examined {
    pub(super) kind: EntryKind,
    pub(super) members: Map<String, Value>,
}

/// Examines an entry with the registry's code books and lists. Returns [`StoreError::Invalid`] with every fault.
pub fn examine<T: Entry>(tx: &mut Tx<'_>, standing: &RecordingContext, entry: &T) -> Result<Examined, StoreError> {
    let lists = code_lists::current(tx, standing)?;
    let codes = tx.codes();
    let mut exam = Examination::new(tx.today(), standing.born, standing.died, codes, &lists);
    let derived = entry.examine(&mut exam);
    let remarks = exam.finish().map_err(StoreError::Invalid)?;
    let mut members = object(serde_json::to_value(entry))?;
    members.extend(object(serde_json::to_value(derived))?);
    members.insert("remarks".to_owned(), serde_json::to_value(remarks).map_err(unreadable)?);
    Ok(Examined { kind: T::KIND, members })
}

fn object(value: serde_json::Result<Value>) -> Result<Map<String, Value>, StoreError> {
    match value.map_err(unreadable)? {
        Value::Object(members) => Ok(members),
        _ => Ok(Map::new()),
    }
}
