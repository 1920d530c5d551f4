//! Episodes of care and the consultations in them.

use jiff::civil::{Date, date};

use super::super::random::{Random, whole};
use super::line::Line;
use super::{Patient, Visit, calendar, condition, drawing, goal, implant};
use crate::clinical::{Attendance, Consultation, Episode, Mode, Profession, Professional, ReportedBy, Sequence};
use crate::ids::EntryId;

/// Days that an episode lasts: median and spread of a log-normal. Assumption, made so that about a third of those
/// opened within two years are still open.
const LENGTH: (f64, f64) = (135.0, 1.0);
/// The same of those who come once.
const LENGTH_SINGLE: (i32, i32) = (0, 30);
/// Share of episodes that are never closed. Assumption: the report says that there are some.
const NEVER_CLOSED: f64 = 0.03;
/// The reasons for closing episodes, except deaths. Assumption.
const REASONS: [(f64, &str); 6] = [
    (0.63, "completed"),
    (0.10, "referred_on"),
    (0.08, "patient_wish"),
    (0.06, "no_show"),
    (0.08, "no_further_offer"),
    (0.02, "moved"),
];
/// Days between consultations: median and spread of a log-normal. Assumption.
const GAP: (f64, f64) = (50.0, 0.6);
const CONSULTATIONS_MOST: usize = 12;
/// Share of patients who did not come the first time, and how later consultations went. Assumption.
const FIRST_MISSED: f64 = 0.05;
const ATTENDANCE: [(f64, Attendance); 2] = [(0.06, Attendance::NoShow), (0.05, Attendance::Cancelled)];

/// The modes of consultations: the start of video for first ones, and of video and telephone for later ones. The
/// report counts first ones by video from 2020; the shares are an assumption.
const MODES: [(Date, f64, f64, f64); 4] = [
    (super::OPENED, 0.0, 0.01, 0.06),
    (date(2020, 3, 12), 0.22, 0.30, 0.30),
    (date(2020, 9, 1), 0.10, 0.18, 0.18),
    (date(2022, 3, 1), 0.05, 0.14, 0.14),
];

/// The staff of the clinic by profession. Their HPR numbers are invented, of nine digits, far above issued ones.
const STAFF: [(Profession, u32); 7] = [
    (Profession::Physician, 10),
    (Profession::Nurse, 6),
    (Profession::Psychologist, 5),
    (Profession::Physiotherapist, 5),
    (Profession::OccupationalTherapist, 1),
    (Profession::SocialWorker, 2),
    (Profession::Other, 1),
];
const HPR_FROM: u32 = 990_000_100;
/// Share of professionals without an HPR number. Assumption.
const HPR_MISSING: f64 = 0.03;
/// The number of professionals at the first consultation, and later. Assumption: interdisciplinary.
const TEAM_FIRST: [(f64, usize); 2] = [(0.45, 1), (0.35, 2)];
const TEAM_LATER: [(f64, usize); 2] = [(0.75, 1), (0.20, 2)];
const TEAM: usize = 3;

/// Share of patients who draw their pain before the first consultation: as many as answer the baseline (report: 83 to
/// 93 % until 2020), and, as an assumption, of those who draw again at the end.
const DRAWN_FIRST: f64 = 0.86;
const DRAWN_LAST: f64 = 0.2;
/// Share of clinicians who draw it too, since they record (report: April 2020; the field is not mandatory). Assumption.
const DRAWN_BY_CLINICIAN: f64 = 0.55;
const RECORDED_SINCE: Date = date(2020, 4, 1);

/// Generates an episode with all its entries; returns the day of closing.
pub(super) fn tell(
    line: &mut Line,
    random: &mut Random,
    patient: &Patient,
    visit: &Visit,
    referral: EntryId,
    opened: Date,
) -> Option<Date> {
    let implant = visit.plan.has_scs.then(|| implant::Story::drawn(&mut random.fork(), patient, opened));
    let (closed_on, reason) = closing(&mut random.fork(), patient, visit, opened, implant.as_ref()).unzip();
    let episode = line.add(&Episode {
        referral_id: Some(referral),
        unit: Some(visit.plan.unit().to_owned()),
        opened_on: opened,
        closed_on,
        closing_reason: reason.map(str::to_owned),
    });
    let last = closed_on.map_or(patient.last(), |day| day.min(patient.last()));
    let team = Team::drawn(&mut random.fork());
    consultations(line, &mut random.fork(), visit, (episode, &team), (opened, last, reason));
    condition::tell(line, &mut random.fork(), patient, episode, opened);
    drawings(line, &mut random.fork(), patient, episode, (opened, closed_on.filter(|day| *day <= last)));
    visit.plan.tell(line, &mut random.fork(), patient, episode, (opened, last));
    goal::tell(line, &mut random.fork(), patient, episode, (opened, closed_on));
    if let Some(story) = implant {
        story.tell(line, &mut random.fork(), patient, (episode, &team));
    }
    closed_on
}

