//! Diagnoses, procedures, pain drawings, goals and medication.

use serde_json::json;

use super::*;
use crate::clinical::body::{Region, Side};

#[test]
fn examine_names_every_fault_of_a_diagnosis() {
    refused(
        EntryKind::Diagnosis,
        [
            (json!({"set_on": "2026-11-23"}), "/set_on in_future"),
            (json!({"rank": 0}), "/rank out_of_range"),
            (json!({"rank": 21}), "/rank out_of_range"),
            (json!({"rank": i32::MIN}), "/rank out_of_range"),
            (json!({"rank": 20}), ""),
            (json!({"code": "MG30.99"}), "/code unknown_code"),
            (json!({"code": "M79.7"}), "/code wrong_code_system"),
            (json!({"system": "icd10"}), "/code wrong_code_system"),
            (json!({"code": "N02AA05"}), "/code wrong_code_system"),
            (json!({"code": "MG30.02", "set_on": "2021-12-31"}), "/code expired_code"),
            (json!({"code": "MG30.02", "set_on": "2022-01-01"}), ""),
            (json!({"system": "icd10", "code": "M79.7", "set_on": "1998-12-31"}), "/code expired_code"),
            (json!({"code": " MG30.02"}), "/code invalid_format"),
            (json!({"code": "MG30.02\n"}), "/code invalid_format"),
            (json!({"code": ""}), "/code invalid_format"),
            (json!({"code": "x".repeat(10_000)}), "/code invalid_format"),
            (json!({"code": "XK9K"}), "/code invalid_format"),
        ],
    );
    refused_of_the_dead(EntryKind::Diagnosis, [(json!({"set_on": "2026-03-02"}), "/set_on after_death")]);
    assert_eq!(say(EntryKind::Diagnosis, &json!({"code": "MG30.09"})).suggested[..1], ["MG30.0".to_owned()]);
}

#[test]
fn examine_remarks_on_a_first_diagnosis_without_chronic_pain_code() {
    let expected: &[Remark] = &[Remark::ChronicPainCodeExpectedFirst];
    remarked(
        EntryKind::Diagnosis,
        [
            (json!({"system": "icd10", "code": "M79.7"}), expected),
            (json!({"code": "8E43.0"}), expected),
            (json!({"code": "MG31.0"}), expected),
            (json!({"code": "8E43.0", "rank": 2}), &[]),
            (json!({"code": "8E43.0/MG30.50"}), &[]),
            (json!({"code": "mg30"}), &[]),
        ],
    );
    for (members, code, class) in [
        (json!({"code": "mg30.51"}), "MG30.51", json!("secondary")),
        (json!({"code": "MG30.01"}), "MG30.01", json!("primary")),
        (json!({"code": "MG30.Z"}), "MG30.Z", json!("unspecified")),
        (json!({"code": "8e43.0"}), "8E43.0", json!(null)),
        (json!({"code": "8e43.0/mg30.50"}), "8E43.0/MG30.50", json!("secondary")),
        (json!({"system": "icd10", "code": "m797"}), "M79.7", json!(null)),
    ] {
        let derived = say(EntryKind::Diagnosis, &members).derived;
        assert_eq!((&derived["code"], &derived["chronic_pain"]), (&code.into(), &class), "{members}");
        assert!(derived["title"].is_string() && derived["edition"] == "built-in", "{derived}");
    }
}

/// Regions and sides under a member.
fn places(member: &str, places: &[(&str, &str)]) -> Value {
    let places: Vec<Value> = places.iter().map(|(region, side)| json!({"region": region, "side": side})).collect();
    json!({ member: places })
}

/// A number of places, all different.
fn many_places(member: &str, many: usize) -> Value {
    let regions = Region::iter().flat_map(|region| [(region.into(), "left"), (region.into(), "right")]);
    places(member, &regions.take(many).collect::<Vec<_>>())
}

