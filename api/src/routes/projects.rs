//! Local quality and research projects (prosjekter).

pub mod change;
pub mod list;
pub mod read;
pub mod register;

use jiff::Timestamp;
use painreg_domain::code_list::Project;
use painreg_tenants::store::code_lists::KeptProject;
use serde::{Deserialize, Serialize};

/// A project in a request body.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(as = NewProject)]
pub struct ProjectBody(pub Project);

/// A project of the registry.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = RegisteredProject)]
pub struct ProjectView {
    /// The content of the project.
    project: Project,
    /// The time of registration.
    created_at: Timestamp,
    /// The time of the last change.
    updated_at: Timestamp,
    /// Counts changes; also the ETag.
    #[schema(minimum = 1)]
    pub version: i64,
}

impl From<KeptProject> for ProjectView {
    fn from(it: KeptProject) -> Self {
        Self { project: it.project, created_at: it.created_at, updated_at: it.updated_at, version: it.version }
    }
}
