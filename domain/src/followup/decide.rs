//! The one function that decides. What time alone changes is found by deciding again for the days that may change it.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::decision::{Decision, Matched, MatchedBy, Next, Outcome, Reason, State, Timing};
use super::facts::{AnswerFact, DeclinedFact, Facts, InvitationFact, InvitationState};
use super::plan::{Exclusion, OnNewStart, Plan, Rule, Track};
use super::start::{self, Event};
use crate::calendar::{days_after, days_before, months_after, norwegian_day};
use crate::clinical::legal_basis::{self, Circumstances};
use crate::ids::SubmissionId;

/// No wave comes again more often than this.
const MOST_NUMBERS: u32 = 400;

/// Decides everything about one patient: pure, of the facts, the plan and the day in Norway alone.
///
/// Of every rule there is a decision for each occurrence, and exactly one of them is current: the latest that is being
/// asked about, else the next one to come, else the last one that was.
pub fn decide(plan: &Plan, facts: &Facts, now: Timestamp) -> Outcome {
    let today = norwegian_day(now);
    let mut cases: Vec<Case<'_>> = Vec::new();
    for rule in plan.rules() {
        let Some(track) = plan.track(rule) else { continue };
        occurrences(track, rule, facts, today, &mut cases);
    }
    orphans(plan, facts, &mut cases);
    let unmatched = match_answers(&mut cases, facts);
    let mut decisions: Vec<Decision> = cases.iter().map(|case| case.decision(plan, facts, today)).collect();
    for rule in plan.rules() {
        settle_current(plan, rule, facts, &mut decisions);
    }
    Outcome { decisions, unmatched }
}

/// One occurrence of a rule, or the remainder of one.
struct Case<'p> {
    /// The rule's code: it may be no longer in the plan.
    code: &'p str,
    /// The rule with its track; `None` where the rule is withdrawn.
    rule: Option<(&'p Rule, &'p Track)>,
    start: Uuid,
    number: u32,
    /// `None` where the start was taken back.
    event: Option<Span>,
    invitations: Vec<&'p InvitationFact>,
    answer: Option<(Matched, Date)>,
    /// Further answers to the same occurrence, such as the larger form.
    also: Vec<SubmissionId>,
}

/// An event, and the days that an occurrence covers.
struct Span {
    event: Event,
    due: Date,
    opens: Date,
    lapses: Date,
    late_until: Date,
    /// Whether a newer event has begun the track again before this one was asked about.
    restarted: bool,
}

fn occurrences<'p>(track: &'p Track, rule: &'p Rule, facts: &'p Facts, today: Date, cases: &mut Vec<Case<'p>>) {
    let events = start::events(track, facts);
    let wave = rule.wave;
    let span = |event: &Event, number: u32| {
        let due = months_after(event.day, u32::from(wave.months) * number);
        let lapses = days_after(due, wave.window.after_days.into());
        // A start that leads to no questions, or has ended by then, replaces no earlier start.
        let leads = |other: &Event| {
            other.blocked_by(lapses).is_none() && other.ended.as_ref().is_none_or(|(day, _)| *day >= due)
        };
        let newer =
            |other: &Event| (other.day, other.id) > (event.day, event.id) && other.day <= lapses && leads(other);
        Span {
            due,
            opens: days_before(due, wave.window.before_days.into()),
            lapses,
            late_until: days_after(lapses, wave.window.late_days.into()),
            restarted: track.on_new_start == OnNewStart::Restart && events.iter().any(newer),
            event: event.clone(),
        }
    };
    for event in &events {
        let asked = |number: u32| invitations(facts, &rule.code, event.id, number);
        for number in 1..=MOST_NUMBERS {
            let span = span(event, number);
            let ended = event.ended.as_ref().is_some_and(|(day, _)| span.due > *day);
            let to_come = span.due > today;
            let early = track.sends_from.is_some_and(|from| span.due < from);
            let invitations = asked(number);
            // Of a wave that comes again, what was due before anything was sent is not worth a word.
            let worth_a_word = !wave.repeats || !early || to_come || ended || !invitations.is_empty();
            if worth_a_word {
                let (code, rule) = (rule.code.as_str(), Some((rule, track)));
                let (start, event) = (event.id, Some(span));
                cases.push(Case { code, rule, start, number, event, invitations, answer: None, also: Vec::new() });
            }
            // What was asked before the end was known stays, with the reason.
            let asked_later = || {
                facts.invitations.iter().any(|it| it.rule == rule.code && it.start_id == event.id && it.number > number)
            };
            if !wave.repeats || ((ended || to_come) && !asked_later()) {
                break;
            }
        }
    }
}

