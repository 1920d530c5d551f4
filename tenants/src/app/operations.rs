//! Long operations: what each kind does, and one stretch of the one that is due.

use painreg_domain::ids::OperationId;
use painreg_domain::operation::OperationKind;
use painreg_domain::policy::Action;

use super::rescoring;
use crate::error::StoreError;
use crate::store::operations::{self, Operation, Stretch};
use crate::tx::Tx;

/// How the worker does a kind of operation.
struct Job {
    /// The right, and the audit entry of each stretch.
    action: Action,
    /// Does the next stretch. [`StoreError::Invalid`] gives the operation up; other errors are retried.
    stretch: fn(&mut Tx<'_>, &Operation) -> Result<Stretch, StoreError>,
}

const fn job(kind: OperationKind) -> Job {
    match kind {
        OperationKind::Rescoring => Job { action: Action::RescoreAnswers, stretch: rescoring::stretch },
    }
}

/// Returns the action that a stretch of this kind runs as.
pub const fn action(kind: OperationKind) -> Action {
    job(kind).action
}

/// Does one stretch of the operation, unless another worker holds it or it has ended.
pub fn run_stretch(tx: &mut Tx<'_>, id: OperationId) -> Result<(), StoreError> {
    let Some(operation) = operations::take(tx, id)? else { return Ok(()) };
    let done = (job(operation.kind).stretch)(tx, &operation)?;
    operations::advance(tx, &operation, &done)
}

/// Records a failed stretch: the operation is retried later, or fails for good.
pub fn record_failure(tx: &mut Tx<'_>, id: OperationId, error: &StoreError) -> Result<(), StoreError> {
    operations::record_failure(tx, id, matches!(error, StoreError::Invalid(_)))
}
