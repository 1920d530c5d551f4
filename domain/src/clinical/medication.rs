//! Medication as an entry: the ATC code is checked against the code book, and the daily opioid dose is computed.

use rust_decimal::Decimal;
use serde::Serialize;

use super::{Entry, EntryKind, Examination, Remark};
use crate::code::System;
use crate::fault::Fault;
use crate::medication::{Medication, Omeq, OmeqUnknown};

/// The derived members of a medication.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Medicated {
    /// The substance, as the ATC index names it.
    #[schema(max_length = 500)]
    pub substance: Option<String>,
    /// Oral morphine equivalents (OMEQ), mg a day; null where the medicine is not an opioid or the value is unknown.
    #[serde(serialize_with = "crate::amount::serialize")]
    #[schema(value_type = Option<f64>, minimum = 0)]
    pub omeq_mg: Option<Decimal>,
    /// The version of the table of factors.
    #[schema(max_length = 40)]
    pub omeq_factors: Option<String>,
    /// The reason for an unknown value; null where the value is known or the medicine is not an opioid.
    pub omeq_unknown: Option<OmeqUnknown>,
}

impl Entry for Medication {
    const KIND: EntryKind = EntryKind::Medication;
    type Derived = Medicated;

    fn examine(&self, exam: &mut Examination<'_>) -> Medicated {
        exam.day("started_on", self.started_on);
        let (of_code, of_others): (Vec<Fault>, Vec<Fault>) =
            Medication::faults(self).into_iter().partition(|fault| fault.pointer == "/atc");
        exam.faults(of_others);
        // The code book refuses with more detail, such as that the code belongs to another system.
        let checked = exam.coded("atc", System::Atc, &self.atc, self.started_on);
        if checked.is_some() {
            exam.faults(of_code);
        }
        let substance = checked.map(|it| it.title);
        let (omeq_mg, omeq_factors, omeq_unknown) = match self.daily_omeq() {
            Omeq::NotOpioid => (None, None, None),
            Omeq::Known { mg, factor_version } => (Some(mg), Some(factor_version.to_owned()), None),
            Omeq::Unknown { reason } => (None, None, Some(reason)),
        };
        if omeq_mg.is_some_and(|mg| mg > Decimal::from(300)) {
            exam.remark(Remark::HighOpioidDose);
        }
        if omeq_unknown.is_some() {
            exam.remark(Remark::OmeqUnknown);
        }
        Medicated { substance, omeq_mg, omeq_factors, omeq_unknown }
    }
}
