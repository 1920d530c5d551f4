//! Long operations: what each kind does, and one stretch of the one that is due.

use painreg_domain::operation::Kind;
use painreg_domain::policy::Action;

use super::rescoring;
use crate::error::StoreError;
use crate::scope::{TenantScope, Tx};
use crate::store::operations::{self, Operation, Stretch};

/// How the worker does a kind of operation.
struct Job {
    /// The right, and the audit entry of each stretch.
    action: Action,
    /// Does the next stretch. [`StoreError::Invalid`] gives the operation up; other errors are retried.
    stretch: fn(&mut Tx<'_>, &Operation) -> Result<Stretch, StoreError>,
}

const fn job(kind: Kind) -> Job {
    match kind {
        Kind::Rescoring => Job { action: Action::RescoreAnswers, stretch: rescoring::stretch },
    }
}

/// Does one stretch of the operation that has been due the longest. Returns whether there may be more to do.
pub fn step(scope: &TenantScope) -> Result<bool, StoreError> {
    let Some((id, kind)) = operations::next_due(scope)? else { return Ok(false) };
    let Job { action, stretch } = job(kind);
    let done = scope.run(action, |tx| {
        let Some(operation) = operations::take(tx, id)? else { return Ok(()) };
        let done = stretch(tx, &operation)?;
        operations::advance(tx, id, &done).map(|_| ())
    });
    if let Err(error) = done {
        tracing::warn!(%error, operation = %id, kind = <&'static str>::from(kind), tenant = scope.tenant().slug, "operation stretch failed");
        let is_final = matches!(error, StoreError::Invalid(_));
        scope.run(action, |tx| operations::record_failure(tx, id, is_final))?;
    }
    Ok(true)
}
