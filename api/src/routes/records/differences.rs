//! Compares a record at two instants.

use actix_web::{HttpResponse, get, web};
use jiff::Timestamp;
use painreg_domain::clinical::history::{Difference, differences};
use painreg_domain::ids::PatientId;
use painreg_tenants::store::entries;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Query, parameter};

/// The instants to compare.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Instants {
    /// The earlier instant; absent: before the first entry.
    #[param(max_length = 40)]
    from: Option<Timestamp>,
    /// The later instant; absent: now.
    #[param(max_length = 40)]
    to: Option<Timestamp>,
}

/// The differences between two instants.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Differences {
    /// The earlier instant.
    from: Timestamp,
    /// The later instant.
    to: Timestamp,
    /// The entries that were added, changed or withdrawn in between, with the members that differ.
    #[schema(max_items = 100_000)]
    items: Vec<Difference>,
}

/// Compare a patient's record at two instants.
///
/// Entries of every kind; questionnaires never change and are in the timeline.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("ReadTimeline"))),
    params(Instants),
    responses((status = 200, description = "The differences.", body = Differences), Problems))]
#[get("/differences")]
pub async fn read_differences(
    caller: Caller,
    path: web::Path<(String, PatientId)>,
    Query(Instants { from, to }): Query<Instants>,
) -> Result<HttpResponse, Problem> {
    let (_, patient) = path.into_inner();
    // PostgreSQL's years begin later than jiff's.
    let from = from.unwrap_or(Timestamp::UNIX_EPOCH);
    if to.is_some_and(|to| to < from) {
        return Err(parameter("query", "to"));
    }
    let found = caller
        .run(move |tx| {
            let to = to.unwrap_or_else(|| tx.now());
            if to < from {
                return Err(parameter("query", "from"));
            }
            let access = tx.open_patient(patient)?;
            let before = entries::state_at(tx, &access, from)?;
            let after = entries::state_at(tx, &access, to)?;
            Ok(Differences { from, to, items: differences(&before, &after) })
        })
        .await?;
    Ok(HttpResponse::Ok().json(found))
}
