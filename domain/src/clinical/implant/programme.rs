//! Stimulation programmes: contacts, waveform and settings.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::super::{Entry, EntryKind, Examination, Nothing, Remark};
use super::{AmplitudeUnit, Waveform};
use crate::fault::{Fault, FaultCode};
use crate::ids::EntryId;

/// The polarity of the contacts of one lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadContacts {
    /// The id of the lead.
    pub component_id: EntryId,
    /// A sign for each contact from the tip: `+` anode, `-` cathode, `0` off.
    #[schema(min_length = 1, max_length = 64, pattern = "^[+0-]{1,64}$", example = "+-000000")]
    pub polarity: String,
}

/// A stimulation programme, from one day to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImplantProgramme {
    /// The implant it runs on.
    pub implant_id: EntryId,
    /// The day on which the programme was set.
    pub set_on: Date,
    /// The last day of use; absent while in use.
    #[serde(default)]
    pub ended_on: Option<Date>,
    /// The number of the programme on the device.
    #[schema(minimum = 1, maximum = 99)]
    pub number: i32,
    /// The form of stimulation.
    pub waveform: Waveform,
    /// The polarity of the contacts, each lead at most once.
    #[serde(default)]
    #[schema(max_items = 8)]
    pub leads: Vec<LeadContacts>,
    /// The amplitude; goes with its unit.
    #[serde(default, with = "crate::amount")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 100)]
    pub amplitude: Option<Decimal>,
    /// The unit of the amplitude.
    #[serde(default)]
    pub amplitude_unit: Option<AmplitudeUnit>,
    /// The pulse width in microseconds.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 5000)]
    pub pulse_width_us: Option<i32>,
    /// The frequency in hertz.
    #[serde(default, with = "crate::amount")]
    #[schema(value_type = Option<f64>, exclusive_minimum = 0, maximum = 20000)]
    pub frequency_hz: Option<Decimal>,
    /// Seconds on, in a cycling programme.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 86400)]
    pub cycle_on_s: Option<i32>,
    /// Seconds off, in a cycling programme.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 86400)]
    pub cycle_off_s: Option<i32>,
    /// Hours of use a day.
    #[serde(default, with = "crate::amount")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 24)]
    pub usage_hours: Option<Decimal>,
    /// The relief of pain, per cent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub relief_percent: Option<i32>,
    /// The coverage of the painful area, per cent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub coverage_percent: Option<i32>,
}

impl ImplantProgramme {
    /// Usual frequency (Hz), pulse width (µs) and amplitude (tenths of mA) of a waveform; hypotheses, for remarks only.
    fn is_usual(&self) -> bool {
        let (frequency, width, amplitude) = match self.waveform {
            Waveform::Tonic => ((30, 120), (100, 500), (10, 150)),
            Waveform::Burst | Waveform::BurstDr => ((40, 500), (100, 1000), (0, 150)),
            Waveform::TenKhz => ((10_000, 10_000), (10, 50), (5, 50)),
            Waveform::HighDensity => ((500, 1200), (50, 500), (0, 150)),
            _ => return true,
        };
        let within = |value: Option<Decimal>, (least, most): (i64, i64), decimals| {
            value.is_none_or(|it| (Decimal::new(least, decimals)..=Decimal::new(most, decimals)).contains(&it))
        };
        within(self.frequency_hz, frequency, 0)
            && within(self.pulse_width_us.map(Decimal::from), width, 0)
            && (self.amplitude_unit == Some(AmplitudeUnit::Volt) || within(self.amplitude, amplitude, 1))
    }
}

impl Entry for ImplantProgramme {
    const KIND: EntryKind = EntryKind::ImplantProgramme;
    type Derived = Nothing;

    fn examine(&self, exam: &mut Examination<'_>) -> Nothing {
        exam.day("set_on", self.set_on);
        exam.end_from("ended_on", self.ended_on, self.set_on);
        exam.whole("number", Some(self.number), 1..=99);
        exam.together(("amplitude", self.amplitude.is_some()), ("amplitude_unit", self.amplitude_unit.is_some()));
        exam.quantity("amplitude", self.amplitude, Decimal::ZERO..=Decimal::ONE_HUNDRED);
        exam.whole("pulse_width_us", self.pulse_width_us, 1..=5000);
        exam.quantity("frequency_hz", self.frequency_hz, Decimal::new(1, 6)..=Decimal::from(20_000));
        exam.whole("cycle_on_s", self.cycle_on_s, 1..=86_400);
        exam.whole("cycle_off_s", self.cycle_off_s, 1..=86_400);
        exam.together(("cycle_on_s", self.cycle_on_s.is_some()), ("cycle_off_s", self.cycle_off_s.is_some()));
        exam.quantity("usage_hours", self.usage_hours, Decimal::ZERO..=Decimal::from(24));
        exam.whole("relief_percent", self.relief_percent, 0..=100);
        exam.whole("coverage_percent", self.coverage_percent, 0..=100);
        let leads = exam.many("leads", &self.leads, 0..=8);
        let is_polarity =
            |text: &str| (1..=64).contains(&text.len()) && text.bytes().all(|sign| matches!(sign, b'+' | b'-' | b'0'));
        exam.faults(
            leads
                .iter()
                .enumerate()
                .filter(|(_, lead)| !is_polarity(&lead.polarity))
                .map(|(at, _)| Fault::new(format!("/leads/{at}/polarity"), FaultCode::InvalidFormat)),
        );
        for (at, lead) in leads.iter().enumerate() {
            if leads.iter().take(at).any(|before| before.component_id == lead.component_id) {
                exam.faults([Fault::new(format!("/leads/{at}/component_id"), FaultCode::Contradiction)]);
            }
        }
        if !self.is_usual() {
            exam.remark(Remark::UnusualSetting);
        }
        Nothing {}
    }
}
