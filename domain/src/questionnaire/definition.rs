//! What a form is written as, in TOML and JSON, and the rules that need nothing but the form itself; no look-ups here.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoStaticStr};

use super::answers::scaled;
use crate::fault::{Fault, FaultCode};

/// What a form is used for (bølge). Closed: the database's check constraint lists the same words.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    EnumIter,
    EnumString,
    IntoStaticStr,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Wave {
    /// Before the first consultation.
    Baseline,
    /// The short version (kortversjon) of the baseline, with the reason why it is short.
    BaselineShort,
    /// A follow-up with the primary outcomes only.
    FollowUpShort,
    /// A follow-up with the whole pack.
    FollowUpFull,
    /// For one project, outside the ordinary waves.
    Project,
}

/// The same words in the two languages that every form has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Norwegian bokmål.
    pub nb: String,
    /// English.
    pub en: String,
}

/// A form as it is written and stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Lower-case letters, digits and hyphens, such as `opr-baseline`; at most 64.
    pub code: String,
    /// Letters, digits, `.`, `_`, `-`; at most 32.
    pub version: String,
    /// At most 200 characters.
    pub title: Words,
    /// What it is used for.
    pub wave: Wave,
    /// Codes of the catalogue's instruments whose items are part of the form; their ranges come from the catalogue.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instruments: Vec<String>,
    /// Items of the form's own; at most 1000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    /// The Nettskjema forms it is filled in with; at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nettskjema: Vec<Mapping>,
}

/// An item of the form's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Starts with a lower-case letter, then lower-case letters, digits and `_`; at most 64.
    pub code: String,
    /// What values it takes.
    pub kind: Kind,
    /// Whether a form without an answer here is refused.
    #[serde(default)]
    pub required: bool,
    /// A short name for navigation, never the wording of a licensed item; at most 120 characters.
    pub label: Words,
}

/// What values an item takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Kind {
    /// A whole number.
    Integer {
        /// Smallest, inclusive.
        min: i32,
        /// Largest, inclusive.
        max: i32,
    },
    /// A decimal number, held exactly.
    Decimal {
        /// Smallest, inclusive.
        min: f64,
        /// Largest, inclusive.
        max: f64,
        /// At most so many decimals, 0 to 6.
        decimals: u8,
    },
    /// One of the options.
    Choice {
        /// Codes (letters, digits, `_`, at most 64), 1 to 200.
        options: Vec<String>,
    },
    /// Any number of the options. Each has three states: ticked, not ticked, not shown.
    Multiple {
        /// Codes (letters, digits, `_`, at most 64), 1 to 200.
        options: Vec<String>,
    },
    /// A day.
    Date,
    /// Yes or no.
    Boolean,
    /// Free text.
    Text {
        /// In characters (Unicode scalar values), 1 to 20 000.
        max_length: u16,
    },
}

/// How one Nettskjema form's codebook leads to items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The form's number in Nettskjema.
    pub form_id: String,
    /// Codebook path -> item code, or [`super::NATIONAL_ID_TARGET`]. A path is a key, or `matrix.row`. A path that is not
    /// listed leads to the item of its own name (`matrix.row` to `matrix_row`), unless another path leads there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, String>,
}

impl Definition {
    /// What is wrong with the form by itself.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        check(&mut faults, "/code", is_code(&self.code, '-'), FaultCode::InvalidFormat);
        let version = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        check(&mut faults, "/version", is_made_of(&self.version, 32, version), FaultCode::InvalidFormat);
        self.title.check(&mut faults, "/title", 200);
        check(&mut faults, "/items", self.items.len() <= 1000, FaultCode::TooLong);
        check(&mut faults, "/instruments", self.instruments.len() <= 100, FaultCode::TooLong);
        check(&mut faults, "/nettskjema", self.nettskjema.len() <= 20, FaultCode::TooLong);
        for (index, item) in self.items.iter().enumerate() {
            let pointer = format!("/items/{index}");
            check(&mut faults, &format!("{pointer}/code"), is_code(&item.code, '_'), FaultCode::InvalidFormat);
            item.label.check(&mut faults, &format!("{pointer}/label"), 120);
            item.kind.check(&mut faults, &format!("{pointer}/kind"));
        }
        for (index, mapping) in self.nettskjema.iter().enumerate() {
            let pointer = format!("/nettskjema/{index}");
            let digit = |c: char| c.is_ascii_digit();
            check(
                &mut faults,
                &format!("{pointer}/form_id"),
                is_made_of(&mapping.form_id, 20, digit),
                FaultCode::InvalidFormat,
            );
            for path in mapping.keys.keys() {
                let sound = match path.split_once('.') {
                    Some((matrix, row)) => is_key(matrix) && is_key(row),
                    None => is_key(path),
                };
                if !sound {
                    faults.push(Fault::at(path, FaultCode::InvalidFormat).under(&format!("{pointer}/keys")));
                }
            }
        }
        faults
    }
}

