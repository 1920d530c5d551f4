//! Oral morphine equivalents (OMEQ, mg in 24 hours), by the factors of `omeq.toml`: of one medication, and over time.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::{DoseUnit, Medication, Route};
use crate::amount;

/// The factors, read once. That the file is whole is tested, so reading it cannot fail in use.
static TABLE: LazyLock<Table> =
    LazyLock::new(|| toml::from_str(include_str!("omeq.toml")).expect("the shipped file is read in a test"));

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) version: String,
    pub(super) opioids: Vec<String>,
    pub(super) factors: Vec<Factor>,
}

/// The factor of one substance by one or more routes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Factor {
    pub(super) atc: Vec<String>,
    pub(super) routes: Vec<Route>,
    pub(super) ratios: Vec<Band>,
}

/// A ratio, and the OMEQ up to which it holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Band {
    pub(super) up_to: Option<Decimal>,
    pub(super) ratio: Decimal,
}

impl Table {
    pub(super) fn shipped() -> &'static Self {
        &TABLE
    }

    /// Whether the ATC code is one of an opioid.
    pub(super) fn counts(&self, atc: &str) -> bool {
        self.opioids.iter().any(|prefix| atc.starts_with(prefix.as_str()))
    }
}

impl Factor {
    /// mg of OMEQ for `mg` of the substance: by the first band that the result does not exceed.
    pub(super) fn omeq(&self, mg: Decimal) -> Option<Decimal> {
        self.ratios.iter().find_map(|band| {
            let omeq = mg * band.ratio;
            band.up_to.is_none_or(|up_to| omeq <= up_to).then_some(omeq)
        })
    }
}

/// The oral morphine equivalents of a medication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Omeq {
    /// The medicine is not an opioid and counts as zero.
    NotOpioid,
    /// An opioid with a factor and a complete dose.
    Known {
        /// OMEQ in mg a day, rounded to six decimals.
        #[serde(serialize_with = "amount::number")]
        #[schema(value_type = f64, minimum = 0)]
        mg: Decimal,
        /// The table of factors and its edition.
        #[schema(max_length = 60, example = "hdir-konvertering-av-opioiddoser/1")]
        factor_version: &'static str,
    },
    /// An opioid of unknown OMEQ, which is not zero.
    Unknown {
        /// The reason for the unknown value.
        reason: OmeqUnknown,
    },
}

/// The reason for an unknown OMEQ of an opioid.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Display,
    EnumIter,
    EnumString,
    IntoStaticStr,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum OmeqUnknown {
    /// Given into a vein, a muscle, the skin or the spine: the source has no factors for it.
    Parenteral,
    /// The source has no factor for the substance.
    NoFactorForSubstance,
    /// The source has a factor for the substance, but not by this route.
    NoFactorForRoute,
    /// The dose, its unit or the number of doses a day is missing.
    DoseMissing,
    /// The dose is in tablets, millilitres or drops, and their strength is missing.
    StrengthMissing,
    /// The unit has no mass (IU, other), is not µg/h for a patch, or is µg/h for another route.
    UnitNotConvertible,
    /// An amount that [`Medication::faults`] refuses.
    OutOfRange,
}

impl Medication {
    /// Returns the oral morphine equivalents of a medication in use, in mg a day; its dates are ignored.
    pub fn daily_omeq(&self) -> Omeq {
        let table = Table::shipped();
        if !table.counts(&self.atc) {
            return Omeq::NotOpioid;
        }
        match self.known_omeq(table) {
            Ok(mg) => Omeq::Known { mg, factor_version: &table.version },
            Err(reason) => Omeq::Unknown { reason },
        }
    }

    fn known_omeq(&self, table: &Table) -> Result<Decimal, OmeqUnknown> {
        if self.route.is_parenteral() {
            return Err(OmeqUnknown::Parenteral);
        }
        let mut factors = table.factors.iter().filter(|factor| factor.atc.contains(&self.atc)).peekable();
        factors.peek().ok_or(OmeqUnknown::NoFactorForSubstance)?;
        let factor = factors.find(|factor| factor.routes.contains(&self.route)).ok_or(OmeqUnknown::NoFactorForRoute)?;
        let patch = self.unit.map(|unit| unit == DoseUnit::UgPerHour);
        if patch.is_some_and(|patch| patch != (self.route == Route::Transdermal)) {
            return Err(OmeqUnknown::UnitNotConvertible);
        }
        let omeq = factor.omeq(self.daily_mass()?).ok_or(OmeqUnknown::OutOfRange)?;
        Ok(omeq.round_dp_with_strategy(6, RoundingStrategy::MidpointAwayFromZero).normalize())
    }
}

