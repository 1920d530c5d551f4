//! Consultations (konsultasjoner): who met the patient, how, and whether the patient came.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Entry, EntryKind, Examination, Nothing};
use crate::fault::{Fault, FaultCode};
use crate::ids::EntryId;
use crate::words::words;

words! {
    /// The position of a consultation in the course.
    Sequence {
        /// The first one (førstegangs).
        First,
        /// A later one (kontroll).
        FollowUp,
    }
    /// The mode of a consultation.
    Mode {
        /// In the clinic (fysisk oppmøte).
        Physical,
        /// A consultation by video.
        Video,
        /// A consultation by telephone.
        Phone,
    }
    /// The attendance of the patient.
    Attendance {
        /// The patient was there.
        Attended,
        /// The patient did not come (ikke møtt).
        NoShow,
        /// The appointment was cancelled.
        Cancelled,
    }
    /// The profession of a professional.
    Profession {
        /// A physician (lege).
        Physician,
        /// A nurse (sykepleier).
        Nurse,
        /// A psychologist (psykolog).
        Psychologist,
        /// A physiotherapist (fysioterapeut).
        Physiotherapist,
        /// Occupational therapist (ergoterapeut).
        OccupationalTherapist,
        /// Social worker (sosionom).
        SocialWorker,
        /// Any other profession.
        Other,
    }
}

/// A professional who took part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Professional {
    /// The profession of the professional.
    pub profession: Profession,
    /// Health personnel number (HPR-nummer).
    #[serde(default)]
    #[schema(min_length = 7, max_length = 9, pattern = "^[0-9]{7,9}$", example = "9144900")]
    pub hpr: Option<String>,
}

/// A consultation (konsultasjon).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Consultation {
    /// The episode it belongs to.
    #[serde(default)]
    pub episode_id: Option<EntryId>,
    /// The day of the consultation, in the future for an appointment.
    pub held_on: Date,
    /// The position in the course.
    pub sequence: Sequence,
    /// The mode of the consultation.
    pub mode: Mode,
    /// The attendance of the patient.
    pub attendance: Attendance,
    /// The professionals of the clinic who took part.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub professionals: Vec<Professional>,
}

impl Entry for Consultation {
    const KIND: EntryKind = EntryKind::Consultation;
    type Derived = Nothing;

    fn examine(&self, exam: &mut Examination<'_>) -> Nothing {
        // A missed appointment may be after a death that the clinic did not know of; a cancelled one may be in the
        // future.
        match self.attendance {
            Attendance::Attended => exam.day("held_on", self.held_on),
            Attendance::NoShow => exam.past_day("held_on", self.held_on),
            Attendance::Cancelled if self.held_on < exam.born() => exam.fault("held_on", FaultCode::BeforeBirth),
            Attendance::Cancelled => {}
        }
        let professionals = exam.many("professionals", &self.professionals, 0..=20);
        let wrong = |hpr: &str| !(7..=9).contains(&hpr.len()) || !hpr.bytes().all(|byte| byte.is_ascii_digit());
        exam.faults(
            professionals
                .iter()
                .enumerate()
                .filter(|(_, one)| one.hpr.as_deref().is_some_and(wrong))
                .map(|(at, _)| Fault::new(format!("/professionals/{at}/hpr"), FaultCode::InvalidFormat)),
        );
        Nothing {}
    }
}
