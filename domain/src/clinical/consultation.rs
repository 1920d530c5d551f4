//! Consultations (konsultasjoner): who met the patient, how, and whether the patient came.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Entry, Examination, Kind, Nothing};
use crate::fault::{Fault, FaultCode};
use crate::ids::EntryId;
use crate::words::words;

words! {
    /// Where in the course a consultation stands.
    Sequence {
        /// The first one (førstegangs).
        First,
        /// A later one (kontroll).
        FollowUp,
    }
    /// How they met.
    Mode {
        /// In the clinic (fysisk oppmøte).
        Physical,
        /// By video.
        Video,
        /// By telephone.
        Phone,
    }
    /// Whether the patient came.
    Attendance {
        /// The patient was there.
        Attended,
        /// The patient did not come (ikke møtt).
        NoShow,
        /// It was called off.
        Cancelled,
    }
    /// What a professional is.
    Profession {
        /// Lege.
        Physician,
        /// Sykepleier.
        Nurse,
        /// Psykolog.
        Psychologist,
        /// Fysioterapeut.
        Physiotherapist,
        /// Ergoterapeut.
        OccupationalTherapist,
        /// Sosionom.
        SocialWorker,
        /// Another one.
        Other,
    }
}

/// Somebody who treats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Professional {
    /// What they are.
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
    /// When it was, or was to be.
    pub held_on: Date,
    /// Where in the course it stands.
    pub sequence: Sequence,
    /// How they met.
    pub mode: Mode,
    /// Whether the patient came.
    pub attendance: Attendance,
    /// Who was there of the clinic.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub professionals: Vec<Professional>,
}

impl Entry for Consultation {
    const KIND: Kind = Kind::Consultation;
    type Derived = Nothing;

    fn examine(&self, exam: &mut Examination<'_>) -> Nothing {
        // An appointment that nobody came to may lie after a death that nobody knew of; what is called off may lie in days
        // to come.
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
