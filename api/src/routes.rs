//! The one route list. The specification is made from the same list, so that nothing can be served undocumented.
//!
//! Routes are in scopes by the segments of their path, and a route's own path begins where that of its scope ends: a
//! request is compared with the nouns, and then only with the patterns of its noun.

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
use painreg_domain::clinical::EntryKind;
use utoipa_actix_web::OpenApiFactory;

/// The receiver of the route list: the server, which serves it, or the specification, which describes it.
pub trait Takes: Sized {
    /// Takes one more route.
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self;

    /// Takes the routes whose paths begin with a prefix, which may contain parameters.
    fn scope(&mut self, prefix: &str, part: impl FnOnce(&mut Self)) -> &mut Self;
}

impl Takes for web::ServiceConfig {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self {
        self.service(route)
    }

    fn scope(&mut self, prefix: &str, part: impl FnOnce(&mut Self)) -> &mut Self {
        self.service(web::scope(prefix).configure(part))
    }
}

/// Every route of the API.
pub fn all(config: &mut impl Takes) {
    config
        .service(tenants::create::create_tenant)
        .service(tenants::list::list_tenants)
        .scope("/v1/tenants/{tenant}", of_tenant)
        .service(service::live::live)
        .service(service::ready::ready)
        .service(service::metrics::metrics)
        .service(service::specification::specification);
}

/// The routes of one registry, by noun. Nouns with a parameter in their paths have a scope.
fn of_tenant(config: &mut impl Takes) {
    config
        .scope("/patients", of_patients)
        .scope("/alerts", of_alerts)
        .scope("/code-lists", of_code_lists)
        .scope("/code-systems", of_code_systems)
        .scope("/follow-up-plans", of_follow_up_plans)
        .scope("/follow-up-statistics", of_follow_up_statistics)
        .scope("/forms", of_forms)
        .scope("/instruments", of_instruments)
        .scope("/invitations", of_invitations)
        .scope("/licences", of_licences)
        .scope("/nettskjema", of_nettskjema)
        .scope("/operations", of_operations)
        .scope("/patient-merges", of_patient_merges)
        .scope("/projects", of_projects)
        .scope("/quarantine", of_quarantine)
        .scope("/submissions", of_submissions)
        .scope("/webhooks", of_webhooks)
        .service(tenants::read::read_tenant)
        .service(tenants::update::update_tenant)
        .service(tenants::suspend::suspend_tenant)
        .service(tenants::resume::resume_tenant)
        .service(tenants::migrate::migrate_tenant)
        .service(tenants::drop::drop_tenant)
        .service(patients::look_up::look_up_patient)
        .service(patients::register_many::register_many)
        .service(device_recalls::list::list_recalled)
        .service(merges::candidates::list_duplicates)
        .service(body_regions::list::list_body_regions)
        .service(licences::due::list_licence_deadlines)
        .service(settings::read::read_settings)
        .service(settings::change::change_settings)
        .service(forms::import::import_form)
        .service(forms::import_questionnaire::import_fhir_questionnaire)
        .service(submissions::respond::submit_fhir_response)
        .service(summary::read::read_summary)
        .service(submissions::submit_many::submit_many)
        .service(quarantine::replay_many::replay_quarantine)
        .service(receipt_keys::list::list_receipt_keys)
        .service(rescorings::rescore::rescore)
        .service(audit_events::list::list_audit_events)
        .service(follow_up_plans::draft::read_follow_up_plan_draft)
        .service(follow_up_plans::write::write_follow_up_plan_draft)
        .service(follow_up_plans::discard::discard_follow_up_plan_draft)
        .service(follow_up_plans::simulate::simulate_follow_up)
        .service(follow_up::decisions::list_follow_up_decisions)
        .service(follow_up::counts::count_follow_up)
        .service(follow_up::run::run_follow_up)
        .service(follow_up_statistics::profile::read_non_responder_profile)
        .service(call_list::read::read_call_list)
        .service(call_list::record::record_follow_up_call)
        .service(call_list::calls::list_follow_up_calls)
        .service(invitations::claim::claim_invitations)
        .service(events::list::list_events);
    entries::of_registry(config);
}

