//! Implants (nevromodulerende implantater): indication and trial, every component with its unique device identification,
//! programmes, checks and events.
//!
//! Events follow a published complication scheme: an *explant* is the removal of all implanted components, a *revision*
//! the removal of any; removing trial leads is neither. Usual ranges of settings are hypotheses for plausibility: outside
//! them an entry is remarked upon, not refused.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::body::Side;
use super::{Entry, Examination, Kind, Nothing, Remark, words};
use crate::fault::{Fault, FaultCode};
use crate::ids::EntryId;
use crate::udi::Udi;

words! {
    /// How it works.
    Modality {
        /// Spinal cord stimulation (ryggmargsstimulering).
        Scs,
        /// Dorsal root ganglion stimulation.
        Drg,
        /// Peripheral nerve stimulation.
        Pns,
        /// A pump into the spinal fluid (intratekal pumpe).
        IntrathecalPump,
    }
    /// Why it is tried.
    Indication {
        /// Persistent spinal pain syndrome type 2, formerly failed back surgery syndrome.
        PersistentSpinalPainType2,
        /// Complex regional pain syndrome type I.
        CrpsType1,
        /// Complex regional pain syndrome type II.
        CrpsType2,
        /// Painful diabetic neuropathy.
        PainfulDiabeticNeuropathy,
        /// Refractory angina pectoris.
        RefractoryAngina,
        /// Peripheral vascular disease.
        PeripheralVascularDisease,
        /// Another one.
        Other,
    }
    /// What the psychological screening said.
    Screening {
        /// None was made.
        NotDone,
        /// Nothing against it.
        Suitable,
        /// Suitable, with support.
        SuitableWithSupport,
        /// Against it.
        Unsuitable,
    }
    /// Whether there is a trial before the generator.
    Stages {
        /// Leads and generator at once.
        OneStage,
        /// A trial first.
        TwoStage,
    }
    /// How the trial ended.
    TrialOutcome {
        /// At least half of the pain relieved.
        Success,
        /// Less.
        Failed,
        /// Ended for another reason.
        Aborted,
    }
    /// What a component is.
    ComponentKind {
        /// Implantable pulse generator that is charged.
        IpgRechargeable,
        /// Implantable pulse generator with a primary cell.
        IpgPrimaryCell,
        /// External stimulator.
        ExternalStimulator,
        /// Percutaneous lead.
        LeadPercutaneous,
        /// Paddle lead.
        LeadPaddle,
        /// Dorsal root ganglion lead.
        LeadDrg,
        /// Extension.
        Extension,
        /// Anchor.
        Anchor,
        /// Charger.
        Charger,
        /// The patient's programmer.
        Programmer,
        /// Pump.
        Pump,
        /// Catheter.
        Catheter,
    }
    /// Where a generator lies.
    IpgSite {
        /// Buttock.
        Gluteal,
        /// Abdomen.
        Abdominal,
        /// Flank.
        Flank,
        /// Armpit.
        Axillary,
        /// Back of the chest wall.
        PosteriorChestWall,
    }
    /// In which scanner the patient may lie.
    MriCondition {
        /// In none.
        Unsafe,
        /// The head only.
        HeadOnly,
        /// The whole body, at 1.5 tesla.
        FullBody15t,
        /// The whole body, at 3 tesla.
        FullBody3t,
        /// Nobody knows.
        Unknown,
    }
    /// The form of stimulation.
    Waveform {
        /// Tonic.
        Tonic,
        /// Burst.
        Burst,
        /// `BurstDR`.
        BurstDr,
        /// 10 kHz.
        TenKhz,
        /// High density.
        HighDensity,
        /// Fast-acting sub-perception.
        Fast,
        /// Closed loop by evoked potentials.
        EcapClosedLoop,
        /// Differential target multiplexed.
        Dtm,
        /// Another one.
        Other,
    }
    /// The unit of an amplitude: devices that keep the current and devices that keep the voltage cannot be compared.
    AmplitudeUnit {
        /// Milliampere.
        Milliampere,
        /// Volt.
        Volt,
    }
    /// What an event belongs to.
    EventClass {
        /// The device.
        Device,
        /// The procedure.
        Procedural,
        /// The patient's complaint.
        Complaint,
        /// Surgery that removes something.
        Surgical,
        /// A serious adverse event.
        Serious,
        /// Another one.
        Other,
    }
    /// What state a battery is in.
    Battery {
        /// As it should be.
        Normal,
        /// To be replaced before long (ERI).
        ReplacementDue,
        /// At its end (EOS).
        EndOfService,
    }
}

