//! Spinal cord stimulation: indication, trial, the components with their unique device identification, programmes,
//! checks, and what happens to them. Makers, models, lots and serial numbers are invented; GTINs begin with 290, which
//! GS1 keeps for restricted circulation, so that none is any maker's.

mod device;
mod recorder;

use jiff::civil::Date;
use rust_decimal::Decimal;

use self::device::Maker;
use self::recorder::Recorder;
use super::super::random::{Random, along, whole};
use super::episode::Team;
use super::line::Line;
use super::treatment::procedure;
use super::{Patient, calendar};
use crate::clinical::body::Side;
use crate::clinical::{
    AmplitudeUnit, Attendance, Battery, ComponentKind, Consultation, EventKind, Impedance, Implant, ImplantCheck,
    ImplantComponent, ImplantEvent, ImplantProgramme, Indication, IpgSite, LeadContacts, Modality, Mode,
    ProcedureSystem, Screening, Sequence, Stages, TrialOutcome, Waveform,
};
use crate::ids::EntryId;

/// Days from the first consultation to the decision, to the trial, to the implantation. Assumption.
const DECIDED_AFTER: (i32, i32) = (30, 150);
const TRIED_AFTER: (i32, i32) = (14, 80);
const TRIED_FOR: (i32, i32) = (6, 21);
const IMPLANTED_AFTER: (i32, i32) = (10, 60);
/// Share without a trial, and how trials end: 70 to 80 % succeed in most clinics. Assumption.
const ONE_STAGE: f64 = 0.07;
const TRIALS: [(f64, TrialOutcome); 2] = [(0.77, TrialOutcome::Success), (0.19, TrialOutcome::Failed)];

/// Cumulative share explanted by years: 17, 23 and 38 % at 3, 5 and 10 years (n = 400, Gothenburg).
const EXPLANTED: [(f64, f64); 4] = [(0.0, 0.15), (0.17, 3.0), (0.23, 5.0), (0.38, 10.0)];
/// Reasons: of 17, 23 and 38 % 10, 14 and 23 for lost effect (Gothenburg); the others are an assumption.
const EXPLANTED_FOR: [(f64, EventKind); 3] =
    [(0.60, EventKind::LossOfEffect), (0.20, EventKind::Infection), (0.08, EventKind::Erosion)];

/// Events that happen at most once: the share of all implants, and the period in days. Pain at the generator 17 % (127
/// of 764); the others are an assumption.
const EVENTS: [(EventKind, f64, (i32, i32)); 11] = [
    (EventKind::IpgSitePain, 0.17, (30, 700)),
    (EventKind::Migration, 0.08, (14, 500)),
    (EventKind::LeadDamage, 0.04, (100, 1800)),
    (EventKind::ConnectionFailure, 0.015, (30, 900)),
    (EventKind::CommunicationError, 0.02, (60, 1500)),
    (EventKind::UnwantedStimulation, 0.07, (7, 400)),
    (EventKind::Infection, 0.02, (5, 60)),
    (EventKind::Haematoma, 0.015, (0, 10)),
    (EventKind::DuralPuncture, 0.01, (0, 0)),
    (EventKind::NeurologicSymptoms, 0.008, (0, 14)),
    (EventKind::NeuraxialHaematoma, 0.007, (0, 5)),
];
/// Share of leads that moved, and that broke, which are replaced. Assumption.
const REPLACED: [(EventKind, f64); 2] = [(EventKind::Migration, 0.6), (EventKind::LeadDamage, 0.9)];
/// Days that a primary cell lasts. Assumption: about five years.
const CELL: (i32, i32) = (1400, 2400);
/// Days from the implantation to its checks; afterwards once a year.
const CHECKED: [i32; 4] = [30, 90, 180, 365];
/// Share of tonic settings outside the usual range, and of rechargeable generators. Assumption.
const UNUSUAL: f64 = 0.02;
const RECHARGEABLE: f64 = 0.6;
const SPINAL_CORD: [(f64, Modality); 1] = [(0.9, Modality::Scs)];
const SCREENINGS: [(f64, Screening); 2] = [(0.75, Screening::Suitable), (0.18, Screening::SuitableWithSupport)];
const SITES: [(f64, IpgSite); 3] = [(0.62, IpgSite::Gluteal), (0.18, IpgSite::Abdominal), (0.14, IpgSite::Flank)];

/// Usual settings of a waveform, as the entry's own hypotheses have them.
struct Setting {
    waveform: Waveform,
    hertz: (i32, i32),
    microseconds: (i32, i32),
    /// Tenths of a milliampere or volt.
    amplitude: (i32, i32),
}

