//! Entries as they are examined: an entry of every kind, and what becomes of it when single members are changed.

mod bounds;
mod course;
mod history;
mod implant_settings;
mod implants;
mod legal_basis;
mod research;
mod tables;
mod treatment;

use std::sync::LazyLock;

use jiff::civil::{Date, date};
use serde_json::{Value, json};
use strum::{EnumCount as _, IntoEnumIterator as _};

use super::*;
use crate::code::CodeBooks;
use crate::code_list::{CodeLists, List, Project};
use crate::fault::{Fault, FaultCode};
use crate::medication::Medication;

const TODAY: Date = date(2026, 11, 22);
const BORN: Date = date(1970, 1, 31);
const DIED: Date = date(2026, 3, 1);
const ONE: &str = "00000000-0000-4000-8000-000000000001";
const TWO: &str = "00000000-0000-4000-8000-000000000002";

static CODES: LazyLock<CodeBooks> = LazyLock::new(CodeBooks::built_in);
static LISTS: LazyLock<CodeLists> = LazyLock::new(|| {
    let template = CodeLists::from_toml(include_str!("../../../tenants/templates/opr/code-lists.toml"));
    let template = template.unwrap_or_else(|error| panic!("{error}"));
    let listed = template.all().iter().flat_map(|(list, codes)| codes.iter().map(|code| (*list, code.clone())));
    CodeLists::new(listed.chain([unit_of_old()]), vec![project("taper", true), project("audit", false)])
});

/// A unit that was closed.
fn unit_of_old() -> (List, crate::code_list::Listed) {
    let closed = json!({"code": "old_clinic", "nb": "Gamleklinikken", "en": "Old clinic",
        "valid_from": "2010-01-01", "valid_to": "2020-12-31"});
    (List::Unit, serde_json::from_value(closed).expect("a unit"))
}

fn project(code: &str, excludes: bool) -> Project {
    let project = json!({"code": code, "title": "A project", "kind": "research", "starts_on": "2024-01-01",
        "ends_on": "2026-06-30", "excludes_from_follow_up": excludes,
        "fields": [{"code": "grip", "kind": "integer", "required": true}]});
    serde_json::from_value(project).expect("a project")
}

/// Calls a function with the structure of the kind.
macro_rules! of_kind {
    ($kind:expr, $function:ident($($argument:expr),*)) => {
        match $kind {
            EntryKind::Referral => $function::<Referral>($($argument),*),
            EntryKind::Episode => $function::<Episode>($($argument),*),
            EntryKind::Consultation => $function::<Consultation>($($argument),*),
            EntryKind::Diagnosis => $function::<Diagnosis>($($argument),*),
            EntryKind::Procedure => $function::<Procedure>($($argument),*),
            EntryKind::PainSite => $function::<PainSite>($($argument),*),
            EntryKind::TreatmentGoal => $function::<TreatmentGoal>($($argument),*),
            EntryKind::Medication => $function::<Medication>($($argument),*),
            EntryKind::Implant => $function::<Implant>($($argument),*),
            EntryKind::ImplantComponent => $function::<ImplantComponent>($($argument),*),
            EntryKind::ImplantProgramme => $function::<ImplantProgramme>($($argument),*),
            EntryKind::ImplantEvent => $function::<ImplantEvent>($($argument),*),
            EntryKind::ImplantCheck => $function::<ImplantCheck>($($argument),*),
            EntryKind::LegalBasis => $function::<LegalBasis>($($argument),*),
            EntryKind::ProjectParticipation => $function::<ProjectParticipation>($($argument),*),
            EntryKind::Sample => $function::<Sample>($($argument),*),
        }
    };
}
use of_kind;

