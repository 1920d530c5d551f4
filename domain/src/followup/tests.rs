use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan as _};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::calendar::{days_after, days_before, is_working_day, months_after};
use crate::clinical::LegalBasis;
use crate::clinical::legal_basis::{Against, Basis, BasisSource};
use crate::code_list::{CodeLists, List};
use crate::fault::FaultCode;
use crate::ids::{InvitationId, SubmissionId};

const PLAN: &str = include_str!("../../../tenants/templates/opr/follow-up.toml");
const LISTS: &str = include_str!("../../../tenants/templates/opr/code-lists.toml");

fn definition() -> Definition {
    toml::from_str(PLAN).expect("the shipped plan")
}

fn lists() -> CodeLists {
    CodeLists::from_toml(LISTS).expect("the shipped lists")
}

fn parse(definition: Definition) -> Result<Plan, Vec<(String, FaultCode)>> {
    let forms = ["opr-follow-up-short", "opr-follow-up-full", "opr-rf", "opr-scs"].map(str::to_owned);
    let channels = [Channel::Sms, Channel::DigitalMailbox, Channel::Helsenorge];
    let known = Known { forms: &forms, lists: &lists(), channels: &channels };
    Plan::parse(definition, &known).map_err(|faults| faults.into_iter().map(|it| (it.pointer, it.code)).collect())
}

fn plan() -> Plan {
    parse(definition()).expect("the shipped plan is sound")
}

fn noon(day: Date) -> Timestamp {
    crate::calendar::norwegian_hour(day, 12)
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number + 1)
}

fn facts() -> Facts {
    Facts {
        born: date(1970, 5, 5),
        deceased_on: None,
        cognitive_impairment: false,
        interpreter_needed: false,
        channels: vec![Channel::Sms, Channel::DigitalMailbox, Channel::Helsenorge],
        contact_changed_at: None,
        grounds: Vec::new(),
        referrals: vec![ReferralFact {
            id: id(900),
            received_on: date(2015, 1, 1),
            category: Some("right_granted".to_owned()),
            triggers_follow_up: Some(true),
        }],
        episodes: Vec::new(),
        procedures: Vec::new(),
        implants: Vec::new(),
        participations: Vec::new(),
        answers: Vec::new(),
        invitations: Vec::new(),
        declined: Vec::new(),
    }
}

fn rf(performed_on: Date) -> Facts {
    let procedure = ProcedureFact { id: id(1), performed_on, group: "rf".to_owned() };
    Facts { procedures: vec![procedure], ..facts() }
}

fn sent(attempt: u32, reminder: u32, sent_at: Timestamp) -> InvitationFact {
    InvitationFact {
        id: InvitationId::existing(id(500 + u128::from(attempt))),
        rule: "rf_3".to_owned(),
        start_id: id(1),
        number: 1,
        attempt,
        reminder,
        channel: Channel::Sms,
        form: "opr-rf".to_owned(),
        state: InvitationState::Sent,
        lease_until: sent_at,
        sent_at: Some(sent_at),
        delivered_at: None,
        failed_at: None,
        failure: None,
        answer_waits: false,
    }
}

fn answer(number: u128, day: Date) -> AnswerFact {
    AnswerFact {
        id: SubmissionId::existing(id(700 + number)),
        form: "opr-rf".to_owned(),
        submitted_at: noon(day),
        invitation_id: None,
        invited_by: None,
    }
}

fn current(facts: &Facts, rule: &str, day: Date) -> Decision {
    let found = decide(&plan(), facts, noon(day)).decisions;
    found.into_iter().find(|it| it.rule == rule && it.current).expect("a current decision")
}

fn stands(facts: &Facts, rule: &str, day: Date) -> (State, Vec<Reason>) {
    let decision = current(facts, rule, day);
    (decision.state, decision.reasons)
}

/// Performed on a Wednesday; due on Friday 11 June 2021.
const PERFORMED: Date = date(2021, 3, 11);
const DUE: Date = date(2021, 6, 11);

#[test]
fn nothing_has_begun_for_whoever_is_only_registered() {
    let day = date(2021, 6, 1);
    assert_eq!(stands(&facts(), "closed_12", day), (State::Waiting, vec![Reason::NoEpisode]));
    assert_eq!(stands(&facts(), "rf_3", day), (State::Waiting, vec![Reason::NoProcedure]));
    assert_eq!(stands(&facts(), "scs_6", day), (State::Waiting, vec![Reason::NoImplant]));
    assert_eq!(decide(&plan(), &facts(), noon(day)).decisions.len(), plan().rules().len());
}

