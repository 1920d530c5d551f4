//! Invented manufacturers and their devices, with the text printed on them.

use jiff::civil::Date;

use super::super::super::random::Random;
use super::super::calendar;
use crate::clinical::{ComponentKind, ImplantComponent, MriCondition, Waveform};
use crate::ids::EntryId;
use crate::udi::{Udi, UdiIssuer};

/// Contacts of a paddle lead.
pub(super) const PADDLE: i32 = 16;

/// Share of components without a recorded UDI: before regulation (EU) 2017/745 obliged hospitals (26 May 2021), and
/// since. Assumption.
const UDI_MISSING: (f64, f64) = (0.2, 0.03);
const UDI_ASKED_SINCE: Date = jiff::civil::date(2021, 5, 26);
/// Share of components past their date when they were implanted. Assumption.
const EXPIRED: f64 = 0.004;

/// A manufacturer that cannot be confused with a real one.
pub(super) struct Maker {
    share: f64,
    name: &'static str,
    model: &'static str,
    /// The place of the maker in its GTINs.
    company: u32,
    waveforms: &'static [Waveform],
    pub(super) keeps_voltage: bool,
    mri: MriCondition,
}

const MAKERS: [Maker; 3] = [
    Maker {
        share: 0.45,
        name: "Fjellstim (invented)",
        model: "Fjell",
        company: 1,
        waveforms: &[Waveform::Tonic, Waveform::BurstDr],
        keeps_voltage: false,
        mri: MriCondition::FullBody15t,
    },
    Maker {
        share: 0.35,
        name: "Nordpuls (invented)",
        model: "Nord",
        company: 2,
        waveforms: &[Waveform::Tonic, Waveform::TenKhz, Waveform::EcapClosedLoop],
        keeps_voltage: false,
        mri: MriCondition::FullBody3t,
    },
    Maker {
        share: 0.20,
        name: "Havdrift (invented)",
        model: "Hav",
        company: 3,
        waveforms: &[Waveform::Tonic, Waveform::HighDensity, Waveform::Dtm, Waveform::Fast],
        keeps_voltage: true,
        mri: MriCondition::HeadOnly,
    },
];

/// The products of manufacturers: the place in their GTINs, the model's name, contacts.
const DEVICES: [(ComponentKind, u32, &str, Option<i32>); 6] = [
    (ComponentKind::IpgRechargeable, 11, "R1", None),
    (ComponentKind::IpgPrimaryCell, 12, "P1", None),
    (ComponentKind::ExternalStimulator, 13, "X1", None),
    (ComponentKind::LeadPercutaneous, 21, "L8", Some(8)),
    (ComponentKind::LeadPaddle, 22, "L16", Some(PADDLE)),
    (ComponentKind::LeadDrg, 23, "L4", Some(4)),
];

/// A component of an implant.
pub(super) struct Part {
    pub(super) implant: EntryId,
    pub(super) kind: ComponentKind,
    pub(super) implanted_on: Date,
    pub(super) today: Date,
}

/// One of the makers.
pub(super) fn maker(random: &mut Random) -> &'static Maker {
    random.weighted(&MAKERS, |maker| maker.share).unwrap_or(const { &MAKERS[0] })
}

impl Maker {
    pub(super) fn offers(&self, waveform: Waveform) -> bool {
        self.waveforms.contains(&waveform)
    }

    /// A component with its label.
    pub(super) fn part(&self, random: &mut Random, part: &Part) -> ImplantComponent {
        let (item, model, contacts) = DEVICES
            .iter()
            .find(|(kind, ..)| *kind == part.kind)
            .map_or((99, "Z", None), |(_, item, model, contacts)| (*item, *model, *contacts));
        // Made in batches, two a month, so that a recalled lot has several carriers.
        let made = calendar::after(part.implanted_on, -random.between(60, 420));
        let batch = if made.day() <= 15 { 1 } else { 2 };
        let keeps = if random.chance(EXPIRED) { random.between(20, 59) } else { 730 };
        let lot = format!(
            "{:02}{:02}{}{item}",
            made.year().rem_euclid(100),
            made.month(),
            if batch == 1 { "A" } else { "B" }
        );
        let serial = format!("{}{:08X}", self.model.to_uppercase(), random.next() >> 32);
        let udi = Udi {
            issuer: UdiIssuer::Gs1,
            di: gtin(self.company, item),
            manufactured_on: Some(made),
            expires_on: Some(calendar::after(made, keeps)),
            lot: Some(lot.clone()),
            serial: Some(serial.clone()),
        };
        let missing = if part.implanted_on < UDI_ASKED_SINCE { UDI_MISSING.0 } else { UDI_MISSING.1 };
        let is_read = Udi::parse(&udi.to_string(), part.today).is_ok();
        ImplantComponent {
            implant_id: part.implant,
            component: part.kind,
            manufacturer: self.name.to_owned(),
            model: format!("{} {model}", self.model),
            udi: (is_read && !random.chance(missing)).then(|| udi.to_string()),
            serial: Some(serial),
            lot: Some(lot),
            contacts,
            tip_level: None,
            entry_level: None,
            side: None,
            midline_offset_mm: None,
            ipg_site: None,
            mri: Some(self.mri),
            trial: false,
            implanted_on: part.implanted_on,
            removed_on: None,
        }
    }
}

/// A GTIN-14 of restricted circulation: `0`, `290`, six zeros, the maker, the device, the check digit.
fn gtin(company: u32, item: u32) -> String {
    let body = format!("0290000000{company}{item:02}");
    let digits = body.chars().filter_map(|digit| digit.to_digit(10));
    let sum: u32 = digits.zip([3, 1].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}
