//! Implants (nevromodulerende implantater): indication and trial, every component with its unique device identification,
//! programmes, checks and events.
//!
//! Events follow a published complication scheme: an *explant* is the removal of all implanted components, a *revision*
//! the removal of any; removing trial leads is neither. Usual ranges of settings are hypotheses for plausibility: outside
//! them an entry is remarked upon, not refused.

mod check;
mod component;
mod event;
mod programme;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use check::{Impedance, ImplantCheck};
pub use component::ImplantComponent;
pub use event::{EventKind, ImplantEvent, removal_class};
pub use programme::{ImplantProgramme, LeadContacts};

use super::{Entry, EntryKind, Examination, Remark};
use crate::fault::FaultCode;
use crate::words::words;

words! {
    /// The modality of stimulation or infusion.
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
    /// The indication for the implant.
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
        /// Any other indication.
        Other,
    }
    /// The result of the psychological screening.
    Screening {
        /// None was made.
        NotDone,
        /// Suitable without restrictions.
        Suitable,
        /// Suitable, with support.
        SuitableWithSupport,
        /// Unsuitable for an implant.
        Unsuitable,
    }
    /// The stages of the implantation: with a trial before the generator, or without.
    Stages {
        /// Leads and generator at once.
        OneStage,
        /// A trial first.
        TwoStage,
    }
    /// The outcome of the trial.
    TrialOutcome {
        /// Relief of at least half of the pain.
        Success,
        /// Relief below the threshold.
        Failed,
        /// Ended for another reason.
        Aborted,
    }
    /// The type of a component.
    ComponentKind {
        /// Implantable pulse generator that is charged.
        IpgRechargeable,
        /// Implantable pulse generator with a primary cell.
        IpgPrimaryCell,
        /// An external stimulator, which is not implanted.
        ExternalStimulator,
        /// A percutaneous lead.
        LeadPercutaneous,
        /// A paddle lead.
        LeadPaddle,
        /// Dorsal root ganglion lead.
        LeadDrg,
        /// An extension between lead and generator.
        Extension,
        /// An anchor of a lead.
        Anchor,
        /// A charger, which is not implanted.
        Charger,
        /// The patient's programmer.
        Programmer,
        /// An infusion pump.
        Pump,
        /// A catheter of a pump.
        Catheter,
    }
    /// The site of a generator.
    IpgSite {
        /// Gluteal: the buttock.
        Gluteal,
        /// Abdominal: the abdomen.
        Abdominal,
        /// The flank of the body.
        Flank,
        /// Axillary: the armpit.
        Axillary,
        /// Back of the chest wall.
        PosteriorChestWall,
    }
    /// The MRI condition: the scanners that are safe for the patient.
    MriCondition {
        /// Unsafe in every scanner.
        Unsafe,
        /// The head only.
        HeadOnly,
        /// The whole body, at 1.5 tesla.
        FullBody15t,
        /// The whole body, at 3 tesla.
        FullBody3t,
        /// The condition is not known.
        Unknown,
    }
    /// The form of stimulation.
    Waveform {
        /// Tonic stimulation (tonisk).
        Tonic,
        /// Burst stimulation (burst).
        Burst,
        /// The waveform `BurstDR`.
        BurstDr,
        /// High frequency at 10 kHz.
        TenKhz,
        /// High-density stimulation (HD).
        HighDensity,
        /// Fast-acting sub-perception stimulation.
        Fast,
        /// Closed loop by evoked potentials.
        EcapClosedLoop,
        /// Differential target multiplexed.
        Dtm,
        /// Any other waveform.
        Other,
    }
    /// The unit of an amplitude: devices that keep the current and devices that keep the voltage cannot be compared.
    AmplitudeUnit {
        /// Milliampere, a unit of current.
        Milliampere,
        /// Volt, a unit of voltage.
        Volt,
    }
    /// The class of an event.
    EventClass {
        /// Events of the device.
        Device,
        /// Events of the procedure.
        Procedural,
        /// The patient's complaint.
        Complaint,
        /// Surgery that removes something.
        Surgical,
        /// A serious adverse event.
        Serious,
        /// Events of no other class.
        Other,
    }
    /// The state of a battery.
    Battery {
        /// The battery is in normal operation.
        Normal,
        /// The battery is to be replaced before long (ERI).
        ReplacementDue,
        /// The battery is at the end of service (EOS).
        EndOfService,
    }
}

impl ComponentKind {
    /// Returns whether the component is implanted; a charger, a programmer and an external stimulator are not.
    pub const fn is_implanted(self) -> bool {
        !matches!(self, Self::ExternalStimulator | Self::Charger | Self::Programmer)
    }
}

/// An implant: indication, selection and trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Implant {
    /// The modality of the implant.
    pub modality: Modality,
    /// The indication for the implant.
    pub indication: Indication,
    /// The day of the team's decision.
    pub decided_on: Date,
    /// Operations on the spine before.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 30)]
    pub prior_spine_surgeries: Option<i32>,
    /// The result of the psychological screening.
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
    /// The stages of the implantation: with or without a trial first.
    #[serde(default)]
    pub stages: Option<Stages>,
    /// The first day of the trial; absent without a trial.
    #[serde(default)]
    pub trial_started_on: Option<Date>,
    /// The last day of the trial; absent while it goes on.
    #[serde(default)]
    pub trial_ended_on: Option<Date>,
    /// The outcome of the trial; required with `trial_ended_on`.
    #[serde(default)]
    pub trial_outcome: Option<TrialOutcome>,
    /// The relief of pain in per cent; 50 or more is a success.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub trial_relief_percent: Option<i32>,
}

/// The derived members of an implant.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Tried {
    /// The length of the trial in days, first and last day included.
    #[schema(minimum = 1, maximum = 100_000)]
    pub trial_days: Option<i32>,
}

impl Entry for Implant {
    const KIND: EntryKind = EntryKind::Implant;
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