#[test]
fn examine_names_every_fault_of_a_procedure() {
    let sites = |sites| places("sites", sites);
    refused(
        EntryKind::Procedure,
        [
            (json!({"performed_on": "2026-11-23"}), "/performed_on in_future"),
            (json!({"code": "ZDS02"}), "/code wrong_code_system"),
            (json!({"system": "ncsp"}), "/code wrong_code_system"),
            (json!({"system": "ncrp"}), "/code code_system_not_loaded"),
            (json!({"code": "ZDRF99"}), "/code unknown_code"),
            (json!({"code": "ZDRF01 "}), "/code invalid_format"),
            (json!({"performed_on": "2014-12-31"}), "/code expired_code"),
            (json!({"procedure_group": "radiofrequency"}), "/procedure_group unknown_code"),
            (sites(&[("knee", "midline")]), "/sites/0/side contradiction"),
            (sites(&[("neck", "midline"), ("knee", "left"), ("knee", "right")]), ""),
            (sites(&[("knee", "left"), ("knee", "left")]), "/sites/1/region contradiction"),
            (sites(&[("knee", "left"), ("knee", "both")]), "/sites/1/region contradiction"),
            (many_places("sites", 20), ""),
            (many_places("sites", 21), "/sites too_long"),
        ],
    );
    refused_of_the_dead(EntryKind::Procedure, [(json!({"performed_on": "2026-03-02"}), "/performed_on after_death")]);
    remarked(EntryKind::Procedure, [(json!({"sites": []}), &[Remark::SiteMissing])]);
}

#[test]
fn examine_derives_the_group_from_the_code_unless_given() {
    for (members, code, group) in [
        (json!({}), "ZDRF01", json!("rf")),
        (json!({"code": "zdrf01"}), "ZDRF01", json!("rf")),
        (json!({"procedure_group": "block"}), "ZDRF01", json!("block")),
        (json!({"code": "ZDBT01"}), "ZDBT01", json!(null)),
        (json!({"code": "ZDBT01", "procedure_group": "block"}), "ZDBT01", json!("block")),
        (json!({"system": "ncsp", "code": "ZDS02"}), "ZDS02", json!("scs")),
        (json!({"system": "ncsp", "code": "ZDS03"}), "ZDS03", json!(null)),
    ] {
        let said = say(EntryKind::Procedure, &members);
        assert_eq!(said.faults, "", "{members}");
        assert_eq!((&said.derived["code"], &said.derived["effective_group"]), (&code.into(), &group), "{members}");
    }
}

#[test]
fn examine_names_every_fault_of_a_pain_drawing() {
    let areas = |areas| places("areas", areas);
    let intensity = |it: i32| json!({"areas": [{"region": "knee", "side": "left", "intensity": it}]});
    refused(
        EntryKind::PainSite,
        [
            (json!({"recorded_on": "2026-11-23"}), "/recorded_on in_future"),
            (json!({"areas": []}), "/areas required"),
            (intensity(0), ""),
            (intensity(10), ""),
            (intensity(-1), "/areas/0/intensity out_of_range"),
            (intensity(11), "/areas/0/intensity out_of_range"),
            (areas(&[("knee", "midline")]), "/areas/0/side contradiction"),
            (areas(&[("face", "midline"), ("face", "left"), ("face", "right")]), ""),
            (areas(&[("face", "midline"), ("face", "both")]), ""),
            (areas(&[("face", "midline"), ("face", "midline")]), "/areas/1/region contradiction"),
            (areas(&[("knee", "left"), ("hip", "left"), ("knee", "left")]), "/areas/2/region contradiction"),
            (areas(&[("knee", "both"), ("knee", "both")]), "/areas/1/region contradiction"),
            (areas(&[("knee", "left"), ("knee", "both")]), "/areas/1/region contradiction"),
            (areas(&[("knee", "both"), ("knee", "right")]), "/areas/1/region contradiction"),
            (areas(&[("knee", "both"), ("back_of_knee", "right")]), ""),
            (
                areas(&[("eye", "midline"), ("eye", "midline")]),
                "/areas/0/side contradiction, /areas/1/region contradiction, /areas/1/side contradiction",
            ),
        ],
    );
    // There are not a hundred places that do not overlap: too many are always some of them twice.
    let said = say(EntryKind::PainSite, &json!({"areas": vec![json!({"region": "knee", "side": "left"}); 10_000]}));
    assert!(said.faults.starts_with("/areas too_long, /areas/1/region contradiction"), "{}", said.faults);
    assert_eq!(said.faults.split(", ").count(), 1 + 99);
}

