mod plan;
mod properties;
mod sending;
mod starts;

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

fn definition() -> FollowUpPlanDefinition {
    toml::from_str(PLAN).expect("the shipped plan")
}

fn lists() -> CodeLists {
    CodeLists::from_toml(LISTS).expect("the shipped lists")
}

fn parse(definition: FollowUpPlanDefinition) -> Result<Plan, Vec<(String, FaultCode)>> {
    let forms = ["opr-follow-up-short", "opr-follow-up-full", "opr-rf", "opr-scs"].map(str::to_owned);
    let channels = [Channel::Sms, Channel::DigitalMailbox, Channel::Helsenorge];
    let mapped = [
        ("1000001", "opr-baseline"),
        ("1000003", "opr-follow-up-short"),
        ("1000005", "opr-rf"),
        ("1000006", "opr-scs"),
    ];
    let nettskjema = mapped.map(|(number, form)| (number.to_owned(), form.to_owned())).into();
    let known = Known { forms: &forms, lists: &lists(), channels: &channels, nettskjema: &nettskjema };
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
fn decide_has_no_occurrence_without_a_start() {
    let day = date(2021, 6, 1);
    assert_eq!(stands(&facts(), "closed_12", day), (State::Waiting, vec![Reason::NoEpisode]));
    assert_eq!(stands(&facts(), "rf_3", day), (State::Waiting, vec![Reason::NoProcedure]));
    assert_eq!(stands(&facts(), "scs_6", day), (State::Waiting, vec![Reason::NoImplant]));
    assert_eq!(decide(&plan(), &facts(), noon(day)).decisions.len(), plan().rules().len());
}

#[test]
fn decide_moves_from_waiting_to_due_to_lapsed() {
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
fn decide_lists_all_reasons_most_important_first() {
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
fn decide_resumes_after_majority_and_end_of_opt_out() {
    let mut facts = rf(PERFORMED);
    facts.born = date(2005, 6, 20);
    let decision = current(&facts, "rf_3", DUE);
    assert_eq!((decision.reasons, decision.review_on), (vec![Reason::Child], Some(date(2021, 6, 20))));
    assert_eq!(stands(&facts, "rf_3", date(2021, 6, 20)).0, State::Due);
    // Patients who are of age on the day of sending are treated as adults.
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

#[test]
fn decide_ignores_facts_after_the_last_day() {
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
fn decide_keeps_sent_occurrences_without_start_or_rule() {
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
