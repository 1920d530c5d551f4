//! The one route list. The specification is made from the same list, so that nothing can be served undocumented.

pub mod alerts;
pub mod audit_events;
pub mod body_regions;
pub mod call_list;
pub mod code_lists;
pub mod code_systems;
pub mod device_recalls;
pub mod entries;
pub mod events;
pub mod follow_up;
pub mod follow_up_plans;
pub mod follow_up_statistics;
pub mod forms;
pub mod implants;
pub mod instruments;
pub mod invitations;
pub mod licences;
pub mod merges;
pub mod nettskjema;
pub mod operations;
pub mod patients;
pub mod projects;
pub mod quarantine;
pub mod receipt_keys;
pub mod records;
pub mod referrals;
pub mod rescorings;
pub mod service;
pub mod settings;
pub mod submissions;
pub mod summary;
pub mod tenants;
pub mod texts;
pub mod webhooks;

use actix_web::dev::HttpServiceFactory;
use actix_web::web;
use utoipa_actix_web::OpenApiFactory;
use utoipa_actix_web::service_config::ServiceConfig;

/// The receiver of the route list: the server, which serves it, or the specification, which describes it.
pub trait Takes: Sized {
    /// Takes one more route.
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self;

    /// Takes a part of the list.
    fn configure(&mut self, part: fn(&mut Self)) -> &mut Self {
        part(self);
        self
    }
}

impl Takes for web::ServiceConfig {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self {
        self.service(route)
    }
}

impl Takes for ServiceConfig<'_> {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self {
        self.service(route)
    }
}

/// Every route of the API.
pub fn all(config: &mut impl Takes) {
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
        .service(patients::versions::list_patient_versions)
        .service(patients::register_many::register_many)
        .service(records::timeline::read_timeline)
        .service(records::differences::read_differences)
        .service(records::permissions::read_permissions)
        .service(records::omeq_series::read_omeq_series)
        .service(implants::current::read_current_implants)
        .service(referrals::recategorise::recategorise_referral)
        .configure(entries::all)
        .service(device_recalls::list::list_recalled)
        .service(merges::candidates::list_duplicates)
        .service(merges::merge::merge_patients)
        .service(merges::list::list_merges)
        .service(merges::read::read_merge)
        .service(merges::undo::undo_merge)
        .configure(of_lists)
        .service(body_regions::list::list_body_regions)
        .service(instruments::list::list_instruments)
        .service(instruments::read::read_instrument)
        .service(instruments::score::score_answers)
        .service(texts::list::list_item_texts)
        .service(texts::read::read_item_texts)
        .service(texts::load::load_item_texts)
        .service(licences::list::list_licences)
        .service(licences::register::register_licence)
        .service(licences::read::read_licence)
        .service(licences::change::change_licence)
        .service(licences::withdraw::withdraw_licence)
        .service(licences::versions::list_licence_versions)
        .service(licences::due::list_licence_deadlines)
        .service(settings::read::read_settings)
        .service(settings::change::change_settings)
        .service(code_systems::list::list_code_systems)
        .service(code_systems::search::search_codes)
        .service(code_systems::read::read_code)
        .service(forms::list::list_forms)
        .service(forms::begin::begin_form)
        .service(forms::read::read_form)
        .service(forms::draft::read_form_draft)
        .service(forms::replace::replace_form_draft)
        .service(forms::discard::discard_form_draft)
        .service(forms::publish::publish_form)
        .service(forms::versions::list_form_versions)
        .service(forms::version::read_form_version)
        .service(forms::differences::read_form_differences)
        .service(forms::export::export_form)
        .service(forms::import::import_form)
        .service(forms::questionnaire::read_fhir_questionnaire)
        .service(forms::import_questionnaire::import_fhir_questionnaire)
        .service(submissions::submit::submit_answers)
        .service(submissions::read::read_submission)
        .service(submissions::differences::read_submission_differences)
        .service(submissions::scores::list_scores)
        .service(submissions::list::list_submissions)
        .service(submissions::response::read_fhir_response)
        .service(submissions::respond::submit_fhir_response)
        .service(summary::read::read_summary)
        .service(submissions::submit_many::submit_many)
        .service(nettskjema::mappings::list_nettskjema_mappings)
        .service(nettskjema::mapping::read_nettskjema_mapping)
        .service(nettskjema::map::save_nettskjema_mapping)
        .service(nettskjema::definitions::list_nettskjema_definitions)
        .service(nettskjema::describe::describe_nettskjema)
        .service(nettskjema::deliver::deliver_nettskjema)
        .service(nettskjema::deliver_many::deliver_many)
        .service(quarantine::list::list_quarantine)
        .service(quarantine::read::read_quarantined)
        .service(quarantine::replay::replay_quarantined)
        .service(quarantine::replay_many::replay_quarantine)
        .service(quarantine::set_aside::set_aside_quarantined)
        .configure(of_follow_up)
        .configure(of_events)
        .service(receipt_keys::list::list_receipt_keys)
        .service(rescorings::rescore::rescore)
        .configure(of_operations)
        .service(audit_events::of_patient::read_access_log)
        .service(audit_events::list::list_audit_events)
        .service(service::live::live)
        .service(service::ready::ready)
        .service(service::metrics::metrics)
        .service(service::specification::specification);
}

