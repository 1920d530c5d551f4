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
#[schema(as = FollowUpPlanDefinition)]
pub struct Definition {
    /// Its tracks.
    #[schema(max_items = 40)]
    pub tracks: Vec<Track>,
    /// When anything is sent.
    pub sending: SendingHours,
    /// What is written, by language (ISO 639); `nb` is what everybody else reads.
    #[schema(value_type = Object)]
    pub messages: BTreeMap<String, Messages>,
    /// Where the links of every message lead.
    pub links: Links,
    /// From which age people answer for themselves, in years (helserettslig myndighetsalder, pasient- og
    /// brukerrettighetsloven section 4-3).
    #[serde(default = "of_age")]
    #[schema(minimum = 12, maximum = 18, default = 16)]
    pub adult_from: u8,
}

const fn of_age() -> u8 {
    16
}

/// What something is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FollowUpTitle)]
pub struct Title {
    /// In Norwegian bokmål.
    #[schema(min_length = 1, max_length = 200)]
    pub nb: String,
    /// In English.
    #[schema(min_length = 1, max_length = 200)]
    pub en: String,
}

/// What begins at one kind of event and asks at several distances from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FollowUpTrack)]
pub struct Track {
    /// Its code; with the months of a wave it names a rule: `rf_3`.
    #[schema(min_length = 1, max_length = 30, pattern = "^[a-z][a-z0-9_]{0,29}$", example = "rf")]
    pub code: String,
    /// What it is called.
    pub title: Title,
    /// What begins it.
    pub start: Start,
    /// When it asks, in order.
    #[schema(min_items = 1, max_items = 20)]
    pub waves: Vec<Wave>,
    /// Who is not asked, besides the dead, the reserved and those without a legal basis, who never are.
    #[serde(default)]
    #[schema(max_items = 4)]
    pub exclusions: Vec<Exclusion>,
    /// By which channels, the first one first; the others where it fails or does not reach the patient.
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
    /// What becomes of what is pending when the same event happens again.
    #[serde(default)]
    pub on_new_start: OnNewStart,
    /// What was due earlier is not sent.
    #[serde(default)]
    pub sends_from: Option<Date>,
}

/// What begins a track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = FollowUpStart)]
pub enum Start {
    /// An episode of care is closed (avsluttet).
    EpisodeClosed,
    /// An episode of care is opened, as long as it is open (pågående).
    EpisodeOngoing,
    /// A procedure of a group.
    Procedure {
        /// The group's code.
        #[schema(min_length = 1, max_length = 40, example = "rf")]
        group: String,
    },
    /// A permanent generator or pump is implanted.
    Implant {
        /// Of this modality.
        modality: Modality,
    },
    /// Joining a project, as long as one takes part.
    Project {
        /// The project's code.
        #[schema(min_length = 2, max_length = 40)]
        project: String,
    },
}

/// One distance from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FollowUpWave)]
pub struct Wave {
    /// How many calendar months after the start it is due; a day that the month does not have is its last.
    #[schema(minimum = 1, maximum = 240)]
    pub months: u16,
    /// Whether it comes again after as many months, while the episode or the participation lasts.
    #[serde(default)]
    pub repeats: bool,
    /// Around the day it is due.
    pub window: Window,
}

/// Days around the day something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FollowUpWindow)]
pub struct Window {
    /// So many days before, an answer counts already.
    #[schema(maximum = 180)]
    pub before_days: u16,
    /// For so many days after, invitations and reminders are sent and an answer is in time.
    #[schema(minimum = 1, maximum = 365)]
    pub after_days: u16,
    /// For so many days more, an answer counts as late.
    #[serde(default)]
    #[schema(maximum = 365)]
    pub late_days: u16,
}

words! {
    /// Who is not asked.
    Exclusion {
        /// Those below the plan's age.
        Child,
        /// Those who cannot answer for cognitive reasons.
        CognitiveImpairment,
        /// Those who need an interpreter.
        InterpreterNeeded,
        /// Those who take part in a project that excludes from follow-up.
        ResearchParticipant,
    }
}

/// What becomes of what is pending when the same event happens again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnNewStart {
    /// The newer start counts; what nobody was asked yet about the older one is not asked.
    #[default]
    Restart,
    /// Both are followed.
    Add,
}

/// When anything is sent, in Norway's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendingHours {
    /// From this hour of the day.
    #[schema(maximum = 23, example = 9)]
    pub from_hour: u8,
    /// Until this hour.
    #[schema(minimum = 1, maximum = 24, example = 20)]
    pub until_hour: u8,
    /// Only on working days: not at weekends and on public holidays.
    pub working_days_only: bool,
}

/// The texts of one language. `{link}` stands for the questionnaire's address, `{rights}` for the page on the patient's
/// rights; both must be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FollowUpMessages)]
pub struct Messages {
    /// The invitation.
    #[schema(min_length = 1, max_length = 1000)]
    pub invitation: String,
    /// The reminder.
    #[schema(min_length = 1, max_length = 1000)]
    pub reminder: String,
}

/// Where links lead: https only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FollowUpLinks)]
pub struct Links {
    /// The questionnaire, with `{token}` where the invitation's token goes and, if wanted, `{form}`: what `forms` has for it.
    #[schema(min_length = 1, max_length = 300, example = "https://nettskjema.no/a/{form}?invitasjon={token}")]
    pub answer: String,
    /// Form -> what stands for it in the address, such as its number in Nettskjema: whoever looks over a shoulder learns
    /// nothing from it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object, example = json!({"opr-rf": "100003"}))]
    pub forms: BTreeMap<String, String>,
    /// The page on rights, with the form for access, correction, deletion and reservation.
    #[schema(min_length = 1, max_length = 300)]
    pub rights: String,
}

/// What a plan refers to.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Codes of published forms that are no baseline.
    pub forms: &'a [String],
    /// The registry's lists and projects.
    pub lists: &'a CodeLists,
    /// The channels that somebody serves.
    pub channels: &'a [Channel],
}

/// One wave of one track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its code: the track's and the months.
    pub code: String,
    /// Which track, by position.
    pub track: usize,
    /// The wave.
    pub wave: Wave,
    /// The version of the plan in which it became what it is.
    pub version: i64,
}

/// A plan that can be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    definition: Definition,
    rules: Vec<Rule>,
}

impl Plan {
    /// Checks a plan against what it refers to.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, each with its place.
    pub fn parse(definition: Definition, known: &Known<'_>) -> Result<Self, Vec<Fault>> {
        let faults = super::check::faults(&definition, known);
        if faults.is_empty() { Ok(Self::published(definition, &BTreeMap::new())) } else { Err(faults) }
    }

    /// A plan that was checked when it was published: lists may have changed since, it has not.
    pub fn published(definition: Definition, versions: &BTreeMap<String, i64>) -> Self {
        let of_track = |(at, track): (usize, &Track)| {
            let rule = |wave: &Wave| {
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
    pub const fn definition(&self) -> &Definition {
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

    /// When anything may be sent again; `None`: now.
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

    /// In which version each rule became what it is, were this plan published as `version` after `before`: a rule that
    /// says the same keeps its version.
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
    /// What all its waves share.
    fn of_every_wave(&self) -> Self {
        Self { waves: Vec::new(), ..self.clone() }
    }
}