#[test]
fn an_occurrence_waits_is_due_and_lapses() {
    let facts = rf(PERFORMED);
    let at = |day: Date| {
        let decision = current(&facts, "rf_3", day);
        (decision.state, decision.reasons, decision.send_on, decision.review_on)
    };
    assert_eq!(at(date(2021, 5, 1)), (State::Waiting, vec![Reason::NotYetDue], Some(DUE), Some(DUE)));
    let lapses = days_after(DUE, 30);
    assert_eq!(at(DUE), (State::Due, vec![Reason::DueNow], Some(DUE), Some(days_after(lapses, 1))));
    assert_eq!(at(lapses).0, State::Due);
    assert_eq!(at(days_after(lapses, 1)), (State::Lapsed, vec![Reason::NeverSent], None, None));
    // Two days later it would be due on a Sunday.
    let facts = rf(date(2021, 3, 13));
    let monday = date(2021, 6, 14);
    let decision = current(&facts, "rf_3", date(2021, 6, 13));
    assert_eq!((decision.state, &*decision.reasons), (State::Waiting, &[Reason::WaitsForSendingDay][..]));
    assert_eq!((decision.due_on, decision.send_on), (Some(date(2021, 6, 13)), Some(monday)));
    assert_eq!(current(&facts, "rf_3", monday).state, State::Due);
}

#[test]
fn what_was_sent_is_reminded_of_until_it_is_answered_and_no_longer() {
    let mut facts = rf(PERFORMED);
    facts.invitations.push(sent(1, 0, noon(DUE)));
    let at = |facts: &Facts, day: Date| {
        let decision = current(facts, "rf_3", day);
        (decision.state, decision.reasons, decision.send_on, decision.next.map(|next| (next.attempt, next.reminder)))
    };
    // A week after a Friday is a Friday; three weeks after it too.
    let (first, second) = (days_after(DUE, 7), days_after(DUE, 21));
    assert_eq!(at(&facts, DUE), (State::Sent, vec![Reason::ReminderPending], Some(first), Some((2, 1))));
    facts.invitations.push(sent(2, 1, noon(first)));
    assert_eq!(at(&facts, first), (State::Sent, vec![Reason::ReminderPending], Some(second), Some((3, 2))));
    let mut answered = facts.clone();
    answered.answers.push(answer(1, days_after(first, 2)));
    assert_eq!(at(&answered, days_after(first, 2)), (State::Answered, vec![Reason::AnsweredInTime], None, None));
    facts.invitations.push(sent(3, 2, noon(second)));
    assert_eq!(at(&facts, second), (State::Sent, vec![Reason::NoMoreReminders], None, None));
    let past = days_after(DUE, 31);
    assert_eq!(at(&facts, past), (State::Lapsed, vec![Reason::NotAnswered], None, None));
    facts.answers.push(answer(1, past));
    assert_eq!(at(&facts, past).1, [Reason::AnsweredLate]);
    // Reserved meanwhile: what was sent stays, nothing more is.
    let mut reserved = rf(PERFORMED);
    reserved.invitations.push(sent(1, 0, noon(DUE)));
    reserved.interpreter_needed = true;
    assert_eq!(at(&reserved, DUE), (State::Sent, vec![Reason::InterpreterNeeded], None, None));
}

#[test]
fn the_next_channel_is_tried_where_one_fails_and_again_when_contact_data_are_mended() {
    let mut facts = rf(PERFORMED);
    let failed = |attempt, channel, at| InvitationFact {
        channel,
        state: InvitationState::Failed,
        sent_at: None,
        failed_at: Some(at),
        failure: Some("invalid_address".to_owned()),
        ..sent(attempt, 0, at)
    };
    facts.invitations.push(failed(1, Channel::Sms, noon(DUE)));
    let decision = current(&facts, "rf_3", DUE);
    assert_eq!((decision.state, &*decision.reasons), (State::Due, &[Reason::NextChannel][..]));
    let next = |facts: &Facts| current(facts, "rf_3", DUE).next;
    assert_eq!(next(&facts), Some(Next { attempt: 2, reminder: 0, channel: Channel::DigitalMailbox }));
    facts.invitations.push(failed(2, Channel::DigitalMailbox, noon(DUE)));
    assert_eq!(stands(&facts, "rf_3", DUE), (State::Suppressed, vec![Reason::DeliveryFailed]));
    facts.contact_changed_at = Some(noon(days_after(DUE, 1)));
    assert_eq!(next(&facts), Some(Next { attempt: 3, reminder: 0, channel: Channel::Sms }));
    facts.invitations.clear();
    facts.channels = vec![Channel::Helsenorge];
    assert_eq!(stands(&facts, "rf_3", DUE), (State::Suppressed, vec![Reason::NoChannel]));
}

