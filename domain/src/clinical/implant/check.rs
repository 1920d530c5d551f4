//! Checks of an implant: battery and impedances.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::super::{Entry, EntryKind, Examination, Nothing};
use super::Battery;
use crate::fault::{Fault, FaultCode};
use crate::ids::EntryId;

/// The impedance of one contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Impedance {
    /// The id of the lead.
    pub component_id: EntryId,
    /// The contact, from the tip.
    #[schema(minimum = 1, maximum = 64)]
    pub contact: i32,
    /// The impedance in ohm.
    #[schema(minimum = 0, maximum = 100_000)]
    pub ohm: i32,
}

/// A check of an implant: battery and impedances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImplantCheck {
    /// The id of the implant.
    pub implant_id: EntryId,
    /// The day of the check.
    pub checked_on: Date,
    /// The state of the battery.
    #[serde(default)]
    pub battery: Option<Battery>,
    /// The charge of the battery, per cent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub battery_percent: Option<i32>,
    /// Impedances, each contact at most once.
    #[serde(default)]
    #[schema(max_items = 128)]
    pub impedances: Vec<Impedance>,
}

impl Entry for ImplantCheck {
    const KIND: EntryKind = EntryKind::ImplantCheck;
    type Derived = Nothing;

    fn examine(&self, exam: &mut Examination<'_>) -> Nothing {
        exam.day("checked_on", self.checked_on);
        exam.whole("battery_percent", self.battery_percent, 0..=100);
        let impedances = exam.many("impedances", &self.impedances, 0..=128);
        for (at, one) in impedances.iter().enumerate() {
            let mut refuse = |member: &str, code| {
                exam.faults([Fault::new(format!("/impedances/{at}/{member}"), code)]);
            };
            let same = |other: &Impedance| (other.component_id, other.contact) == (one.component_id, one.contact);
            if !(1..=64).contains(&one.contact) {
                refuse("contact", FaultCode::OutOfRange);
            } else if impedances.iter().take(at).any(same) {
                refuse("contact", FaultCode::Contradiction);
            }
            if !(0..=100_000).contains(&one.ohm) {
                refuse("ohm", FaultCode::OutOfRange);
            }
        }
        Nothing {}
    }
}