impl Words {
    fn check(&self, faults: &mut Vec<Fault>, pointer: &str, limit: usize) {
        for (language, words) in [("nb", &self.nb), ("en", &self.en)] {
            let pointer = format!("{pointer}/{language}");
            check(faults, &pointer, !words.trim().is_empty(), FaultCode::Required);
            check(faults, &pointer, words.chars().count() <= limit, FaultCode::TooLong);
            check(faults, &pointer, !words.contains('\0'), FaultCode::ForbiddenCharacter);
        }
    }
}

impl Kind {
    fn check(&self, faults: &mut Vec<Fault>, pointer: &str) {
        match self {
            Self::Integer { min, max } => {
                check(faults, &format!("{pointer}/integer/max"), min <= max, FaultCode::OutOfRange);
            }
            Self::Decimal { min, max, decimals } => {
                check(faults, &format!("{pointer}/decimal/decimals"), *decimals <= 6, FaultCode::OutOfRange);
                // Fifteen digits survive the way through a binary double and back.
                let bound =
                    |value: f64| scaled(value, (*decimals).min(6)).map(|n| (n, n.abs() < 1_000_000_000_000_000));
                for (name, value) in [("min", *min), ("max", *max)] {
                    let sound = bound(value).is_ok_and(|(_, exact)| exact);
                    check(faults, &format!("{pointer}/decimal/{name}"), sound, FaultCode::OutOfRange);
                }
                if let (Ok((min, _)), Ok((max, _))) = (bound(*min), bound(*max)) {
                    check(faults, &format!("{pointer}/decimal/max"), min <= max, FaultCode::OutOfRange);
                }
            }
            Self::Choice { options } => check_options(faults, &format!("{pointer}/choice/options"), options),
            Self::Multiple { options } => check_options(faults, &format!("{pointer}/multiple/options"), options),
            Self::Date | Self::Boolean => {}
            Self::Text { max_length } => {
                let sound = (1..=20_000).contains(max_length);
                check(faults, &format!("{pointer}/text/max_length"), sound, FaultCode::OutOfRange);
            }
        }
    }
}

fn check_options(faults: &mut Vec<Fault>, pointer: &str, options: &[String]) {
    check(faults, pointer, !options.is_empty(), FaultCode::Required);
    check(faults, pointer, options.len() <= 200, FaultCode::TooLong);
    let mut seen = HashSet::new();
    for (index, option) in options.iter().enumerate() {
        let pointer = format!("{pointer}/{index}");
        check(faults, &pointer, is_key(option), FaultCode::InvalidFormat);
        check(faults, &pointer, seen.insert(option), FaultCode::AlreadyExists);
    }
}

fn check(faults: &mut Vec<Fault>, pointer: &str, sound: bool, code: FaultCode) {
    if !sound {
        faults.push(Fault::new(pointer, code));
    }
}

fn is_made_of(text: &str, limit: usize, permitted: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.len() <= limit && text.chars().all(permitted)
}

fn is_code(text: &str, joint: char) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && is_made_of(text, 64, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == joint)
}

/// A codebook key: `^[A-Za-z0-9_]{1,64}$`.
fn is_key(text: &str) -> bool {
    is_made_of(text, 64, |c| c.is_ascii_alphanumeric() || c == '_')
}