fn invitations<'f>(facts: &'f Facts, rule: &str, start: Uuid, number: u32) -> Vec<&'f InvitationFact> {
    let of_it = |it: &&InvitationFact| it.rule == rule && it.start_id == start && it.number == number;
    facts.invitations.iter().filter(of_it).collect()
}

/// Sent or claimed invitations of occurrences that no longer exist are kept.
fn orphans<'p>(plan: &'p Plan, facts: &'p Facts, cases: &mut Vec<Case<'p>>) {
    for sent in &facts.invitations {
        if cases.iter().any(|case| case.is(&sent.rule, sent.start_id, sent.number)) {
            continue;
        }
        let rule = plan.rule(&sent.rule).and_then(|rule| Some((rule, plan.track(rule)?)));
        let invitations = invitations(facts, &sent.rule, sent.start_id, sent.number);
        let (code, start, number) = (sent.rule.as_str(), sent.start_id, sent.number);
        cases.push(Case { code, rule, start, number, event: None, invitations, answer: None, also: Vec::new() });
    }
}

/// Assigns every answer to at most one occurrence: to the one with the invitation that it names and the form that it
/// has, else to one with a window that contains it, preferring occurrences that were asked about, then the nearest.
/// The other answers belong to no occurrence.
fn match_answers(cases: &mut [Case<'_>], facts: &Facts) -> Vec<SubmissionId> {
    let mut unmatched = Vec::new();
    let named = |answer: &AnswerFact| {
        let sent = facts.invitations.iter().find(|sent| Some(sent.id) == answer.invitation_id)?;
        let (at, case) = cases.iter().enumerate().find(|(_, case)| case.is(&sent.rule, sent.start_id, sent.number))?;
        let fits = sent.form == answer.form || case.is_of_form(&answer.form);
        fits.then(|| (at, answer.invited_by.unwrap_or(MatchedBy::Token)))
    };
    // Answers that name an invitation are assigned first.
    let mut answers: Vec<_> = facts.answers.iter().map(|answer| (answer, named(answer))).collect();
    answers.sort_by_key(|(_, named)| named.is_none());
    for (answer, named) in answers {
        let day = norwegian_day(answer.submitted_at);
        let found = match named {
            Some(found) => Some(found),
            None => cases
                .iter()
                .enumerate()
                .filter_map(|(at, case)| Some((case.takes(answer, day)?, at)))
                .min()
                .map(|(_, at)| (at, MatchedBy::Window)),
        };
        match found.and_then(|(at, by)| Some((cases.get_mut(at)?, by))) {
            None => unmatched.push(answer.id),
            Some((case, _)) if case.answer.is_some() => case.also.push(answer.id),
            Some((case, by)) => {
                let timing = case.event.as_ref().map_or(Timing::InTime, |span| span.timing(day));
                case.answer = Some((Matched { submission: answer.id, by, timing }, day));
            }
        }
    }
    unmatched
}

impl Span {
    fn timing(&self, day: Date) -> Timing {
        if day < self.due {
            Timing::Early
        } else if day <= self.lapses {
            Timing::InTime
        } else {
            Timing::Late
        }
    }
}

/// The evaluation of an occurrence on a day.
#[derive(Clone, Debug, PartialEq)]
struct Evaluation {
    state: State,
    reasons: Vec<Reason>,
    send_on: Option<Date>,
    next: Option<Next>,
}

impl Evaluation {
    fn of(state: State, reasons: Vec<Reason>) -> Self {
        Self { state, reasons, send_on: None, next: None }
    }
}

impl Case<'_> {
    /// Whether an answer of that day may be one to this: smaller is likelier.
    fn takes(&self, answer: &AnswerFact, day: Date) -> Option<(bool, bool, i32)> {
        let ((_, track), span) = (self.rule?, self.event.as_ref()?);
        let before_it_began = track.sends_from.is_some_and(|from| span.due < from);
        let open = self.is_asked() || !(span.restarted || before_it_began || span.is_over());
        let distance = (day - span.due).get_days().abs();
        (self.is_of_form(&answer.form) && open && (span.opens..=span.late_until).contains(&day)).then_some((
            !self.is_asked(),
            self.answer.is_some(),
            distance,
        ))
    }

    /// Patients who have answered are not reminded, even before the answer is read.
    fn answer_waits(&self) -> Option<Reason> {
        self.invitations.iter().any(|it| it.answer_waits).then_some(Reason::AnswerInQuarantine)
    }

    /// Patients who declined by phone are not asked again in writing.
    fn declined(&self, facts: &Facts) -> Option<Reason> {
        let of_it = |it: &DeclinedFact| self.is(&it.rule, it.start_id, it.number);
        facts.declined.iter().any(of_it).then_some(Reason::DeclinedByTelephone)
    }

    /// Everything that forbids asking the patient on that day, the weightiest first.
    fn forbidden(&self, plan: &Plan, track: &Track, facts: &Facts, on: Date) -> Vec<Reason> {
        let mut reasons = excluded(plan, track, facts, on);
        reasons.extend(self.answer_waits());
        reasons.extend(self.declined(facts));
        reasons
    }

    /// Returns whether this is the given occurrence of the given rule.
    fn is(&self, rule: &str, start: Uuid, number: u32) -> bool {
        (self.code, self.start, self.number) == (rule, start, number)
    }

    /// Returns whether the rule asks for the form, or for the longer form that it replaces.
    fn is_of_form(&self, form: &str) -> bool {
        self.rule.is_some_and(|(_, track)| track.form == form || track.larger_form.as_deref() == Some(form))
    }

    /// Returns the invitations that reached the patient, or may have.
    fn asked(&self) -> impl Iterator<Item = &InvitationFact> {
        use InvitationState::{Delivered, Sent, Unknown};
        self.invitations.iter().copied().filter(|it| matches!(it.state, Sent | Delivered | Unknown))
    }

    fn is_asked(&self) -> bool {
        self.asked().next().is_some()
    }

    /// Invitations that a sender has claimed and not yet reported on.
    fn taken_on(&self) -> Option<&InvitationFact> {
        use InvitationState::{Claimed, HandedOver};
        self.invitations.iter().copied().find(|it| matches!(it.state, Claimed | HandedOver))
    }

    /// The first channel that reaches the patient and has not failed since the contact data last changed.
    fn channel(&self, track: &Track, facts: &Facts) -> Result<super::Channel, Reason> {
        let failed = |channel: super::Channel| {
            self.invitations.iter().any(|it| {
                let mended =
                    facts.contact_changed_at.zip(it.failed_at).is_some_and(|(changed, failed)| failed < changed);
                it.channel == channel && it.state == InvitationState::Failed && !mended
            })
        };
        let reached = || track.channels.iter().copied().filter(|channel| facts.channels.contains(channel));
        let none_left = if reached().next().is_some() { Reason::DeliveryFailed } else { Reason::NoChannel };
        reached().find(|channel| !failed(*channel)).ok_or(none_left)
    }

    fn next(&self, reminder: u32, channel: super::Channel) -> Next {
        let attempts = self.invitations.iter().map(|it| it.attempt).max().unwrap_or(0);
        Next { attempt: attempts + 1, reminder, channel }
    }

    /// Evaluates the occurrence on a day.
    fn evaluate(&self, plan: &Plan, facts: &Facts, day: Date) -> Evaluation {
        if let Some((Matched { timing, .. }, _)) = &self.answer {
            let mut reasons = vec![match timing {
                Timing::Early => Reason::AnsweredEarly,
                Timing::InTime => Reason::AnsweredInTime,
                Timing::Late => Reason::AnsweredLate,
            }];
            if !self.is_asked() {
                reasons.push(Reason::AnsweredWithoutInvitation);
            }
            return Evaluation::of(State::Answered, reasons);
        }
        let left = if self.is_asked() { State::Sent } else { State::Suppressed };
        let Some((_, track)) = self.rule else { return Evaluation::of(left, vec![Reason::RuleWithdrawn]) };
        let Some(span) = &self.event else { return Evaluation::of(left, vec![Reason::StartWithdrawn]) };
        if self.is_asked() {
            self.after_asking(plan, track, span, facts, day)
        } else {
            self.before_asking(plan, track, span, facts, day)
        }
    }

    fn before_asking(&self, plan: &Plan, track: &Track, span: &Span, facts: &Facts, day: Date) -> Evaluation {
        let send_on = plan.sending_day(span.due);
        // What came after the last day on which it could have been sent is not why it was not.
        let mut against = self.forbidden(plan, track, facts, day.max(send_on).min(span.lapses));
        let early = track.sends_from.is_some_and(|from| span.due < from);
        against.extend(early.then_some(Reason::BeforePlan));
        against.extend(span.restarted.then_some(Reason::RestartedByNewerStart));
        against.extend(span.over());
        against.extend(span.event.blocked_by(span.lapses));
        if !against.is_empty() {
            return Evaluation::of(State::Suppressed, against);
        }
        if day > span.lapses || send_on > span.lapses {
            let unknown = self.taken_on().is_some_and(|it| it.state == InvitationState::HandedOver);
            let why = if unknown { Reason::SendingUnknown } else { Reason::NeverSent };
            let mut reasons = vec![why];
            reasons.extend(self.channel(track, facts).err());
            return Evaluation::of(State::Lapsed, reasons);
        }
        let channel = self.channel(track, facts);
        if day < send_on {
            let why = if day < span.due { Reason::NotYetDue } else { Reason::WaitsForSendingDay };
            let mut reasons = vec![why];
            reasons.extend(channel.err());
            let next = channel.ok().map(|channel| self.next(0, channel));
            return Evaluation { state: State::Waiting, reasons, send_on: next.map(|_| send_on), next };
        }
        if let Some(taken) = self.taken_on() {
            return taken_on(State::Due, taken, send_on, Vec::new());
        }
        match channel {
            Err(reason) => Evaluation::of(State::Suppressed, vec![reason]),
            Ok(channel) => {
                let tried = self.invitations.iter().any(|it| it.state == InvitationState::Failed);
                let why = if tried { Reason::NextChannel } else { Reason::DueNow };
                let next = Some(self.next(0, channel));
                Evaluation { state: State::Due, reasons: vec![why], send_on: Some(send_on), next }
            }
        }
    }

    fn after_asking(&self, plan: &Plan, track: &Track, span: &Span, facts: &Facts, day: Date) -> Evaluation {
        if day > span.lapses {
            return Evaluation::of(State::Lapsed, vec![self.answer_waits().unwrap_or(Reason::NotAnswered)]);
        }
        let unknown = self.asked().all(|it| it.state == InvitationState::Unknown).then_some(Reason::SendingUnknown);
        let done = self.asked().map(|it| it.reminder).max().unwrap_or(0);
        let remind_on =
            self.reminds_on(track, done).map(|day| plan.sending_day(day)).filter(|remind_on| *remind_on <= span.lapses);
        let mut against = self.forbidden(plan, track, facts, remind_on.map_or(day, |remind_on| day.max(remind_on)));
        against.extend(span.over());
        against.extend(span.event.blocked_by(span.lapses));
        if !against.is_empty() {
            return Evaluation::of(State::Sent, against);
        }
        let Some(remind_on) = remind_on else {
            return Evaluation::of(State::Sent, unknown.into_iter().chain([Reason::NoMoreReminders]).collect());
        };
        let unknown: Vec<Reason> = unknown.into_iter().collect();
        if let Some(taken) = self.taken_on() {
            return taken_on(State::Sent, taken, remind_on, unknown);
        }
        match self.channel(track, facts) {
            Err(reason) => Evaluation::of(State::Sent, vec![reason]),
            Ok(channel) => {
                let reasons = unknown.into_iter().chain([Reason::ReminderPending]).collect();
                let next = Some(self.next(done + 1, channel));
                Evaluation { state: State::Sent, reasons, send_on: Some(remind_on), next }
            }
        }
    }

    /// The day of the next reminder: counted from the invitation; after a late message at least half the plan's
    /// distance from it, so that two reminders do not arrive together.
    fn reminds_on(&self, track: &Track, done: u32) -> Option<Date> {
        let done = usize::try_from(done).ok()?;
        let days = *track.reminders.get(done)?;
        let before = done.checked_sub(1).and_then(|last| track.reminders.get(last)).copied().unwrap_or(0);
        let apart = days.saturating_sub(before).div_ceil(2);
        let from_last = days_after(self.asked_on().max()?, apart.into());
        Some(days_after(self.first_asked()?, days.into()).max(from_last))
    }

    /// The days on which the patient was asked; where the outcome is unknown, the day of the last claim.
    fn asked_on(&self) -> impl Iterator<Item = Date> {
        self.asked().map(|it| norwegian_day(it.sent_at.unwrap_or(it.lease_until)))
    }

    fn first_asked(&self) -> Option<Date> {
        self.asked_on().min()
    }

    fn decision(&self, plan: &Plan, facts: &Facts, today: Date) -> Decision {
        let evaluation = self.evaluate(plan, facts, today);
        let span = self.event.as_ref();
        let review_on = self.review_on(plan, facts, today, &evaluation);
        let Evaluation { state, reasons, send_on, next } = evaluation;
        Decision {
            rule: self.code.to_owned(),
            start: Some(self.start),
            number: self.number,
            current: false,
            state,
            reasons,
            starts_on: span.map(|span| span.event.day),
            due_on: span.map(|span| span.due),
            send_on,
            lapses_on: span.map(|span| span.lapses),
            review_on,
            next,
            answer: self.answer.map(|(answer, _)| answer),
            facts: self.used(facts),
            rule_version: self.rule.map_or(1, |(rule, _)| rule.version),
        }
    }

    /// The next day on which the same facts lead to something else.
    fn review_on(&self, plan: &Plan, facts: &Facts, today: Date, evaluation: &Evaluation) -> Option<Date> {
        let ((rule, _), span) = (self.rule?, self.event.as_ref()?);
        let after = |day: Date| days_after(day, 1);
        let mut days = vec![span.due, after(span.lapses)];
        days.push(plan.sending_day(span.due));
        days.extend(evaluation.send_on);
        days.extend(facts.deceased_on);
        days.push(of_age(plan, facts));
        days.extend(span.event.ended.as_ref().map(|(day, _)| after(*day)));
        for ground in &facts.grounds {
            days.push(ground.valid_from);
            days.extend(ground.valid_to.map(after));
        }
        days.push(legal_basis::EXEMPT_SINCE);
        for participation in &facts.participations {
            days.push(participation.joined_on);
            days.extend(participation.left_on.map(after));
        }
        days.retain(|day| *day > today);
        days.sort_unstable();
        days.dedup();
        // On the day that a wave is due, the next one comes into sight.
        let in_sight = |day: Date| rule.wave.repeats && !span.is_over() && day == span.due;
        days.into_iter().find(|day| in_sight(*day) || self.evaluate(plan, facts, *day) != *evaluation)
    }

    /// The facts that were used.
    fn used(&self, facts: &Facts) -> Map<String, Value> {
        let mut used = Map::new();
        let mut put = |name: &str, value: Value| {
            used.insert(name.to_owned(), value);
        };
        if let Some(span) = &self.event {
            put("window", json!([span.opens, span.lapses]));
            if let Some((day, _)) = &span.event.ended {
                put("ended_on", json!(day));
            }
            if let Some(category) = &span.event.category {
                put("category", json!(category));
            }
        }
        if let (Some((_, track)), None) = (self.rule, &self.answer) {
            let reached: Vec<_> = track.channels.iter().filter(|channel| facts.channels.contains(channel)).collect();
            put("channels", json!(reached));
        }
        if let Some(day) = self.first_asked() {
            put("sent_on", json!(day));
            put("reminders", json!(self.asked().map(|it| it.reminder).max().unwrap_or(0)));
        }
        if let Some((_, day)) = self.answer {
            put("answered_on", json!(day));
        }
        if !self.also.is_empty() {
            put("also_answered", json!(self.also));
        }
        used
    }
}

