//! The faults of a plan: rules that can never fire, windows that overlap, texts that disclose too much. Every fault
//! has its place.

use std::collections::HashSet;

use jiff::civil::{Date, date};

use super::message;
use super::plan::{Exclusion, FollowUpPlanDefinition, FollowUpWave, Known, Start, Track};
use crate::calendar::{days_after, days_before, months_after};
use crate::code_list::List;
use crate::fault::{Fault, FaultCode, escape};

/// Everything that is wrong with the plan.
pub(super) fn faults(plan: &FollowUpPlanDefinition, known: &Known<'_>) -> Vec<Fault> {
    let mut faults = Faults::default();
    if plan.tracks.len() > 40 {
        faults.add("/tracks", FaultCode::TooLong);
    }
    for (at, track) in plan.tracks.iter().enumerate().take(40) {
        let place = format!("/tracks/{at}");
        if plan.tracks.iter().take(at).any(|other| other.code == track.code) {
            faults.add(&format!("{place}/code"), FaultCode::AlreadyExists);
        }
        of_track(track, known, &place, &mut faults);
        of_waves(track, plan.sending.working_days_only, &place, &mut faults);
        // An answer to the same form after the same event belongs to one rule only.
        let rivals = plan.tracks.iter().take(at).filter(|other| other.start == track.start && share_form(other, track));
        for rival in rivals {
            for (number, wave) in track.waves.iter().enumerate() {
                if rival.waves.iter().any(|other| overlap(*other, *wave)) {
                    faults.add(&format!("{place}/waves/{number}/window"), FaultCode::Overlapping);
                }
            }
        }
    }
    if !(12..=18).contains(&plan.adult_from) {
        faults.add("/adult_from", FaultCode::OutOfRange);
    }
    let (from, until) = (plan.sending.from_hour, plan.sending.until_hour);
    if from > 23 || until > 24 {
        faults.add(if from > 23 { "/sending/from_hour" } else { "/sending/until_hour" }, FaultCode::OutOfRange);
    } else if from >= until {
        faults.add("/sending/until_hour", FaultCode::WrongOrder);
    }
    message::faults(plan, known, &mut faults);
    faults.0
}

/// Faults, as they are found.
#[derive(Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, pointer: &str, code: FaultCode) {
        self.0.push(Fault::new(pointer, code));
    }

    /// A text of at least one and at most `most` characters.
    fn text(&mut self, pointer: &str, text: &str, most: usize) {
        if text.trim().is_empty() {
            self.add(pointer, FaultCode::Required);
        } else if text.chars().count() > most {
            self.add(pointer, FaultCode::TooLong);
        }
    }

    /// Each thing of a list once.
    fn each_once<T: PartialEq>(&mut self, place: &str, list: &[T]) {
        for (at, thing) in list.iter().enumerate() {
            if list.iter().take(at).any(|earlier| earlier == thing) {
                self.add(&format!("{place}/{at}"), FaultCode::AlreadyExists);
            }
        }
    }
}

fn of_track(track: &Track, known: &Known<'_>, place: &str, faults: &mut Faults) {
    let is_code = (1..=30).contains(&track.code.len())
        && track.code.starts_with(|first: char| first.is_ascii_lowercase())
        && track.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !is_code {
        faults.add(&format!("{place}/code"), FaultCode::InvalidFormat);
    }
    faults.text(&format!("{place}/title/nb"), &track.title.nb, 200);
    faults.text(&format!("{place}/title/en"), &track.title.en, 200);
    of_start(track, known, place, faults);
    faults.each_once(&format!("{place}/exclusions"), &track.exclusions);
    if track.channels.is_empty() {
        faults.add(&format!("{place}/channels"), FaultCode::Required);
    }
    faults.each_once(&format!("{place}/channels"), &track.channels);
    for (at, channel) in track.channels.iter().enumerate() {
        if !known.channels.contains(channel) {
            faults.add(&format!("{place}/channels/{at}"), FaultCode::NotServed);
        }
    }
    of_reminders(track, place, faults);
    for (member, form) in [("form", Some(&track.form)), ("larger_form", track.larger_form.as_ref())] {
        if form.is_some_and(|form| !known.forms.contains(form)) {
            faults.add(&format!("{place}/{member}"), FaultCode::UnknownReference);
        }
    }
    if track.larger_form.as_ref() == Some(&track.form) {
        faults.add(&format!("{place}/larger_form"), FaultCode::AlreadyExists);
    }
    let leads_on = |list: &crate::code_list::Listed| list.flags.triggers_follow_up;
    if track.needs_category && !known.lists.of(List::TreatmentRight).iter().any(leads_on) {
        faults.add(&format!("{place}/needs_category"), FaultCode::NeverHappens);
    }
    if track.sends_from.is_some_and(|from| !(date(2000, 1, 1)..=date(2200, 1, 1)).contains(&from)) {
        faults.add(&format!("{place}/sends_from"), FaultCode::InvalidDate);
    }
}