/// The routes of `patients`.
fn of_patients(config: &mut impl Takes) {
    config
        .service(patients::register::register_patient)
        .service(patients::list::list_patients)
        .scope("/{patient}", of_patient);
}

/// The routes of one patient.
fn of_patient(config: &mut impl Takes) {
    config
        .service(patients::read::read_patient)
        .service(patients::update::update_patient)
        .service(patients::versions::list_patient_versions)
        .service(records::timeline::read_timeline)
        .service(records::differences::read_differences)
        .service(records::permissions::read_permissions)
        .service(records::omeq_series::read_omeq_series)
        .service(implants::current::read_current_implants)
        .service(submissions::list::list_submissions)
        .service(audit_events::of_patient::read_access_log)
        .service(follow_up::of_patient::read_follow_up);
    entries::of_patient(config, |config, kind| {
        if kind == EntryKind::Referral {
            config.service(referrals::recategorise::recategorise_referral);
        }
    });
}

/// The routes of `alerts`.
fn of_alerts(config: &mut impl Takes) {
    config
        .service(alerts::list::list_alerts)
        .service(alerts::read::read_alert)
        .service(alerts::acknowledge::acknowledge_alert);
}

/// The routes of `code-lists`.
fn of_code_lists(config: &mut impl Takes) {
    config
        .service(code_lists::list::list_code_lists)
        .service(code_lists::read::read_code_list)
        .service(code_lists::replace::replace_code_list);
}

/// The routes of `code-systems`.
fn of_code_systems(config: &mut impl Takes) {
    config
        .service(code_systems::list::list_code_systems)
        .service(code_systems::search::search_codes)
        .service(code_systems::read::read_code);
}

/// The routes of `follow-up-plans`.
fn of_follow_up_plans(config: &mut impl Takes) {
    config
        .service(follow_up_plans::list::list_follow_up_plans)
        .service(follow_up_plans::publish::publish_follow_up_plan)
        .service(follow_up_plans::read::read_follow_up_plan);
}

/// The routes of `follow-up-statistics`.
fn of_follow_up_statistics(config: &mut impl Takes) {
    config
        .service(follow_up_statistics::read::read_follow_up_statistics)
        .service(follow_up_statistics::decisions::list_statistics_decisions);
}

/// The routes of `forms`.
fn of_forms(config: &mut impl Takes) {
    config
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
        .service(forms::questionnaire::read_fhir_questionnaire);
}

/// The routes of `instruments`.
fn of_instruments(config: &mut impl Takes) {
    config
        .service(instruments::list::list_instruments)
        .service(instruments::read::read_instrument)
        .service(instruments::score::score_answers)
        .service(texts::list::list_item_texts)
        .service(texts::read::read_item_texts)
        .service(texts::load::load_item_texts);
}

/// The routes of `invitations`.
fn of_invitations(config: &mut impl Takes) {
    config
        .service(invitations::list::list_invitations)
        .service(invitations::hand_over::hand_over_invitation)
        .service(invitations::report::report_invitation)
        .service(invitations::read::read_invitation);
}

/// The routes of `licences`.
fn of_licences(config: &mut impl Takes) {
    config
        .service(licences::list::list_licences)
        .service(licences::register::register_licence)
        .service(licences::read::read_licence)
        .service(licences::change::change_licence)
        .service(licences::withdraw::withdraw_licence)
        .service(licences::versions::list_licence_versions);
}

/// The routes of `nettskjema`.
fn of_nettskjema(config: &mut impl Takes) {
    config
        .service(nettskjema::mappings::list_nettskjema_mappings)
        .service(nettskjema::mapping::read_nettskjema_mapping)
        .service(nettskjema::map::save_nettskjema_mapping)
        .service(nettskjema::definitions::list_nettskjema_definitions)
        .service(nettskjema::describe::describe_nettskjema)
        .service(nettskjema::deliver::deliver_nettskjema)
        .service(nettskjema::deliver_many::deliver_many);
}