impl Span {
    /// The reason for no new question: the state that the event began ended before the due day.
    fn over(&self) -> Option<Reason> {
        self.event.ended.as_ref().filter(|(day, _)| self.due > *day).map(|(_, reason)| *reason)
    }

    fn is_over(&self) -> bool {
        self.over().is_some()
    }
}

/// A sender has claimed the invitation. Without a report, the same invitation is offered again when the lease expires.
fn taken_on(state: State, taken: &InvitationFact, send_on: Date, mut reasons: Vec<Reason>) -> Evaluation {
    reasons.push(Reason::BeingSent);
    let next = Next { attempt: taken.attempt, reminder: taken.reminder, channel: taken.channel };
    Evaluation { state, reasons, send_on: Some(send_on), next: Some(next) }
}

/// The first day on which the patient is no child in the plan's eyes.
fn of_age(plan: &Plan, facts: &Facts) -> Date {
    months_after(facts.born, u32::from(plan.definition().adult_from) * 12)
}

/// Everything about the patient that forbids asking on that day, the weightiest first.
fn excluded(plan: &Plan, track: &Track, facts: &Facts, on: Date) -> Vec<Reason> {
    use legal_basis::PermissionReason as Ground;
    let mut reasons = Vec::new();
    let circumstances = Circumstances { deceased_on: facts.deceased_on, ..Circumstances::default() };
    let verdict = legal_basis::may_send(&facts.grounds, circumstances, on);
    if !verdict.allowed {
        reasons.push(match verdict.reason {
            Ground::Deceased => Reason::Deceased,
            Ground::ReservedAgainstRegistry => Reason::ReservedAgainstRegistry,
            Ground::ReservedAgainstQuestionnaires => Reason::ReservedAgainstQuestionnaires,
            Ground::ConsentRefused => Reason::ConsentRefused,
            Ground::ConsentWithdrawn => Reason::ConsentWithdrawn,
            Ground::CognitiveImpairment => Reason::CognitiveImpairment,
            Ground::InterpreterNeeded => Reason::InterpreterNeeded,
            Ground::NoBasis | Ground::ConsentGiven | Ground::Exempt | Ground::GeneralExemption => Reason::NoBasis,
        });
    }
    for exclusion in &track.exclusions {
        let (applies, reason) = match exclusion {
            Exclusion::Child => (on < of_age(plan, facts), Reason::Child),
            Exclusion::CognitiveImpairment => (facts.cognitive_impairment, Reason::CognitiveImpairment),
            Exclusion::InterpreterNeeded => (facts.interpreter_needed, Reason::InterpreterNeeded),
            Exclusion::ResearchParticipant => {
                let takes_part = facts
                    .participations
                    .iter()
                    .any(|it| it.excludes && it.joined_on <= on && it.left_on.is_none_or(|last| on <= last));
                (takes_part, Reason::InResearchProject)
            }
        };
        if applies {
            reasons.push(reason);
        }
    }
    reasons
}

