//! The one route list. The specification is made from the same list, so that nothing can be served undocumented.

pub mod audit_events;
pub mod code_systems;
pub mod forms;
pub mod instruments;
pub mod patients;
pub mod service;
pub mod submissions;
pub mod summary;
pub mod tenants;

use utoipa_actix_web::service_config::ServiceConfig;

/// Every route of the API.
pub fn all(config: &mut ServiceConfig<'_>) {
    config
        .service(tenants::create::create_tenant)
        .service(tenants::list::list_tenants)
        .service(tenants::read::read_tenant)
        .service(tenants::update::update_tenant)
        .service(tenants::suspend::suspend_tenant)
        .service(tenants::resume::resume_tenant)
        .service(tenants::migrate::migrate_tenant)
        .service(tenants::drop::drop_tenant)
        .service(patients::register::register_patient)
        .service(patients::list::list_patients)
        .service(patients::look_up::look_up_patient)
        .service(patients::read::read_patient)
        .service(patients::update::update_patient)
        .service(instruments::list::list_instruments)
        .service(instruments::read::read_instrument)
        .service(instruments::score::score_answers)
        .service(code_systems::list::list_code_systems)
        .service(code_systems::search::search_codes)
        .service(code_systems::read::read_code)
        .service(forms::list::list_forms)
        .service(forms::read::read_form)
        .service(submissions::submit::submit_answers)
        .service(submissions::read::read_submission)
        .service(submissions::list::list_submissions)
        .service(summary::read::read_summary)
        .service(submissions::deliver::deliver_nettskjema)
        .service(audit_events::of_patient::read_access_log)
        .service(audit_events::list::list_audit_events)
        .service(service::live::live)
        .service(service::ready::ready)
        .service(service::metrics::metrics)
        .service(service::specification::specification);
}
