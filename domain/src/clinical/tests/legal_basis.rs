//! Legal bases: permission to keep data and to send questionnaires.

use std::ops::RangeInclusive;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::clinical::legal_basis::{
    Against, Basis, BasisSource, Circumstances, ConsentDecision, EXEMPT_SINCE, PermissionReason, may_keep, may_send,
};

fn ground(basis: Basis, from: &str) -> LegalBasis {
    LegalBasis {
        basis,
        decision: None,
        against: None,
        valid_from: from.parse().expect(from),
        valid_to: None,
        source: BasisSource::Paper,
        letter_version: None,
    }
}

fn consent(decision: ConsentDecision, from: &str) -> LegalBasis {
    LegalBasis { decision: Some(decision), ..ground(Basis::Consent, from) }
}

fn given(from: &str) -> LegalBasis {
    consent(ConsentDecision::Given, from)
}

fn refused_on(from: &str) -> LegalBasis {
    consent(ConsentDecision::Refused, from)
}

fn withdrawn(from: &str) -> LegalBasis {
    consent(ConsentDecision::Withdrawn, from)
}

fn exempt(from: &str) -> LegalBasis {
    ground(Basis::Exemption, from)
}

fn reserved(against: Against, from: &str) -> LegalBasis {
    LegalBasis { against: Some(against), ..ground(Basis::Reservation, from) }
}

fn until(to: &str, ground: LegalBasis) -> LegalBasis {
    LegalBasis { valid_to: Some(to.parse().expect(to)), ..ground }
}