/// An entry with every member filled in, and nothing wrong or odd about it.
fn good(kind: EntryKind) -> Value {
    match kind {
        EntryKind::Referral => json!({"received_on": "2025-01-10", "source": "gp", "category": "right_granted",
            "assessed_on": "2025-01-20", "unit": "clinic", "pas_id": "P-1"}),
        EntryKind::Episode => json!({"referral_id": ONE, "unit": "clinic", "opened_on": "2025-02-01",
            "closed_on": "2026-02-01", "closing_reason": "completed"}),
        EntryKind::Consultation => json!({"episode_id": ONE, "held_on": "2025-02-03", "sequence": "first",
            "mode": "physical", "attendance": "attended",
            "professionals": [{"profession": "physician", "hpr": "9144900"}, {"profession": "nurse", "hpr": null}]}),
        EntryKind::Diagnosis => json!({"episode_id": ONE, "system": "icd11", "code": "MG30.02", "rank": 1,
            "set_on": "2025-02-03"}),
        EntryKind::Procedure => json!({"episode_id": ONE, "system": "ncmp", "code": "ZDRF01",
            "performed_on": "2025-03-01", "procedure_group": null,
            "sites": [{"region": "lower_back", "side": "left"}]}),
        EntryKind::PainSite => json!({"episode_id": ONE, "recorded_on": "2025-02-03", "reported_by": "patient",
            "areas": [{"region": "lower_back", "side": "both", "intensity": 7, "main": true}]}),
        EntryKind::TreatmentGoal => json!({"episode_id": ONE, "set_on": "2025-02-03", "set_by": "patient",
            "category": "function", "text": "Gå tur med hunden\nhver dag", "target_on": "2027-08-01",
            "attainment": 1, "assessed_on": "2025-08-01"}),
        EntryKind::Medication => {
            json!({"atc": "N02AA05", "product": "OxyContin", "route": "oral", "dose": 20, "unit": "mg",
            "strength_mg": null, "doses_per_day": 2, "as_needed": false, "started_on": "2025-02-03",
            "ended_on": "2025-08-01", "stop_reason": "tapered"})
        }
        EntryKind::Implant => json!({"modality": "scs", "indication": "persistent_spinal_pain_type2",
            "decided_on": "2025-03-01", "prior_spine_surgeries": 2, "screening": "suitable", "pain_back": 7,
            "pain_leg": 8, "stages": "two_stage", "trial_started_on": "2025-04-01", "trial_ended_on": "2025-04-10",
            "trial_outcome": "success", "trial_relief_percent": 50}),
        EntryKind::ImplantComponent => json!({"implant_id": ONE, "component": "lead_percutaneous",
            "manufacturer": "Invented", "model": "L-8",
            "udi": "(01)07350000000009(11)241231(17)291231(10)LOT42(21)SER42", "serial": "SER42", "lot": "LOT42",
            "contacts": 8, "tip_level": "T8", "entry_level": "L2", "side": "left", "midline_offset_mm": 2.5,
            "ipg_site": null, "mri": "full_body15t", "trial": false, "implanted_on": "2025-04-01",
            "removed_on": "2026-02-01"}),
        EntryKind::ImplantProgramme => json!({"implant_id": ONE, "set_on": "2025-04-02", "ended_on": "2025-10-01",
            "number": 1, "waveform": "tonic", "leads": [{"component_id": TWO, "polarity": "+-000000"}],
            "amplitude": 4.5, "amplitude_unit": "milliampere", "pulse_width_us": 300, "frequency_hz": 50,
            "cycle_on_s": 30, "cycle_off_s": 60, "usage_hours": 18.5, "relief_percent": 60, "coverage_percent": 80}),
        EntryKind::ImplantEvent => json!({"implant_id": ONE, "happened_on": "2025-05-01", "event": "ipg_site_pain",
            "component_ids": [TWO], "note": "Verst når pasienten sitter"}),
        EntryKind::ImplantCheck => json!({"implant_id": ONE, "checked_on": "2025-05-01", "battery": "normal",
            "battery_percent": 90, "impedances": [{"component_id": TWO, "contact": 1, "ohm": 700}]}),
        EntryKind::LegalBasis => json!({"basis": "exemption", "decision": null, "against": null,
            "valid_from": "2021-06-01", "valid_to": null, "source": "registry", "letter_version": "2021-06"}),
        EntryKind::ProjectParticipation => {
            json!({"project": "taper", "joined_on": "2025-02-03", "left_on": "2025-12-01",
            "arm": "A", "field_values": {"grip": 31}})
        }
        EntryKind::Sample => json!({"sample_type": "serum", "taken_on": "2025-02-03", "storage_reference": "box 1",
            "legal_basis": "REK (invented)", "project": "audit", "state": "stored"}),
    }
}

