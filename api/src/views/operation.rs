//! Views of long operations.

use painreg_domain::ids::OperationId;
use painreg_domain::operation::{Failure, OperationKind, OperationState};
use painreg_tenants::Reply;
use painreg_tenants::store::operations::Operation;
use serde::Serialize;

use crate::wire::reply;

/// A long operation, with its state and progress.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Operation)]
pub struct OperationView {
    /// The id of the operation.
    id: OperationId,
    /// The kind of the operation.
    kind: OperationKind,
    /// The state of the operation; `succeeded`, `failed` and `cancelled` are final.
    state: OperationState,
    /// The progress so far.
    progress: Progress,
    /// The result so far, in the terms of the kind; complete once the state is `succeeded`. Null before the first
    /// batch.
    #[schema(value_type = Option<Object>)]
    result: Option<serde_json::Value>,
    /// The reason of the failure; null unless the state is `failed`.
    failure: Option<Failure>,
    /// The actor who requested it, as in the access log.
    #[schema(max_length = 200)]
    requested_by: String,
    /// The time of the request.
    created_at: jiff::Timestamp,
    /// The time of the first attempt; null while the operation is queued.
    started_at: Option<jiff::Timestamp>,
    /// The time of the end, in any final state; null before.
    finished_at: Option<jiff::Timestamp>,
    /// The version of the operation; also the ETag. Progress counts as a change.
    #[schema(minimum = 1)]
    version: i64,
}

/// The progress of a long operation, in items of its kind (a rescoring's are submissions).
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = OperationProgress)]
pub struct Progress {
    /// The number of items done.
    #[schema(minimum = 0)]
    done: i64,
    /// The number of items in total; null until they have been counted.
    #[schema(minimum = 0)]
    total: Option<i64>,
}

impl From<Operation> for OperationView {
    fn from(it: Operation) -> Self {
        Self {
            id: it.id,
            kind: it.kind,
            state: it.state,
            progress: Progress { done: it.done, total: it.total },
            result: it.result,
            failure: it.failure,
            requested_by: it.requested_by,
            created_at: it.created_at,
            started_at: it.started_at,
            finished_at: it.finished_at,
            version: it.version,
        }
    }
}

/// Returns the 202 response to a request that queued an operation.
pub fn accepted(tenant: &str, operation: Operation) -> Reply {
    let location = format!("/v1/tenants/{tenant}/operations/{}", operation.id);
    reply(202, Some(location), Some(operation.version), &OperationView::from(operation))
}
