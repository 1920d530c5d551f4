//! Implants, their components, programmes, events and checks.

use serde_json::json;

use super::*;
use crate::clinical::{ComponentKind, EventClass, EventKind};

#[test]
fn examine_names_every_fault_of_an_implant() {
    let no_trial = |stages: &str, more: Value| {
        let mut members = json!({"stages": stages, "trial_started_on": null, "trial_ended_on": null,
            "trial_outcome": null, "trial_relief_percent": null});
        members.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
        members
    };
    refused(
        EntryKind::Implant,
        [
            (json!({"decided_on": "1970-01-30"}), "/decided_on before_birth"),
            (json!({"decided_on": "2025-04-02"}), "/trial_started_on wrong_order"),
            (json!({"prior_spine_surgeries": -1}), "/prior_spine_surgeries out_of_range"),
            (json!({"prior_spine_surgeries": 31}), "/prior_spine_surgeries out_of_range"),
            (json!({"pain_back": -1, "pain_leg": 11}), "/pain_back out_of_range, /pain_leg out_of_range"),
            (json!({"pain_back": 0, "pain_leg": 10}), ""),
            (json!({"trial_ended_on": "2025-03-31"}), "/trial_ended_on wrong_order"),
            (json!({"trial_ended_on": "2026-11-23"}), "/trial_ended_on in_future"),
            (json!({"trial_started_on": null}), "/trial_started_on required"),
            (json!({"trial_ended_on": null}), "/trial_ended_on required"),
            (json!({"trial_outcome": null}), "/trial_outcome required"),
            (json!({"trial_ended_on": null, "trial_outcome": null, "trial_relief_percent": null}), ""),
            (json!({"trial_relief_percent": 101}), "/trial_relief_percent out_of_range"),
            (json!({"trial_relief_percent": -1}), "/trial_outcome contradiction, /trial_relief_percent out_of_range"),
            (json!({"stages": "one_stage"}), "/stages contradiction"),
            (no_trial("one_stage", json!({})), ""),
            (no_trial("two_stage", json!({})), ""),
            (no_trial("one_stage", json!({"trial_relief_percent": 60})), "/stages contradiction"),
            (
                no_trial("one_stage", json!({"trial_outcome": "failed"})),
                "/stages contradiction, /trial_ended_on required",
            ),
        ],
    );
    refused_of_the_dead(
        EntryKind::Implant,
        [
            (json!({"trial_started_on": "2026-02-25", "trial_ended_on": "2026-03-01", "trial_outcome": "aborted"}), ""),
            (json!({"trial_started_on": "2026-02-25", "trial_ended_on": "2026-03-02"}), "/trial_ended_on after_death"),
        ],
    );
}

#[test]
fn examine_derives_success_from_half_of_the_pain() {
    let wrong = "/trial_outcome contradiction";
    for (outcome, relief, faults) in [
        ("success", Some(50), ""),
        ("success", Some(100), ""),
        ("success", Some(49), wrong),
        ("success", Some(0), wrong),
        ("success", None, ""),
        ("failed", Some(49), ""),
        ("failed", Some(0), ""),
        ("failed", Some(50), wrong),
        ("failed", None, ""),
        ("aborted", Some(0), ""),
        ("aborted", Some(100), ""),
        ("aborted", None, ""),
    ] {
        let members = json!({"trial_outcome": outcome, "trial_relief_percent": relief});
        assert_eq!(say(EntryKind::Implant, &members).faults, faults, "{members}");
    }
}

#[test]
fn examine_remarks_on_very_short_and_long_trials() {
    for (ended_on, days, odd) in [
        ("2025-04-01", 1, true),
        ("2025-04-02", 2, true),
        ("2025-04-03", 3, false),
        ("2025-04-30", 30, false),
        ("2025-05-01", 31, true),
        ("2026-04-01", 366, true),
    ] {
        let said = say(EntryKind::Implant, &json!({ "trial_ended_on": ended_on }));
        assert_eq!(said.derived, json!({"trial_days": days}), "{ended_on}");
        assert_eq!(said.remarks.contains(&Remark::UnusualTrialLength), odd, "{ended_on}");
    }
    let going_on = json!({"trial_ended_on": null, "trial_outcome": null, "trial_relief_percent": null});
    assert_eq!(say(EntryKind::Implant, &going_on).derived, json!({"trial_days": null}));
}

