//! A long operation, as routes show it.

use painreg_domain::ids::OperationId;
use painreg_domain::operation::{Failure, OperationKind, OperationState};
use painreg_tenants::Reply;
use painreg_tenants::store::operations::Operation;
use serde::Serialize;

use crate::wire::reply;

/// A long operation.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Operation)]
pub struct OperationView {
    /// The operation's id.
    id: OperationId,
    /// The kind of work.
    kind: OperationKind,
    /// Its state; `succeeded`, `failed` and `cancelled` are final.
    state: OperationState,
    /// How far it is.
    progress: Progress,
    /// The result so far, in the terms of the kind; complete once the state is `succeeded`. Null before the first stretch.
    #[schema(value_type = Option<Object>)]
    result: Option<serde_json::Value>,
    /// Why it was given up; null unless the state is `failed`.
    failure: Option<Failure>,
    /// The actor who requested it, as in the access log.
    #[schema(max_length = 200)]
    requested_by: String,
    /// When it was requested.
    created_at: jiff::Timestamp,
    /// When its first stretch was attempted; null while it is queued.
    started_at: Option<jiff::Timestamp>,
    /// When it ended, however it ended; null before.
    finished_at: Option<jiff::Timestamp>,
    /// The operation's version; also the ETag. Progress counts as a change.
    #[schema(minimum = 1)]
    version: i64,
}

/// The progress of a long operation, in items of its kind (a rescoring's are submissions).
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = OperationProgress)]
pub struct Progress {
    /// How many items are done.
    #[schema(minimum = 0)]
    done: i64,
    /// How many items there are; null until they have been counted.
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

/// The 202 answer to a request that queued an operation.
pub fn accepted(tenant: &str, operation: Operation) -> Reply {
    let location = format!("/v1/tenants/{tenant}/operations/{}", operation.id);
    reply(202, Some(location), Some(operation.version), &OperationView::from(operation))
}