#[test]
fn whoever_has_taken_it_on_is_offered_the_same_again_and_nothing_else() {
    let mut facts = rf(PERFORMED);
    let lease_until = noon(DUE) + 5.minutes();
    for state in [InvitationState::Claimed, InvitationState::HandedOver] {
        facts.invitations = vec![InvitationFact { state, lease_until, sent_at: None, ..sent(1, 0, lease_until) }];
        let decision = current(&facts, "rf_3", DUE);
        assert_eq!((decision.state, &*decision.reasons), (State::Due, &[Reason::BeingSent][..]));
        assert_eq!(decision.next, Some(Next { attempt: 1, reminder: 0, channel: Channel::Sms }));
    }
    // Told to hand over, and never heard of again: nobody can say that it was not sent.
    assert_eq!(stands(&facts, "rf_3", days_after(DUE, 31)).1, [Reason::SendingUnknown]);
}

#[test]
fn everything_that_forbids_is_said_and_the_weightiest_first() {
    let mut facts = rf(PERFORMED);
    facts.deceased_on = Some(date(2021, 5, 1));
    facts.cognitive_impairment = true;
    facts.interpreter_needed = true;
    facts.born = date(2010, 1, 1);
    let part = ParticipationFact {
        id: id(4),
        project: "trial".to_owned(),
        joined_on: date(2021, 1, 1),
        left_on: None,
        excludes: true,
    };
    facts.participations.push(part);
    let all = vec![
        Reason::Deceased,
        Reason::Child,
        Reason::CognitiveImpairment,
        Reason::InterpreterNeeded,
        Reason::InResearchProject,
    ];
    assert_eq!(stands(&facts, "rf_3", DUE), (State::Suppressed, all));
    // Before June 2021 only consent would do.
    let mut facts = rf(date(2021, 2, 25));
    assert_eq!(stands(&facts, "rf_3", date(2021, 5, 26)).1, [Reason::NoBasis, Reason::BeforePlan]);
    facts.procedures.clear();
    assert_eq!(stands(&facts, "rf_3", date(2021, 5, 26)).1, [Reason::NoProcedure]);
}

#[test]
fn children_come_of_age_and_reservations_end() {
    let mut facts = rf(PERFORMED);
    facts.born = date(2005, 6, 20);
    let decision = current(&facts, "rf_3", DUE);
    assert_eq!((decision.reasons, decision.review_on), (vec![Reason::Child], Some(date(2021, 6, 20))));
    assert_eq!(stands(&facts, "rf_3", date(2021, 6, 20)).0, State::Due);
    // Whoever is of age on the day of sending waits like everybody.
    facts.born = date(2005, 6, 1);
    assert_eq!(stands(&facts, "rf_3", date(2021, 5, 20)), (State::Waiting, vec![Reason::NotYetDue]));
    // Born on a leap day: of age on the last of February where there is no 29th, which is never so at 16.
    facts.born = date(2004, 2, 29);
    assert_eq!(months_after(facts.born, 16 * 12), date(2020, 2, 29));
    let reserved = LegalBasis {
        basis: Basis::Reservation,
        decision: None,
        against: Some(Against::Questionnaires),
        valid_from: date(2021, 6, 1),
        valid_to: Some(date(2021, 6, 15)),
        source: BasisSource::Digital,
        letter_version: None,
    };
    let facts = Facts { grounds: vec![reserved], ..rf(PERFORMED) };
    let decision = current(&facts, "rf_3", DUE);
    assert_eq!(decision.reasons, [Reason::ReservedAgainstQuestionnaires]);
    assert_eq!(decision.review_on, Some(date(2021, 6, 16)));
    assert_eq!(stands(&facts, "rf_3", date(2021, 6, 16)).0, State::Due);
}