/// Adds the routes of the registry's own lists: code lists and projects.
fn of_lists(config: &mut impl Takes) {
    config
        .service(code_lists::list::list_code_lists)
        .service(code_lists::read::read_code_list)
        .service(code_lists::replace::replace_code_list)
        .service(projects::list::list_projects)
        .service(projects::read::read_project)
        .service(projects::register::register_project)
        .service(projects::change::change_project);
}

/// Adds the routes of long operations.
fn of_operations(config: &mut impl Takes) {
    config
        .service(operations::list::list_operations)
        .service(operations::read::read_operation)
        .service(operations::cancel::cancel_operation);
}

/// Adds the routes of follow-up: plans, decisions, statistics, calls and invitations.
fn of_follow_up(config: &mut impl Takes) {
    config
        .service(follow_up_plans::list::list_follow_up_plans)
        .service(follow_up_plans::publish::publish_follow_up_plan)
        .service(follow_up_plans::read::read_follow_up_plan)
        .service(follow_up_plans::draft::read_follow_up_plan_draft)
        .service(follow_up_plans::write::write_follow_up_plan_draft)
        .service(follow_up_plans::discard::discard_follow_up_plan_draft)
        .service(follow_up_plans::simulate::simulate_follow_up)
        .service(follow_up::of_patient::read_follow_up)
        .service(follow_up::decisions::list_follow_up_decisions)
        .service(follow_up::counts::count_follow_up)
        .service(follow_up::run::run_follow_up)
        .service(follow_up_statistics::read::read_follow_up_statistics)
        .service(follow_up_statistics::decisions::list_statistics_decisions)
        .service(follow_up_statistics::profile::read_non_responder_profile)
        .service(call_list::read::read_call_list)
        .service(call_list::record::record_follow_up_call)
        .service(call_list::calls::list_follow_up_calls)
        .service(invitations::claim::claim_invitations)
        .service(invitations::hand_over::hand_over_invitation)
        .service(invitations::report::report_invitation)
        .service(invitations::list::list_invitations)
        .service(invitations::read::read_invitation);
}

/// Adds the routes of alerts, events and webhooks.
fn of_events(config: &mut impl Takes) {
    config
        .service(alerts::list::list_alerts)
        .service(alerts::read::read_alert)
        .service(alerts::acknowledge::acknowledge_alert)
        .service(events::list::list_events)
        .service(webhooks::create::create_webhook)
        .service(webhooks::list::list_webhooks)
        .service(webhooks::read::read_webhook)
        .service(webhooks::change::change_webhook)
        .service(webhooks::remove::remove_webhook)
        .service(webhooks::rotate::rotate_webhook_secret)
        .service(webhooks::test::test_webhook)
        .service(webhooks::replay::replay_webhook)
        .service(webhooks::deliveries::list_webhook_deliveries);
}
