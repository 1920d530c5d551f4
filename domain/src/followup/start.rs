//! The starts of a track for a patient, and the reasons for none.

use jiff::civil::Date;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::decision::Reason;
use super::facts::{EpisodeFact, Facts, ReferralFact};
use super::plan::{Start, Track};

/// An event that began a track.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// The id of the entry.
    pub(super) id: Uuid,
    /// The day of the event.
    pub(super) day: Date,
    /// The last day of what it began: after it nothing new is asked.
    pub(super) ended: Option<(Date, Reason)>,
    /// The reason for asking no question in spite of the event, on any day.
    blocked: Option<Reason>,
    /// Since when the patient is in treatment again, where that matters.
    pub(super) again_since: Option<Date>,
    /// The category of the referral, where the track needs one.
    pub(super) category: Option<String>,
}

impl Event {
    /// The reason for asking no question about an event that is over on that day; later events are no reason.
    pub(super) fn blocked_by(&self, lapses: Date) -> Option<Reason> {
        self.again_since.filter(|since| *since <= lapses).map(|_| Reason::InTreatmentAgain).or(self.blocked)
    }
}

/// The events that began the track, the earliest first.
pub(super) fn events(track: &Track, facts: &Facts) -> Vec<Event> {
    let plain = |id, day| Event { id, day, ended: None, blocked: None, again_since: None, category: None };
    let mut events: Vec<Event> = match &track.start {
        Start::EpisodeClosed => {
            // A patient in treatment, resumed or continued, receives the questions of ongoing treatment.
            let open = facts.episodes.iter().filter(|episode| episode.closed_on.is_none());
            let again_since = open.map(|episode| episode.opened_on).min();
            let closed = |episode: &EpisodeFact| Some(Event { again_since, ..plain(episode.id, episode.closed_on?) });
            facts.episodes.iter().filter_map(closed).collect()
        }
        Start::EpisodeOngoing => {
            let opened = |episode: &EpisodeFact| Event {
                ended: episode.closed_on.map(|day| (day, Reason::EpisodeClosed)),
                ..plain(episode.id, episode.opened_on)
            };
            facts.episodes.iter().map(opened).collect()
        }
        Start::Procedure { group } => facts
            .procedures
            .iter()
            .filter(|procedure| procedure.group == *group)
            .map(|procedure| plain(procedure.id, procedure.performed_on))
            .collect(),
        Start::Implant { modality } => {
            let of_modality = || facts.implants.iter().filter(|component| component.modality == *modality);
            // A generator that is changed belongs to the same implant: the first one began it.
            let firsts = of_modality().enumerate().filter(|(at, component)| {
                !of_modality().take(*at).any(|earlier| earlier.implant_id == component.implant_id)
            });
            firsts
                .map(|(_, first)| {
                    let of_it = || of_modality().filter(|other| other.implant_id == first.implant_id);
                    let gone = of_it().all(|component| component.removed_on.is_some());
                    let last = of_it().filter_map(|component| component.removed_on).max().filter(|_| gone);
                    Event {
                        ended: last.map(|day| (day, Reason::ImplantRemoved)),
                        ..plain(first.id, first.implanted_on)
                    }
                })
                .collect()
        }
        Start::Project { project } => facts
            .participations
            .iter()
            .filter(|participation| participation.project == *project)
            .map(|participation| Event {
                ended: participation.left_on.map(|day| (day, Reason::NotInProject)),
                ..plain(participation.id, participation.joined_on)
            })
            .collect(),
    };
    events.sort_by_key(|event| (event.day, event.id));
    if track.needs_category {
        for event in &mut events {
            let referral = referral(facts, event);
            event.category = referral.and_then(|referral| referral.category.clone());
            let leads = referral.and_then(|referral| referral.triggers_follow_up) == Some(true);
            event.blocked = match &event.category {
                None => Some(Reason::CategoryMissing),
                Some(_) if !leads => Some(Reason::CategoryWithoutFollowUp),
                Some(_) => None,
            };
        }
    }
    events
}

/// The referral that led to an event: the episode's own, else the latest one received by then.
fn referral<'f>(facts: &'f Facts, event: &Event) -> Option<&'f ReferralFact> {
    let episode = facts.episodes.iter().find(|episode| episode.id == event.id);
    let by = episode.map_or(event.day, |episode| episode.opened_on);
    let own = episode.and_then(|episode| episode.referral_id);
    facts.referrals.iter().find(|referral| Some(referral.id) == own).or_else(|| {
        facts.referrals.iter().filter(|referral| referral.received_on <= by).max_by_key(|it| (it.received_on, it.id))
    })
}

/// Returns why the track has not started, and the facts of the decision.
pub(super) fn absent(track: &Track, facts: &Facts) -> (Reason, Map<String, Value>) {
    let mut used = Map::new();
    let reason = match &track.start {
        Start::EpisodeClosed => match facts.episodes.iter().find(|episode| episode.closed_on.is_none()) {
            Some(open) => {
                used.insert("open_since".to_owned(), json!(open.opened_on));
                Reason::NotClosed
            }
            None => Reason::NoEpisode,
        },
        Start::EpisodeOngoing => Reason::NoEpisode,
        Start::Procedure { group } => {
            used.insert("procedure_group".to_owned(), json!(group));
            Reason::NoProcedure
        }
        Start::Implant { modality } => {
            used.insert("modality".to_owned(), json!(modality));
            Reason::NoImplant
        }
        Start::Project { project } => {
            used.insert("project".to_owned(), json!(project));
            Reason::NotInProject
        }
    };
    (reason, used)
}
