//! Entries that the clinic records about a patient: one table of kinds and one way to examine an entry. Storage,
//! history and presentation of all kinds follow from the table.

pub mod body;
mod consultation;
mod diagnosis;
mod episode;
mod examination;
mod goal;
pub mod history;
mod implant;
mod kind;
pub mod legal_basis;
mod medication;
mod pain_site;
mod procedure;
mod referral;
mod research;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use consultation::{Attendance, Consultation, Mode, Profession, Professional, Sequence};
pub use diagnosis::{Diagnosed, Diagnosis, DiagnosisSystem};
pub use episode::Episode;
pub use examination::Examination;
pub use goal::{SetBy, TreatmentGoal};
pub use implant::{
    AmplitudeUnit, Battery, ComponentKind, EventClass, EventKind, Impedance, Implant, ImplantCheck, ImplantComponent,
    ImplantEvent, ImplantProgramme, Indication, IpgSite, LeadContacts, Modality, MriCondition, Screening, Stages,
    TrialOutcome, Waveform, removal_class,
};
pub use kind::{EntryGroup, EntryKind, KindRow, Rights};
pub use legal_basis::LegalBasis;
pub use medication::Medicated;
pub use pain_site::{PainArea, PainSite, ReportedBy};
pub use procedure::{Performed, Procedure, ProcedureSystem};
pub use referral::{Consequence, Effect, Referral, recategorised};
pub use research::{ProjectParticipation, Sample, SampleState};

pub use crate::medication::Medication;

use crate::words::words;

/// An entry that the clinic records. Absent members are null; all members are always written.
pub trait Entry: Serialize + DeserializeOwned + utoipa::ToSchema + Clone + Send + Sync + 'static {
    /// The kind of the entry.
    const KIND: EntryKind;
    /// The members derived from the entry and the code books: stored and shown with it, never accepted.
    type Derived: Serialize + utoipa::ToSchema;

    /// Reports faults and remarks, and derives the members that follow from the entry.
    fn examine(&self, exam: &mut Examination<'_>) -> Self::Derived;
}

/// The derived members of entries that have none.
#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
pub struct Nothing {}

words! {
    /// Remarks on an accepted entry that is unusual and may need a second look.
    Remark {
        /// The referral has no treatment-right category yet: which questionnaires are sent hangs on it.
        CategoryMissing,
        /// The first diagnosis is expected to be an ICD-11 chronic-pain code (MG30).
        ChronicPainCodeExpectedFirst,
        /// No pain site is named.
        SiteMissing,
        /// The dose equals more than 300 mg of oral morphine a day.
        HighOpioidDose,
        /// No conversion factor to oral morphine equivalents exists.
        OmeqUnknown,
        /// A setting outside the range usual of its waveform.
        UnusualSetting,
        /// The component had passed its expiry date when it was implanted.
        ExpiredWhenImplanted,
        /// No unique device identification (UDI) was given.
        UdiMissing,
        /// A trial shorter than three or longer than thirty days.
        UnusualTrialLength,
        /// The grounds begin before the exemption from consent of June 2021.
        ExemptionBeforeJune2021,
    }
}

/// The members of a structure, as serde knows them.
pub fn members<T: DeserializeOwned>() -> &'static [&'static str] {
    struct Ask<'a>(&'a mut &'static [&'static str]);
    impl<'de> serde::Deserializer<'de> for Ask<'_> {
        type Error = serde::de::value::Error;
        fn deserialize_any<V: serde::de::Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            Err(serde::de::Error::custom("only asked for its members"))
        }
        fn deserialize_struct<V: serde::de::Visitor<'de>>(
            self,
            _: &'static str,
            members: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            *self.0 = members;
            self.deserialize_any(visitor)
        }
        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
            newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }
    let mut members: &'static [&'static str] = &[];
    // Deserialization always fails here: it only asks the type for its members.
    drop(T::deserialize(Ask(&mut members)));
    members
}

#[cfg(test)]
mod tests;