impl ComponentKind {
    /// Whether it lies in the patient; a charger, a programmer and an external stimulator do not.
    pub const fn is_implanted(self) -> bool {
        !matches!(self, Self::ExternalStimulator | Self::Charger | Self::Programmer)
    }
}

macro_rules! events {
    ($($event:ident $class:ident $doc:literal;)+) => {
        words! {
            /// What happened to an implant, after a published complication scheme.
            EventKind { $(#[doc = $doc] $event,)+ }
        }
        impl EventKind {
            /// What the event belongs to.
            pub const fn class(self) -> EventClass { match self { $(Self::$event => EventClass::$class),+ } }
        }
    };
}

events! {
    Migration             Device     "A lead moved from where it was placed.";
    Erosion               Device     "Something wore through the skin.";
    LeadDamage            Device     "A lead broke.";
    SheathDamage          Device     "A lead's sheath was damaged.";
    ConnectionFailure     Device     "A lead's connection failed.";
    BatteryFailure        Device     "The battery failed.";
    DeviceInoperable      Device     "The device does not work.";
    CommunicationError    Device     "The generator does not communicate.";
    DifficultInsertion    Device     "It was difficult to insert.";
    DifficultRemoval      Device     "It was difficult to remove.";
    NeurologicSymptoms    Procedural "New or worse neurologic symptoms.";
    DuralPuncture         Procedural "The dura was punctured.";
    Infection             Procedural "Infection.";
    Haematoma             Procedural "Haematoma.";
    IpgSitePain           Complaint  "Pain where the generator lies.";
    UnwantedStimulation   Complaint  "Stimulation where none is wanted.";
    LossOfEffect          Complaint  "The effect was lost.";
    Revision              Surgical   "Some, not all, of the implanted components were removed.";
    Explant               Surgical   "All implanted components were removed.";
    EpiduralAbscess       Serious    "Epidural abscess.";
    Meningitis            Serious    "Meningitis.";
    Seizure               Serious    "Seizure.";
    CardiacArrest         Serious    "Cardiac arrest.";
    Stroke                Serious    "Stroke.";
    NeuraxialHaematoma    Serious    "Haematoma at the spinal cord.";
    DeepVeinThrombosis    Serious    "Deep vein thrombosis.";
    DecompressionSurgery  Serious    "Surgery to decompress the spinal cord.";
    LongTermRehabilitation Serious   "Long-term rehabilitation.";
    Death                 Serious    "Death.";
    Other                 Other      "Another event.";
}

/// What was done when `removed` of the `in_place` implanted components were removed; neither those of a trial nor what
/// is only handed out is counted;
/// `None` where none was.
pub const fn removal_class(in_place: usize, removed: usize) -> Option<EventKind> {
    match removed {
        0 => None,
        all if all >= in_place => Some(EventKind::Explant),
        _ => Some(EventKind::Revision),
    }
}

/// An implant: indication, selection and trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Implant {
    /// How it works.
    pub modality: Modality,
    /// Why it is tried.
    pub indication: Indication,
    /// When the team decided on it.
    pub decided_on: Date,
    /// Operations on the spine before.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 30)]
    pub prior_spine_surgeries: Option<i32>,
    /// What the psychological screening said.
    #[serde(default)]
    pub screening: Option<Screening>,
    /// Pain in the back before, 0 to 10.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 10)]
    pub pain_back: Option<i32>,
    /// Pain in the leg before, 0 to 10.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 10)]
    pub pain_leg: Option<i32>,
    /// Whether there is a trial first.
    #[serde(default)]
    pub stages: Option<Stages>,
    /// When the trial began.
    #[serde(default)]
    pub trial_started_on: Option<Date>,
    /// When it ended.
    #[serde(default)]
    pub trial_ended_on: Option<Date>,
    /// How it ended; goes with `trial_ended_on`.
    #[serde(default)]
    pub trial_outcome: Option<TrialOutcome>,
    /// How much of the pain it relieved, per cent; a success is 50 or more.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub trial_relief_percent: Option<i32>,
}

/// What follows from an implant.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Tried {
    /// How long the trial was, first and last day counted.
    #[schema(minimum = 1, maximum = 100_000)]
    pub trial_days: Option<i32>,
}

impl Entry for Implant {
    const KIND: Kind = Kind::Implant;
    type Derived = Tried;

