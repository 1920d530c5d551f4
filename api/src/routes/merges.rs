//! Duplicates: candidates, merges and their undo.

pub mod candidates;
pub mod list;
pub mod merge;
pub mod read;
pub mod undo;

use jiff::Timestamp;
use painreg_domain::ids::{MergeId, PatientId};
use painreg_tenants::store::merges::Merge;
use serde::Serialize;

/// A merge, in force or undone.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Merge)]
pub struct MergeView {
    /// The id of the merge.
    pub id: MergeId,
    /// The survivor: the patient with the merged record.
    pub survivor_id: PatientId,
    /// The patient who was merged into the survivor; the id now refers to the survivor's record.
    pub duplicate_id: PatientId,
    /// The time of the merge.
    merged_at: Timestamp,
    /// The actor who merged them.
    #[schema(max_length = 255)]
    merged_by: String,
    /// The time of the undo; null while the merge is in force.
    undone_at: Option<Timestamp>,
    /// The actor who undid the merge; null while the merge is in force.
    #[schema(max_length = 255)]
    undone_by: Option<String>,
    /// Counts changes; also the ETag.
    #[schema(minimum = 1)]
    pub version: i64,
}

impl From<Merge> for MergeView {
    fn from(it: Merge) -> Self {
        Self {
            id: it.id,
            survivor_id: it.survivor,
            duplicate_id: it.duplicate,
            merged_at: it.merged_at,
            merged_by: it.merged_by,
            undone_at: it.undone_at,
            undone_by: it.undone_by,
            version: it.version,
        }
    }
}
