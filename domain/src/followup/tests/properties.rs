//! Properties of decisions about any facts on any day.

use super::*;

fn day() -> impl Strategy<Value = Date> {
    (0..2000_u32).prop_map(|days| days_after(date(2019, 1, 1), days))
}

fn ground() -> impl Strategy<Value = LegalBasis> {
    (day(), proptest::option::of(0..400_u32), any::<bool>()).prop_map(|(from, days, registry)| LegalBasis {
        basis: Basis::Reservation,
        decision: None,
        against: Some(if registry { Against::Registry } else { Against::Questionnaires }),
        valid_from: from,
        valid_to: days.map(|days| days_after(from, days)),
        source: BasisSource::Digital,
        letter_version: None,
    })
}

prop_compose! {
    fn any_facts()(
        born in (0..20_000_u32).prop_map(|days| days_after(date(1955, 1, 1), days)),
        died in proptest::option::weighted(0.1, day()),
        (impaired, interpreter) in (proptest::bool::weighted(0.1), proptest::bool::weighted(0.1)),
        channels in proptest::sample::subsequence(vec![Channel::Sms, Channel::DigitalMailbox], 0..=2),
        grounds in proptest::collection::vec(ground(), 0..2),
        category in proptest::option::of(any::<bool>()),
        episodes in proptest::collection::vec((day(), proptest::option::of(0..900_u32)), 0..3),
        procedures in proptest::collection::vec(day(), 0..4),
        implants in proptest::collection::vec((day(), proptest::option::of(0..500_u32)), 0..2),
        parts in proptest::collection::vec((day(), proptest::option::of(0..300_u32), any::<bool>()), 0..2),
        answers in proptest::collection::vec((day(), 0..4_usize), 0..4),
        sent_on in proptest::collection::vec((0..60_u32, 0..7_usize, 0..2_u32), 0..3),
    ) -> Facts {
        let numbered = |from: u128, at: usize| id(from + u128::try_from(at).unwrap_or(0));
        let forms = ["opr-follow-up-short", "opr-follow-up-full", "opr-rf", "opr-scs"];
        let states = [InvitationState::Claimed, InvitationState::HandedOver, InvitationState::Sent,
            InvitationState::Delivered, InvitationState::Failed, InvitationState::Unknown, InvitationState::Withdrawn];
        let mut procedures: Vec<ProcedureFact> = procedures.iter().enumerate()
            .map(|(at, day)| ProcedureFact { id: numbered(1, at), performed_on: *day, group: "rf".to_owned() }).collect();
        procedures.sort_by_key(|it| (it.performed_on, it.id));
        let first = procedures.first().map(|it| (it.id, months_after(it.performed_on, 3)));
        let invitations = first.map_or_else(Vec::new, |(start_id, due)| sent_on.iter().enumerate().map(|(at, (days, state, reminder))| {
            let attempt = u32::try_from(at).unwrap_or(0) + 1;
            let at = noon(days_after(due, *days));
            let state = states[*state];
            InvitationFact { start_id, state, failed_at: Some(at), ..sent(attempt, *reminder, at) }
        }).collect());
        Facts {
            born, deceased_on: died, cognitive_impairment: impaired, interpreter_needed: interpreter, channels, grounds,
            contact_changed_at: None,
            referrals: vec![ReferralFact { id: id(900), received_on: date(2018, 1, 1),
                category: category.map(|_| "right".to_owned()), triggers_follow_up: category }],
            episodes: episodes.iter().enumerate().map(|(at, (from, days))| EpisodeFact { id: numbered(20, at), referral_id: None,
                opened_on: *from, closed_on: days.map(|days| days_after(*from, days)) }).collect(),
            procedures,
            implants: implants.iter().enumerate().map(|(at, (from, days))| ImplantFact { id: numbered(30, at), implant_id: id(60),
                modality: crate::clinical::Modality::Scs, implanted_on: *from, removed_on: days.map(|days| days_after(*from, days)) }).collect(),
            participations: parts.iter().enumerate().map(|(at, (from, days, excludes))| ParticipationFact { id: numbered(40, at),
                project: "trial".to_owned(), joined_on: *from, left_on: days.map(|days| days_after(*from, days)), excludes: *excludes }).collect(),
            answers: answers.iter().enumerate().map(|(at, (day, form))| AnswerFact { form: forms[*form].to_owned(),
                ..answer(u128::try_from(at).unwrap_or(0), *day) }).collect(),
            invitations,
            declined: Vec::new(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn decide_returns_exactly_one_current_decision_per_rule(facts in any_facts(), day in day()) {
        let plan = plan();
        let outcome = decide(&plan, &facts, noon(day));
        for rule in plan.rules() {
            let current = outcome.decisions.iter().filter(|it| it.rule == rule.code && it.current).count();
            prop_assert_eq!(current, 1, "{}", rule.code);
        }
        let keys: BTreeSet<_> = outcome.decisions.iter().map(|it| (&it.rule, it.start, it.number)).collect();
        prop_assert_eq!(keys.len(), outcome.decisions.len());
        prop_assert_eq!(&outcome, &decide(&plan, &facts, noon(day)));
        // No answer is lost, and none is counted twice.
        let mut answers: Vec<String> = outcome.unmatched.iter().map(ToString::to_string).collect();
        for decision in &outcome.decisions {
            answers.extend(decision.answer.map(|it| it.submission.to_string()));
            let also = decision.facts.get("also_answered").and_then(|it| it.as_array().cloned()).unwrap_or_default();
            answers.extend(also.iter().filter_map(|it| it.as_str().map(str::to_owned)));
        }
        answers.sort();
        let mut given: Vec<String> = facts.answers.iter().map(|it| it.id.to_string()).collect();
        given.sort();
        prop_assert_eq!(answers, given);
    }

    #[test]
    fn decide_sends_to_no_excluded_patient(facts in any_facts(), day in day()) {
        for decision in decide(&plan(), &facts, noon(day)).decisions {
            let Some(send_on) = decision.send_on else { continue };
            prop_assert!(is_working_day(send_on));
            prop_assert!(matches!(decision.state, State::Waiting | State::Due | State::Sent), "{:?}", decision.state);
            prop_assert!(decision.answer.is_none());
            prop_assert!(decision.due_on.is_some_and(|due| send_on >= due));
            prop_assert!(decision.lapses_on.is_some_and(|last| send_on <= last));
            let on = day.max(send_on);
            prop_assert!(facts.deceased_on.is_none_or(|died| on < died));
            prop_assert!(!facts.cognitive_impairment && !facts.interpreter_needed);
            prop_assert!(on >= months_after(facts.born, 16 * 12));
            let reserved = facts.grounds.iter().any(|it| it.valid_from <= on && it.valid_to.is_none_or(|last| on <= last));
            prop_assert!(!reserved);
        }
    }

    #[test]
    fn decide_is_stable_until_review_on(facts in any_facts(), day in day()) {
        let plan = plan();
        let at = |day: Date| decide(&plan, &facts, noon(day)).decisions;
        let before = at(day);
        let review = before.iter().filter_map(|it| it.review_on).min();
        prop_assert!(review.is_none_or(|review| review > day));
        let last = review.map_or_else(|| days_after(day, 1200), |review| days_before(review, 1));
        // Every day would take long: the ends and some between them.
        let span = u32::try_from((last - day).get_days()).unwrap_or(0);
        for days in [1, 2, span / 3, span / 2, span] {
            let then = days_after(day, days.min(span));
            prop_assert_eq!(&at(then), &before, "{} and {}", day, then);
        }
        if let Some(review) = review {
            prop_assert_ne!(&at(review), &before, "{} and {}", day, review);
        }
    }
}
