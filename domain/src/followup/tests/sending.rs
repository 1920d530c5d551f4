//! Invitations: reminders, channels, hand-over, sending hours and message texts.

use super::*;

#[test]
fn decide_reminds_until_answered() {
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
    // Opted out after sending: the sent invitation is kept, and no reminder follows.
    let mut reserved = rf(PERFORMED);
    reserved.invitations.push(sent(1, 0, noon(DUE)));
    reserved.interpreter_needed = true;
    assert_eq!(at(&reserved, DUE), (State::Sent, vec![Reason::InterpreterNeeded], None, None));
}

#[test]
fn decide_tries_the_next_channel_and_retries_after_corrected_contact_data() {
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
fn decide_offers_a_claimed_invitation_unchanged() {
    let mut facts = rf(PERFORMED);
    let lease_until = noon(DUE) + 5.minutes();
    for state in [InvitationState::Claimed, InvitationState::HandedOver] {
        facts.invitations = vec![InvitationFact { state, lease_until, sent_at: None, ..sent(1, 0, lease_until) }];
        let decision = current(&facts, "rf_3", DUE);
        assert_eq!((decision.state, &*decision.reasons), (State::Due, &[Reason::BeingSent][..]));
        assert_eq!(decision.next, Some(Next { attempt: 1, reminder: 0, channel: Channel::Sms }));
    }
    // Handed over without a report: the message may have been sent.
    assert_eq!(stands(&facts, "rf_3", days_after(DUE, 31)).1, [Reason::SendingUnknown]);
}

#[test]
fn decide_spaces_late_reminders() {
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
    // Sent in time, reminders follow the plan.
    early.invitations = vec![sent(1, 0, noon(DUE)), sent(2, 1, noon(days_after(DUE, 7)))];
    assert_eq!(current(&early, "rf_3", days_after(DUE, 8)).send_on, Some(days_after(DUE, 21)));
}

#[test]
fn sending_hours_limit_hours_and_days() {
    let plan = plan();
    let again = |text: &str| plan.sends_again_at(text.parse().expect("an instant")).map(|at| at.to_string());
    assert_eq!(again("2026-11-23T08:00:00Z"), None, "nine on a Monday");
    assert_eq!(again("2026-11-23T07:59:59Z").as_deref(), Some("2026-11-23T08:00:00Z"));
    assert_eq!(again("2026-11-23T19:00:00Z").as_deref(), Some("2026-11-24T08:00:00Z"), "eight in the evening");
    assert_eq!(again("2026-04-01T18:00:00Z").as_deref(), Some("2026-04-07T07:00:00Z"), "Easter, in summer time");
    assert_eq!(again("2026-10-24T12:00:00Z").as_deref(), Some("2026-10-26T08:00:00Z"), "clocks go back on the Sunday");
}

#[test]
fn message_contains_link_and_rights_only() {
    let text = plan().message(false, "pl", "opr-rf", "TOKEN");
    assert!(text.contains("https://nettskjema.example/a/1000005?invitasjon=TOKEN"), "{text}");
    assert!(text.contains("https://register.example/rettigheter"), "{text}");
    assert!(plan().message(true, "en", "opr-rf", "TOKEN").starts_with("We remind you"));
}
