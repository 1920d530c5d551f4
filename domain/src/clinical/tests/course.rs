//! Referrals, episodes and consultations.

use serde_json::json;

use super::*;
use crate::clinical::{Consequence, Effect};

#[test]
fn examine_names_every_fault_of_a_referral() {
    refused(
        EntryKind::Referral,
        [
            (json!({"received_on": "1970-01-30", "assessed_on": null}), "/received_on before_birth"),
            (json!({"received_on": "2026-11-23", "assessed_on": null}), "/received_on in_future"),
            (json!({"received_on": "2026-11-22", "assessed_on": "2026-11-23"}), "/assessed_on in_future"),
            (json!({"assessed_on": "2025-01-09"}), "/assessed_on wrong_order"),
            (json!({"assessed_on": "2025-01-10"}), ""),
            (json!({"source": "doctor"}), "/source unknown_code"),
            (json!({"source": " gp"}), "/source unknown_code"),
            (json!({"source": "GP"}), "/source unknown_code"),
            (json!({"source": ""}), "/source unknown_code"),
            (json!({"category": "granted"}), "/category unknown_code"),
            (json!({"category": "gp"}), "/category unknown_code"),
            (json!({"unit": "old_clinic"}), "/unit expired_code"),
            (json!({"unit": "old_clinic", "received_on": "2020-12-31", "assessed_on": "2021-01-02"}), ""),
            (json!({"pas_id": ""}), "/pas_id invalid_format"),
            (json!({"pas_id": "P-1 "}), "/pas_id invalid_format"),
            (json!({"pas_id": "P\n1"}), "/pas_id forbidden_character"),
            (json!({"pas_id": "x".repeat(65)}), "/pas_id too_long"),
            (
                json!({"source": "x", "category": "x", "unit": "x"}),
                "/category unknown_code, /source unknown_code, /unit unknown_code",
            ),
        ],
    );
    remarked(
        EntryKind::Referral,
        [
            (json!({"category": null, "assessed_on": null}), &[Remark::CategoryMissing]),
            (json!({"source": null, "unit": null, "pas_id": null, "assessed_on": null}), &[]),
        ],
    );
    // Assessed in the papers after the death: that must be possible to put right.
    refused_of_the_dead(
        EntryKind::Referral,
        [
            (json!({"received_on": "2026-02-20", "assessed_on": "2026-03-10"}), ""),
            (json!({"received_on": "2026-03-02", "assessed_on": null}), "/received_on after_death"),
        ],
    );
}

#[test]
fn examine_suggests_categories_in_force() {
    let all =
        ["right_granted", "right_granted_intervention", "right_granted_single", "second_opinion", "guidance_only"];
    assert_eq!(say(EntryKind::Referral, &json!({"category": "granted"})).suggested, all);
    let units = ["clinic", "interventional", "neuromodulation", "rehabilitation"];
    assert_eq!(say(EntryKind::Referral, &json!({"unit": "old_clinic"})).suggested, units);
    let before = json!({"unit": "new_clinic", "received_on": "2020-12-31"});
    assert_eq!(say(EntryKind::Referral, &before).suggested, [&units[..], &["old_clinic"]].concat());
}

fn referral(category: Option<&str>) -> Referral {
    serde_json::from_value(changed(EntryKind::Referral, &json!({"category": category}))).expect("a referral")
}

fn effect(category: &str, flags: [bool; 3]) -> Effect {
    let [counts_in_denominator, triggers_baseline, triggers_follow_up] = flags;
    Effect { category: category.into(), counts_in_denominator, triggers_baseline, triggers_follow_up }
}

#[test]
fn recategorised_returns_the_consequences() {
    let assessed = date(2025, 3, 1);
    for (was, is, before, after) in [
        (Some("right_granted"), "no_right", Some([true, true, true]), [false, false, false]),
        (Some("guidance_only"), "right_granted", Some([false, false, false]), [true, true, true]),
        (Some("second_opinion"), "right_granted_single", Some([false, true, false]), [true, true, false]),
        (Some("right_granted"), "right_granted", Some([true, true, true]), [true, true, true]),
        // A category that the list no longer has brings nothing about.
        (Some("forgotten"), "right_granted", Some([false, false, false]), [true, true, true]),
        (None, "second_opinion", None, [false, true, false]),
    ] {
        let before = was.zip(before).map(|(code, flags)| effect(code, flags));
        let told = Consequence { before, after: effect(is, after) };
        let changed = Referral { assessed_on: Some(assessed), ..referral(Some(is)) };
        assert_eq!(recategorised(&referral(was), is, assessed, &LISTS), Ok((changed, told)), "{was:?} {is}");
    }
}