/// Makes one decision of a rule the current one; where nothing has begun it, one that says so.
fn settle_current(plan: &Plan, rule: &Rule, facts: &Facts, decisions: &mut Vec<Decision>) {
    let of_rule = |decision: &Decision| decision.rule == rule.code && decision.due_on.is_some();
    // Being asked about, then to come, then past: the latest of each.
    let rank = |decision: &Decision| {
        let weight = match decision.state {
            State::Due | State::Sent => 2,
            State::Waiting => 1,
            State::Suppressed | State::Answered | State::Lapsed => 0,
        };
        (weight, decision.due_on, decision.start, decision.number)
    };
    let current = decisions
        .iter()
        .enumerate()
        .filter(|(_, decision)| of_rule(decision))
        .max_by(|(_, one), (_, other)| rank(one).cmp(&rank(other)));
    if let Some(at) = current.map(|(at, _)| at) {
        if let Some(decision) = decisions.get_mut(at) {
            decision.current = true;
        }
        return;
    }
    let Some(track) = plan.track(rule) else { return };
    let (reason, used) = start::absent(track, facts);
    decisions.push(Decision {
        rule: rule.code.clone(),
        start: None,
        number: 0,
        current: true,
        state: State::Waiting,
        reasons: vec![reason],
        starts_on: None,
        due_on: None,
        send_on: None,
        lapses_on: None,
        review_on: None,
        next: None,
        answer: None,
        facts: used,
        rule_version: rule.version,
    });
}
