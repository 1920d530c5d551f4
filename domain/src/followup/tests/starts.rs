//! The start, restart and end of occurrences: episodes, categories, implants and matched answers.

use super::*;

fn episode(opened_on: Date, closed_on: Option<Date>) -> EpisodeFact {
    EpisodeFact { id: id(20), referral_id: Some(id(900)), opened_on, closed_on }
}

#[test]
fn decide_repeats_yearly_for_open_episodes_and_once_for_closed_ones() {
    let mut facts = facts();
    facts.episodes = vec![episode(date(2020, 2, 29), None)];
    let decision = current(&facts, "ongoing_12", date(2021, 7, 1));
    // The first year was over before anything was sent; the second ends on the last of February.
    assert_eq!((decision.number, decision.due_on), (2, Some(date(2022, 2, 28))));
    assert_eq!(current(&facts, "ongoing_12", date(2024, 2, 1)).due_on, Some(date(2024, 2, 29)));
    assert_eq!(stands(&facts, "closed_12", date(2021, 7, 1)), (State::Waiting, vec![Reason::NotClosed]));
    facts.episodes = vec![episode(date(2020, 2, 29), Some(date(2021, 12, 31)))];
    assert_eq!(stands(&facts, "ongoing_12", date(2022, 1, 5)), (State::Suppressed, vec![Reason::EpisodeClosed]));
    let decision = current(&facts, "closed_12", date(2022, 1, 5));
    assert_eq!((decision.state, decision.due_on), (State::Waiting, Some(date(2022, 12, 31))));
    // What had been asked before the end was known stays, with the reason, and its answer counts.
    let asked = date(2022, 2, 28);
    let invitation =
        InvitationFact { rule: "ongoing_12".to_owned(), start_id: id(20), number: 2, ..sent(1, 0, noon(asked)) };
    facts.invitations = vec![InvitationFact { form: "opr-follow-up-short".to_owned(), ..invitation }];
    let of_second = |facts: &Facts, day: Date| {
        let found = decide(&plan(), facts, noon(day)).decisions;
        found.into_iter().find(|it| it.rule == "ongoing_12" && it.number == 2).expect("the second year")
    };
    assert_eq!(of_second(&facts, asked).reasons, [Reason::EpisodeClosed]);
    facts.answers = vec![AnswerFact { form: "opr-follow-up-short".to_owned(), ..answer(1, date(2022, 3, 2)) }];
    assert_eq!(of_second(&facts, date(2022, 3, 3)).state, State::Answered);
    (facts.invitations, facts.answers) = (Vec::new(), Vec::new());
    // What was over before treatment began again is as it was.
    let mut later = facts.clone();
    later.episodes[0].closed_on = Some(date(2021, 12, 31));
    later.episodes.push(EpisodeFact { id: id(22), ..episode(date(2024, 1, 8), None) });
    assert_eq!(stands(&later, "closed_12", date(2024, 2, 1)), (State::Lapsed, vec![Reason::NeverSent]));
    // In treatment again: the form for ended treatment would be wrong.
    facts.episodes.push(EpisodeFact { id: id(21), ..episode(date(2022, 3, 1), None) });
    assert_eq!(stands(&facts, "closed_12", date(2022, 3, 1)).1, [Reason::InTreatmentAgain]);
    assert_eq!(current(&facts, "ongoing_12", date(2022, 3, 1)).start, Some(id(21)));
    // Or still: an older episode was never closed.
    facts.episodes[1].opened_on = date(2019, 5, 1);
    assert_eq!(stands(&facts, "closed_12", date(2022, 3, 1)).1, [Reason::InTreatmentAgain]);
}

#[test]
fn decide_ignores_starts_that_ended_or_lead_nowhere() {
    let mut facts = facts();
    // A short second episode within the first, which goes on.
    let short = EpisodeFact { id: id(21), ..episode(date(2021, 7, 1), Some(date(2021, 7, 20))) };
    facts.episodes = vec![episode(date(2020, 9, 1), None), short];
    let decision = current(&facts, "ongoing_12", date(2021, 9, 1));
    assert_eq!((decision.state, decision.start), (State::Due, Some(id(20))), "{decision:?}");
    // While the second goes on, it counts.
    facts.episodes.iter_mut().for_each(|episode| episode.closed_on = None);
    assert_eq!(current(&facts, "ongoing_12", date(2021, 9, 1)).start, Some(id(21)));
    // A second opinion after a treatment does not take the treatment's question away.
    let opinion = ReferralFact {
        id: id(901),
        received_on: date(2021, 9, 1),
        category: Some("second_opinion".to_owned()),
        triggers_follow_up: Some(false),
    };
    facts.referrals.push(opinion);
    let referral_id = Some(id(901));
    let advice = EpisodeFact { id: id(22), referral_id, ..episode(date(2021, 10, 1), Some(date(2021, 10, 1))) };
    facts.episodes = vec![episode(date(2020, 9, 1), Some(date(2021, 1, 4))), advice];
    let closed = decide(&plan(), &facts, noon(date(2022, 1, 4))).decisions;
    let of = |start: Uuid| closed.iter().find(|it| it.rule == "closed_12" && it.start == Some(start)).expect("decided");
    assert_eq!((of(id(20)).state, of(id(20)).current), (State::Due, true));
    assert_eq!(of(id(22)).reasons, [Reason::CategoryWithoutFollowUp]);
}