#[test]
fn examine_names_every_fault_of_a_component() {
    let device = "(01)07350000000009";
    let udi = |rest: &str| json!({"udi": format!("{device}{rest}")});
    refused(
        EntryKind::ImplantComponent,
        [
            (json!({"implanted_on": "2026-02-02"}), "/removed_on wrong_order"),
            (json!({"removed_on": "2025-03-31"}), "/removed_on wrong_order"),
            (json!({"removed_on": "2026-11-23"}), "/removed_on in_future"),
            (json!({"removed_on": null}), ""),
            (json!({"manufacturer": "", "model": "x".repeat(101)}), "/manufacturer invalid_format, /model too_long"),
            (json!({"manufacturer": "Invented "}), "/manufacturer invalid_format"),
            (json!({"serial": " SER42"}), "/serial invalid_format, /serial contradiction"),
            (json!({"serial": "SER42", "lot": "x".repeat(51), "udi": null}), "/lot too_long"),
            (json!({"contacts": 0}), "/contacts out_of_range"),
            (json!({"contacts": 65}), "/contacts out_of_range"),
            (json!({"midline_offset_mm": -0.1}), "/midline_offset_mm out_of_range"),
            (json!({"midline_offset_mm": 0}), ""),
            (json!({"midline_offset_mm": 50.1}), "/midline_offset_mm out_of_range"),
            (json!({"midline_offset_mm": 0.123_456_7}), "/midline_offset_mm invalid_format"),
            (json!({"ipg_site": "gluteal"}), "/ipg_site contradiction"),
            // A wrong check digit, a date that is not in the calendar, an unknown identifier, something twice.
            (json!({"udi": "(01)07350000000008"}), "/udi invalid_checksum"),
            (json!({"udi": "0107350000000008"}), "/udi invalid_checksum"),
            (json!({"udi": "+A123BJC5D6E71H"}), "/udi invalid_checksum"),
            (json!({"udi": ""}), "/udi invalid_format"),
            (json!({"udi": "SER42"}), "/udi invalid_format"),
            (json!({"udi": "0".repeat(201)}), "/udi too_long"),
            (udi("(17)290230"), "/udi invalid_date"),
            (udi("(05)X"), "/udi unknown_item"),
            (udi("(21)SER42(21)SER42"), "/udi duplicate_key"),
            (udi("(21)SER43"), "/serial contradiction"),
            (udi("(10)LOT43"), "/lot contradiction"),
            (udi("(10)lot42(21)ser42"), "/lot contradiction, /serial contradiction"),
            (udi("(11)250402"), "/implanted_on wrong_order"),
            (udi("(11)250401"), ""),
            (udi(""), ""),
        ],
    );
    refused_of_the_dead(
        EntryKind::ImplantComponent,
        [
            (json!({"removed_on": "2026-03-03"}), ""),
            (json!({"implanted_on": "2026-03-02", "removed_on": null}), "/implanted_on after_death"),
        ],
    );
}

#[test]
fn examine_remarks_on_missing_udi_and_expired_components() {
    let expires = |day: &str| json!({"udi": format!("(01)07350000000009(17){day}")});
    remarked(
        EntryKind::ImplantComponent,
        [
            (json!({"udi": null}), &[Remark::UdiMissing]),
            (expires("250331"), &[Remark::ExpiredWhenImplanted]),
            (expires("250401"), &[]),
            (expires("250400"), &[]),
            (expires("250300"), &[Remark::ExpiredWhenImplanted]),
        ],
    );
    let said = say(EntryKind::ImplantComponent, &json!({"udi": "]d201073500000000091725030010LOT42\u{1d}21SER42"}));
    assert_eq!(said.faults, "");
    assert_eq!(
        said.derived,
        json!({"udi_di": "07350000000009", "udi_lot": "LOT42", "udi_serial": "SER42", "manufactured_on": null,
            "expires_on": "2025-03-31"})
    );
    let refused = say(EntryKind::ImplantComponent, &json!({"udi": "(01)07350000000008(21)SER42"}));
    assert_eq!(refused.derived["udi_serial"], json!(null));
}

#[test]
fn is_vertebra_accepts_existing_vertebrae_only() {
    let fits =
        |level: &str| say(EntryKind::ImplantComponent, &json!({"tip_level": level, "entry_level": level})).faults;
    for (region, most) in [("C", 7), ("T", 12), ("L", 5), ("S", 5)] {
        for number in 0..=99 {
            let expected = if (1..=most).contains(&number) {
                ""
            } else {
                "/entry_level invalid_format, /tip_level invalid_format"
            };
            assert_eq!(fits(&format!("{region}{number}")), expected, "{region}{number}");
        }
    }
    for wrong in
        ["", "T", "8", "T08", "T+8", "T-8", "T 8", " T8", "T8 ", "t8", "T8-T9", "D8", "Th8", "T٣", "T８", "T999"]
    {
        assert_eq!(fits(wrong), "/entry_level invalid_format, /tip_level invalid_format", "{wrong:?}");
    }
}