    fn examine(&self, exam: &mut Examination<'_>) -> Tried {
        exam.day("decided_on", self.decided_on);
        exam.whole("prior_spine_surgeries", self.prior_spine_surgeries, 0..=30);
        exam.whole("pain_back", self.pain_back, 0..=10);
        exam.whole("pain_leg", self.pain_leg, 0..=10);
        exam.whole("trial_relief_percent", self.trial_relief_percent, 0..=100);
        exam.day_from("trial_started_on", self.trial_started_on, self.decided_on);
        if self.trial_ended_on.is_some() && self.trial_started_on.is_none() {
            exam.fault("trial_started_on", FaultCode::Required);
        }
        exam.day_from("trial_ended_on", self.trial_ended_on, self.trial_started_on.unwrap_or(self.decided_on));
        exam.together(
            ("trial_ended_on", self.trial_ended_on.is_some()),
            ("trial_outcome", self.trial_outcome.is_some()),
        );
        let said = (self.trial_outcome, self.trial_relief_percent);
        if matches!(said, (Some(TrialOutcome::Success), Some(..50)) | (Some(TrialOutcome::Failed), Some(50..))) {
            exam.fault("trial_outcome", FaultCode::Contradiction);
        }
        let tried = self.trial_started_on.or(self.trial_ended_on).is_some()
            || self.trial_relief_percent.is_some()
            || said.0.is_some();
        if self.stages == Some(Stages::OneStage) && tried {
            exam.fault("stages", FaultCode::Contradiction);
        }
        let trial_days = self.trial_started_on.zip(self.trial_ended_on).map(|(from, to)| (to - from).get_days() + 1);
        if trial_days.is_some_and(|days| !(3..=30).contains(&days)) {
            exam.remark(Remark::UnusualTrialLength);
        }
        Tried { trial_days }
    }
}

/// One component of an implant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImplantComponent {
    /// The implant it belongs to.
    pub implant_id: EntryId,
    /// What it is.
    pub component: ComponentKind,
    /// Who made it.
    #[schema(min_length = 1, max_length = 100)]
    pub manufacturer: String,
    /// Which model.
    #[schema(min_length = 1, max_length = 100)]
    pub model: String,
    /// The unique device identification as scanned or printed: GS1 (with or without brackets, ASCII 29 between elements
    /// of variable length), HIBCC or ICCBBA.
    #[serde(default)]
    #[schema(max_length = 200, example = "(01)07350000000009(17)291231(10)LOT42(21)SER42")]
    pub udi: Option<String>,
    /// Serial number; where the UDI tells one too, the same.
    #[serde(default)]
    #[schema(max_length = 50)]
    pub serial: Option<String>,
    /// Lot; where the UDI tells one too, the same.
    #[serde(default)]
    #[schema(max_length = 50)]
    pub lot: Option<String>,
    /// How many contacts a lead has.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 64)]
    pub contacts: Option<i32>,
    /// The vertebra at which the tip of a lead or catheter lies.
    #[serde(default)]
    #[schema(max_length = 4, pattern = "^(C[1-7]|T([1-9]|1[0-2])|L[1-5]|S[1-5])$", example = "T8")]
    pub tip_level: Option<String>,
    /// The vertebra at which a lead or catheter enters.
    #[serde(default)]
    #[schema(max_length = 4, pattern = "^(C[1-7]|T([1-9]|1[0-2])|L[1-5]|S[1-5])$", example = "L2")]
    pub entry_level: Option<String>,
    /// On which side it lies.
    #[serde(default)]
    pub side: Option<Side>,
    /// How far a lead or catheter lies from the middle, in millimetres.
    #[serde(default, with = "crate::amount")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 50)]
    pub midline_offset_mm: Option<Decimal>,
    /// Where a generator lies.
    #[serde(default)]
    pub ipg_site: Option<IpgSite>,
    /// In which scanner the patient may lie with it.
    #[serde(default)]
    pub mri: Option<MriCondition>,
    /// Whether it is there for the trial only: removing it is neither revision nor explant.
    #[serde(default)]
    pub trial: bool,
    /// When it was implanted or handed out.
    pub implanted_on: Date,
    /// When it was removed.
    #[serde(default)]
    pub removed_on: Option<Date>,
}