#[test]
fn may_keep_and_may_send_follow_the_table_of_legal_bases() {
    use Against::{Questionnaires, Registry};
    use PermissionReason::{
        ConsentGiven, ConsentRefused, ConsentWithdrawn, Exempt, GeneralExemption, NoBasis,
        ReservedAgainstQuestionnaires as NoForms, ReservedAgainstRegistry as NotHere,
    };
    let consented = || given("2018-03-01");
    let cases: Vec<(Vec<LegalBasis>, &str, PermissionReason, PermissionReason)> = vec![
        // Nothing was said.
        (vec![], "2021-05-31", NoBasis, NoBasis),
        (vec![], "2021-06-01", GeneralExemption, GeneralExemption),
        (vec![], "2026-11-22", GeneralExemption, GeneralExemption),
        // Consent given in 2018.
        (vec![consented()], "2018-02-28", NoBasis, NoBasis),
        (vec![consented()], "2018-03-01", ConsentGiven, ConsentGiven),
        (vec![consented()], "2021-05-31", ConsentGiven, ConsentGiven),
        (vec![consented()], "2026-11-22", ConsentGiven, ConsentGiven),
        // Given for a time.
        (vec![until("2019-12-31", consented())], "2019-12-31", ConsentGiven, ConsentGiven),
        (vec![until("2019-12-31", consented())], "2020-01-01", NoBasis, NoBasis),
        (vec![until("2019-12-31", consented())], "2022-01-01", GeneralExemption, GeneralExemption),
        // Refused: the exemption of 2021 does not undo it, one for this patient does.
        (vec![refused_on("2018-03-01")], "2018-02-28", NoBasis, NoBasis),
        (vec![refused_on("2018-03-01")], "2018-03-01", ConsentRefused, ConsentRefused),
        (vec![refused_on("2018-03-01")], "2022-01-01", ConsentRefused, ConsentRefused),
        (vec![refused_on("2018-03-01"), exempt("2021-06-01")], "2021-05-31", ConsentRefused, ConsentRefused),
        (vec![refused_on("2018-03-01"), exempt("2021-06-01")], "2021-06-01", Exempt, Exempt),
        (vec![refused_on("2021-06-01"), exempt("2021-06-01")], "2021-06-01", ConsentRefused, ConsentRefused),
        (vec![refused_on("2022-01-01"), exempt("2021-06-01")], "2021-12-31", Exempt, Exempt),
        (vec![refused_on("2022-01-01"), exempt("2021-06-01")], "2022-01-01", ConsentRefused, ConsentRefused),
        (
            vec![refused_on("2018-03-01"), until("2021-12-31", exempt("2021-06-01"))],
            "2022-01-01",
            ConsentRefused,
            ConsentRefused,
        ),
        (vec![until("2019-12-31", refused_on("2018-03-01"))], "2020-01-01", NoBasis, NoBasis),
        (vec![until("2021-12-31", refused_on("2018-03-01"))], "2022-01-01", GeneralExemption, GeneralExemption),
        // Withdrawn after it was given, and given after it was refused.
        (vec![consented(), withdrawn("2019-01-01")], "2018-12-31", ConsentGiven, ConsentGiven),
        (vec![consented(), withdrawn("2019-01-01")], "2019-01-01", ConsentWithdrawn, ConsentWithdrawn),
        (vec![consented(), withdrawn("2019-01-01")], "2022-01-01", ConsentWithdrawn, ConsentWithdrawn),
        (vec![consented(), withdrawn("2019-01-01"), exempt("2021-06-01")], "2022-01-01", Exempt, Exempt),
        (
            vec![consented(), withdrawn("2022-01-01"), exempt("2021-06-01")],
            "2022-01-01",
            ConsentWithdrawn,
            ConsentWithdrawn,
        ),
        (vec![refused_on("2018-03-01"), given("2019-01-01")], "2018-12-31", ConsentRefused, ConsentRefused),
        (vec![refused_on("2018-03-01"), given("2019-01-01")], "2019-01-01", ConsentGiven, ConsentGiven),
        (vec![consented(), withdrawn("2019-01-01"), given("2020-01-01")], "2020-01-01", ConsentGiven, ConsentGiven),
        // Both on one day: who says no is heard.
        (vec![consented(), refused_on("2018-03-01")], "2018-03-01", ConsentRefused, ConsentRefused),
        (vec![consented(), withdrawn("2018-03-01")], "2018-03-01", ConsentWithdrawn, ConsentWithdrawn),
        (vec![withdrawn("2018-03-01"), refused_on("2018-03-01")], "2018-03-01", ConsentWithdrawn, ConsentWithdrawn),
        // Exempt.
        (vec![exempt("2021-06-01")], "2021-05-31", NoBasis, NoBasis),
        (vec![exempt("2021-06-01")], "2021-06-01", Exempt, Exempt),
        (vec![exempt("2020-01-01")], "2020-01-01", Exempt, Exempt),
        (vec![until("2020-12-31", exempt("2020-01-01"))], "2021-01-01", NoBasis, NoBasis),
        (vec![consented(), exempt("2021-06-01")], "2022-01-01", ConsentGiven, ConsentGiven),
        // Reserved against the registry: whatever else there is.
        (vec![reserved(Registry, "2022-01-01")], "2021-12-31", GeneralExemption, GeneralExemption),
        (vec![reserved(Registry, "2022-01-01")], "2022-01-01", NotHere, NotHere),
        (vec![reserved(Registry, "2022-01-01"), consented()], "2022-01-01", NotHere, NotHere),
        (vec![reserved(Registry, "2022-01-01"), given("2023-01-01")], "2023-01-01", NotHere, NotHere),
        (vec![reserved(Registry, "2022-01-01"), exempt("2023-01-01")], "2023-01-01", NotHere, NotHere),
        (vec![reserved(Registry, "2022-01-01"), refused_on("2023-01-01")], "2023-01-01", NotHere, NotHere),
        (vec![until("2022-12-31", reserved(Registry, "2022-01-01"))], "2022-12-31", NotHere, NotHere),
        (vec![until("2022-12-31", reserved(Registry, "2022-01-01"))], "2023-01-01", GeneralExemption, GeneralExemption),
        // Reserved against questionnaires: kept, not asked.
        (vec![reserved(Questionnaires, "2022-01-01")], "2021-12-31", GeneralExemption, GeneralExemption),
        (vec![reserved(Questionnaires, "2022-01-01")], "2022-01-01", GeneralExemption, NoForms),
        (vec![reserved(Questionnaires, "2022-01-01"), consented()], "2022-01-01", ConsentGiven, NoForms),
        (vec![reserved(Questionnaires, "2022-01-01"), given("2023-01-01")], "2023-01-01", ConsentGiven, NoForms),
        (vec![reserved(Questionnaires, "2022-01-01"), exempt("2021-06-01")], "2022-01-01", Exempt, NoForms),
        (vec![reserved(Questionnaires, "2018-01-01")], "2019-01-01", NoBasis, NoBasis),
        (
            vec![reserved(Questionnaires, "2022-01-01"), withdrawn("2022-01-01")],
            "2022-01-01",
            ConsentWithdrawn,
            ConsentWithdrawn,
        ),
        (
            vec![reserved(Questionnaires, "2022-01-01"), reserved(Registry, "2022-01-01")],
            "2022-01-01",
            NotHere,
            NotHere,
        ),
        (
            vec![until("2022-12-31", reserved(Questionnaires, "2022-01-01"))],
            "2023-01-01",
            GeneralExemption,
            GeneralExemption,
        ),
        // A period of one day.
        (vec![until("2018-03-01", consented())], "2018-03-01", ConsentGiven, ConsentGiven),
        (vec![until("2018-03-01", consented())], "2018-03-02", NoBasis, NoBasis),
    ];
    for (grounds, on, keep, send) in cases {
        let day = on.parse().expect(on);
        let (kept, sent) = (may_keep(&grounds, day), may_send(&grounds, Circumstances::default(), day));
        assert_eq!((kept.reason, sent.reason), (keep, send), "{grounds:#?} on {on}");
        assert_eq!((kept.allowed, sent.allowed), (permits(keep), permits(send)), "{grounds:#?} on {on}");
    }
}