/// The routes of `operations`.
fn of_operations(config: &mut impl Takes) {
    config
        .service(operations::list::list_operations)
        .service(operations::read::read_operation)
        .service(operations::cancel::cancel_operation);
}

/// The routes of `patient-merges`.
fn of_patient_merges(config: &mut impl Takes) {
    config
        .service(merges::merge::merge_patients)
        .service(merges::list::list_merges)
        .service(merges::read::read_merge)
        .service(merges::undo::undo_merge);
}

/// The routes of `projects`.
fn of_projects(config: &mut impl Takes) {
    config
        .service(projects::list::list_projects)
        .service(projects::register::register_project)
        .service(projects::read::read_project)
        .service(projects::change::change_project);
}

/// The routes of `quarantine`.
fn of_quarantine(config: &mut impl Takes) {
    config
        .service(quarantine::list::list_quarantine)
        .service(quarantine::read::read_quarantined)
        .service(quarantine::replay::replay_quarantined)
        .service(quarantine::set_aside::set_aside_quarantined);
}

/// The routes of `submissions`.
fn of_submissions(config: &mut impl Takes) {
    config
        .service(submissions::submit::submit_answers)
        .service(submissions::read::read_submission)
        .service(submissions::differences::read_submission_differences)
        .service(submissions::scores::list_scores)
        .service(submissions::response::read_fhir_response);
}

/// The routes of `webhooks`.
fn of_webhooks(config: &mut impl Takes) {
    config
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The patterns of a scope, in the order in which a request is compared with them.
    enum Pattern {
        Route(Vec<String>),
        Scope(String, Vec<Pattern>),
    }

    #[derive(Default)]
    struct Patterns(Vec<Pattern>);

    impl Takes for Patterns {
        fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self {
            let item = |(path, item): (&String, &utoipa::openapi::PathItem)| {
                let methods = [&item.get, &item.post, &item.put, &item.patch, &item.delete];
                vec![path.clone(); methods.into_iter().flatten().count()]
            };
            self.0.push(Pattern::Route(route.paths().paths.iter().flat_map(item).collect()));
            self
        }

        fn scope(&mut self, prefix: &str, part: impl FnOnce(&mut Self)) -> &mut Self {
            let mut inside = Self::default();
            part(&mut inside);
            self.0.push(Pattern::Scope(prefix.to_owned(), inside.0));
            self
        }
    }

    /// Adds, for each route, its path and the number of patterns with a parameter, and of all, that a request of it meets.
    fn count(patterns: &[Pattern], before: &str, met: (usize, usize), found: &mut Vec<(String, usize, usize)>) {
        let (mut with_parameter, mut all) = met;
        for pattern in patterns {
            let paths = match pattern {
                Pattern::Route(paths) => paths.as_slice(),
                Pattern::Scope(prefix, _) => std::slice::from_ref(prefix),
            };
            for path in paths {
                with_parameter += usize::from(path.contains('{'));
                all += 1;
                match pattern {
                    Pattern::Route(_) => found.push((format!("{before}{path}"), with_parameter, all)),
                    Pattern::Scope(prefix, inside) => {
                        count(inside, &format!("{before}{prefix}"), (with_parameter, all), found);
                    }
                }
            }
        }
    }

    #[test]
    fn a_request_meets_few_patterns() {
        let mut patterns = Patterns::default();
        all(&mut patterns);
        let mut found = Vec::new();
        count(&patterns.0, "", (0, 0), &mut found);
        let most = |number: fn(&(String, usize, usize)) -> usize| found.iter().max_by_key(|it| number(it)).cloned();
        let (with_parameter, all) = (most(|it| it.1), most(|it| it.2));
        println!("{} routes; most patterns with a parameter {with_parameter:?}, of all {all:?}", found.len());
        assert!(found.len() > 200);
        assert!(with_parameter.is_some_and(|it| it.1 <= 16), "a noun needs scopes of its own");
        assert!(all.is_some_and(|it| it.2 <= 120), "the nouns need an order");
    }
}
