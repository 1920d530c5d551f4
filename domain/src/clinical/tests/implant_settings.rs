//! Stimulation programmes and checks of implants.

use serde_json::json;

use super::*;

#[test]
fn examine_names_every_fault_of_a_programme() {
    let polarity = |text: &str| json!({"leads": [{"component_id": TWO, "polarity": text}]});
    let wrong = "/leads/0/polarity invalid_format";
    let leads = |ids: &[String]| {
        let leads: Vec<Value> = ids.iter().map(|id| json!({"component_id": id, "polarity": "+-"})).collect();
        json!({ "leads": leads })
    };
    let ids: Vec<String> = (1..=9).map(|number| format!("00000000-0000-4000-8000-00000000000{number}")).collect();
    refused(
        EntryKind::ImplantProgramme,
        [
            (json!({"set_on": "2026-11-23", "ended_on": null}), "/set_on in_future"),
            (json!({"ended_on": "2025-04-01"}), "/ended_on wrong_order"),
            (json!({"number": 0}), "/number out_of_range"),
            (json!({"number": 100}), "/number out_of_range"),
            (json!({"amplitude": null}), "/amplitude required"),
            (json!({"amplitude_unit": null}), "/amplitude_unit required"),
            (json!({"amplitude": -1}), "/amplitude out_of_range"),
            (json!({"amplitude": 0}), ""),
            (json!({"amplitude": 100.5}), "/amplitude out_of_range"),
            (json!({"amplitude": 7e28}), "/amplitude out_of_range"),
            (json!({"amplitude": 1.000_000_1}), "/amplitude invalid_format"),
            (json!({"pulse_width_us": 0}), "/pulse_width_us out_of_range"),
            (json!({"pulse_width_us": 5001}), "/pulse_width_us out_of_range"),
            (json!({"frequency_hz": 0}), "/frequency_hz out_of_range"),
            (json!({"frequency_hz": 0.000_001}), ""),
            (json!({"frequency_hz": 20_000.5}), "/frequency_hz out_of_range"),
            (json!({"cycle_on_s": null}), "/cycle_on_s required"),
            (json!({"cycle_off_s": null}), "/cycle_off_s required"),
            (json!({"cycle_on_s": 0, "cycle_off_s": 86_401}), "/cycle_off_s out_of_range, /cycle_on_s out_of_range"),
            (json!({"usage_hours": 0}), ""),
            (json!({"usage_hours": 24.1}), "/usage_hours out_of_range"),
            (
                json!({"relief_percent": -1, "coverage_percent": 101}),
                "/coverage_percent out_of_range, /relief_percent out_of_range",
            ),
            (json!({"relief_percent": 0, "coverage_percent": 100}), ""),
            (json!({"leads": []}), ""),
            (polarity("+"), ""),
            (polarity(&"0".repeat(64)), ""),
            (polarity(&"0".repeat(65)), wrong),
            (polarity(""), wrong),
            (polarity("+- 0"), wrong),
            (polarity("+−0"), wrong),
            (polarity("+-1"), wrong),
            (polarity("A-C"), wrong),
            (leads(&ids[..8]), ""),
            (leads(&ids), "/leads too_long"),
            (leads(&[ids[0].clone(), ids[1].clone(), ids[0].clone()]), "/leads/2/component_id contradiction"),
        ],
    );
    refused_of_the_dead(
        EntryKind::ImplantProgramme,
        [
            (json!({"ended_on": "2026-12-01"}), ""),
            (json!({"set_on": "2026-03-02", "ended_on": null}), "/set_on after_death"),
        ],
    );
}

