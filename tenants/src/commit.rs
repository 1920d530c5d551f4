//! What every transaction in a tenant does before COMMIT, whatever its action: above the stores, below the door.

use crate::error::StoreError;
use crate::store::{decisions, events};
use crate::tx::Tx;

/// Decides stale follow-up again, writes the events (deciding adds some), and makes sure of a trace in the access log.
pub(crate) fn before_commit(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    decisions::redecide_stale(tx)?;
    events::write(tx)?;
    tx.trace.finish(tx.conn, tx.object.clone())
}
