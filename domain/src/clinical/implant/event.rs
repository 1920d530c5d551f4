//! Events of an implant and the class of each by a published complication scheme.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::super::{Entry, EntryKind, Examination};
use super::EventClass;
use crate::fault::{Fault, FaultCode};
use crate::ids::EntryId;
use crate::words::words;

macro_rules! events {
    ($($event:ident $class:ident $doc:literal;)+) => {
        words! {
            /// The events of an implant, after a published complication scheme.
            EventKind { $(#[doc = $doc] $event,)+ }
        }
        impl EventKind {
            /// Returns the class of the event.
            pub const fn class(self) -> EventClass { match self { $(Self::$event => EventClass::$class),+ } }
        }
    };
}

events! {
    Migration             Device     "A lead moved from where it was placed.";
    Erosion               Device     "A component eroded through the skin.";
    LeadDamage            Device     "A lead broke.";
    SheathDamage          Device     "A lead's sheath was damaged.";
    ConnectionFailure     Device     "A lead's connection failed.";
    BatteryFailure        Device     "The battery failed.";
    DeviceInoperable      Device     "The device does not work.";
    CommunicationError    Device     "The generator does not communicate.";
    DifficultInsertion    Device     "The insertion was difficult.";
    DifficultRemoval      Device     "The removal was difficult.";
    NeurologicSymptoms    Procedural "New or worse neurologic symptoms.";
    DuralPuncture         Procedural "The dura was punctured.";
    Infection             Procedural "Infection.";
    Haematoma             Procedural "Haematoma.";
    IpgSitePain           Complaint  "Pain at the site of the generator.";
    UnwantedStimulation   Complaint  "Unwanted stimulation.";
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

/// Classifies the removal of `removed` of the `in_place` implanted components; components of a trial and external
/// devices do not count. `None` where none was removed.
pub const fn removal_class(in_place: usize, removed: usize) -> Option<EventKind> {
    match removed {
        0 => None,
        all if all >= in_place => Some(EventKind::Explant),
        _ => Some(EventKind::Revision),
    }
}

/// An event of an implant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImplantEvent {
    /// The id of the implant.
    pub implant_id: EntryId,
    /// The day of the event.
    pub happened_on: Date,
    /// The event by the published scheme.
    pub event: EventKind,
    /// The components of the event. For a revision or explant those removed: they are marked so in the same request,
    /// and the type of event must agree with the components that stay.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub component_ids: Vec<EntryId>,
    /// A free-text note. Encrypted under the patient's key in storage; it must contain neither names nor numbers.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

/// The derived members of an event.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Classified {
    /// The class of the event.
    pub class: EventClass,
}

impl Entry for ImplantEvent {
    const KIND: EntryKind = EntryKind::ImplantEvent;
    type Derived = Classified;

    fn examine(&self, exam: &mut Examination<'_>) -> Classified {
        let class = self.event.class();
        // A component may be removed after the death of the patient.
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
