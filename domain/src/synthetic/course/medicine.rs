//! Medicines: opioids, their tapering, and what else is taken for pain. Codes, routes and doses as in Norway; no trade
//! names.

use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use super::super::random::Random;
use super::line::Line;
use super::{Patient, calendar};
use crate::medication::{DoseUnit, Medication, Omeq, Route, StopReason};

/// Share of patients on opioids when they come (ePPOC: 55.8 % on more than two days a week).
const ON_OPIOIDS: f64 = 0.558;
/// Share of them who take something fast as needed besides. Assumption, which brings the mean to ePPOC's.
const BREAKTHROUGH: f64 = 0.28;
/// Share of those on opioids who take something for constipation. Assumption.
const CONSTIPATION: f64 = 0.08;
/// The dose in mg of oral morphine equivalents from which opioids are tapered, and the share of patients. Assumption.
const TAPERED: [(i64, f64); 3] = [(100, 0.5), (50, 0.35), (0, 0.15)];
/// Days from the first consultation until tapering begins, and between its steps.
const TAPERED_AFTER: (i32, i32) = (14, 120);
const STEP: (i32, i32) = (21, 84);
/// Quarters of the first dose, step by step; patches come in halves.
const QUARTERS: [i64; 3] = [3, 2, 1];
const QUARTERS_OF_PATCHES: [i64; 1] = [2];
/// Days before the first consultation on which a medicine was begun that is taken then. Assumption.
const BEGUN_BEFORE: (i32, i32) = (21, 240);
/// Share of other medicines that are begun in the clinic, and that are stopped. Assumption.
const BEGUN_HERE: f64 = 0.4;
const STOPPED: f64 = 0.4;
const STOPPED_AFTER: (i32, i32) = (21, 300);
/// The reasons for ending. Assumption.
const STOP_REASONS: [(f64, StopReason); 3] =
    [(0.40, StopReason::NoEffect), (0.35, StopReason::SideEffects), (0.15, StopReason::Completed)];
/// Since when the built-in ATC book knows its codes.
const CODED_SINCE: Date = date(2015, 1, 1);
/// Codes that another took the place of, and since when.
const RECODED: [(&str, Date, &str); 2] =
    [("N03AX12", date(2023, 1, 1), "N02BF01"), ("N03AX16", date(2023, 1, 1), "N02BF02")];

/// A medicine in a dose. Amounts in thousandths.
#[derive(Clone, Copy)]
struct Regimen {
    /// The frequency, relative to others or of all.
    share: f64,
    /// The same among those with neuropathic pain.
    share_of_neuropathic: f64,
    atc: &'static str,
    route: Route,
    unit: DoseUnit,
    strength: Option<i64>,
    dose: i64,
    per_day: Option<i64>,
    as_needed: bool,
}

impl Regimen {
    /// Milligrams, so often a day.
    const fn mg(share: f64, atc: &'static str, mg: i64, per_day: i64) -> Self {
        Self {
            share,
            share_of_neuropathic: share,
            atc,
            route: Route::Oral,
            unit: DoseUnit::Mg,
            strength: None,
            dose: mg * 1000,
            per_day: Some(per_day * 1000),
            as_needed: false,
        }
    }

    /// Tablets of so many milligrams.
    const fn tablets(share: f64, atc: &'static str, strength: i64, number: i64, per_day: i64) -> Self {
        let strength = Some(strength * 1000);
        Self { unit: DoseUnit::Tablet, strength, ..Self::mg(share, atc, number, per_day) }
    }

    /// A patch, by thousandths of a microgram an hour.
    const fn patch(share: f64, atc: &'static str, dose: i64) -> Self {
        let route = Route::Transdermal;
        Self { route, unit: DoseUnit::UgPerHour, dose, per_day: None, ..Self::mg(share, atc, 0, 0) }
    }

    const fn by(self, route: Route) -> Self {
        Self { route, ..self }
    }

    const fn needed(self) -> Self {
        Self { as_needed: true, ..self }
    }

    const fn neuropathic(self, share_of_neuropathic: f64) -> Self {
        Self { share_of_neuropathic, ..self }
    }
}