const fn setting(waveform: Waveform, hertz: (i32, i32), microseconds: (i32, i32), amplitude: (i32, i32)) -> Setting {
    Setting { waveform, hertz, microseconds, amplitude }
}

const SETTINGS: [Setting; 7] = [
    setting(Waveform::Tonic, (30, 80), (180, 450), (15, 80)),
    setting(Waveform::BurstDr, (40, 40), (1000, 1000), (2, 16)),
    setting(Waveform::TenKhz, (10_000, 10_000), (30, 30), (8, 35)),
    setting(Waveform::HighDensity, (500, 1000), (90, 250), (10, 45)),
    setting(Waveform::Fast, (90, 90), (200, 250), (10, 40)),
    setting(Waveform::EcapClosedLoop, (30, 60), (200, 400), (20, 80)),
    setting(Waveform::Dtm, (50, 300), (150, 250), (20, 60)),
];

/// A planned event of an implant, decided before entries are recorded.
enum Happening {
    /// Another programme, with its number and last day.
    Programme(i32, Option<Date>),
    /// A check; of a broken lead one contact does not conduct.
    Check { broken: bool },
    /// An event that removes nothing.
    Event(EventKind),
    /// A lead is replaced.
    NewLead,
    /// The generator is replaced.
    NewGenerator,
    /// Everything is removed.
    Explant,
}

/// An implant from the decision on, as far as it has come.
pub(super) struct Story {
    maker: &'static Maker,
    implant: Implant,
    /// Days of trial and implantation, where they have come.
    tried: Option<(Date, Option<Date>)>,
    implanted: Option<Date>,
    explanted: Option<Date>,
    is_rechargeable: bool,
    happenings: Vec<(Date, Happening)>,
}

impl Story {
    pub(super) fn drawn(random: &mut Random, patient: &Patient, opened: Date) -> Self {
        let last = patient.last();
        let come = |day: Date| Some(day).filter(|day| *day <= last);
        let later = |random: &mut Random, day: Date, (least, most): (i32, i32)| {
            calendar::workday(calendar::after(day, random.between(least, most)))
        };
        let decided_on = later(random, opened, DECIDED_AFTER);
        let indication = patient.condition.indication;
        let surgeries = if indication == Indication::PersistentSpinalPainType2 {
            random.between(1, 4)
        } else {
            random.between(0, 1)
        };
        let is_one_stage = random.chance(ONE_STAGE);
        let (started, ends) = (later(random, decided_on, TRIED_AFTER), TRIED_FOR);
        let ended = later(random, started, ends);
        let outcome = random.pick(&TRIALS, TrialOutcome::Aborted);
        let relief = match outcome {
            TrialOutcome::Success => Some(random.between(10, 18) * 5),
            TrialOutcome::Failed => Some(random.between(0, 9) * 5),
            TrialOutcome::Aborted => None,
        };
        let trial_started_on = come(started).filter(|_| !is_one_stage);
        let trial_ended_on = trial_started_on.and(come(ended));
        let is_on_spine = indication == Indication::PersistentSpinalPainType2;
        let implant = Implant {
            modality: random.pick(&SPINAL_CORD, Modality::Drg),
            indication,
            decided_on,
            prior_spine_surgeries: Some(surgeries),
            screening: Some(random.pick(&SCREENINGS, Screening::NotDone)),
            pain_back: Some(if is_on_spine { patient.pain } else { random.between(0, 3) }),
            pain_leg: Some((patient.pain + random.between(-2, 1)).clamp(0, 10)),
            stages: Some(if is_one_stage { Stages::OneStage } else { Stages::TwoStage }),
            trial_started_on,
            trial_ended_on,
            trial_outcome: trial_ended_on.map(|_| outcome),
            trial_relief_percent: trial_ended_on.and(relief),
        };
        let from = if is_one_stage { started } else { later(random, ended, IMPLANTED_AFTER) };
        let is_wanted = is_one_stage || outcome == TrialOutcome::Success;
        let mut story = Self {
            maker: device::maker(random),
            implant,
            tried: trial_started_on.map(|from| (from, trial_ended_on)),
            implanted: come(from).filter(|_| is_wanted),
            explanted: None,
            is_rechargeable: random.chance(RECHARGEABLE),
            happenings: Vec::new(),
        };
        if let Some(implanted) = story.implanted {
            story.live(&mut random.fork(), implanted, last);
        }
        story
    }