/// What a component's UDI says.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct Identified {
    /// Which device it is (UDI-DI): of GS1 the GTIN-14.
    #[schema(max_length = 50)]
    pub udi_di: Option<String>,
    /// The lot that the UDI tells.
    #[schema(max_length = 50)]
    pub udi_lot: Option<String>,
    /// The serial number that the UDI tells.
    #[schema(max_length = 50)]
    pub udi_serial: Option<String>,
    /// When it was made.
    pub manufactured_on: Option<Date>,
    /// When it expired or expires.
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
    const KIND: Kind = Kind::ImplantComponent;
    type Derived = Identified;

    fn examine(&self, exam: &mut Examination<'_>) -> Identified {
        use ComponentKind::{Catheter, IpgPrimaryCell, IpgRechargeable, LeadDrg, LeadPaddle, LeadPercutaneous, Pump};
        exam.day("implanted_on", self.implanted_on);
        // What is in somebody may be removed after their death.
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

/// How the contacts of one lead are set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadContacts {
    /// The lead.
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
    /// When it was set.
    pub set_on: Date,
    /// Until when it was used.
    #[serde(default)]
    pub ended_on: Option<Date>,
    /// Its number on the device.
    #[schema(minimum = 1, maximum = 99)]
    pub number: i32,
    /// The form of stimulation.
    pub waveform: Waveform,
    /// How the contacts are set, each lead at most once.
    #[serde(default)]
    #[schema(max_items = 8)]
    pub leads: Vec<LeadContacts>,
    /// The amplitude; goes with its unit.
    #[serde(default, with = "crate::amount")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 100)]
    pub amplitude: Option<Decimal>,
    /// The amplitude's unit.
    #[serde(default)]
    pub amplitude_unit: Option<AmplitudeUnit>,
    /// Pulse width, microseconds.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 5000)]
    pub pulse_width_us: Option<i32>,
    /// Frequency, hertz.
    #[serde(default, with = "crate::amount")]
    #[schema(value_type = Option<f64>, exclusive_minimum = 0, maximum = 20000)]
    pub frequency_hz: Option<Decimal>,
    /// Seconds on, where it cycles.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 86400)]
    pub cycle_on_s: Option<i32>,
    /// Seconds off, where it cycles.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 86400)]
    pub cycle_off_s: Option<i32>,
    /// Hours of use a day.
    #[serde(default, with = "crate::amount")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 24)]
    pub usage_hours: Option<Decimal>,
    /// How much of the pain it relieves, per cent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub relief_percent: Option<i32>,
    /// How much of the painful area it covers, per cent.
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
    const KIND: Kind = Kind::ImplantProgramme;
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

/// Something that happened to an implant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImplantEvent {
    /// The implant.
    pub implant_id: EntryId,
    /// When it happened.
    pub happened_on: Date,
    /// What happened.
    pub event: EventKind,
    /// The components it concerns. Of a revision or explant those removed: they are marked so in the same request, and
    /// whether it was one or the other must agree with what stays.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub component_ids: Vec<EntryId>,
    /// More about it. Sealed under the patient's key where it is stored; neither names nor numbers belong here.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

/// What follows from an event.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Classified {
    /// What the event belongs to.
    pub class: EventClass,
}

impl Entry for ImplantEvent {
    const KIND: Kind = Kind::ImplantEvent;
    type Derived = Classified;

    fn examine(&self, exam: &mut Examination<'_>) -> Classified {
        let class = self.event.class();
        // What is in somebody may be removed after their death.
        if class == EventClass::Surgical {
            exam.past_day("happened_on", self.happened_on);
        } else {
            exam.day("happened_on", self.happened_on);
        }
        let component_ids = exam.many("component_ids", &self.component_ids, 0..=20);
        exam.text("note", self.note.as_deref(), 2000);
        if class == EventClass::Surgical && self.component_ids.is_empty() {
            exam.fault("component_ids", FaultCode::Required);
        }
        let twice = |at: usize, id: &EntryId| component_ids.iter().take(at).any(|other| other == id);
        exam.faults(
            component_ids
                .iter()
                .enumerate()
                .filter(|(at, id)| twice(*at, id))
                .map(|(at, _)| Fault::new(format!("/component_ids/{at}"), FaultCode::Contradiction)),
        );
        Classified { class }
    }
}

/// The impedance of one contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Impedance {
    /// The lead.
    pub component_id: EntryId,
    /// The contact, from the tip.
    #[schema(minimum = 1, maximum = 64)]
    pub contact: i32,
    /// Ohm.
    #[schema(minimum = 0, maximum = 100_000)]
    pub ohm: i32,
}

/// A check of an implant: battery and impedances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImplantCheck {
    /// The implant.
    pub implant_id: EntryId,
    /// When it was checked.
    pub checked_on: Date,
    /// What state the battery is in.
    #[serde(default)]
    pub battery: Option<Battery>,
    /// How full the battery is, per cent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub battery_percent: Option<i32>,
    /// Impedances, each contact at most once.
    #[serde(default)]
    #[schema(max_items = 128)]
    pub impedances: Vec<Impedance>,
}

impl Entry for ImplantCheck {
    const KIND: Kind = Kind::ImplantCheck;
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
