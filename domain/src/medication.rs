//! A medication as a patient uses it: substance, route, dose and period, and the rules between them.

mod omeq;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use crate::fault::{Fault, FaultCode};

pub use omeq::{Omeq, OmeqLevel, OmeqPoint, OmeqUnknown, series};

/// The route of administration.
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
pub enum Route {
    /// Oral: the medicine is swallowed.
    Oral,
    /// Under the tongue.
    Sublingual,
    /// In the cheek.
    Buccal,
    /// Into the nose.
    Intranasal,
    /// Through the skin, as a patch (depotplaster).
    Transdermal,
    /// Into the rectum.
    Rectal,
    /// Into a vein.
    Intravenous,
    /// Under the skin.
    Subcutaneous,
    /// Into a muscle.
    Intramuscular,
    /// Outside the dura.
    Epidural,
    /// Into the spinal fluid.
    Intrathecal,
    /// Into the lungs.
    Inhalation,
    /// On the skin, for the place itself.
    Topical,
    /// Another route of administration.
    Other,
}

impl Route {
    /// Whether it goes past the gut and the mucous membranes by needle or catheter.
    pub const fn is_parenteral(self) -> bool {
        use Route::{Epidural, Intramuscular, Intrathecal, Intravenous, Subcutaneous};
        matches!(self, Intravenous | Subcutaneous | Intramuscular | Epidural | Intrathecal)
    }
}

/// The unit of a dose.
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
pub enum DoseUnit {
    /// Gram, a unit of mass.
    G,
    /// Milligram, a unit of mass.
    Mg,
    /// Microgram, a unit of mass.
    Ug,
    /// Microgram per hour, released by patches.
    UgPerHour,
    /// Millilitre, a unit of volume without a mass.
    Ml,
    /// International unit; no mass is derived from it.
    Iu,
    /// Tablet, capsule, suppository: one piece.
    Tablet,
    /// Drop; no mass is derived from it.
    Drop,
    /// Another unit; no mass is derived from it.
    Other,
}

impl DoseUnit {
    /// Whether the mass in one unit is the product's: `strength_mg`.
    pub const fn has_strength(self) -> bool {
        matches!(self, Self::Ml | Self::Tablet | Self::Drop)
    }
}

/// The reason for ending a medication.
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
pub enum StopReason {
    /// The medicine had no effect.
    NoEffect,
    /// The medicine had side effects.
    SideEffects,
    /// Tapered off (nedtrappet).
    Tapered,
    /// The treatment was over.
    Completed,
    /// Another medication took its place, or another dose of the same.
    Replaced,
    /// Another reason for ending.
    Other,
}

/// One medication in one dose over one period; another dose is another entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Medication {
    /// ATC code of the substance (level 5).
    #[schema(min_length = 7, max_length = 7, pattern = "^[A-Z][0-9]{2}[A-Z]{2}[0-9]{2}$", example = "N02AA05")]
    pub atc: String,
    /// The trade name; absent where unknown.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100, example = "OxyContin")]
    pub product: Option<String>,
    /// The route of administration.
    pub route: Route,
    /// Amount at a time, at most six decimals; for a patch the amount released in an hour.
    #[serde(default, with = "crate::amount")]
    #[schema(value_type = Option<f64>, exclusive_minimum = 0, maximum = 100_000, example = 20)]
    pub dose: Option<Decimal>,
    /// The unit of the dose; `ug_per_hour` for opioid patches only.
    #[serde(default)]
    pub unit: Option<DoseUnit>,
    /// mg of active substance in one tablet, millilitre or drop, for these units; at most six decimals.
    #[serde(default, with = "crate::amount")]
    #[schema(value_type = Option<f64>, exclusive_minimum = 0, maximum = 100_000)]
    pub strength_mg: Option<Decimal>,
    /// Doses in 24 hours, on average, at most six decimals; for use as needed, the doses taken. Not for `ug_per_hour`.
    #[serde(default, with = "crate::amount")]
    #[schema(value_type = Option<f64>, exclusive_minimum = 0, maximum = 48, example = 2)]
    pub doses_per_day: Option<Decimal>,
    /// Whether the medicine is taken as needed (ved behov).
    #[serde(default)]
    pub as_needed: bool,
    /// The first day of use.
    pub started_on: Date,
    /// Last day, itself included; null while in use.
    #[serde(default)]
    pub ended_on: Option<Date>,
    /// The reason for ending; only with `ended_on`.
    #[serde(default)]
    pub stop_reason: Option<StopReason>,
}

impl Medication {
    const DOSE_MAX: u32 = 100_000;
    const DOSES_PER_DAY_MAX: u32 = 48;