/// Doses of opioids. Assumption, made so that the mean is ePPOC's 62.7 mg of oral morphine equivalents a day, about a
/// sixth of the users take more than 100 mg and one in a hundred more than 300.
const OPIOIDS: &[Regimen] = &[
    Regimen::tablets(12.0, "N02AJ06", 30, 2, 3),
    Regimen::tablets(6.0, "N02AJ06", 30, 2, 4),
    Regimen::mg(10.0, "N02AX02", 50, 3),
    Regimen::mg(9.0, "N02AX02", 100, 2),
    Regimen::mg(5.0, "N02AX02", 100, 4),
    Regimen::mg(5.0, "N02AX06", 100, 2),
    Regimen::mg(2.5, "N02AX06", 150, 2),
    Regimen::patch(3.5, "N02AE01", 5_000),
    Regimen::patch(4.0, "N02AE01", 10_000),
    Regimen::patch(3.0, "N02AE01", 20_000),
    Regimen::mg(7.0, "N02AA05", 10, 2),
    Regimen::mg(8.0, "N02AA05", 20, 2),
    Regimen::mg(6.0, "N02AA05", 40, 2),
    Regimen::mg(2.4, "N02AA05", 80, 2),
    Regimen::mg(3.0, "N02AA55", 10, 2),
    Regimen::mg(2.5, "N02AA55", 20, 2),
    Regimen::mg(3.5, "N02AA01", 30, 2),
    Regimen::mg(2.5, "N02AA01", 60, 2),
    Regimen::patch(2.5, "N02AB03", 25_000),
    Regimen::patch(2.0, "N02AB03", 50_000),
    Regimen::patch(1.0, "N02AB03", 75_000),
    Regimen::patch(0.7, "N02AB03", 100_000),
    Regimen::mg(0.6, "N07BC02", 10, 2),
    Regimen::mg(0.3, "N07BC02", 20, 2),
    Regimen::mg(0.6, "N02AA03", 4, 2),
    Regimen::mg(0.7, "N02AB01", 5, 4).needed(),
    // More than 300 mg.
    Regimen::mg(0.5, "N02AA05", 120, 2),
    Regimen::mg(0.3, "N02AA01", 200, 2),
    Regimen::patch(0.2, "N02AB03", 150_000),
    // What has no factor.
    Regimen::mg(0.3, "N02AA01", 20, 1).by(Route::Subcutaneous),
    Regimen::mg(0.2, "N02AA01", 2, 1).by(Route::Intrathecal),
];
const FAST: Regimen = Regimen::mg(0.0, "N02AA05", 5, 3).needed();
const AGAINST_CONSTIPATION: Regimen = Regimen::mg(0.0, "A06AH03", 25, 1);

/// Other medicines: shares of all, and of patients with neuropathic pain. Assumption.
const OTHERS: &[Regimen] = &[
    Regimen::mg(0.55, "N02BE01", 1000, 4),
    Regimen::mg(0.10, "M01AE01", 400, 3).needed(),
    Regimen::mg(0.07, "M01AE02", 500, 2),
    Regimen::mg(0.05, "M01AH05", 60, 1),
    Regimen::mg(0.10, "N03AX12", 600, 3).neuropathic(0.28),
    Regimen::mg(0.08, "N03AX16", 150, 2).neuropathic(0.24),
    Regimen::mg(0.15, "N06AA09", 25, 1).neuropathic(0.25),
    Regimen::mg(0.03, "N06AA10", 25, 1).neuropathic(0.06),
    Regimen::mg(0.08, "N06AX21", 60, 1).neuropathic(0.16),
    Regimen::mg(0.03, "N06AX16", 75, 1),
    Regimen::mg(0.06, "N06AX11", 15, 1),
    Regimen::tablets(0.12, "N05CF01", 7, 1, 1).needed(),
    Regimen::mg(0.09, "N05CH01", 2, 1),
    Regimen::mg(0.03, "M03BX01", 10, 3),
    Regimen::mg(0.02, "M03BX02", 4, 2),
    Regimen { unit: DoseUnit::Other, ..Regimen::mg(0.01, "N01BB02", 1, 1).by(Route::Topical).neuropathic(0.10) },
    Regimen::mg(0.01, "N03AF01", 200, 2).neuropathic(0.03),
];