#[test]
fn pain_site_distinguishes_both_sides_of_a_region() {
    for (areas, count) in [
        (places("areas", &[("knee", "left")]), 1),
        (places("areas", &[("knee", "both"), ("neck", "midline")]), 3),
        (places("areas", &[("knee", "left"), ("knee", "right")]), 2),
        (many_places("areas", 80), 80),
    ] {
        assert_eq!(say(EntryKind::PainSite, &areas).derived, json!({ "area_count": count }), "{areas}");
    }
}

#[test]
fn region_has_the_published_regions() {
    let with_middle = [
        "head",
        "forehead",
        "back_of_head",
        "face",
        "mouth",
        "throat",
        "neck",
        "chest",
        "upper_abdomen",
        "lower_abdomen",
        "pelvis",
        "genitals",
        "upper_back",
        "middle_back",
        "lower_back",
        "sacrum",
    ];
    let without = [
        "temple",
        "eye",
        "ear",
        "jaw",
        "shoulder",
        "upper_arm",
        "elbow",
        "forearm",
        "wrist",
        "hand",
        "fingers",
        "ribs",
        "groin",
        "buttock",
        "hip",
        "front_of_thigh",
        "back_of_thigh",
        "knee",
        "back_of_knee",
        "shin",
        "calf",
        "ankle",
        "foot",
        "toes",
    ];
    assert_eq!(Region::iter().count(), with_middle.len() + without.len());
    let (mut english, mut norwegian) = (Vec::new(), Vec::new());
    for region in Region::iter() {
        let word: &'static str = region.into();
        assert_eq!(serde_json::to_value(region).expect("a text"), word);
        assert_eq!(word.parse(), Ok(region));
        assert_eq!(region.has_midline(), with_middle.contains(&word), "{word}");
        assert!(region.has_midline() || without.contains(&word), "{word}");
        for (text, seen) in [(region.en(), &mut english), (region.nb(), &mut norwegian)] {
            assert!(!text.trim().is_empty() && !seen.contains(&text), "{word}: {text:?}");
            seen.push(text);
        }
    }
    for (side, word) in Side::iter().zip(["left", "right", "both", "midline"]) {
        assert_eq!(serde_json::to_value(side).expect("a text"), word);
    }
}

#[test]
fn examine_names_every_fault_of_a_goal() {
    refused(
        EntryKind::TreatmentGoal,
        [
            (json!({"set_on": "2026-11-23", "assessed_on": null, "attainment": null}), "/set_on in_future"),
            (json!({"target_on": "2025-02-02"}), "/target_on wrong_order"),
            (json!({"target_on": null}), ""),
            (json!({"assessed_on": "2025-02-02"}), "/assessed_on wrong_order"),
            (json!({"assessed_on": "2026-11-23"}), "/assessed_on in_future"),
            (json!({"attainment": -2}), ""),
            (json!({"attainment": -3}), "/attainment out_of_range"),
            (json!({"attainment": 3}), "/attainment out_of_range"),
            (json!({"attainment": null}), "/attainment required"),
            (json!({"assessed_on": null}), "/assessed_on required"),
            (json!({"attainment": null, "assessed_on": null}), ""),
            (json!({"category": "happiness"}), "/category unknown_code"),
            (json!({"text": " \n"}), "/text invalid_format"),
            (json!({"text": "æ".repeat(2000)}), ""),
            (json!({"text": "æ".repeat(2001)}), "/text too_long"),
        ],
    );
    refused_of_the_dead(
        EntryKind::TreatmentGoal,
        [(json!({"target_on": "2027-01-01"}), ""), (json!({"assessed_on": "2026-03-02"}), "/assessed_on after_death")],
    );
}