fn permits(reason: PermissionReason) -> bool {
    matches!(reason, PermissionReason::ConsentGiven | PermissionReason::Exempt | PermissionReason::GeneralExemption)
}

#[test]
fn may_send_only_depends_on_circumstances() {
    use PermissionReason::{CognitiveImpairment, ConsentRefused, Deceased, GeneralExemption, InterpreterNeeded};
    let day = date(2022, 1, 1);
    let (eve, next) = (day.yesterday().expect("a day"), day.tomorrow().expect("a day"));
    let forms = || vec![reserved(Against::Questionnaires, "2022-01-01")];
    let no = || vec![refused_on("2018-01-01")];
    for (grounds, deceased_on, cognitive_impairment, interpreter_needed, reason) in [
        (vec![], None, false, false, GeneralExemption),
        (vec![], None, true, false, CognitiveImpairment),
        (vec![], None, false, true, InterpreterNeeded),
        (vec![], None, true, true, CognitiveImpairment),
        (vec![], Some(eve), false, false, Deceased),
        (vec![], Some(day), false, false, Deceased),
        (vec![], Some(next), false, false, GeneralExemption),
        (vec![], Some(day), true, true, Deceased),
        (no(), Some(day), false, false, Deceased),
        (no(), None, true, true, ConsentRefused),
        (forms(), None, true, true, PermissionReason::ReservedAgainstQuestionnaires),
        (forms(), Some(day), false, false, Deceased),
    ] {
        let circumstances = Circumstances { deceased_on, cognitive_impairment, interpreter_needed };
        let sent = may_send(&grounds, circumstances, day);
        assert_eq!((sent.reason, sent.allowed), (reason, permits(reason)), "{grounds:?} {circumstances:?}");
    }
}

#[test]
fn permission_reasons_have_sentences_in_both_languages() {
    let mut seen = Vec::new();
    for reason in PermissionReason::iter() {
        for text in [reason.en(), reason.nb()] {
            assert!(text.ends_with('.') && text.starts_with(char::is_uppercase), "{text:?}");
            assert!(!seen.contains(&text), "{text:?}");
            seen.push(text);
        }
        let word: &'static str = reason.into();
        if let Some(code) = FaultCode::iter().find(|code| <&'static str>::from(*code) == word) {
            assert_eq!((code.en(), code.nb()), (reason.en(), reason.nb()), "{word}");
        }
    }
}

#[test]
fn examine_names_every_fault_of_a_legal_basis() {
    let consent = |decision: Value| json!({"basis": "consent", "decision": decision});
    let reservation = |against: Value| json!({"basis": "reservation", "against": against});
    refused(
        EntryKind::LegalBasis,
        [
            (json!({"valid_from": "1970-01-30"}), "/valid_from before_birth"),
            (json!({"valid_from": "2026-11-23"}), "/valid_from in_future"),
            (json!({"valid_to": "2021-05-31"}), "/valid_to wrong_order"),
            (json!({"valid_to": "2021-06-01"}), ""),
            (json!({"valid_to": "2030-01-01"}), ""),
            (json!({"decision": "given"}), "/decision contradiction"),
            (json!({"against": "registry"}), "/against contradiction"),
            (consent(json!(null)), "/decision required"),
            (consent(json!("given")), ""),
            (consent(json!("withdrawn")), ""),
            (json!({"basis": "consent", "decision": "given", "against": "registry"}), "/against contradiction"),
            (reservation(json!(null)), "/against required"),
            (reservation(json!("registry")), ""),
            (reservation(json!("questionnaires")), ""),
            (json!({"basis": "reservation", "decision": "refused"}), "/against required, /decision contradiction"),
            (json!({"letter_version": ""}), "/letter_version invalid_format"),
            (json!({"letter_version": "2021-06 "}), "/letter_version invalid_format"),
            (json!({"letter_version": "x".repeat(41)}), "/letter_version too_long"),
        ],
    );
    refused_of_the_dead(EntryKind::LegalBasis, [(json!({"valid_from": "2026-03-02"}), "")]);
    let eve = json!(EXEMPT_SINCE.yesterday().expect("a day"));
    remarked(
        EntryKind::LegalBasis,
        [
            (json!({ "valid_from": eve }), &[Remark::ExemptionBeforeJune2021]),
            (json!({"valid_from": eve, "basis": "consent", "decision": "given"}), &[]),
        ],
    );
}

/// Days around the exemption, few enough that many coincide.
fn any_day() -> impl Strategy<Value = Date> {
    (-2..=2_i32).prop_map(|quarters| EXEMPT_SINCE + jiff::Span::new().months(3 * quarters))
}

