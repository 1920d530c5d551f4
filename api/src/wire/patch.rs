//! Merge patches (RFC 7396).

use serde::Deserialize;
use serde::de::{Error as _, Unexpected};
use validator::{Validate, ValidationErrors};

/// A member of a merge patch (RFC 7396) that null clears.
#[derive(Debug, Default)]
pub enum Change<T> {
    /// The member is absent.
    #[default]
    Keep,
    /// The member is null.
    Clear,
    /// The member has a value.
    Set(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

/// A merge patch (RFC 7396).
pub struct Patch(pub serde_json::Map<String, serde_json::Value>);

impl<'de> Deserialize<'de> for Patch {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Object(members) => Ok(Self(members)),
            _ => Err(D::Error::invalid_type(Unexpected::Other("no object"), &"an object")),
        }
    }
}

impl Validate for Patch {
    /// Accepts every patch; the patched document is validated.
    fn validate(&self) -> Result<(), ValidationErrors> {
        Ok(())
    }
}

/// Parses a member of a merge patch that cannot be cleared: it may be absent but not null.
pub fn non_null<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    match Option::deserialize(deserializer)? {
        Some(value) => Ok(Some(value)),
        None => Err(D::Error::invalid_type(Unexpected::Unit, &"a value")),
    }
}
