//! Projects and samples.

use serde_json::json;

use super::*;

#[test]
fn examine_names_every_fault_of_a_participation() {
    refused(
        EntryKind::ProjectParticipation,
        [
            (json!({"project": "none"}), "/project unknown_reference"),
            (json!({"project": ""}), "/project unknown_reference"),
            (json!({"project": "Taper"}), "/project unknown_reference"),
            (json!({"joined_on": "2023-12-31"}), "/joined_on outside_period"),
            (json!({"joined_on": "2024-01-01"}), ""),
            (json!({"joined_on": "2026-06-30", "left_on": null}), ""),
            (json!({"joined_on": "2026-07-01", "left_on": null}), "/joined_on outside_period"),
            (json!({"left_on": "2025-02-02"}), "/left_on wrong_order"),
            (json!({"left_on": "2025-02-03"}), ""),
            (json!({"arm": ""}), "/arm invalid_format"),
            (json!({"arm": "A "}), "/arm invalid_format"),
            (json!({"arm": "x".repeat(41)}), "/arm too_long"),
            (json!({"field_values": {}}), "/field_values/grip required"),
            (json!({"field_values": {"grip": null}}), "/field_values/grip required"),
            (json!({"field_values": {"grip": "31"}}), "/field_values/grip wrong_type"),
            (json!({"field_values": {"grip": 31, "a/b": 1}}), "/field_values/a~1b unknown_item"),
            (json!({"field_values": {"grip": 31, "01818012337": 1}}), "/field_values/########### unknown_item"),
            (
                json!({"project": "none", "left_on": "2025-02-02", "field_values": {}}),
                "/left_on wrong_order, /project unknown_reference",
            ),
        ],
    );
    refused_of_the_dead(
        EntryKind::ProjectParticipation,
        [
            (json!({"left_on": "2026-06-30"}), ""),
            (json!({"joined_on": "2026-03-02", "left_on": null}), "/joined_on after_death"),
        ],
    );
    for (project, excluded) in [("taper", true), ("audit", false), ("none", false)] {
        let derived = say(EntryKind::ProjectParticipation, &json!({ "project": project })).derived;
        assert_eq!(derived, json!({ "excluded_from_follow_up": excluded }), "{project}");
    }
}

#[test]
fn examine_names_every_fault_of_a_sample() {
    refused(
        EntryKind::Sample,
        [
            (json!({"taken_on": "2026-11-23"}), "/taken_on in_future"),
            (json!({"sample_type": "blood"}), "/sample_type unknown_code"),
            (json!({"storage_reference": " "}), "/storage_reference invalid_format"),
            (json!({"storage_reference": "box 1 "}), "/storage_reference invalid_format"),
            (json!({"storage_reference": "x".repeat(101)}), "/storage_reference too_long"),
            (json!({"legal_basis": ""}), "/legal_basis invalid_format"),
            (json!({"legal_basis": "REK\u{0}"}), "/legal_basis forbidden_character"),
            (json!({"project": "none"}), "/project unknown_reference"),
            (json!({"project": null}), ""),
            (json!({"state": "destroyed"}), ""),
        ],
    );
    refused_of_the_dead(EntryKind::Sample, [(json!({"taken_on": "2026-03-02"}), "/taken_on after_death")]);
}