#[test]
fn decide_reads_the_category_of_the_referral() {
    let mut facts = facts();
    facts.episodes = vec![episode(date(2021, 8, 1), None)];
    let day = date(2021, 9, 1);
    for (category, leads, expected) in [
        (None, None, vec![Reason::CategoryMissing]),
        (Some("no_right"), Some(false), vec![Reason::CategoryWithoutFollowUp]),
        (Some("gone"), None, vec![Reason::CategoryWithoutFollowUp]),
        (Some("right_granted"), Some(true), vec![Reason::NotYetDue]),
    ] {
        facts.referrals[0].category = category.map(str::to_owned);
        facts.referrals[0].triggers_follow_up = leads;
        assert_eq!(stands(&facts, "ongoing_12", day).1, expected);
    }
    facts.referrals.clear();
    assert_eq!(stands(&facts, "ongoing_12", day).1, [Reason::CategoryMissing]);
}

#[test]
fn decide_restarts_unless_the_older_start_was_asked_about() {
    let mut facts = rf(PERFORMED);
    let again = ProcedureFact { id: id(2), performed_on: days_after(PERFORMED, 40), group: "rf".to_owned() };
    facts.procedures.push(again);
    let found = |facts: &Facts, day: Date| -> Vec<(Option<Uuid>, State, Reason, bool)> {
        let all = decide(&plan(), facts, noon(day)).decisions;
        all.iter().filter(|it| it.rule == "rf_3").map(|it| (it.start, it.state, it.reasons[0], it.current)).collect()
    };
    let restarted = (Some(id(1)), State::Suppressed, Reason::RestartedByNewerStart, false);
    let waiting = (Some(id(2)), State::Waiting, Reason::NotYetDue, true);
    assert_eq!(found(&facts, DUE), [restarted, waiting]);
    facts.invitations.push(sent(1, 0, noon(DUE)));
    assert_eq!(found(&facts, DUE)[0].1, State::Sent);
    // The same day twice, one for each side: one questionnaire.
    facts.invitations.clear();
    facts.procedures[1].performed_on = PERFORMED;
    assert_eq!(found(&facts, DUE), [restarted, (Some(id(2)), State::Due, Reason::DueNow, true)]);
}

#[test]
fn decide_continues_after_replacement_and_ends_after_removal() {
    let generator = |number, implanted_on, removed_on| ImplantFact {
        id: id(number),
        implant_id: id(60),
        modality: crate::clinical::Modality::Scs,
        implanted_on,
        removed_on,
    };
    let first = date(2021, 3, 1);
    let changed = date(2021, 5, 1);
    let mut facts = facts();
    facts.implants = vec![generator(30, first, Some(changed)), generator(31, changed, None)];
    let decision = current(&facts, "scs_6", date(2021, 6, 1));
    assert_eq!((decision.start, decision.due_on), (Some(id(30)), Some(date(2021, 9, 1))));
    facts.implants[1].removed_on = Some(date(2021, 8, 1));
    assert_eq!(stands(&facts, "scs_6", date(2021, 8, 2)).1, [Reason::ImplantRemoved]);
}

#[test]
fn decide_matches_answers_by_invitation_else_by_nearest_window() {
    let mut facts = rf(PERFORMED);
    facts.invitations.push(sent(1, 0, noon(DUE)));
    // It names the invitation: however late it comes.
    let late = date(2021, 11, 30);
    let named = AnswerFact {
        invitation_id: Some(facts.invitations[0].id),
        invited_by: Some(MatchedBy::Token),
        ..answer(1, late)
    };
    facts.answers = vec![named.clone()];
    let outcome = decide(&plan(), &facts, noon(late));
    let of = |rule: &str| outcome.decisions.iter().find(|it| it.rule == rule).and_then(|it| it.answer);
    let matched = Matched { submission: named.id, by: MatchedBy::Token, timing: Timing::Late };
    assert_eq!((of("rf_3"), of("rf_6")), (Some(matched), None));
    // It names none: the window of the sixth month is nearer.
    let bare = answer(2, date(2021, 9, 13));
    facts.answers = vec![bare.clone()];
    let outcome = decide(&plan(), &facts, noon(date(2021, 9, 13)));
    let of = |rule: &str| outcome.decisions.iter().find(|it| it.rule == rule).and_then(|it| it.answer);
    assert_eq!(of("rf_6"), Some(Matched { submission: bare.id, by: MatchedBy::Window, timing: Timing::InTime }));
    // Two answers to one: the first counts, the second is not lost.
    facts.answers = vec![answer(3, DUE), answer(4, days_after(DUE, 1))];
    let outcome = decide(&plan(), &facts, noon(days_after(DUE, 1)));
    let rf_3 = outcome.decisions.iter().find(|it| it.rule == "rf_3").expect("a decision");
    assert_eq!(rf_3.answer.map(|it| it.submission), Some(facts.answers[0].id));
    assert_eq!(rf_3.facts["also_answered"], json!([facts.answers[1].id]));
    // The right invitation, but another form than it asked for: it answers what that form is asked of, here nothing.
    facts.answers = vec![AnswerFact { form: "opr-scs".to_owned(), ..named }];
    let outcome = decide(&plan(), &facts, noon(date(2021, 9, 13)));
    assert!(outcome.decisions.iter().all(|it| it.answer.is_none()));
    assert_eq!(outcome.unmatched, [facts.answers[0].id]);
    // The form that was asked for then, whatever the plan asks for now.
    facts.invitations[0].form = "opr-scs".to_owned();
    assert_eq!(decide(&plan(), &facts, noon(date(2021, 9, 13))).unmatched, []);
    facts.invitations[0].form = "opr-rf".to_owned();
    // Outside every window, and to another form.
    facts.answers =
        vec![answer(5, days_after(PERFORMED, 10)), AnswerFact { form: "opr-scs".to_owned(), ..answer(6, DUE) }];
    assert_eq!(decide(&plan(), &facts, noon(DUE)).unmatched.len(), 2);
}