#[test]
fn examine_refuses_members_foreign_to_the_component() {
    let without = json!({"udi": null, "contacts": null, "tip_level": null, "entry_level": null,
        "midline_offset_mm": null, "ipg_site": null});
    for component in ComponentKind::iter() {
        let word: &'static str = component.into();
        let fits = |member: &str, value: Value| {
            let mut members = without.clone();
            members["component"] = word.into();
            members[member] = value;
            let faults = say(EntryKind::ImplantComponent, &members).faults;
            assert!(faults.is_empty() || faults == format!("/{member} contradiction"), "{word}: {faults}");
            faults.is_empty()
        };
        let is_lead = word.starts_with("lead_");
        let is_placed = is_lead || word == "catheter";
        assert!(fits("side", json!("left")), "{word}");
        assert_eq!(fits("contacts", json!(8)), is_lead, "{word}");
        assert_eq!(fits("tip_level", json!("T8")), is_placed, "{word}");
        assert_eq!(fits("entry_level", json!("T8")), is_placed, "{word}");
        assert_eq!(fits("midline_offset_mm", json!(1)), is_placed, "{word}");
        assert_eq!(fits("ipg_site", json!("flank")), word.starts_with("ipg_") || word == "pump", "{word}");
        let outside = ["external_stimulator", "charger", "programmer"].contains(&word);
        assert_eq!(component.is_implanted(), !outside, "{word}");
    }
}

#[test]
fn removal_class_is_explant_for_all_and_revision_for_some() {
    for in_place in 0..6 {
        assert_eq!(removal_class(in_place, 0), None);
        for removed in 1..8 {
            let expected = if removed >= in_place { EventKind::Explant } else { EventKind::Revision };
            assert_eq!(removal_class(in_place, removed), Some(expected), "{removed} of {in_place}");
        }
    }
}

#[test]
fn class_of_every_event_equals_the_published_scheme() {
    let scheme: [(EventClass, &[&str]); 6] = [
        (
            EventClass::Device,
            &[
                "migration",
                "erosion",
                "lead_damage",
                "sheath_damage",
                "connection_failure",
                "battery_failure",
                "device_inoperable",
                "communication_error",
                "difficult_insertion",
                "difficult_removal",
            ],
        ),
        (EventClass::Procedural, &["neurologic_symptoms", "dural_puncture", "infection", "haematoma"]),
        (EventClass::Complaint, &["ipg_site_pain", "unwanted_stimulation", "loss_of_effect"]),
        (EventClass::Surgical, &["revision", "explant"]),
        (
            EventClass::Serious,
            &[
                "epidural_abscess",
                "meningitis",
                "seizure",
                "cardiac_arrest",
                "stroke",
                "neuraxial_haematoma",
                "deep_vein_thrombosis",
                "decompression_surgery",
                "long_term_rehabilitation",
                "death",
            ],
        ),
        (EventClass::Other, &["other"]),
    ];
    assert_eq!(scheme.len(), EventClass::iter().count());
    assert_eq!(scheme.iter().map(|(_, events)| events.len()).sum::<usize>(), EventKind::iter().count());
    for (class, events) in scheme {
        for event in events {
            assert_eq!(event.parse::<EventKind>().map(EventKind::class), Ok(class), "{event}");
            let derived = say(EntryKind::ImplantEvent, &json!({ "event": event })).derived;
            assert_eq!(derived, json!({ "class": class }), "{event}");
        }
    }
}

#[test]
fn examine_names_every_fault_of_an_event() {
    let ids: Vec<String> = (1..=21).map(|number| format!("00000000-0000-4000-8000-0000000000{number:02}")).collect();
    refused(
        EntryKind::ImplantEvent,
        [
            (json!({"happened_on": "2026-11-23"}), "/happened_on in_future"),
            (json!({"component_ids": []}), ""),
            (json!({"event": "revision", "component_ids": []}), "/component_ids required"),
            (json!({"event": "explant", "component_ids": []}), "/component_ids required"),
            (json!({"event": "explant", "happened_on": "2026-11-23"}), "/happened_on in_future"),
            (json!({"event": "explant", "happened_on": "1970-01-30"}), "/happened_on before_birth"),
            (json!({"component_ids": [ONE, TWO, ONE]}), "/component_ids/2 contradiction"),
            (json!({"component_ids": ids[..20]}), ""),
            (json!({"component_ids": ids}), "/component_ids too_long"),
            (json!({"note": ""}), "/note invalid_format"),
            (json!({"note": null}), ""),
            (json!({"note": "x".repeat(2001)}), "/note too_long"),
        ],
    );
    // Devices are explanted before cremation; other entries after death are refused.
    refused_of_the_dead(
        EntryKind::ImplantEvent,
        [
            (json!({"event": "death", "happened_on": "2026-03-01"}), ""),
            (json!({"event": "death", "happened_on": "2026-03-02"}), "/happened_on after_death"),
            (json!({"event": "explant", "happened_on": "2026-03-05"}), ""),
            (json!({"event": "revision", "happened_on": "2026-03-05"}), ""),
            (json!({"event": "infection", "happened_on": "2026-03-05"}), "/happened_on after_death"),
        ],
    );
}