/// The good entry with some members replaced.
fn changed(kind: EntryKind, members: &Value) -> Value {
    let mut entry = good(kind);
    for (name, value) in members.as_object().expect("members") {
        entry[name] = value.clone();
    }
    entry
}

/// The result of an examination.
#[derive(Debug, PartialEq)]
struct Said {
    /// Pointers and codes: `/dose required, /unit contradiction`.
    faults: String,
    remarks: Vec<Remark>,
    derived: Value,
    suggested: Vec<String>,
}

fn examined<T: Entry>(entry: &Value, died: Option<Date>) -> Said {
    let entry: T = serde_json::from_value(entry.clone()).unwrap_or_else(|error| panic!("{entry}: {error}"));
    let mut exam = Examination::new(TODAY, BORN, died, &CODES, &LISTS);
    let derived = serde_json::to_value(entry.examine(&mut exam)).expect("JSON");
    let (remarks, faults) = match exam.finish() {
        Ok(remarks) => (remarks, Vec::new()),
        Err(faults) => (Vec::new(), faults),
    };
    let suggested = faults.iter().flat_map(|fault| &fault.suggestions).map(|it| it.code.clone()).collect();
    let faults: Vec<String> = faults
        .iter()
        .map(|fault| {
            let code: &'static str = fault.code.into();
            format!("{} {code}", fault.pointer)
        })
        .collect();
    Said { faults: faults.join(", "), remarks, derived, suggested }
}

fn say(kind: EntryKind, members: &Value) -> Said {
    of_kind!(kind, examined(&changed(kind, members), None))
}

/// Each of these changes to the good entry leads to exactly these faults; none where there is no text.
fn refused<const N: usize>(kind: EntryKind, table: [(Value, &str); N]) {
    for (members, faults) in table {
        assert_eq!(say(kind, &members).faults, faults, "{kind} with {members}");
    }
}

/// As [`refused`], for a patient who died on [`DIED`].
fn refused_of_the_dead<const N: usize>(kind: EntryKind, table: [(Value, &str); N]) {
    for (members, faults) in table {
        let said = of_kind!(kind, examined(&changed(kind, &members), Some(DIED)));
        assert_eq!(said.faults, faults, "{kind} of the dead with {members}");
    }
}

/// Each of these changes to the good entry is accepted with exactly these remarks.
fn remarked<const N: usize>(kind: EntryKind, table: [(Value, &[Remark]); N]) {
    for (members, remarks) in table {
        let said = say(kind, &members);
        assert_eq!((said.faults.as_str(), said.remarks.as_slice()), ("", remarks), "{kind} with {members}");
    }
}

#[test]
fn examine_accepts_a_sample_of_every_kind_without_remarks() {
    let book = |code: &str, title: &str, edition: &str| json!({"code": code, "title": title, "edition": edition});
    for kind in EntryKind::iter() {
        let derived = match kind {
            EntryKind::Diagnosis => {
                let mut derived = book("MG30.02", "Chronic primary musculoskeletal pain", "built-in");
                derived["chronic_pain"] = "primary".into();
                derived
            }
            EntryKind::Procedure => {
                let title = "Demonstrasjonskode, ikke offisiell: radiofrekvensablasjon, fasettledd, lumbal";
                let mut derived = book("ZDRF01", title, "demonstration");
                derived["effective_group"] = "rf".into();
                derived
            }
            EntryKind::PainSite => json!({"area_count": 2}),
            EntryKind::Medication => json!({"substance": "oksykodon", "omeq_mg": 60,
                "omeq_factors": "hdir-konvertering-av-opioiddoser/1", "omeq_unknown": null}),
            EntryKind::Implant => json!({"trial_days": 10}),
            EntryKind::ImplantComponent => {
                json!({"udi_di": "07350000000009", "udi_lot": "LOT42", "udi_serial": "SER42",
                "manufactured_on": "2024-12-31", "expires_on": "2029-12-31"})
            }
            EntryKind::ImplantEvent => json!({"class": "complaint"}),
            EntryKind::ProjectParticipation => json!({"excluded_from_follow_up": true}),
            _ => json!({}),
        };
        let nothing = Said { faults: String::new(), remarks: Vec::new(), derived, suggested: Vec::new() };
        assert_eq!(say(kind, &json!({})), nothing, "{kind}");
        // The patient died on the day after the last of it.
        let died = Some(DIED);
        assert_eq!(of_kind!(kind, examined(&good(kind), died)), nothing, "{kind} of the dead");
    }
}

