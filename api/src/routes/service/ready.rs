//! Readiness of the process: the database is reachable, with a matching version, safe settings for every registry and this
//! key, every active registry can be served, and every background job runs.

use actix_web::{HttpResponse, get, web};
use painreg_domain::fault::Fault;
use painreg_tenants::StoreError;

use super::live::Health;
use crate::problem::{Code, Problem, Problems};
use crate::state::State;

/// A check returns what is wrong; an error means that it cannot be made.
type Check = fn(&State) -> Result<Vec<Fault>, StoreError>;

/// The checks, in order. An error ends them.
const CHECKS: &[Check] = &[
    |state| state.registry.check_database().map(|()| Vec::new()),
    |state| state.registry.check_key(),
    |state| state.registry.unserved(),
    |state| Ok(state.interruptions.faults()),
];

/// Check readiness: whether requests can be served.
///
/// Not ready (`unavailable`, `migrating`) while the database cannot be reached, is at another version, or while it, or the
/// sessions of a registry, have settings that could lose acknowledged writes, break constraints or write patient data into
/// its log; the log gives the reason. Not ready (`not_ready`) while the key is not that of the database, an active registry
/// cannot be served, or a background job has ended unexpectedly; `errors` names each at `/key`, `/registries/` and its slug,
/// or `/jobs/` and its name. Ready again at the first check after the cause has gone.
#[utoipa::path(tag = "Service", extensions(("x-public" = json!(true))), security(()),
    responses((status = 200, description = "Requests are served.", body = Health), Problems))]
#[get("/health/ready")]
#[expect(clippy::disallowed_methods, reason = "the check belongs to no tenant and no caller")]
pub async fn ready(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let faults = web::block(move || {
        CHECKS.iter().try_fold(Vec::new(), |mut faults, check| {
            faults.extend(check(&state)?);
            Ok::<_, StoreError>(faults)
        })
    })
    .await??;
    if faults.is_empty() {
        Ok(HttpResponse::Ok().json(Health { status: "ok" }))
    } else {
        Err(Problem::with(Code::NotReady, faults))
    }
}
