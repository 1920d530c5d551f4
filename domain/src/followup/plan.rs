//! The plan (oppfølgingsplan): tracks, waves, windows, exclusions, channels, reminders and texts, all of it data.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Channel;
use crate::calendar::{days_after, norwegian_day_and_hour, norwegian_hour, working_day_from};
use crate::clinical::Modality;
use crate::code_list::CodeLists;
use crate::fault::Fault;
use crate::words::words;

/// A plan as people write it: it may be faulty, and a draft may stay so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowUpPlanDefinition {
    /// The tracks of the plan.
    #[schema(max_items = 40)]
    pub tracks: Vec<Track>,
    /// The hours and days on which messages are sent.
    pub sending: SendingHours,
    /// The texts by language (ISO 639); `nb` is the fallback for other languages.
    #[schema(value_type = Object)]
    pub messages: BTreeMap<String, Messages>,
    /// The targets of the links in every message.
    pub links: Links,
    /// The age from which patients answer for themselves, in years (helserettslig myndighetsalder, pasient- og
    /// brukerrettighetsloven section 4-3).
    #[serde(default = "of_age")]
    #[schema(minimum = 12, maximum = 18, default = 16)]
    pub adult_from: u8,
}

const fn of_age() -> u8 {
    16
}

/// A title in two languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FollowUpTitle)]
pub struct Title {
    /// The title in Norwegian bokmål.
    #[schema(min_length = 1, max_length = 200)]
    pub nb: String,
    /// The title in English.
    #[schema(min_length = 1, max_length = 200)]
    pub en: String,
}

/// A start event with the waves of questions after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FollowUpTrack)]
pub struct Track {
    /// The code; with the months of a wave it names a rule: `rf_3`.
    #[schema(min_length = 1, max_length = 30, pattern = "^[a-z][a-z0-9_]{0,29}$", example = "rf")]
    pub code: String,
    /// The title of the track.
    pub title: Title,
    /// The event that starts the track.
    pub start: Start,
    /// The waves, in order of time.
    #[schema(min_items = 1, max_items = 20)]
    pub waves: Vec<FollowUpWave>,
    /// The excluded patients, besides the dead, the opted-out and those without a legal basis, who are always
    /// excluded.
    #[serde(default)]
    #[schema(max_items = 4)]
    pub exclusions: Vec<Exclusion>,
    /// The channels in order of preference; the next one is used where one fails or does not reach the patient.
    #[schema(min_items = 1, max_items = 4)]
    pub channels: Vec<Channel>,
    /// After how many days without an answer there is a reminder (purring), counted from the invitation.
    #[serde(default)]
    #[schema(max_items = 5)]
    pub reminders: Vec<u16>,
    /// The form that is asked for.
    #[schema(min_length = 1, max_length = 64, example = "opr-follow-up-short")]
    pub form: String,
    /// The larger form that the patient may choose to answer instead or as well.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub larger_form: Option<String>,
    /// Whether the referral must have a treatment-right category that leads to follow-up.
    #[serde(default)]
    pub needs_category: bool,
    /// The effect on pending occurrences when the same event happens again.
    #[serde(default)]
    pub on_new_start: OnNewStart,
    /// The first day of sending; occurrences that were due earlier are not sent.
    #[serde(default)]
    pub sends_from: Option<Date>,
}

/// The event that starts a track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = FollowUpStart)]
pub enum Start {
    /// An episode of care is closed (avsluttet).
    EpisodeClosed,
    /// An episode of care is opened; the track lasts while the episode is open (pågående).
    EpisodeOngoing,
    /// A procedure of a group.
    Procedure {
        /// The code of the procedure group.
        #[schema(min_length = 1, max_length = 40, example = "rf")]
        group: String,
    },
    /// A permanent generator or pump is implanted.
    Implant {
        /// The modality of the implant.
        modality: Modality,
    },
    /// Joining a project, as long as one takes part.
    Project {
        /// The code of the project.
        #[schema(min_length = 2, max_length = 40)]
        project: String,
    },
}

/// One distance from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowUpWave {
    /// The number of calendar months from the start to the due day; a day that the month does not have is its last
    /// day.
    #[schema(minimum = 1, maximum = 240)]
    pub months: u16,
    /// Whether the wave repeats after as many months, while the episode or the participation lasts.
    #[serde(default)]
    pub repeats: bool,
    /// The window around the due day in which answers count.
    pub window: Window,
}

/// Days around the day something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FollowUpWindow)]
pub struct Window {
    /// The number of days before the due day from which an answer counts.
    #[schema(maximum = 180)]
    pub before_days: u16,
    /// The number of days after the due day in which invitations and reminders are sent and an answer is in time.
    #[schema(minimum = 1, maximum = 365)]
    pub after_days: u16,
    /// The number of further days in which an answer counts as late.
    #[serde(default)]
    #[schema(maximum = 365)]
    pub late_days: u16,
}

words! {
    /// The patients who are excluded.
    Exclusion {
        /// Patients below the plan's age.
        Child,
        /// Patients who cannot answer for cognitive reasons.
        CognitiveImpairment,
        /// Patients who need an interpreter.
        InterpreterNeeded,
        /// Participants of a project that excludes from follow-up.
        ResearchParticipant,
    }
}

/// The effect on pending occurrences when the same event happens again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnNewStart {
    /// The newer start counts; occurrences of the older one that were not asked about are dropped.
    #[default]
    Restart,
    /// Both are followed.
    Add,
}