#[test]
fn recategorised_refuses_unknown_and_expired_categories() {
    let listed = |code: &str, from: Option<Date>, to: Option<Date>| crate::code_list::Listed {
        code: code.into(),
        nb: code.to_uppercase(),
        en: code.into(),
        flags: crate::code_list::CodeListFlags::default(),
        valid_from: from,
        valid_to: to,
    };
    let (last, first) = (date(2022, 12, 31), date(2023, 1, 1));
    let codes = [listed("old", None, Some(last)), listed("new", Some(first), None), listed("always", None, None)];
    let lists = CodeLists::new(codes.map(|code| (List::TreatmentRight, code)), Vec::new());
    for (category, on, expected) in [
        ("old", last, None),
        ("new", first, None),
        ("old", first, Some((FaultCode::ExpiredCode, ["new", "always"]))),
        ("new", last, Some((FaultCode::ExpiredCode, ["old", "always"]))),
        ("none", first, Some((FaultCode::UnknownCode, ["new", "always"]))),
        ("", last, Some((FaultCode::UnknownCode, ["old", "always"]))),
        (" new", first, Some((FaultCode::UnknownCode, ["new", "always"]))),
    ] {
        let refused = recategorised(&referral(None), category, on, &lists).err().map(|faults| {
            let [fault] = &faults[..] else { panic!("{faults:?}") };
            assert_eq!(fault.pointer, "/category");
            assert_eq!(fault.suggestions[0].title, fault.suggestions[0].code.to_uppercase());
            (fault.code, fault.suggestions.iter().map(|it| it.code.clone()).collect::<Vec<_>>())
        });
        let expected = expected.map(|(code, near)| (code, near.map(str::to_owned).to_vec()));
        assert_eq!(refused, expected, "{category} on {on}");
    }
}

#[test]
fn examine_names_every_fault_of_an_episode() {
    refused(
        EntryKind::Episode,
        [
            (json!({"opened_on": "1969-12-31"}), "/opened_on before_birth"),
            (json!({"closed_on": "2025-01-31"}), "/closed_on wrong_order"),
            (json!({"closed_on": "2025-02-01"}), ""),
            (json!({"closed_on": "2026-11-23"}), "/closed_on in_future"),
            (json!({"closed_on": null}), "/closed_on required"),
            (json!({"closing_reason": null}), "/closing_reason required"),
            (json!({"closed_on": null, "closing_reason": null}), ""),
            (json!({"closing_reason": "done"}), "/closing_reason unknown_code"),
            (json!({"unit": "old_clinic"}), "/unit expired_code"),
            (json!({"opened_on": "2026-11-23"}), "/closed_on wrong_order, /opened_on in_future"),
        ],
    );
    refused_of_the_dead(
        EntryKind::Episode,
        [
            (json!({"closed_on": "2026-06-01", "closing_reason": "deceased"}), ""),
            (json!({"opened_on": "2026-03-02", "closed_on": null, "closing_reason": null}), "/opened_on after_death"),
        ],
    );
}

#[test]
fn examine_names_every_fault_of_a_consultation() {
    let who = |hpr: &str| json!({"professionals": [{"profession": "nurse"}, {"profession": "physician", "hpr": hpr}]});
    let wrong = "/professionals/1/hpr invalid_format";
    let crowd = |many: usize| json!({"professionals": vec![json!({"profession": "other"}); many]});
    refused(
        EntryKind::Consultation,
        [
            (json!({"held_on": "1970-01-30"}), "/held_on before_birth"),
            (json!({"held_on": "2026-11-23"}), "/held_on in_future"),
            (json!({"held_on": "2026-11-23", "attendance": "no_show"}), "/held_on in_future"),
            (json!({"held_on": "2026-12-24", "attendance": "cancelled"}), ""),
            (json!({"held_on": "1970-01-30", "attendance": "no_show"}), "/held_on before_birth"),
            (json!({"held_on": "1970-01-30", "attendance": "cancelled"}), "/held_on before_birth"),
            (json!({"professionals": []}), ""),
            (crowd(20), ""),
            (crowd(21), "/professionals too_long"),
            (who("1234567"), ""),
            (who("123456789"), ""),
            (who("123456"), wrong),
            (who("1234567890"), wrong),
            (who("123456x"), wrong),
            (who(" 1234567"), wrong),
            (who("１２３４５６７"), wrong),
            (who(""), wrong),
        ],
    );
    // Who has died does not come, and what was agreed upon is called off.
    refused_of_the_dead(
        EntryKind::Consultation,
        [
            (json!({"held_on": "2026-03-01"}), ""),
            (json!({"held_on": "2026-03-02"}), "/held_on after_death"),
            (json!({"held_on": "2026-03-02", "attendance": "no_show"}), ""),
            (json!({"held_on": "2026-12-24", "attendance": "cancelled"}), ""),
        ],
    );
}
