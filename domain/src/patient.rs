//! The fields of a patient and the rules between them. Sex and birth date are never derived from a national id,
//! because numbers issued from 2032 contain neither.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoStaticStr};

use crate::contact::{Email, Mobile};
use crate::fault::{Fault, FaultCode};

/// Legal sex (juridisk kjønn), as the referral states it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumIter, EnumString, IntoStaticStr, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Sex {
    /// The sex female (kvinne).
    Female,
    /// The sex male (mann).
    Male,
    /// The sex is not stated.
    Unknown,
}

/// The patient's state in the clinic according to the record.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumIter, EnumString, IntoStaticStr, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Stage {
    /// Registered, without a referral or episode.
    Registered,
    /// A referral, no episode yet.
    Referred,
    /// An open episode.
    InTreatment,
    /// Every episode is closed (avsluttet).
    Closed,
    /// The patient is dead.
    Deceased,
    /// Merged into another patient.
    Merged,
}

/// Contact data of a patient; sealed wherever they are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// Mobile telephone, E.164.
    pub mobile: Option<Mobile>,
    /// The e-mail address; absent where none is known.
    pub email: Option<Email>,
}

impl Contact {
    /// Whether there is no way to reach the patient.
    pub const fn is_empty(&self) -> bool {
        self.mobile.is_none() && self.email.is_none()
    }
}

/// Everything about a patient that people fill in and change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// The unit that treats the patient (enhet).
    pub unit: String,
    /// The legal sex.
    pub sex: Sex,
    /// The birth date, `YYYY-MM-DD`.
    pub birth_date: Date,
    /// Language of communication, ISO 639.
    pub language: String,
    /// Whether an interpreter is needed (tolkebehov): such patients get no questionnaires.
    pub interpreter_needed: bool,
    /// Whether the patient cannot answer for cognitive reasons: such patients get no questionnaires.
    pub cognitive_impairment: bool,
    /// Whether the address is protected (adressesperre).
    pub protected_address: bool,
    /// The date of death; null while the patient is alive.
    pub deceased_on: Option<Date>,
    /// The contact data of the patient.
    pub contact: Contact,
}

impl Details {
    /// The greatest age of a patient at registration, in years.
    const OLDEST: i16 = 125;

    /// Returns the faults of the details as of the day `today`.
    pub fn faults(&self, today: Date) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.birth_date > today || today.year() - self.birth_date.year() > Self::OLDEST {
            faults.push(Fault::at("birth_date", FaultCode::InvalidDate));
        }
        if let Some(death) = self.deceased_on {
            if death > today {
                faults.push(Fault::at("deceased_on", FaultCode::InvalidDate));
            } else if death < self.birth_date {
                faults.push(Fault::at("deceased_on", FaultCode::Contradiction));
            }
        }
        if self.unit.is_empty() || self.unit.trim() != self.unit {
            faults.push(Fault::at("unit", FaultCode::InvalidFormat));
        } else if self.unit.chars().count() > 100 {
            faults.push(Fault::at("unit", FaultCode::TooLong));
        }
        if !matches!(self.language.len(), 2 | 3) || !self.language.bytes().all(|byte| byte.is_ascii_lowercase()) {
            faults.push(Fault::at("language", FaultCode::InvalidFormat));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn details() -> Details {
        Details {
            unit: "smerteklinikk".into(),
            sex: Sex::Female,
            birth_date: date(1970, 1, 31),
            language: "nb".into(),
            interpreter_needed: false,
            cognitive_impairment: false,
            protected_address: false,
            deceased_on: None,
            contact: Contact::default(),
        }
    }

    fn faults(change: impl FnOnce(&mut Details)) -> Vec<(String, FaultCode)> {
        let mut details = details();
        change(&mut details);
        details.faults(date(2026, 11, 22)).into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn faults_of_a_complete_patient_are_empty() {
        assert_eq!(faults(|_| {}), []);
        assert_eq!(faults(|it| it.birth_date = date(2026, 11, 22)), []);
        assert_eq!(faults(|it| it.deceased_on = Some(date(1970, 1, 31))), []);
    }

    #[test]
    fn faults_name_impossible_days() {
        assert_eq!(faults(|it| it.birth_date = date(2026, 11, 23)), [("/birth_date".into(), FaultCode::InvalidDate)]);
        assert_eq!(faults(|it| it.birth_date = date(1900, 1, 1)), [("/birth_date".into(), FaultCode::InvalidDate)]);
        assert_eq!(
            faults(|it| it.deceased_on = Some(date(2026, 11, 23))),
            [("/deceased_on".into(), FaultCode::InvalidDate)]
        );
        assert_eq!(
            faults(|it| it.deceased_on = Some(date(1969, 1, 1))),
            [("/deceased_on".into(), FaultCode::Contradiction)]
        );
    }

    #[test]
    fn faults_name_malformed_units_and_languages() {
        assert_eq!(faults(|it| it.unit = " x".into()), [("/unit".into(), FaultCode::InvalidFormat)]);
        assert_eq!(faults(|it| it.unit = "x".repeat(101)), [("/unit".into(), FaultCode::TooLong)]);
        assert_eq!(faults(|it| it.language = "NB".into()), [("/language".into(), FaultCode::InvalidFormat)]);
        assert_eq!(faults(|it| it.language = "norsk".into()), [("/language".into(), FaultCode::InvalidFormat)]);
    }
}