#[test]
fn examine_refuses_days_before_birth_after_death_and_in_the_future() {
    for kind in EntryKind::iter() {
        let day = kind.row().day;
        let faults = |on: Date, died| {
            let entry = changed(kind, &json!({day: on}));
            of_kind!(kind, examined(&entry, died)).faults
        };
        let names = |faults: &str, code: &str| faults.split(", ").any(|fault| fault == format!("/{day} {code}"));
        let eve = BORN.yesterday().expect("a day");
        assert!(names(&faults(eve, None), "before_birth"), "{kind}");
        assert!(names(&faults(TODAY.tomorrow().expect("a day"), None), "in_future"), "{kind}");
        let late = faults(DIED.tomorrow().expect("a day"), Some(DIED));
        // The right to opt out may be recorded after the death of the patient.
        assert_eq!(names(&late, "after_death"), kind != EntryKind::LegalBasis, "{kind}: {late}");
        for on in [BORN, TODAY] {
            let of_day = faults(on, Some(TODAY));
            let wrong = ["before_birth", "in_future", "after_death"].iter().any(|code| names(&of_day, code));
            assert!(!wrong, "{kind} on {on}: {of_day}");
        }
    }
}

#[test]
fn finish_returns_sorted_unique_faults_or_remarks() {
    let (codes, lists) = (CodeBooks::default(), CodeLists::default());
    let mut exam = Examination::new(TODAY, BORN, None, &codes, &lists);
    exam.fault("b", FaultCode::Required);
    exam.fault("a", FaultCode::TooLong);
    exam.fault("b", FaultCode::Required);
    exam.remark(Remark::SiteMissing);
    let (a, b) = (Fault::at("a", FaultCode::TooLong), Fault::at("b", FaultCode::Required));
    assert_eq!(exam.finish(), Err(vec![a, b]));
    let mut exam = Examination::new(TODAY, BORN, None, &codes, &lists);
    exam.remark(Remark::SiteMissing);
    exam.remark(Remark::UdiMissing);
    exam.remark(Remark::SiteMissing);
    assert_eq!(exam.finish(), Ok(vec![Remark::SiteMissing, Remark::UdiMissing]));
}

#[test]
fn label_refuses_invisible_characters() {
    let (codes, lists) = (CodeBooks::default(), CodeLists::default());
    let faults = |look: fn(&mut Examination<'_>, &str), text: &str| {
        let mut exam = Examination::new(TODAY, BORN, None, &codes, &lists);
        look(&mut exam, text);
        exam.finish().err().map(|faults| faults[0].code)
    };
    let text = |given: &str| faults(|exam, text| exam.text("it", Some(text), 5), given);
    let label = |given: &str| faults(|exam, text| exam.label("it", Some(text), 5), given);
    for (given, as_text, as_label) in [
        ("12345", None, None),
        ("æøåÆØ", None, None),
        ("1 3", None, None),
        ("123456", Some(FaultCode::TooLong), Some(FaultCode::TooLong)),
        ("", Some(FaultCode::InvalidFormat), Some(FaultCode::InvalidFormat)),
        (" \u{a0}", Some(FaultCode::InvalidFormat), Some(FaultCode::InvalidFormat)),
        (" 123", None, Some(FaultCode::InvalidFormat)),
        ("123\u{a0}", None, Some(FaultCode::InvalidFormat)),
        ("1\n2", None, Some(FaultCode::ForbiddenCharacter)),
        ("12\t", None, Some(FaultCode::ForbiddenCharacter)),
        ("1\u{1d}2", None, Some(FaultCode::ForbiddenCharacter)),
    ] {
        assert_eq!((text(given), label(given)), (as_text, as_label), "{given:?}");
    }
}