    /// Returns the day on which the episode is closed: not while a device is or may be implanted.
    pub(super) fn closes(&self, random: &mut Random) -> Option<Date> {
        let given_up =
            self.implant.trial_ended_on.filter(|_| self.implant.trial_outcome != Some(TrialOutcome::Success));
        Some(calendar::after(self.explanted.or(given_up)?, random.between(40, 180)))
    }

    /// Decides what happens after the implantation.
    fn live(&mut self, random: &mut Random, implanted: Date, last: Date) {
        let at = |days: i32| calendar::after(implanted, days);
        let fate = random.unit();
        let years = along(&EXPLANTED, fate);
        let explanted = at(whole(years * 365.25));
        self.explanted = (fate < 0.38 && explanted <= last).then_some(calendar::workday(explanted).min(last));
        let until = self.explanted.unwrap_or(calendar::after(last, 1));

        let mut programmes = vec![at(random.between(0, 10)), at(random.between(25, 60)), at(random.between(150, 400))];
        let mut on = at(random.between(500, 900));
        while on < until {
            programmes.push(on);
            on = calendar::after(on, random.between(300, 900));
        }
        for day in &mut programmes {
            *day = calendar::workday(*day);
        }
        programmes.retain(|day| *day < until);
        for (at, set_on) in programmes.iter().enumerate() {
            let ended = programmes.get(at + 1).copied().or(self.explanted);
            let number = i32::try_from(at + 1).unwrap_or(1).min(99);
            self.happenings.push((*set_on, Happening::Programme(number, ended)));
        }

        let yearly = (2..=60).map(|year| 365 * year);
        for days in CHECKED.into_iter().chain(yearly).take_while(|days| at(*days) < until) {
            let day = calendar::workday(at((days + random.between(-7, 14)).max(7)));
            self.happenings.push((day, Happening::Check { broken: false }));
        }
        for (event, share, (least, most)) in EVENTS {
            let day = at(random.between(least, most));
            let is_replaced = REPLACED.iter().any(|(of, share)| *of == event && random.chance(*share));
            if !random.chance(share) {
                continue;
            }
            self.happenings.push((day, Happening::Event(event)));
            if event == EventKind::LeadDamage {
                self.happenings.push((day, Happening::Check { broken: true }));
            }
            if is_replaced {
                let replaced = calendar::workday(calendar::after(day, random.between(14, 60)));
                self.happenings.push((replaced, Happening::NewLead));
            }
        }
        let mut cell = at(random.between(CELL.0, CELL.1));
        while !self.is_rechargeable && cell < until {
            self.happenings.push((calendar::workday(cell), Happening::NewGenerator));
            cell = calendar::after(cell, random.between(CELL.0, CELL.1));
        }
        if let Some(explanted) = self.explanted {
            let reason = random.pick(&EXPLANTED_FOR, EventKind::IpgSitePain);
            let noticed = calendar::after(explanted, -random.between(3, 60)).max(implanted);
            self.happenings.push((noticed, Happening::Event(reason)));
        }
        self.happenings.retain(|(day, _)| *day < until);
        // Stable: what was decided first of one day comes first.
        self.happenings.sort_by_key(|(day, _)| *day);
        if let Some(explanted) = self.explanted {
            self.happenings.push((explanted, Happening::Explant));
        }
    }

    /// Records the implant and all its entries, in order of time.
    pub(super) fn tell(
        self,
        line: &mut Line,
        random: &mut Random,
        patient: &Patient,
        (episode, team): (EntryId, &Team),
    ) {
        if self.implant.decided_on > patient.last() {
            return;
        }
        let implant = line.add(&self.implant);
        let mut recorder =
            Recorder { line, patient, story: &self, implant, episode, leads: Vec::new(), generator: None };
        recorder.trial(random);
        let Some(implanted) = self.implanted else { return };
        let count = if random.chance(0.6) { 2 } else { 1 };
        let is_paddle = random.chance(0.15);
        for number in 0..count {
            recorder.lead(random, implanted, number, is_paddle);
        }
        recorder.generator(random, implanted);
        recorder.surgery("ZDS02", implanted);
        let mut seen = None;
        for (day, happening) in &self.happenings {
            recorder.happen(random, *day, happening);
            let is_visit = matches!(happening, Happening::Check { .. } | Happening::Programme(..));
            if is_visit && seen != Some(*day) {
                seen = Some(*day);
                recorder.visit(*day, team);
            }
        }
    }
}