/// Generates the medicines of a course with its first consultation on `opened`.
pub(super) fn tell(line: &mut Line, random: &mut Random, patient: &Patient, opened: Date) {
    let mut told = Told { line, patient };
    if random.chance(ON_OPIOIDS) {
        told.opioids(&mut random.fork(), opened);
    }
    for regimen in OTHERS {
        let random = &mut random.fork();
        let is_neuropathic = patient.condition.is_neuropathic;
        if !random.chance(if is_neuropathic { regimen.share_of_neuropathic } else { regimen.share }) {
            continue;
        }
        let started = if random.chance(BEGUN_HERE) {
            calendar::workday(calendar::after(opened, random.between(0, 120)))
        } else {
            before(random, opened)
        };
        let stopped = calendar::after(started.max(opened), random.between(STOPPED_AFTER.0, STOPPED_AFTER.1));
        let reason = random.pick(&STOP_REASONS, StopReason::Other);
        let ended = random.chance(STOPPED).then_some((stopped, reason));
        told.add(regimen, 4, started, ended);
    }
}

/// A day on which something was begun that is taken on `opened`.
fn before(random: &mut Random, opened: Date) -> Date {
    calendar::after(opened, -random.between(BEGUN_BEFORE.0, BEGUN_BEFORE.1)).max(CODED_SINCE)
}

struct Told<'a> {
    line: &'a mut Line,
    patient: &'a Patient,
}

impl Told<'_> {
    fn opioids(&mut self, random: &mut Random, opened: Date) {
        let Some(regimen) = random.weighted(OPIOIDS, |regimen| regimen.share) else { return };
        let started = before(random, opened);
        let omeq = match medication(regimen, 4, started, None).daily_omeq() {
            Omeq::Known { mg, .. } => mg,
            _ => Decimal::ZERO,
        };
        let tapered = TAPERED.iter().find(|(from, _)| omeq >= Decimal::from(*from)).map_or(0.0, |(_, share)| *share);
        if random.chance(tapered) {
            self.taper(&mut random.fork(), regimen, started, opened);
        } else {
            self.add(regimen, 4, started, None);
        }
        if random.chance(BREAKTHROUGH) {
            let started = before(random, opened);
            self.add(&FAST, 4, started, None);
        }
        if random.chance(CONSTIPATION) {
            let started = before(random, opened);
            self.add(&AGAINST_CONSTIPATION, 4, started, None);
        }
    }

    /// One dose after another, each a separate medication; at the end none, or the lowest dose.
    fn taper(&mut self, random: &mut Random, regimen: &Regimen, started: Date, opened: Date) {
        let steps = if regimen.unit == DoseUnit::UgPerHour { &QUARTERS_OF_PATCHES[..] } else { &QUARTERS[..] };
        let mut next = calendar::after(opened, random.between(TAPERED_AFTER.0, TAPERED_AFTER.1));
        let (mut quarters, mut started) = (4, started);
        for step in steps {
            self.add(regimen, quarters, started, Some((calendar::after(next, -1), StopReason::Replaced)));
            (quarters, started) = (*step, next);
            next = calendar::after(next, random.between(STEP.0, STEP.1));
        }
        self.add(regimen, quarters, started, random.chance(0.5).then_some((next, StopReason::Tapered)));
    }

    /// Omits periods that have not begun; periods that have not ended continue, or end with the death of the patient.
    fn add(&mut self, regimen: &Regimen, quarters: i64, started: Date, ended: Option<(Date, StopReason)>) {
        if started > self.patient.last() {
            return;
        }
        let ended = ended.filter(|(day, _)| *day <= self.patient.last());
        let ended = ended.or(self.patient.died.map(|died| (died, StopReason::Other)));
        self.line.add(&medication(regimen, quarters, started, ended));
    }
}

fn medication(regimen: &Regimen, quarters: i64, started_on: Date, ended: Option<(Date, StopReason)>) -> Medication {
    let recoded = RECODED.iter().find(|(old, since, _)| *old == regimen.atc && *since <= started_on);
    let amount = |thousandths: i64| Decimal::new(thousandths, 3).normalize();
    Medication {
        atc: recoded.map_or(regimen.atc, |(.., new)| new).to_owned(),
        product: None,
        route: regimen.route,
        dose: Some(amount(regimen.dose * quarters / 4)),
        unit: Some(regimen.unit),
        strength_mg: regimen.strength.map(amount),
        doses_per_day: regimen.per_day.map(amount),
        as_needed: regimen.as_needed,
        started_on,
        ended_on: ended.map(|(day, _)| day),
        stop_reason: ended.map(|(_, reason)| reason),
    }
}