fn of_start(track: &Track, known: &Known<'_>, place: &str, faults: &mut Faults) {
    match &track.start {
        Start::EpisodeClosed | Start::EpisodeOngoing | Start::Implant { .. } => {}
        Start::Procedure { group } => {
            let listed = known.lists.of(List::ProcedureGroup).iter().find(|it| it.code == *group);
            let code = match listed {
                None => Some(FaultCode::UnknownReference),
                Some(listed) => (!listed.flags.triggers_follow_up).then_some(FaultCode::NeverHappens),
            };
            if let Some(code) = code {
                faults.add(&format!("{place}/start/group"), code);
            }
        }
        Start::Project { project } => match known.lists.project(project) {
            None => faults.add(&format!("{place}/start/project"), FaultCode::UnknownReference),
            Some(project) => {
                // Its participants are the very people who are not asked.
                let excluded = track.exclusions.iter().position(|it| *it == Exclusion::ResearchParticipant);
                if let Some(at) = excluded.filter(|_| project.excludes_from_follow_up) {
                    faults.add(&format!("{place}/exclusions/{at}"), FaultCode::NeverHappens);
                }
            }
        },
    }
}

/// No message is sent from Maundy Thursday to Easter Monday: a window within these days would close before it opens.
const LONGEST_HOLIDAY: u16 = 5;

fn of_waves(track: &Track, working_days_only: bool, place: &str, faults: &mut Faults) {
    if track.waves.is_empty() {
        faults.add(&format!("{place}/waves"), FaultCode::Required);
    } else if track.waves.len() > 20 {
        faults.add(&format!("{place}/waves"), FaultCode::TooLong);
    }
    let lasts = matches!(track.start, Start::EpisodeOngoing | Start::Project { .. });
    let mut before: Option<FollowUpWave> = None;
    for (at, wave) in track.waves.iter().enumerate().take(20) {
        let place = format!("{place}/waves/{at}");
        let window = wave.window;
        if !(1..=240).contains(&wave.months) {
            faults.add(&format!("{place}/months"), FaultCode::OutOfRange);
            continue;
        }
        let ranges = [
            ("before_days", window.before_days, 0..=180),
            ("after_days", window.after_days, if working_days_only { LONGEST_HOLIDAY } else { 1 }..=365),
            ("late_days", window.late_days, 0..=365),
        ];
        for (member, days, range) in ranges {
            if !range.contains(&days) {
                faults.add(&format!("{place}/window/{member}"), FaultCode::OutOfRange);
            }
        }
        if before.is_some_and(|before| wave.months <= before.months) {
            faults.add(&format!("{place}/months"), FaultCode::WrongOrder);
        } else if before.is_some_and(|before| before.repeats || overlap(before, *wave)) || overlaps_itself(*wave) {
            faults.add(&format!("{place}/window"), FaultCode::Overlapping);
        }
        if wave.repeats && !lasts {
            // What happens once does not last.
            faults.add(&format!("{place}/repeats"), FaultCode::NeverHappens);
        }
        before = Some(*wave);
    }
}

fn of_reminders(track: &Track, place: &str, faults: &mut Faults) {
    if track.reminders.len() > 5 {
        faults.add(&format!("{place}/reminders"), FaultCode::TooLong);
    }
    let shortest = track.waves.iter().map(|wave| wave.window.after_days).min().unwrap_or(0);
    let mut before = 0;
    for (at, days) in track.reminders.iter().enumerate().take(5) {
        if *days <= before {
            faults.add(&format!("{place}/reminders/{at}"), FaultCode::WrongOrder);
        } else if *days > shortest {
            faults.add(&format!("{place}/reminders/{at}"), FaultCode::OutsidePeriod);
        }
        before = *days;
    }
}

fn share_form(one: &Track, other: &Track) -> bool {
    let forms = |track: &Track| -> HashSet<String> {
        [Some(track.form.clone()), track.larger_form.clone()].into_iter().flatten().collect()
    };
    !forms(one).is_disjoint(&forms(other))
}

/// Days on which something may begin: two years of them, so that the shortest months are among them.
fn days() -> impl Iterator<Item = Date> {
    (0..731).map(|at| days_after(date(2022, 1, 1), at))
}

/// Whether an answer of some day could belong to both.
fn overlap(one: FollowUpWave, other: FollowUpWave) -> bool {
    let (first, second) = if one.months <= other.months { (one, other) } else { (other, one) };
    let window = |wave: FollowUpWave, start: Date| {
        let due = months_after(start, wave.months.into());
        let after = u32::from(wave.window.after_days) + u32::from(wave.window.late_days);
        (days_before(due, wave.window.before_days.into()), days_after(due, after))
    };
    days().any(|start| window(second, start).0 <= window(first, start).1)
}

/// Whether a wave that comes again would come before the last one is over.
fn overlaps_itself(wave: FollowUpWave) -> bool {
    let again = FollowUpWave { months: wave.months.saturating_mul(2), ..wave };
    wave.repeats && overlap(wave, again)
}

/// Returns the pointer of a text of a language.
pub(super) fn text_place(language: &str, member: &str) -> String {
    format!("/messages/{}/{member}", escape(language))
}