/// The times of sending, in Norwegian local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendingHours {
    /// The first hour of the day.
    #[schema(maximum = 23, example = 9)]
    pub from_hour: u8,
    /// The hour at which sending ends.
    #[schema(minimum = 1, maximum = 24, example = 20)]
    pub until_hour: u8,
    /// Only on working days: not at weekends and on public holidays.
    pub working_days_only: bool,
}

/// The texts of one language. `{link}` is replaced by the questionnaire's address, `{rights}` by the page on the
/// patient's rights; both are mandatory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FollowUpMessages)]
pub struct Messages {
    /// The text of the invitation.
    #[schema(min_length = 1, max_length = 1000)]
    pub invitation: String,
    /// The text of the reminder.
    #[schema(min_length = 1, max_length = 1000)]
    pub reminder: String,
}

/// The targets of links: https only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FollowUpLinks)]
pub struct Links {
    /// The questionnaire's URL, with `{token}` in place of the invitation's token and optionally `{form}`, replaced by
    /// the value in `forms`.
    #[schema(min_length = 1, max_length = 300, example = "https://nettskjema.no/a/{form}?invitasjon={token}")]
    pub answer: String,
    /// The public name of each form in addresses, such as its number in Nettskjema, so that the address does not
    /// disclose the treatment. A name of digits is a number in Nettskjema, whose mapping must lead to the form.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object, example = json!({"opr-rf": "1000005"}))]
    pub forms: BTreeMap<String, String>,
    /// The page on rights, with the form for access, correction, deletion and reservation.
    #[schema(min_length = 1, max_length = 300)]
    pub rights: String,
}

/// The forms, lists and channels that a plan may refer to.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Codes of published forms that are no baseline.
    pub forms: &'a [String],
    /// The registry's lists and projects.
    pub lists: &'a CodeLists,
    /// The channels with a configured sender.
    pub channels: &'a [Channel],
    /// The code of the form that each Nettskjema form is mapped to, by its number.
    pub nettskjema: &'a BTreeMap<String, String>,
}

/// One wave of one track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its code: the track's and the months.
    pub code: String,
    /// The index of the track.
    pub track: usize,
    /// The wave of the rule.
    pub wave: FollowUpWave,
    /// The version of the plan in which the rule last changed.
    pub version: i64,
}

/// A plan that can be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    definition: FollowUpPlanDefinition,
    rules: Vec<Rule>,
}

impl Plan {
    /// Checks a plan against what it refers to.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, each with its place.
    pub fn parse(definition: FollowUpPlanDefinition, known: &Known<'_>) -> Result<Self, Vec<Fault>> {
        let faults = super::check::faults(&definition, known);
        if faults.is_empty() { Ok(Self::published(definition, &BTreeMap::new())) } else { Err(faults) }
    }

    /// A plan that was checked when it was published: lists may have changed since, it has not.
    pub fn published(definition: FollowUpPlanDefinition, versions: &BTreeMap<String, i64>) -> Self {
        let of_track = |(at, track): (usize, &Track)| {
            let rule = |wave: &FollowUpWave| {
                let code = format!("{}_{}", track.code, wave.months);
                let version = versions.get(&code).copied().unwrap_or(1);
                Rule { code, track: at, wave: *wave, version }
            };
            track.waves.iter().map(rule).collect::<Vec<_>>()
        };
        let rules = definition.tracks.iter().enumerate().flat_map(of_track).collect();
        Self { definition, rules }
    }

    /// The plan as it was written.
    pub const fn definition(&self) -> &FollowUpPlanDefinition {
        &self.definition
    }

    /// Every rule, by track and wave.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule of that code.
    pub fn rule(&self, code: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.code == code)
    }

    /// The track of a rule.
    pub fn track(&self, rule: &Rule) -> Option<&Track> {
        self.definition.tracks.get(rule.track)
    }

    /// The day itself where anything is sent on it, else the next such day.
    pub fn sending_day(&self, day: Date) -> Date {
        if self.definition.sending.working_days_only { working_day_from(day) } else { day }
    }

    /// Returns when messages may be sent again; `None`: now.
    pub fn sends_again_at(&self, now: Timestamp) -> Option<Timestamp> {
        let SendingHours { from_hour, until_hour, .. } = self.definition.sending;
        let (day, hour) = norwegian_day_and_hour(now);
        let open = self.sending_day(day) == day;
        if open && (from_hour..until_hour).contains(&hour) {
            return None;
        }
        let next = if open && hour < from_hour { day } else { self.sending_day(days_after(day, 1)) };
        Some(norwegian_hour(next, from_hour))
    }

    /// Whether an answer to that form is a fact that some rule reads.
    pub fn listens_to_form(&self, form: &str) -> bool {
        self.definition.tracks.iter().any(|track| track.form == form || track.larger_form.as_deref() == Some(form))
    }

    /// Returns the version in which each rule last changed, if this plan were published as `version` after `before`:
    /// an unchanged rule keeps its version.
    pub fn rule_versions_after(&self, before: Option<&Self>, version: i64) -> BTreeMap<String, i64> {
        let same = |rule: &Rule| {
            let before = before?;
            let old = before.rule(&rule.code)?;
            let unchanged = old.wave == rule.wave
                && before.track(old).map(Track::of_every_wave) == self.track(rule).map(Track::of_every_wave)
                && before.definition.sending == self.definition.sending
                && before.definition.adult_from == self.definition.adult_from;
            unchanged.then_some(old.version)
        };
        self.rules.iter().map(|rule| (rule.code.clone(), same(rule).unwrap_or(version))).collect()
    }
}

impl Track {
    /// The part that all its waves share.
    fn of_every_wave(&self) -> Self {
        Self { waves: Vec::new(), ..self.clone() }
    }
}