/// The level of a total among the thresholds for reimbursement of opioids (Helfo, individuell stønad til opioider).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    Display,
    EnumIter,
    EnumString,
    IntoStaticStr,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum OmeqLevel {
    /// No known opioid is used.
    None,
    /// Up to and including 100 mg: a general practitioner may apply.
    #[serde(rename = "up_to_100")]
    #[strum(serialize = "up_to_100")]
    UpTo100,
    /// Over 100 and up to and including 300 mg: a physician of a multidisciplinary pain clinic applies.
    #[serde(rename = "over_100")]
    #[strum(serialize = "over_100")]
    Over100,
    /// Over 300 mg: not reimbursed.
    #[serde(rename = "over_300")]
    #[strum(serialize = "over_300")]
    Over300,
}

impl OmeqLevel {
    /// The level of a total in mg a day.
    pub fn of(total_mg: Decimal) -> Self {
        match total_mg {
            total if total > Decimal::from(300) => Self::Over300,
            total if total > Decimal::ONE_HUNDRED => Self::Over100,
            total if total > Decimal::ZERO => Self::UpTo100,
            _ => Self::None,
        }
    }
}

/// All opioids together, from a day on until the next point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OmeqPoint {
    /// The first day of the value.
    pub from: Date,
    /// Sum of the known OMEQ, mg a day. With `unknown` over 0 the truth is higher.
    #[serde(serialize_with = "amount::number")]
    #[schema(value_type = f64, minimum = 0)]
    pub total_mg: Decimal,
    /// The number of opioids in use, of known and unknown OMEQ.
    #[schema(minimum = 0, maximum = 10_000)]
    pub opioids: u32,
    /// The number of opioids of unknown OMEQ.
    #[schema(minimum = 0, maximum = 10_000)]
    pub unknown: u32,
    /// The level of `total_mg`.
    pub level: OmeqLevel,
}

/// The daily OMEQ over time: a point for every day on which something changes, by day; none without opioids.
///
/// A medication counts from `started_on` to `ended_on`, both included, or on and on; one that ended before it started
/// counts never. Two that follow each other with the same result make one point.
pub fn series(medications: &[Medication]) -> Vec<OmeqPoint> {
    let opioids: Vec<Course> = medications.iter().filter_map(Course::of).collect();
    let changes: BTreeSet<Date> =
        opioids.iter().flat_map(|course| [Some(course.from), course.until]).flatten().collect();
    let mut points: Vec<OmeqPoint> = changes.into_iter().map(|day| point(day, &opioids)).collect();
    points.dedup_by(|next, last| OmeqPoint { from: last.from, ..*next } == *last);
    points
}

/// One opioid's use: from a day on, until the day after its last.
struct Course {
    from: Date,
    until: Option<Date>,
    mg: Option<Decimal>,
}

impl Course {
    fn of(medication: &Medication) -> Option<Self> {
        let mg = match medication.daily_omeq() {
            Omeq::NotOpioid => return None,
            Omeq::Known { mg, .. } => Some(mg),
            Omeq::Unknown { .. } => None,
        };
        let until = medication.ended_on.and_then(|last| last.tomorrow().ok());
        let from = medication.started_on;
        until.is_none_or(|until| from < until).then_some(Self { from, until, mg })
    }
}

fn point(day: Date, opioids: &[Course]) -> OmeqPoint {
    let mut point = OmeqPoint { from: day, total_mg: Decimal::ZERO, opioids: 0, unknown: 0, level: OmeqLevel::None };
    for course in opioids.iter().filter(|it| it.from <= day && it.until.is_none_or(|until| day < until)) {
        point.opioids += 1;
        point.unknown += u32::from(course.mg.is_none());
        point.total_mg += course.mg.unwrap_or_default();
    }
    point.level = OmeqLevel::of(point.total_mg);
    point
}