fn any_ground() -> impl Strategy<Value = LegalBasis> {
    let decisions = [ConsentDecision::Given, ConsentDecision::Refused, ConsentDecision::Withdrawn]
        .map(|it| (Basis::Consent, Some(it), None));
    let others = [
        (Basis::Exemption, None, None),
        (Basis::Reservation, None, Some(Against::Questionnaires)),
        (Basis::Reservation, None, Some(Against::Registry)),
    ];
    let kind = proptest::sample::select([decisions, others].concat());
    (kind, any_day(), proptest::option::of(any_day())).prop_map(|((basis, decision, against), from, to)| LegalBasis {
        basis,
        decision,
        against,
        valid_from: from,
        valid_to: to.filter(|to| *to >= from),
        source: BasisSource::Oral,
        letter_version: None,
    })
}

fn grounds(many: RangeInclusive<usize>) -> impl Strategy<Value = Vec<LegalBasis>> {
    proptest::collection::vec(any_ground(), many)
}

fn any_circumstances() -> impl Strategy<Value = Circumstances> {
    (proptest::option::of(any_day()), any::<bool>(), any::<bool>()).prop_map(
        |(deceased_on, cognitive_impairment, interpreter_needed)| Circumstances {
            deceased_on,
            cognitive_impairment,
            interpreter_needed,
        },
    )
}

fn covers(ground: &LegalBasis, day: Date) -> bool {
    day >= ground.valid_from && ground.valid_to.is_none_or(|to| day <= to)
}

proptest! {
    #[test]
    fn may_keep_refuses_after_opt_out_of_the_registry(
        mut grounds in grounds(0..=5), from in any_day(), on in any_day(), place in any::<prop::sample::Index>(),
        circumstances in any_circumstances(),
    ) {
        let reservation = LegalBasis { valid_from: from.min(on), ..reserved(Against::Registry, "2022-01-01") };
        grounds.insert(place.index(grounds.len() + 1), reservation);
        let kept = may_keep(&grounds, on);
        prop_assert_eq!((kept.allowed, kept.reason), (false, PermissionReason::ReservedAgainstRegistry));
        prop_assert!(!may_send(&grounds, circumstances, on).allowed);
    }

    #[test]
    fn may_send_implies_may_keep(
        grounds in grounds(0..=5), on in any_day(), circumstances in any_circumstances(),
    ) {
        let (kept, sent) = (may_keep(&grounds, on), may_send(&grounds, circumstances, on));
        prop_assert!(kept.allowed || !sent.allowed);
        prop_assert_eq!((kept.allowed, sent.allowed), (permits(kept.reason), permits(sent.reason)));
        if sent.allowed {
            prop_assert_eq!(kept, sent);
        }
    }

    #[test]
    fn may_keep_ignores_the_order_of_entries(
        (grounds, shuffled) in grounds(0..=5).prop_flat_map(|it| (Just(it.clone()), Just(it).prop_shuffle())),
        on in any_day(), circumstances in any_circumstances(),
    ) {
        prop_assert_eq!(may_keep(&grounds, on), may_keep(&shuffled, on));
        prop_assert_eq!(may_send(&grounds, circumstances, on), may_send(&shuffled, circumstances, on));
    }

    #[test]
    fn may_keep_ignores_entries_of_other_days(
        grounds in grounds(0..=5), other in any_ground(), on in any_day(), circumstances in any_circumstances(),
    ) {
        let other = if covers(&other, on) {
            LegalBasis { valid_from: on.tomorrow().expect("a day"), valid_to: None, ..other }
        } else {
            other
        };
        let more = [grounds.clone(), vec![other]].concat();
        prop_assert_eq!(may_keep(&grounds, on), may_keep(&more, on));
        prop_assert_eq!(may_send(&grounds, circumstances, on), may_send(&more, circumstances, on));
    }

    #[test]
    fn may_keep_follows_the_latest_refusal(grounds in grounds(0..=5), on in any_day(), taken_back in any::<bool>()) {
        let said = if taken_back { withdrawn("2022-01-01") } else { refused_on("2022-01-01") };
        let more = [grounds, vec![LegalBasis { valid_from: on, ..said }]].concat();
        prop_assert!(!may_keep(&more, on).allowed);
    }

    #[test]
    fn may_send_only_depends_on_opt_out_of_questionnaires(
        grounds in grounds(0..=5), on in any_day(), circumstances in any_circumstances(),
    ) {
        let reservation = LegalBasis { valid_from: on, ..reserved(Against::Questionnaires, "2022-01-01") };
        let more = [grounds.clone(), vec![reservation]].concat();
        prop_assert_eq!(may_keep(&grounds, on), may_keep(&more, on));
        prop_assert!(!may_send(&more, circumstances, on).allowed);
    }
}
