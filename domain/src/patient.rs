//! A patient as the registry knows one: fields and the rules between them. Neither sex nor birth date is ever derived
//! from a national id, because numbers issued from 2032 tell neither.

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
    /// Kvinne.
    Female,
    /// Mann.
    Male,
    /// Not stated.
    Unknown,
}

/// Where somebody stands in the clinic, as the record tells.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumIter, EnumString, IntoStaticStr, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Stage {
    /// Nothing but the registration.
    Registered,
    /// A referral, no episode yet.
    Referred,
    /// An open episode.
    InTreatment,
    /// Every episode is closed (avsluttet).
    Closed,
    /// Dead.
    Deceased,
    /// Merged into another patient.
    Merged,
}

/// How to reach a patient; sealed wherever it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// Mobile telephone, E.164.
    pub mobile: Option<Mobile>,
    /// E-mail address.
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
    /// Legal sex.
    pub sex: Sex,
    /// Birth date.
    pub birth_date: Date,
    /// Language of communication, ISO 639.
    pub language: String,
    /// Whether an interpreter is needed (tolkebehov): such patients get no questionnaires.
    pub interpreter_needed: bool,
    /// Whether the patient cannot answer for cognitive reasons: such patients get no questionnaires.
    pub cognitive_impairment: bool,
    /// Whether the address is protected (adressesperre).
    pub protected_address: bool,
    /// Date of death.
    pub deceased_on: Option<Date>,
    /// How to reach the patient.
    pub contact: Contact,
}

impl Details {
    /// Nobody registered is older than this, in years.
    const OLDEST: i16 = 125;

    /// What cannot be true of these details on the day `today`.
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
    fn a_patient_as_they_come_is_without_fault() {
        assert_eq!(faults(|_| {}), []);
        assert_eq!(faults(|it| it.birth_date = date(2026, 11, 22)), []);
        assert_eq!(faults(|it| it.deceased_on = Some(date(1970, 1, 31))), []);
    }

    #[test]
    fn impossible_days_are_named() {
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
    fn units_and_languages_have_a_form() {
        assert_eq!(faults(|it| it.unit = " x".into()), [("/unit".into(), FaultCode::InvalidFormat)]);
        assert_eq!(faults(|it| it.unit = "x".repeat(101)), [("/unit".into(), FaultCode::TooLong)]);
        assert_eq!(faults(|it| it.language = "NB".into()), [("/language".into(), FaultCode::InvalidFormat)]);
        assert_eq!(faults(|it| it.language = "norsk".into()), [("/language".into(), FaultCode::InvalidFormat)]);
    }
}