fn episode(opened_on: Date, closed_on: Option<Date>) -> EpisodeFact {
    EpisodeFact { id: id(20), referral_id: Some(id(900)), opened_on, closed_on }
}

#[test]
fn an_open_episode_is_asked_about_every_year_and_a_closed_one_once() {
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
    // In treatment again: the form for those whose treatment is over would be the wrong one.
    facts.episodes.push(EpisodeFact { id: id(21), ..episode(date(2022, 3, 1), None) });
    assert_eq!(stands(&facts, "closed_12", date(2022, 3, 1)).1, [Reason::InTreatmentAgain]);
    assert_eq!(current(&facts, "ongoing_12", date(2022, 3, 1)).start, Some(id(21)));
    // Or still: an older episode was never closed.
    facts.episodes[1].opened_on = date(2019, 5, 1);
    assert_eq!(stands(&facts, "closed_12", date(2022, 3, 1)).1, [Reason::InTreatmentAgain]);
}

#[test]
fn what_is_over_or_leads_nowhere_starts_nothing_anew() {
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
fn what_comes_after_the_last_day_is_not_why_nothing_was_sent() {
    let lapsed = (State::Lapsed, vec![Reason::NeverSent]);
    let facts = rf(PERFORMED);
    let after = days_after(DUE, 31);
    assert_eq!(stands(&facts, "rf_3", after), lapsed);
    let died = Facts { deceased_on: Some(after), ..facts.clone() };
    assert_eq!(stands(&died, "rf_3", days_after(DUE, 400)), lapsed);
    let died = Facts { deceased_on: Some(days_after(DUE, 30)), ..facts };
    assert_eq!(stands(&died, "rf_3", days_after(DUE, 400)), (State::Suppressed, vec![Reason::Deceased]));
}

#[test]
fn reminders_that_are_late_do_not_come_at_once() {
    let mut facts = rf(PERFORMED);
    let reminded = days_after(DUE, 24);
    facts.invitations = vec![sent(1, 0, noon(DUE)), sent(2, 1, noon(reminded))];
    // The first was held up until after the second's day: that one keeps half its distance of 14 days.
    let decision = current(&facts, "rf_3", reminded);
    assert_eq!(decision.reasons, [Reason::NoMoreReminders], "its window would be over");
    let mut early = rf(PERFORMED);
    early.invitations = vec![sent(1, 0, noon(DUE)), sent(2, 1, noon(days_after(DUE, 18)))];
    let decision = current(&early, "rf_3", days_after(DUE, 21));
    assert_eq!(decision.send_on, Some(days_after(DUE, 25)));
    // In time it is as the plan says.
    early.invitations = vec![sent(1, 0, noon(DUE)), sent(2, 1, noon(days_after(DUE, 7)))];
    assert_eq!(current(&early, "rf_3", days_after(DUE, 8)).send_on, Some(days_after(DUE, 21)));
}

#[test]
fn categories_are_the_referrals_own() {
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
fn a_newer_start_begins_anew_unless_the_older_was_asked_about() {
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
fn a_generator_that_is_changed_starts_nothing_anew_and_one_that_is_gone_ends_it() {
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
fn an_answer_belongs_to_the_invitation_it_names_else_to_the_nearest_window() {
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

#[test]
fn what_was_sent_stays_when_its_start_or_its_rule_is_gone() {
    let mut facts = rf(PERFORMED);
    facts.invitations.push(sent(1, 0, noon(DUE)));
    facts.procedures.clear();
    let found: Vec<_> =
        decide(&plan(), &facts, noon(DUE)).decisions.into_iter().filter(|it| it.rule == "rf_3").collect();
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].state, &*found[0].reasons, found[0].current),
        (State::Sent, &[Reason::StartWithdrawn][..], false)
    );
    assert_eq!(
        (found[1].state, &*found[1].reasons, found[1].current),
        (State::Waiting, &[Reason::NoProcedure][..], true)
    );
    let mut without = definition();
    without.tracks.retain(|track| track.code != "rf");
    let without = parse(without).expect("a sound plan");
    let found = decide(&without, &facts, noon(DUE)).decisions;
    let left = found.iter().find(|it| it.rule == "rf_3").expect("what was sent");
    assert_eq!((left.state, left.reasons[0], left.send_on), (State::Sent, Reason::RuleWithdrawn, None));
}

#[test]
fn sending_keeps_hours_and_days() {
    let plan = plan();
    let again = |text: &str| plan.sends_again_at(text.parse().expect("an instant")).map(|at| at.to_string());
    assert_eq!(again("2026-11-23T08:00:00Z"), None, "nine on a Monday");
    assert_eq!(again("2026-11-23T07:59:59Z").as_deref(), Some("2026-11-23T08:00:00Z"));
    assert_eq!(again("2026-11-23T19:00:00Z").as_deref(), Some("2026-11-24T08:00:00Z"), "eight in the evening");
    assert_eq!(again("2026-04-01T18:00:00Z").as_deref(), Some("2026-04-07T07:00:00Z"), "Easter, in summer time");
    assert_eq!(again("2026-10-24T12:00:00Z").as_deref(), Some("2026-10-26T08:00:00Z"), "clocks go back on the Sunday");
}

#[test]
fn messages_hold_the_link_and_the_rights_and_nothing_else() {
    let text = plan().message(false, "pl", "opr-rf", "TOKEN");
    assert!(text.contains("https://nettskjema.example/a/100003?invitasjon=TOKEN"), "{text}");
    assert!(text.contains("https://register.example/rettigheter"), "{text}");
    assert!(plan().message(true, "en", "opr-rf", "TOKEN").starts_with("We remind you"));
}

#[test]
fn every_fault_of_a_plan_has_its_place() {
    let refused = |change: &dyn Fn(&mut Definition)| {
        let mut plan = definition();
        change(&mut plan);
        parse(plan).expect_err("a faulty plan")
    };
    let one = |pointer: &str, code, change: &dyn Fn(&mut Definition)| {
        assert_eq!(refused(change), [(pointer.to_owned(), code)], "{pointer}");
    };
    one("/tracks/2/waves/1/months", FaultCode::WrongOrder, &|plan| plan.tracks[2].waves[1].months = 3);
    one("/tracks/2/waves/1/window", FaultCode::Overlapping, &|plan| plan.tracks[2].waves[0].window.late_days = 60);
    one("/tracks/1/waves/0/window", FaultCode::Overlapping, &|plan| plan.tracks[1].waves[0].window.late_days = 300);
    one("/tracks/0/waves/0/repeats", FaultCode::NeverHappens, &|plan| plan.tracks[0].waves[0].repeats = true);
    one("/tracks/2/start/group", FaultCode::UnknownReference, &|plan| {
        plan.tracks[2].start = Start::Procedure { group: "laser".to_owned() };
    });
    one("/tracks/2/start/group", FaultCode::NeverHappens, &|plan| {
        plan.tracks[2].start = Start::Procedure { group: "block".to_owned() };
    });
    one("/tracks/2/start/project", FaultCode::UnknownReference, &|plan| {
        plan.tracks[2].start = Start::Project { project: "none".to_owned() };
    });
    one("/tracks/0/channels/1", FaultCode::NotServed, &|plan| plan.tracks[0].channels[1] = Channel::Email);
    one("/tracks/0/channels/1", FaultCode::AlreadyExists, &|plan| plan.tracks[0].channels[1] = Channel::Sms);
    one("/tracks/0/channels", FaultCode::Required, &|plan| plan.tracks[0].channels.clear());
    one("/tracks/0/reminders/1", FaultCode::WrongOrder, &|plan| plan.tracks[0].reminders = vec![7, 7]);
    one("/tracks/2/reminders/1", FaultCode::OutsidePeriod, &|plan| plan.tracks[2].reminders = vec![7, 31]);
    one("/tracks/0/form", FaultCode::UnknownReference, &|plan| {
        "opr-baseline".clone_into(&mut plan.tracks[0].form);
        plan.links.forms.insert("opr-baseline".to_owned(), "1".to_owned());
    });
    one("/links/forms/opr-rf", FaultCode::Required, &|plan| drop(plan.links.forms.remove("opr-rf")));
    for (address, code) in
        [("opr-rf", FaultCode::Sensitive), ("smerte-3", FaultCode::Sensitive), ("a/b", FaultCode::InvalidFormat)]
    {
        one("/links/forms/opr-rf", code, &|plan| {
            drop(plan.links.forms.insert("opr-rf".to_owned(), address.to_owned()));
        });
    }
    one("/tracks/2/waves/0/window/after_days", FaultCode::OutOfRange, &|plan| {
        plan.tracks[2].waves[0].window.after_days = 4;
        plan.tracks[2].reminders.clear();
    });
    one("/tracks/0/larger_form", FaultCode::AlreadyExists, &|plan| {
        plan.tracks[0].larger_form = Some(plan.tracks[0].form.clone());
    });
    one("/tracks/0/exclusions/4", FaultCode::AlreadyExists, &|plan| plan.tracks[0].exclusions.push(Exclusion::Child));
    one("/sending/until_hour", FaultCode::WrongOrder, &|plan| plan.sending.until_hour = 9);
    one("/adult_from", FaultCode::OutOfRange, &|plan| plan.adult_from = 3);
    one("/messages/nb", FaultCode::Required, &|plan| drop(plan.messages.remove("nb")));
    let say = |text: &str| {
        let text = text.to_owned();
        move |plan: &mut Definition| text.clone_into(&mut plan.messages.get_mut("nb").expect("nb").reminder)
    };
    let place = "/messages/nb/reminder";
    one(place, FaultCode::Required, &say("Svar her: {link}"));
    one(place, FaultCode::UnknownReference, &say("Hei {name}! {link} {rights}"));
    one(place, FaultCode::Sensitive, &say("Om smertene dine: {link} {rights}"));
    one(place, FaultCode::TooLong, &say(&format!("{} {{link}} {{rights}}", "svar ".repeat(80))));
    one(place, FaultCode::TooLong, &say(&format!("{} {{link}} {{rights}} \u{2728}", "svar ".repeat(30))));
    one("/links/answer", FaultCode::InvalidFormat, &|plan| {
        plan.links.answer = "http://nettskjema.example/{token}".to_owned();
    });
    one("/links/answer", FaultCode::Required, &|plan| plan.links.answer = "https://nettskjema.example/".to_owned());
    let wrong = refused(&|plan| plan.links.rights.push_str("{token}"));
    assert_eq!(wrong.first(), Some(&("/links/rights".to_owned(), FaultCode::UnknownReference)));
    // Of another track with the same event and the same form.
    let twice = refused(&|plan| {
        let mut again = plan.tracks[2].clone();
        "rf_again".clone_into(&mut again.code);
        plan.tracks.push(again);
    });
    assert!(
        twice.iter().all(|(pointer, code)| pointer.starts_with("/tracks/4/waves/") && *code == FaultCode::Overlapping)
    );
    assert_eq!(twice.len(), 3);
    let lists = CodeLists::new(
        lists()
            .all()
            .iter()
            .filter(|(list, _)| *list != List::TreatmentRight)
            .flat_map(|(list, codes)| codes.iter().map(|code| (*list, code.clone())).collect::<Vec<_>>()),
        Vec::new(),
    );
    let known = Known { forms: &[], lists: &lists, channels: &[] };
    let faults = Plan::parse(definition(), &known).expect_err("nothing it refers to is there");
    assert!(faults.iter().any(|it| it.pointer == "/tracks/0/needs_category" && it.code == FaultCode::NeverHappens));
}

#[test]
fn a_rule_that_says_the_same_keeps_its_version() {
    let first = plan();
    let versions = first.rule_versions_after(None, 1);
    assert!(versions.values().all(|version| *version == 1));
    let first = Plan::published(definition(), &versions);
    let mut changed = definition();
    changed.tracks[2].waves[0].window.after_days = 31;
    let second = parse(changed.clone()).expect("a sound plan").rule_versions_after(Some(&first), 2);
    let new: Vec<&str> = second.iter().filter(|(_, version)| **version == 2).map(|(rule, _)| rule.as_str()).collect();
    assert_eq!(new, ["rf_3"]);
    changed.tracks[3].reminders = vec![10];
    let third = Plan::published(changed, &second).rule_versions_after(Some(&first), 3);
    assert_eq!((third["scs_6"], third["closed_12"]), (3, 1));
}

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
    fn of_every_rule_exactly_one_decision_counts(facts in any_facts(), day in day()) {
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
    fn nothing_is_sent_to_whom_it_must_not_be(facts in any_facts(), day in day()) {
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
    fn until_the_day_of_review_nothing_changes_and_then_something_does(facts in any_facts(), day in day()) {
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
