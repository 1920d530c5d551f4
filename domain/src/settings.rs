//! The settings of a registry (innstillinger). The rules that read them are elsewhere.

use serde::{Deserialize, Serialize};
use strum::{EnumIter, IntoStaticStr};

use crate::fault::{Fault, FaultCode};
use crate::followup::Channel;
use crate::instrument::Options;
use crate::licence::Term;

/// The settings of a registry. Members that were never set have the defaults given here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = RegistrySettings)]
pub struct Settings {
    /// The effect of answering a form with an instrument without a valid licence.
    pub use_outside_licence: UseOutsideLicence,
    /// The EQ-5D value sets (verdisett) that are computed with every stored answer, the one that counts first.
    #[schema(value_type = Vec<Term>, min_items = 1, max_items = 20, example = json!(["NO_5L_2024"]))]
    pub value_sets: Vec<String>,
    /// The channels that a sender of the hospital serves: a plan of follow-up may use no others.
    #[schema(max_items = 4)]
    pub channels: Vec<Channel>,
}

/// The effect of answering a form with an instrument without a valid licence.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumIter, IntoStaticStr, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum UseOutsideLicence {
    /// The answer is stored, and says so.
    #[default]
    Warn,
    /// The answer is refused.
    Block,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            use_outside_licence: UseOutsideLicence::default(),
            value_sets: vec!["NO_5L_2024".to_owned()],
            channels: vec![Channel::Sms, Channel::DigitalMailbox, Channel::Helsenorge],
        }
    }
}

impl Settings {
    /// Returns the faults of the settings, sorted by place.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = match self.value_sets.len() {
            0 => vec![Fault::at("value_sets", FaultCode::Required)],
            1..=20 => Options::parse(&self.value_sets).err().unwrap_or_default(),
            _ => vec![Fault::at("value_sets", FaultCode::TooLong)],
        };
        let twice =
            self.channels.iter().enumerate().filter(|(at, it)| self.channels.iter().take(*at).any(|o| o == *it));
        faults.extend(twice.map(|(at, _)| Fault::new(format!("/channels/{at}"), FaultCode::AlreadyExists)));
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::value_set_codes;

    #[test]
    fn faults_of_default_settings_and_shipped_value_sets_are_empty() {
        assert_eq!(Settings::default().faults(), []);
        assert_eq!(serde_json::from_str::<Settings>("{}").expect("settings"), Settings::default());
        for code in value_set_codes() {
            let settings = Settings { value_sets: vec![code.to_owned()], ..Settings::default() };
            assert_eq!(settings.faults(), [], "{code}");
        }
    }

    #[test]
    fn faults_name_unknown_value_sets() {
        let faults = |codes: &[&str]| {
            let value_sets = codes.iter().map(|code| (*code).to_owned()).collect();
            Settings { value_sets, ..Settings::default() }.faults()
        };
        assert_eq!(faults(&[]), [Fault::at("value_sets", FaultCode::Required)]);
        assert_eq!(faults(&["NO_5L_2024", "no"]), [Fault::new("/value_sets/1", FaultCode::UnknownOption)]);
        assert_eq!(faults(&["NO_5L_2024"; 2]), [Fault::new("/value_sets/1", FaultCode::AlreadyExists)]);
        assert_eq!(faults(&["NO_5L_2024"; 21]), [Fault::at("value_sets", FaultCode::TooLong)]);
    }
}
