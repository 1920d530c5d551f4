//! The catalogue of instruments (spørreskjemaer med skåringsregler) and their scoring: data files and a small engine,
//! with functions only where data do not suffice. The repository contains no item wording, which is licensed.

mod definition;
mod eq5d;
mod score;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::IntoStaticStr;

use crate::fault::{Fault, FaultCode};
use crate::number::whole_within;

pub use definition::{Alert, Band, Flag, Scale};
pub use eq5d::{Options, ValueSet, value_set_codes};
pub use score::{Flags, ScaleScore, ScaleValue, Scores, Status};

/// Every instrument that ships.
pub struct Catalogue(Vec<Instrument>);

/// One instrument: its items, its scales and where they come from.
pub struct Instrument {
    about: About,
    algorithm: &'static str,
    code: &'static str,
    items: Vec<InstrumentItem>,
    by_code: HashMap<&'static str, usize>,
    scales: Vec<Scale>,
    flags: Vec<Flag>,
    alerts: Vec<Alert>,
}

impl std::fmt::Debug for Instrument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Instrument").field(&self.code).finish()
    }
}

/// Descriptive information about an instrument, in English.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The name in the published form.
    pub name: String,
    /// The edition of the questionnaire.
    pub version: String,
    /// The period that the questions ask about.
    pub recall: String,
    /// The meaning of a higher score.
    pub direction: Direction,
    /// The numbering of answers, where editions differ or the number is not that of the official form.
    #[serde(default)]
    pub coding: Option<String>,
    /// The handling of missing answers.
    pub missing: String,
    /// The smallest change that matters to a patient (MCID), with its source.
    #[serde(default)]
    pub mcid: Option<String>,
    /// The licence of the wording.
    pub licence: WordingLicence,
    /// The contact for permission to use the wording.
    pub licensor: String,
    /// Languages (BCP 47) in which an edition is known to exist; none: not known here.
    #[serde(default)]
    pub languages: Vec<String>,
    /// The publication of the scoring.
    pub source: String,
    /// Notes for readers of the scores.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Statements that have not been confirmed in the publication itself.
    #[serde(default)]
    pub unconfirmed: Vec<String>,
}

/// The meaning of a higher score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, IntoStaticStr, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Direction {
    /// More is worse.
    HigherIsWorse,
    /// More is better.
    HigherIsBetter,
    /// The meaning differs between scales.
    Mixed,
}

/// The licence of the instrument's wording; the arithmetic is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, IntoStaticStr, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = Licence)]
pub enum WordingLicence {
    /// The wording is free.
    Free,
    /// The wording needs the holder's agreement.
    TextWithAgreement,
    /// The wording is served only under a paid or registered licence.
    TextNever,
}

/// One item: a whole number within its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentItem {
    code: &'static str,
    min: i32,
    max: i32,
    label: &'static str,
}

impl InstrumentItem {
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

/// The files of the catalogue.
macro_rules! files {
    ($($code:literal)+) => { &[$(include_str!(concat!("instrument/catalogue/", $code, ".toml"))),+] };
}

const FILES: &[&str] = files! {
    "bds25" "bpi_sf" "cfq11" "comm" "dn4" "dn4i" "eq5d3l" "eq5d5l" "fm2016" "gse10" "gse5" "gse6" "hscl10" "hscl25" "ieq"
    "iesr" "isi" "lec" "nrs" "odi" "odi_opr_mod" "ort" "paindetect" "pcl5" "pcptsd5" "pcs" "pgic" "promis29" "pseq" "scl5"
    "slesq" "tsk11" "tsk13" "tsk17"
};

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

    /// The scoring algorithm and its version, such as `isi/1`.
    pub const fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    /// The name of the instrument.
    pub fn name(&self) -> &str {
        &self.about.name
    }

    /// Descriptive information about the instrument.
    pub const fn about(&self) -> &About {
        &self.about
    }

    /// The items, in the order of the official form.
    pub fn items(&self) -> &[InstrumentItem] {
        &self.items
    }

    /// The scales that results show, in their order.
    pub fn scales(&self) -> impl Iterator<Item = &Scale> {
        self.scales.iter().filter(|scale| scale.is_shown())
    }

    /// The cut-offs with their names.
    pub fn flags(&self) -> &[Flag] {
        &self.flags
    }

    /// Everything that can call for the clinic's attention.
    pub fn alert_rules(&self) -> &[Alert] {
        &self.alerts
    }

    /// Returns the alerts of answers that need the attention of the clinic.
    pub fn alerts(&self, slots: &[Option<i32>]) -> impl Iterator<Item = &Alert> {
        self.alerts.iter().filter(|alert| alert.raised_by(slots))
    }

    /// The value sets it can be indexed with, the one that is used unless another is asked for first; none but for EQ-5D.
    pub fn value_sets(&self) -> impl Iterator<Item = &'static ValueSet> {
        self.scales.iter().filter_map(Scale::levels).flat_map(eq5d::value_sets)
    }

    /// Parses the caller's choice of value sets as [`Options::parse`] does; a value set of another instrument is
    /// `unknown_option` too.
    pub fn options(&self, value_sets: &[String]) -> Result<Options, Vec<Fault>> {
        let options = Options::parse(value_sets)?;
        let foreign = |code: &String| !self.value_sets().any(|set| set.code() == code);
        let faults: Vec<Fault> = (0..value_sets.len())
            .filter(|at| value_sets.get(*at).is_some_and(foreign))
            .map(|at| Fault::new(format!("/value_sets/{at}"), FaultCode::UnknownOption))
            .collect();
        if faults.is_empty() { Ok(options) } else { Err(faults) }
    }

    /// One slot an item, in item order, from a JSON object of answers. Absent and null mean unanswered. Only whole numbers
    /// are answers, however they are written (`2`, `2.0`): text, booleans, fractions and everything else is `wrong_type`,
    /// a number outside the item's range `out_of_range`, another key `unknown_item`; every fault is reported, with its
    /// pointer (`/isi_03`).
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
                value => match whole_within(value, item.min, item.max) {
                    Ok(answer) => *slot = Some(answer),
                    Err(code) => faults.push(Fault::at(item.code, code)),
                },
            }
        }
        if faults.is_empty() { Ok(slots) } else { Err(faults) }
    }
}
