//! The catalogue of instruments (spørreskjemaer med skåringsregler) and their scoring: data files and a small engine, with
//! functions only for what data cannot say. No item wording is here or anywhere in the repository: it is licensed.

mod definition;
mod eq5d;
mod score;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::fault::{Fault, FaultCode};

pub use eq5d::{Options, ValueSet, value_set_codes};
pub use score::{Flags, ScaleScore, ScaleValue, Scores, Status};

use definition::{Flag, Scale};

/// Every instrument that ships.
pub struct Catalogue(Vec<Instrument>);

/// One instrument: its items, its scales and where they come from.
pub struct Instrument {
    about: About,
    algorithm: &'static str,
    code: &'static str,
    items: Vec<Item>,
    by_code: HashMap<&'static str, usize>,
    scales: Vec<Scale>,
    flags: Vec<Flag>,
}

impl std::fmt::Debug for Instrument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Instrument").field(&self.code).finish()
    }
}

/// What is said of an instrument besides its arithmetic.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    name: String,
    version: String,
    recall: String,
    direction: Direction,
    licence: Licence,
    licensor: String,
    source: String,
}

/// What a higher score means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More is worse.
    HigherIsWorse,
    /// More is better.
    HigherIsBetter,
    /// It differs between scales.
    Mixed,
}

/// What may be done with the instrument's wording; its arithmetic is a fact and free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Licence {
    /// The wording is free.
    Free,
    /// The wording needs the holder's agreement.
    TextWithAgreement,
    /// The wording is served only under a paid or registered licence.
    TextNever,
}

/// One item: a whole number within its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    code: &'static str,
    min: i32,
    max: i32,
    label: &'static str,
}

impl Item {
    /// The item's code, such as `isi_03`.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Smallest answer, inclusive.
    pub const fn min(&self) -> i32 {
        self.min
    }

    /// Largest answer, inclusive.
    pub const fn max(&self) -> i32 {
        self.max
    }

    /// A short name of our own, for navigation.
    pub const fn label(&self) -> &'static str {
        self.label
    }
}

const FILES: &[&str] = &[
    include_str!("instrument/catalogue/cfq11.toml"),
    include_str!("instrument/catalogue/eq5d5l.toml"),
    include_str!("instrument/catalogue/gse10.toml"),
    include_str!("instrument/catalogue/hscl25.toml"),
    include_str!("instrument/catalogue/isi.toml"),
    include_str!("instrument/catalogue/nrs.toml"),
    include_str!("instrument/catalogue/odi.toml"),
    include_str!("instrument/catalogue/odi_opr_mod.toml"),
    include_str!("instrument/catalogue/pcs.toml"),
    include_str!("instrument/catalogue/pgic.toml"),
];

impl Catalogue {
    /// The catalogue, read once. That every file is whole is tested, so reading it cannot fail in use.
    pub fn shipped() -> &'static Self {
        static SHIPPED: LazyLock<Catalogue> = LazyLock::new(|| {
            Catalogue(
                FILES
                    .iter()
                    .map(|text| definition::read(text).expect("the shipped files are read in a test"))
                    .collect(),
            )
        });
        &SHIPPED
    }

    /// The instrument of this code.
    pub fn find(&self, code: &str) -> Option<&Instrument> {
        self.0.iter().find(|instrument| instrument.code == code)
    }

    /// Every instrument, by code.
    pub fn iter(&self) -> impl Iterator<Item = &Instrument> {
        self.0.iter()
    }
}

impl Instrument {
    /// The code, such as `isi`.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.about.name
    }

    /// The edition of the questionnaire.
    pub fn version(&self) -> &str {
        &self.about.version
    }

    /// The scoring algorithm and its version, such as `isi/1`.
    pub const fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    /// The period that the questions ask about, in words.
    pub fn recall(&self) -> &str {
        &self.about.recall
    }

    /// What a higher score means.
    pub const fn direction(&self) -> Direction {
        self.about.direction
    }

    /// What may be done with the wording.
    pub const fn licence(&self) -> Licence {
        self.about.licence
    }

    /// Whom to ask about the wording.
    pub fn licensor(&self) -> &str {
        &self.about.licensor
    }

    /// Where the scoring was published.
    pub fn source(&self) -> &str {
        &self.about.source
    }

    /// The items, in the order of the official form.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Codes of the scales.
    pub fn scale_codes(&self) -> impl Iterator<Item = &'static str> {
        self.scales.iter().map(|scale| scale.code)
    }

    /// One slot an item, in item order, from a JSON object of answers. Absent and null mean unanswered. Only whole numbers
    /// are answers: text, booleans, decimals and everything else is `wrong_type`, a number outside the item's range
    /// `out_of_range`, another key `unknown_item`; every fault is reported, with its pointer (`/isi_03`).
    pub fn parse(&self, answers: &Map<String, Value>) -> Result<Vec<Option<i32>>, Vec<Fault>> {
        let mut slots = vec![None; self.items.len()];
        let mut faults = Vec::new();
        for (code, value) in answers {
            let found =
                self.by_code.get(code.as_str()).and_then(|at| Some((self.items.get(*at)?, slots.get_mut(*at)?)));
            let Some((item, slot)) = found else {
                faults.push(Fault::at(code, FaultCode::UnknownItem));
                continue;
            };
            match value {
                Value::Null => {}
                Value::Number(number) if number.is_i64() || number.is_u64() => {
                    let answer = number.as_i64().and_then(|answer| i32::try_from(answer).ok());
                    match answer.filter(|answer| (item.min..=item.max).contains(answer)) {
                        Some(answer) => *slot = Some(answer),
                        None => faults.push(Fault::at(code, FaultCode::OutOfRange)),
                    }
                }
                _ => faults.push(Fault::at(code, FaultCode::WrongType)),
            }
        }
        if faults.is_empty() { Ok(slots) } else { Err(faults) }
    }
}
