//! Duplicates: found, merged, parted again.

pub mod candidates;
pub mod list;
pub mod merge;
pub mod read;
pub mod undo;

use jiff::Timestamp;
use painreg_domain::ids::{MergeId, PatientId};
use painreg_tenants::store::merges::Merge;
use serde::Serialize;

/// A merge, standing or undone.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Merge)]
pub struct MergeView {
    /// Its id.
    pub id: MergeId,
    /// The patient whose record holds both.
    pub survivor_id: PatientId,
    /// Who was merged into the survivor; the id opens the survivor's record.
    pub duplicate_id: PatientId,
    /// When.
    merged_at: Timestamp,
    /// By whom.
    #[schema(max_length = 255)]
    merged_by: String,
    /// When it was undone.
    undone_at: Option<Timestamp>,
    /// By whom.
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