#[test]
fn examine_remarks_on_settings_outside_the_usual_range() {
    let usual = [
        ("tonic", [30.0, 120.0], [100, 500], [1.0, 15.0]),
        ("burst", [40.0, 500.0], [100, 1000], [0.0, 15.0]),
        ("burst_dr", [40.0, 500.0], [100, 1000], [0.0, 15.0]),
        ("ten_khz", [10_000.0, 10_000.0], [10, 50], [0.5, 5.0]),
        ("high_density", [500.0, 1200.0], [50, 500], [0.0, 15.0]),
    ];
    let is_odd = |waveform: &str, members: Value| {
        let mut whole = json!({"waveform": waveform, "frequency_hz": null, "pulse_width_us": null, "amplitude": null,
            "amplitude_unit": null});
        whole.as_object_mut().expect("members").extend(members.as_object().expect("members").clone());
        let said = say(EntryKind::ImplantProgramme, &whole);
        assert_eq!(said.faults, "", "{whole}");
        said.remarks.contains(&Remark::UnusualSetting)
    };
    for (waveform, frequency, width, amplitude) in usual {
        assert!(!is_odd(waveform, json!({})), "{waveform}");
        for (at, beyond) in [(0, -0.1), (1, 0.1)] {
            assert!(!is_odd(waveform, json!({"frequency_hz": frequency[at]})), "{waveform}");
            assert!(is_odd(waveform, json!({"frequency_hz": frequency[at] + beyond})), "{waveform}");
            assert!(!is_odd(waveform, json!({"pulse_width_us": width[at]})), "{waveform}");
            let outside = if at == 0 { width[0] - 1 } else { width[1] + 1 };
            assert!(is_odd(waveform, json!({"pulse_width_us": outside})), "{waveform}");
            let current = |it: f64| json!({"amplitude": it, "amplitude_unit": "milliampere"});
            assert!(!is_odd(waveform, current(amplitude[at])), "{waveform}");
            if amplitude[at] > 0.0 {
                assert!(is_odd(waveform, current(amplitude[at] + beyond)), "{waveform}");
            }
            // Volts cannot be compared.
            assert!(!is_odd(waveform, json!({"amplitude": 99, "amplitude_unit": "volt"})), "{waveform}");
        }
    }
    for waveform in ["fast", "ecap_closed_loop", "dtm", "other"] {
        let members = json!({"frequency_hz": 1, "pulse_width_us": 1, "amplitude": 99, "amplitude_unit": "milliampere"});
        assert!(!is_odd(waveform, members), "{waveform}");
    }
}

#[test]
fn examine_names_every_fault_of_a_check() {
    let impedances = |them: &[(&str, i32, i32)]| {
        let them = them.iter().map(|(id, contact, ohm)| json!({"component_id": id, "contact": contact, "ohm": ohm}));
        json!({"impedances": them.collect::<Vec<_>>()})
    };
    let many = |many: i32| {
        let leads = [ONE, TWO, "00000000-0000-4000-8000-000000000003"];
        let them = leads.iter().flat_map(|id| (1..=64).map(|contact| (*id, contact, 500)));
        impedances(&them.take(usize::try_from(many).expect("few")).collect::<Vec<_>>())
    };
    refused(
        EntryKind::ImplantCheck,
        [
            (json!({"checked_on": "2026-11-23"}), "/checked_on in_future"),
            (json!({"battery_percent": -1}), "/battery_percent out_of_range"),
            (json!({"battery_percent": 101}), "/battery_percent out_of_range"),
            (json!({"battery_percent": 0, "battery": "end_of_service"}), ""),
            (json!({"battery_percent": null, "battery": null, "impedances": []}), ""),
            (
                impedances(&[(ONE, 0, 0), (ONE, 65, 100_001)]),
                "/impedances/0/contact out_of_range, \
                /impedances/1/contact out_of_range, /impedances/1/ohm out_of_range",
            ),
            (impedances(&[(ONE, 1, -1)]), "/impedances/0/ohm out_of_range"),
            (impedances(&[(ONE, 1, 0), (TWO, 1, 100_000), (ONE, 64, 1)]), ""),
            (impedances(&[(ONE, 1, 0), (ONE, 1, 0)]), "/impedances/1/contact contradiction"),
            (many(128), ""),
            (many(129), "/impedances too_long"),
        ],
    );
    refused_of_the_dead(EntryKind::ImplantCheck, [(json!({"checked_on": "2026-03-02"}), "/checked_on after_death")]);
}