#[test]
fn examine_names_every_fault_of_a_medication() {
    refused(
        EntryKind::Medication,
        [
            (json!({"started_on": "2026-11-23", "ended_on": null, "stop_reason": null}), "/started_on in_future"),
            (json!({"ended_on": "2025-02-02"}), "/ended_on wrong_order"),
            (json!({"ended_on": "2025-02-03"}), ""),
            (json!({"ended_on": "2027-01-01"}), ""),
            (json!({"ended_on": null}), "/stop_reason contradiction"),
            (json!({"ended_on": null, "stop_reason": null}), ""),
            (json!({"dose": null}), "/dose required"),
            (json!({"unit": null}), "/unit required"),
            (json!({"dose": null, "unit": null, "doses_per_day": null}), ""),
            (json!({"dose": 0}), "/dose out_of_range"),
            (json!({"dose": -20}), "/dose out_of_range"),
            (json!({"dose": 1e28}), "/dose out_of_range"),
            (json!({"dose": 0.000_000_1}), "/dose invalid_format"),
            (json!({"doses_per_day": 49}), "/doses_per_day out_of_range"),
            (json!({"strength_mg": 5}), "/strength_mg contradiction"),
            (json!({"route": "transdermal"}), "/unit contradiction"),
            (json!({"atc": "N02AA"}), "/atc unknown_code"),
            (json!({"atc": "x"}), "/atc unknown_code"),
            (json!({"atc": "n02aa05"}), "/atc invalid_format"),
            (json!({"atc": "N02AA05 "}), "/atc invalid_format"),
            (json!({"atc": "N02AA99"}), "/atc unknown_code"),
            (json!({"atc": "M79.7"}), "/atc wrong_code_system"),
            (json!({"atc": "MG30.02"}), "/atc wrong_code_system"),
            (json!({"atc": "ZDRF01"}), "/atc wrong_code_system"),
            (json!({"started_on": "2014-12-31"}), "/atc expired_code"),
            (json!({"product": " "}), "/product invalid_format"),
            (
                json!({"atc": "?", "dose": null, "product": "x".repeat(101)}),
                "/atc invalid_format, /dose required, /product too_long",
            ),
        ],
    );
    refused_of_the_dead(
        EntryKind::Medication,
        [
            (json!({"ended_on": "2026-12-01"}), ""),
            (json!({"started_on": "2026-03-02", "ended_on": null, "stop_reason": null}), "/started_on after_death"),
        ],
    );
}

#[test]
fn examine_derives_omeq_and_remarks_on_high_or_unknown_doses() {
    let said = |members: Value| {
        let said = say(EntryKind::Medication, &members);
        assert_eq!(said.faults, "", "{members}");
        (said.derived["omeq_mg"].clone(), said.derived["omeq_unknown"].clone(), said.remarks)
    };
    let (high, unknown) = (vec![Remark::HighOpioidDose], vec![Remark::OmeqUnknown]);
    let null = Value::Null;
    for (members, mg, reason, remarks) in [
        (json!({"dose": 100, "doses_per_day": 2}), json!(300), null.clone(), vec![]),
        (json!({"dose": 100.01, "doses_per_day": 2}), json!(300.03), null.clone(), high),
        (json!({"dose": 2.5, "doses_per_day": 1, "as_needed": true}), json!(3.75), null.clone(), vec![]),
        (json!({"doses_per_day": null, "as_needed": true}), null.clone(), json!("dose_missing"), unknown.clone()),
        (json!({"dose": null, "unit": null}), null.clone(), json!("dose_missing"), unknown.clone()),
        (json!({"route": "intravenous"}), null.clone(), json!("parenteral"), unknown.clone()),
        (json!({"unit": "tablet"}), null.clone(), json!("strength_missing"), unknown.clone()),
        (json!({"unit": "tablet", "strength_mg": 5}), json!(300), null.clone(), vec![]),
        (json!({"unit": "iu"}), null.clone(), json!("unit_not_convertible"), unknown),
        (json!({"atc": "C02AC01"}), null.clone(), null.clone(), vec![]),
    ] {
        assert_eq!(said(members.clone()), (mg, reason, remarks), "{members}");
    }
}
