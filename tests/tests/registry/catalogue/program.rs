//! The variants of checked columns, in the catalogue and in the program.

use std::collections::{BTreeMap, BTreeSet};

use painreg_domain::clinical::history::ChangeReason;
use painreg_domain::clinical::legal_basis;
use painreg_domain::code::{PainClass, System};
use painreg_domain::code_list::{List, ProjectKind};
use painreg_domain::instrument::Status;
use painreg_domain::national_id::IdType;
use painreg_domain::patient::Sex;
use painreg_domain::quarantine::QuarantineState;
use painreg_domain::questionnaire::Wave;
use painreg_domain::{clinical, followup, medication, operation};
use painreg_tests::World;
use strum::IntoEnumIterator;

/// Returns the words of a `CHECK (x IN (..))`.
fn words(definition: &str) -> BTreeSet<String> {
    definition.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
}

fn variants<T: IntoEnumIterator + Into<&'static str>>() -> BTreeSet<String> {
    T::iter().map(|variant| variant.into().to_owned()).collect()
}

#[test]
fn check_constraints_equal_the_rust_variants() {
    let world = World::new();
    let some = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<String>>();
    let known = BTreeMap::from([
        ("patient_sex_known", variants::<Sex>()),
        ("patient_identifier_kind_known", variants::<IdType>()),
        ("form_version_wave_known", variants::<Wave>()),
        ("score_status_known", variants::<Status>()),
        ("code_system_known", variants::<System>()),
        ("code_import_system_known", variants::<System>()),
        ("code_list_list_known", variants::<List>()),
        ("project_kind_known", variants::<ProjectKind>()),
        ("consultation_sequence_known", variants::<clinical::Sequence>()),
        ("consultation_mode_known", variants::<clinical::Mode>()),
        ("consultation_attendance_known", variants::<clinical::Attendance>()),
        ("diagnosis_system_known", variants::<clinical::DiagnosisSystem>()),
        ("diagnosis_chronic_pain_known", variants::<PainClass>()),
        ("procedure_system_known", variants::<clinical::ProcedureSystem>()),
        ("pain_site_reported_by_known", variants::<clinical::ReportedBy>()),
        ("treatment_goal_set_by_known", variants::<clinical::SetBy>()),
        ("medication_route_known", variants::<medication::Route>()),
        ("medication_unit_known", variants::<medication::DoseUnit>()),
        ("medication_stop_reason_known", variants::<medication::StopReason>()),
        ("implant_modality_known", variants::<clinical::Modality>()),
        ("implant_indication_known", variants::<clinical::Indication>()),
        ("implant_screening_known", variants::<clinical::Screening>()),
        ("implant_stages_known", variants::<clinical::Stages>()),
        ("implant_trial_outcome_known", variants::<clinical::TrialOutcome>()),
        ("implant_component_component_known", variants::<clinical::ComponentKind>()),
        ("implant_component_side_known", variants::<clinical::body::Side>()),
        ("implant_component_ipg_site_known", variants::<clinical::IpgSite>()),
        ("implant_component_mri_known", variants::<clinical::MriCondition>()),
        ("implant_programme_waveform_known", variants::<clinical::Waveform>()),
        ("implant_programme_amplitude_unit_known", variants::<clinical::AmplitudeUnit>()),
        ("implant_event_event_known", variants::<clinical::EventKind>()),
        ("implant_event_class_known", variants::<clinical::EventClass>()),
        ("implant_check_battery_known", variants::<clinical::Battery>()),
        ("legal_basis_basis_known", variants::<legal_basis::Basis>()),
        ("legal_basis_decision_known", variants::<legal_basis::ConsentDecision>()),
        ("legal_basis_against_known", variants::<legal_basis::Against>()),
        ("legal_basis_source_known", variants::<legal_basis::BasisSource>()),
        ("sample_state_known", variants::<clinical::SampleState>()),
        ("decision_state_known", variants::<followup::State>()),
        ("decision_channel_known", variants::<followup::Channel>()),
        ("decision_matched_by_known", variants::<followup::MatchedBy>()),
        ("decision_timing_known", variants::<followup::Timing>()),
        ("invitation_channel_known", variants::<followup::Channel>()),
        ("invitation_state_known", variants::<followup::InvitationState>()),
        ("submission_invited_by_known", some(&["token", "source"])),
        // The channels that need contact data: the others use the national id.
        ("patient_channels_known", some(&["sms", "email"])),
        ("follow_up_call_outcome_known", variants::<followup::CallOutcome>()),
        ("operation_kind_known", variants::<operation::OperationKind>()),
        ("operation_state_known", variants::<operation::OperationState>()),
        ("operation_failure_known", variants::<operation::Failure>()),
        // Words that the program writes as literals.
        ("webhook_disabled_because_known", some(&["asked", "failing", "gone"])),
        ("webhook_delivery_state_known", some(&["pending", "delivered", "given_up"])),
        ("webhook_delivery_failure_known", some(&["refused_address", "timeout", "unreachable", "status"])),
        ("row_history_reason_known", {
            let mut reasons = variants::<ChangeReason>();
            reasons.extend(some(&["merge", "merge_undone"]));
            reasons
        }),
        ("quarantine_state_known", variants::<QuarantineState>()),
        ("submission_answered_by_known", some(&["patient", "representative"])),
        ("audit_event_actor_kind_known", some(&["person", "machine", "system"])),
        ("tenant_placement_known", some(&["login", "dsn"])),
        ("tenant_state_known", some(&["active", "suspended"])),
        ("migration_run_outcome_known", some(&["migrated", "current", "failed"])),
    ]);
    let schema = world.schema("alpha");
    let mut seen = BTreeSet::new();
    for row in world.rows(&format!(
        "SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE contype = 'c' \
         AND connamespace IN ('{schema}'::regnamespace, 'platform'::regnamespace) AND pg_get_constraintdef(oid) LIKE '%ARRAY[%'"
    )) {
        let name = row["conname"].as_str().expect("a name");
        let wanted = known.get(name).unwrap_or_else(|| panic!("{name} is in no table here: say which variants it lists"));
        assert_eq!(&words(row["definition"].as_str().expect("a definition")), wanted, "{name}");
        seen.insert(name.to_owned());
    }
    assert_eq!(seen, known.keys().map(|name| (*name).to_owned()).collect());
}
