//! The components of an implant and their unique device identification (UDI).

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::super::body::Side;
use super::super::{Entry, EntryKind, Examination, Remark};
use super::{ComponentKind, IpgSite, MriCondition};
use crate::fault::FaultCode;
use crate::ids::EntryId;
use crate::udi::Udi;

/// One component of an implant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImplantComponent {
    /// The implant it belongs to.
    pub implant_id: EntryId,
    /// The type of the component.
    pub component: ComponentKind,
    /// The manufacturer of the component.
    #[schema(min_length = 1, max_length = 100)]
    pub manufacturer: String,
    /// The model of the component.
    #[schema(min_length = 1, max_length = 100)]
    pub model: String,
    /// The unique device identification as scanned or printed, stored as sent: GS1 (with or without brackets, ASCII 29 or
    /// `<GS>` after elements without a predefined length), HIBCC or ICCBBA. Several symbols of one label follow each other.
    #[serde(default)]
    #[schema(max_length = 200, example = "(01)07350000000009(17)291231(10)LOT42(21)SER42")]
    pub udi: Option<String>,
    /// The serial number; it must equal that of the UDI, where the UDI contains one.
    #[serde(default)]
    #[schema(max_length = 50)]
    pub serial: Option<String>,
    /// The lot; it must equal that of the UDI, where the UDI contains one.
    #[serde(default)]
    #[schema(max_length = 50)]
    pub lot: Option<String>,
    /// The number of contacts of a lead.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 64)]
    pub contacts: Option<i32>,
    /// The vertebra at the tip of a lead or catheter.
    #[serde(default)]
    #[schema(max_length = 4, pattern = "^(C[1-7]|T([1-9]|1[0-2])|L[1-5]|S[1-5])$", example = "T8")]
    pub tip_level: Option<String>,
    /// The vertebra at which a lead or catheter enters.
    #[serde(default)]
    #[schema(max_length = 4, pattern = "^(C[1-7]|T([1-9]|1[0-2])|L[1-5]|S[1-5])$", example = "L2")]
    pub entry_level: Option<String>,
    /// The side of the body.
    #[serde(default)]
    pub side: Option<Side>,
    /// The distance of a lead or catheter from the midline, in millimetres.
    #[serde(default, with = "crate::amount")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 50)]
    pub midline_offset_mm: Option<Decimal>,
    /// The site of a generator.
    #[serde(default)]
    pub ipg_site: Option<IpgSite>,
    /// The MRI condition of the component.
    #[serde(default)]
    pub mri: Option<MriCondition>,
    /// Whether the component is for the trial only: its removal is neither revision nor explant.
    #[serde(default)]
    pub trial: bool,
    /// The day of implantation, or of hand-out to the patient.
    pub implanted_on: Date,
    /// The day of removal; absent while in place.
    #[serde(default)]
    pub removed_on: Option<Date>,
}

/// The derived members of a component: the content of its UDI.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct Identified {
    /// The device identifier (UDI-DI); for GS1 the GTIN-14.
    #[schema(max_length = 50)]
    pub udi_di: Option<String>,
    /// The lot in the UDI; absent where the UDI has none.
    #[schema(max_length = 50)]
    pub udi_lot: Option<String>,
    /// The serial number in the UDI; absent where the UDI has none.
    #[schema(max_length = 50)]
    pub udi_serial: Option<String>,
    /// The day of manufacture in the UDI; absent where the UDI has none.
    pub manufactured_on: Option<Date>,
    /// The expiry date in the UDI.
    pub expires_on: Option<Date>,
}

fn is_vertebra(text: &str) -> bool {
    let Some((region, number)) = text.split_at_checked(1) else { return false };
    let most = match region {
        "C" => 7,
        "T" => 12,
        "L" | "S" => 5,
        _ => return false,
    };
    let is_number = !number.starts_with('0') && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number && number.parse::<u8>().is_ok_and(|number| (1..=most).contains(&number))
}

impl Entry for ImplantComponent {
    const KIND: EntryKind = EntryKind::ImplantComponent;
    type Derived = Identified;

    fn examine(&self, exam: &mut Examination<'_>) -> Identified {
        use ComponentKind::{Catheter, IpgPrimaryCell, IpgRechargeable, LeadDrg, LeadPaddle, LeadPercutaneous, Pump};
        exam.day("implanted_on", self.implanted_on);
        // A component may be removed after the death of the patient.
        exam.past_day_from("removed_on", self.removed_on, self.implanted_on);
        exam.label("manufacturer", Some(&self.manufacturer), 100);
        exam.label("model", Some(&self.model), 100);
        exam.label("serial", self.serial.as_deref(), 50);
        exam.label("lot", self.lot.as_deref(), 50);
        exam.whole("contacts", self.contacts, 1..=64);
        exam.quantity("midline_offset_mm", self.midline_offset_mm, Decimal::ZERO..=Decimal::from(50));
        for (member, level) in [("tip_level", &self.tip_level), ("entry_level", &self.entry_level)] {
            if level.as_deref().is_some_and(|level| !is_vertebra(level)) {
                exam.fault(member, FaultCode::InvalidFormat);
            }
        }
        let is_lead = matches!(self.component, LeadPercutaneous | LeadPaddle | LeadDrg);
        if self.contacts.is_some() && !is_lead {
            exam.fault("contacts", FaultCode::Contradiction);
        }
        for (member, given) in [
            ("tip_level", self.tip_level.is_some()),
            ("entry_level", self.entry_level.is_some()),
            ("midline_offset_mm", self.midline_offset_mm.is_some()),
        ] {
            if given && !is_lead && self.component != Catheter {
                exam.fault(member, FaultCode::Contradiction);
            }
        }
        if self.ipg_site.is_some() && !matches!(self.component, IpgRechargeable | IpgPrimaryCell | Pump) {
            exam.fault("ipg_site", FaultCode::Contradiction);
        }
        let Some(text) = &self.udi else {
            exam.remark(Remark::UdiMissing);
            return Identified::default();
        };
        let in_length = if text.chars().count() > 200 { Err(FaultCode::TooLong) } else { Ok(text) };
        let udi = match in_length.and_then(|text| Udi::parse(text, exam.today())) {
            Ok(udi) => udi,
            Err(code) => {
                exam.fault("udi", code);
                return Identified::default();
            }
        };
        let differs = |given: &Option<String>, said: &Option<String>| {
            given.as_ref().zip(said.as_ref()).is_some_and(|(given, said)| given != said)
        };
        if differs(&self.serial, &udi.serial) {
            exam.fault("serial", FaultCode::Contradiction);
        }
        if differs(&self.lot, &udi.lot) {
            exam.fault("lot", FaultCode::Contradiction);
        }
        if udi.expires_on.is_some_and(|day| day < self.implanted_on) {
            exam.remark(Remark::ExpiredWhenImplanted);
        }
        if udi.manufactured_on.is_some_and(|day| day > self.implanted_on) {
            exam.fault("implanted_on", FaultCode::WrongOrder);
        }
        Identified {
            udi_di: Some(udi.di),
            udi_lot: udi.lot,
            udi_serial: udi.serial,
            manufactured_on: udi.manufactured_on,
            expires_on: udi.expires_on,
        }
    }
}