    /// Returns the faults of the medication, at most one per member.
    pub fn faults(&self) -> Vec<Fault> {
        let patch = self.route == Route::Transdermal;
        let per_hour = self.unit == Some(DoseUnit::UgPerHour);
        let wrong_unit = match self.unit {
            None => false,
            Some(_) if per_hour => !patch,
            Some(_) => patch && self.is_opioid(),
        };
        let ended_too_early = self.ended_on.is_some_and(|last| last < self.started_on);
        let found = [
            ("atc", fault_if(!is_substance(&self.atc), FaultCode::InvalidFormat)),
            ("product", self.product.as_deref().and_then(product_fault)),
            (
                "dose",
                amount_fault(self.dose, Self::DOSE_MAX)
                    .or(fault_if(self.dose.is_none() && self.unit.is_some(), FaultCode::Required)),
            ),
            (
                "unit",
                fault_if(wrong_unit, FaultCode::Contradiction)
                    .or(fault_if(self.unit.is_none() && self.dose.is_some(), FaultCode::Required)),
            ),
            (
                "strength_mg",
                amount_fault(self.strength_mg, Self::DOSE_MAX).or(fault_if(
                    self.strength_mg.is_some() && !self.unit.is_some_and(DoseUnit::has_strength),
                    FaultCode::Contradiction,
                )),
            ),
            (
                "doses_per_day",
                amount_fault(self.doses_per_day, Self::DOSES_PER_DAY_MAX)
                    .or(fault_if(self.doses_per_day.is_some() && per_hour, FaultCode::Contradiction)),
            ),
            ("ended_on", fault_if(ended_too_early, FaultCode::WrongOrder)),
            ("stop_reason", fault_if(self.stop_reason.is_some() && self.ended_on.is_none(), FaultCode::Contradiction)),
        ];
        found.into_iter().filter_map(|(member, code)| Some(Fault::at(member, code?))).collect()
    }

    /// Whether the ATC code is one of an opioid.
    pub fn is_opioid(&self) -> bool {
        omeq::Table::shipped().counts(&self.atc)
    }

    /// mg of active substance in 24 hours; `None` where dose, unit, number of doses or strength are missing, the unit
    /// gives no mass, or an amount is one that [`Medication::faults`] refuses.
    pub fn daily_mg(&self) -> Option<Decimal> {
        self.daily_mass().ok()
    }

    fn daily_mass(&self) -> Result<Decimal, OmeqUnknown> {
        let dose = self.dose.ok_or(OmeqUnknown::DoseMissing)?;
        let mg_per_unit = match self.unit.ok_or(OmeqUnknown::DoseMissing)? {
            DoseUnit::G => Decimal::ONE_THOUSAND,
            DoseUnit::Mg => Decimal::ONE,
            DoseUnit::Ug | DoseUnit::UgPerHour => Decimal::new(1, 3),
            DoseUnit::Ml | DoseUnit::Tablet | DoseUnit::Drop => self.strength_mg.ok_or(OmeqUnknown::StrengthMissing)?,
            DoseUnit::Iu | DoseUnit::Other => return Err(OmeqUnknown::UnitNotConvertible),
        };
        let doses = match self.unit {
            Some(DoseUnit::UgPerHour) => Decimal::from(24),
            _ => self.doses_per_day.ok_or(OmeqUnknown::DoseMissing)?,
        };
        let amounts = [(dose, Self::DOSE_MAX), (mg_per_unit, Self::DOSE_MAX), (doses, Self::DOSES_PER_DAY_MAX)];
        match amounts.into_iter().find_map(|(amount, most)| amount_fault(Some(amount), most)) {
            Some(_) => Err(OmeqUnknown::OutOfRange),
            None => Ok((dose * mg_per_unit * doses).normalize()),
        }
    }
}

fn fault_if(wrong: bool, code: FaultCode) -> Option<FaultCode> {
    wrong.then_some(code)
}

/// A letter, two digits, two letters, two digits: a substance. Shorter codes are groups.
fn is_substance(atc: &str) -> bool {
    let fits = |(byte, kind): (u8, u8)| if kind == b'A' { byte.is_ascii_uppercase() } else { byte.is_ascii_digit() };
    atc.len() == 7 && atc.bytes().zip(*b"A00AA00").all(fits)
}

fn product_fault(product: &str) -> Option<FaultCode> {
    fault_if(product.is_empty() || product.trim() != product, FaultCode::InvalidFormat)
        .or(fault_if(product.chars().count() > 100, FaultCode::TooLong))
        .or(fault_if(product.chars().any(char::is_control), FaultCode::ForbiddenCharacter))
}

/// Over zero, at most `most`, at most six decimals.
fn amount_fault(amount: Option<Decimal>, most: u32) -> Option<FaultCode> {
    let amount = amount?;
    fault_if(amount <= Decimal::ZERO || amount > Decimal::from(most), FaultCode::OutOfRange)
        .or(fault_if(amount.normalize().scale() > 6, FaultCode::InvalidFormat))
}