/// Draws the day and the reason of closing.
fn closing(
    random: &mut Random,
    patient: &Patient,
    visit: &Visit,
    opened: Date,
    implant: Option<&implant::Story>,
) -> Option<(Date, &'static str)> {
    let length = if visit.is_single() {
        random.between(LENGTH_SINGLE.0, LENGTH_SINGLE.1)
    } else {
        whole(random.log_normal(LENGTH.0, LENGTH.1)).clamp(7, 2500)
    };
    let usual = calendar::after(opened, length.max(visit.plan.least_days()));
    let reason = random.pick(&REASONS, "other");
    let wanted = match implant {
        Some(story) => story.closes(random),
        None => (!random.chance(NEVER_CLOSED)).then_some(usual),
    };
    let usual = wanted.map(calendar::workday).filter(|day| *day <= patient.last());
    usual.map(|day| (day, reason)).or_else(|| {
        // The episode is closed after the death.
        let died = patient.died?;
        Some((calendar::after(died, random.between(0, 21)).min(patient.today), "deceased"))
    })
}

/// The professionals who treat one patient.
pub(super) struct Team(Vec<Professional>);

impl Team {
    fn drawn(random: &mut Random) -> Self {
        let mut members: Vec<Professional> = Vec::new();
        for at in 0..=TEAM {
            // A physician first, then others of other professions.
            let weight = |(profession, count): &(Profession, u32)| {
                let known = members.iter().any(|member| member.profession == *profession);
                let is_physician = *profession == Profession::Physician;
                if known || (at == 0) != is_physician { 0.0 } else { f64::from(*count) }
            };
            let Some((profession, count)) = random.weighted(&STAFF, weight).copied() else { continue };
            let before: u32 = STAFF.iter().take_while(|(other, _)| *other != profession).map(|(_, n)| *n).sum();
            let hpr = HPR_FROM + before + random.below(count);
            let hpr = (!random.chance(HPR_MISSING)).then(|| hpr.to_string());
            members.push(Professional { profession, hpr });
        }
        Self(members)
    }

    fn present(&self, random: &mut Random, sizes: &[(f64, usize)]) -> Vec<Professional> {
        let size = random.pick(sizes, TEAM);
        // Of later ones every other is without the physician.
        let from = usize::from(size == 1 && random.chance(0.5));
        self.0.iter().skip(from).take(size).cloned().collect()
    }

    /// The physician and one more, for the implant.
    pub(super) fn pair(&self) -> Vec<Professional> {
        self.0.iter().take(2).cloned().collect()
    }
}

fn consultations(
    line: &mut Line,
    random: &mut Random,
    visit: &Visit,
    (episode, team): (EntryId, &Team),
    (opened, last, reason): (Date, Date, Option<&str>),
) {
    let mode = |random: &mut Random, on: Date, is_first: bool| {
        let of_period = MODES.iter().rev().find(|(since, ..)| *since <= on);
        let (first, video, phone) =
            of_period.map_or((0.0, 0.0, 0.0), |(_, first, video, phone)| (*first, *video, *phone));
        let shares = if is_first {
            [(first, Mode::Video), (0.0, Mode::Phone)]
        } else {
            [(video, Mode::Video), (phone, Mode::Phone)]
        };
        random.pick(&shares, Mode::Physical)
    };
    let missed = calendar::workday(calendar::after(opened, -random.between(14, 28)));
    if missed > visit.received && random.chance(FIRST_MISSED) {
        line.add(&Consultation {
            episode_id: Some(episode),
            held_on: missed,
            sequence: Sequence::First,
            mode: mode(random, missed, true),
            attendance: Attendance::NoShow,
            professionals: team.present(random, &TEAM_FIRST),
        });
    }
    let first = Consultation {
        episode_id: Some(episode),
        held_on: opened,
        sequence: Sequence::First,
        mode: mode(random, opened, true),
        attendance: Attendance::Attended,
        professionals: team.present(random, &TEAM_FIRST),
    };
    line.add(&first);
    if visit.is_single() {
        return;
    }
    let mut days = Vec::new();
    let mut on = opened;
    while days.len() < CONSULTATIONS_MOST {
        let gap = whole(random.log_normal(GAP.0, GAP.1)).clamp(7, 220);
        on = calendar::workday(calendar::after(on, gap));
        if on > last {
            break;
        }
        days.push(on);
    }
    let is_last = |on: Date| days.last() == Some(&on);
    for on in days.iter().copied() {
        let drawn = random.pick(&ATTENDANCE, Attendance::Attended);
        line.add(&Consultation {
            held_on: on,
            sequence: Sequence::FollowUp,
            mode: mode(random, on, false),
            attendance: if reason == Some("no_show") && is_last(on) { Attendance::NoShow } else { drawn },
            professionals: team.present(random, &TEAM_LATER),
            ..first.clone()
        });
    }
}

fn drawings(
    line: &mut Line,
    random: &mut Random,
    patient: &Patient,
    episode: EntryId,
    (opened, closed): (Date, Option<Date>),
) {
    let places = drawing::places(patient);
    if random.chance(DRAWN_FIRST) {
        drawing::tell(line, random, patient, episode, (opened, ReportedBy::Patient), places);
    }
    if opened >= RECORDED_SINCE && random.chance(DRAWN_BY_CLINICIAN) {
        // Clinicians mark what the treatment is for.
        let fewer = places.min(2 + random.between(0, 4));
        drawing::tell(line, random, patient, episode, (opened, ReportedBy::Clinician), fewer);
    }
    if let Some(closed) = closed
        && random.chance(DRAWN_LAST)
    {
        let changed = (places + random.between(-4, 1)).max(1);
        drawing::tell(line, random, patient, episode, (closed, ReportedBy::Patient), changed);
    }
}
