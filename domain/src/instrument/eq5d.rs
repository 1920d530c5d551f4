//! EQ-5D: states and value sets (verdisett), of three and of five levels. Additive sets are exact decimals; the 2012 crosswalk
//! (van Hout et al., Value Health 2012;15:708) is the expectation of the three-level value over five independent
//! distributions.

use std::sync::LazyLock;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::definition::Term;
use crate::fault::{Fault, FaultCode};

/// A complete state: five levels, from 1, in the order mobility, self-care, usual activities, pain, anxiety.
pub(super) type State = [u8; 5];

/// The value set that maps a state to an index.
pub struct ValueSet {
    code: String,
    publication: String,
    levels: u8,
    arithmetic: Arithmetic,
}

enum Arithmetic {
    Additive(Additive),
    /// Dimension, level from 1 -> the chance of each three-level level; through a three-level set.
    Crosswalk(Box<[[[f64; 3]; 5]; 5]>, Additive),
}

/// Millionths: the value of full health, of any other state, once for any dimension at the last level, and of each
/// level of each dimension.
#[derive(Clone)]
struct Additive {
    full: i64,
    any: i64,
    worst: i64,
    last: u8,
    levels: [[i64; 5]; 5],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    additive: Vec<AdditiveText>,
    crosswalk: Vec<CrosswalkText>,
    /// Dimension -> for each three-level level the chance at each five-level level 1..5.
    chances: Dimensions<[[f64; 5]; 3]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdditiveText {
    code: String,
    publication: String,
    #[serde(default = "one")]
    full: Decimal,
    #[serde(default)]
    any: Decimal,
    #[serde(default)]
    worst: Decimal,
    /// Decrements of level 2 and the following.
    decrements: Dimensions<Vec<Decimal>>,
}

const fn one() -> Decimal {
    Decimal::ONE
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CrosswalkText {
    code: String,
    through: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dimensions<T> {
    mo: T,
    sc: T,
    ua: T,
    pd: T,
    ad: T,
}

impl<T> Dimensions<T> {
    const fn in_order(&self) -> [&T; 5] {
        [&self.mo, &self.sc, &self.ua, &self.pd, &self.ad]
    }
}

static SETS: LazyLock<Vec<ValueSet>> = LazyLock::new(|| {
    read(include_str!("catalogue/value_sets.toml")).expect("the shipped value sets are read in a test")
});

/// Codes of every value set.
pub fn value_set_codes() -> Vec<&'static str> {
    SETS.iter().map(ValueSet::code).collect()
}

/// The value sets for states of so many levels, the one that is used unless another is asked for first.
pub(super) fn value_sets(levels: u8) -> impl Iterator<Item = &'static ValueSet> {
    SETS.iter().filter(move |set| set.levels == levels)
}

fn read(text: &str) -> Option<Vec<ValueSet>> {
    let file: File = toml::from_str(text).ok()?;
    let mut sets = Vec::new();
    for set in file.additive {
        let mut levels = [[0; 5]; 5];
        let mut last = 0;
        for (row, decrements) in levels.iter_mut().zip(set.decrements.in_order()) {
            for (level, value) in row.iter_mut().skip(1).zip(decrements) {
                *level = millionths(*value)?;
            }
            last = u8::try_from(decrements.len() + 1).ok()?;
        }
        let (full, any, worst) = (millionths(set.full)?, millionths(set.any)?, millionths(set.worst)?);
        let arithmetic = Arithmetic::Additive(Additive { full, any, worst, last, levels });
        sets.push(ValueSet { code: set.code, publication: set.publication, levels: last, arithmetic });
    }
    let mut chances = [[[0.0; 3]; 5]; 5];
    for (dimension, rows) in chances.iter_mut().zip(file.chances.in_order()) {
        for (target, row) in rows.iter().enumerate() {
            for (level, chance) in dimension.iter_mut().zip(row) {
                *level.get_mut(target)? = *chance;
            }
        }
    }
    for crosswalk in file.crosswalk {
        let base = sets.iter().find(|set| set.code == crosswalk.through)?;
        let Arithmetic::Additive(through) = &base.arithmetic else { return None };
        sets.push(ValueSet {
            code: crosswalk.code,
            publication: format!(
                "van Hout B, et al. Value Health 2012;15:708-715, through {}: {}",
                base.code, base.publication
            ),
            levels: 5,
            arithmetic: Arithmetic::Crosswalk(Box::new(chances), through.clone()),
        });
    }
    Some(sets)
}

/// A decimal of at most six places, in millionths.
fn millionths(value: Decimal) -> Option<i64> {
    let millionths = value * Decimal::from(1_000_000);
    if millionths.is_integer() { i64::try_from(millionths).ok() } else { None }
}

impl ValueSet {
    /// Its code, such as `NO_5L_2024`.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The publication of the value set.
    pub fn publication(&self) -> &str {
        &self.publication
    }

    /// The index of a complete state; 1 is full health, 0 dead.
    pub(super) fn index(&self, state: State) -> f64 {
        let place = |level: u8| usize::from(level).saturating_sub(1);
        match &self.arithmetic {
            Arithmetic::Additive(Additive { full, any, worst, last, levels }) => {
                let decrements: i64 = levels.iter().zip(state).filter_map(|(row, level)| row.get(place(level))).sum();
                let once = |applies: bool, value: &i64| if applies { *value } else { 0 };
                decimal(full + once(state != [1; 5], any) + once(state.contains(last), worst) + decrements)
            }
            Arithmetic::Crosswalk(chances, Additive { full, any, worst, levels, .. }) => {
                let (mut all_first, mut none_last, mut expected) = (1.0, 1.0, 0.0);
                for ((dimension, row), level) in chances.iter().zip(levels).zip(state) {
                    let Some(chance) = dimension.get(place(level)) else { continue };
                    let [first, _, last] = chance;
                    all_first *= first;
                    none_last *= 1.0 - last;
                    expected += chance.iter().zip(row).map(|(chance, value)| chance * decimal(*value)).sum::<f64>();
                }
                decimal(*full) + decimal(*any) * (1.0 - all_first) + decimal(*worst) * (1.0 - none_last) + expected
            }
        }
    }
}

/// Millionths as the nearest double: prints as the exact decimal.
#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "millionths of an index lie far below 2^53")]
fn decimal(millionths: i64) -> f64 {
    millionths as f64 / 1_000_000.0
}

impl std::fmt::Debug for ValueSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ValueSet").field(&self.code).finish()
    }
}

/// The caller's choices for scoring.
#[derive(Debug, Default)]
pub struct Options {
    value_sets: Vec<&'static ValueSet>,
    pub(super) symptom_from: Option<i32>,
}

impl Options {
    /// The value sets of these codes; none of an instrument's own: Norway's five-level and the United Kingdom's three-level
    /// one. An unknown one is `unknown_option`, a repeated one `already_exists`, at `/value_sets/N`.
    pub fn parse(codes: &[String]) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let value_sets = codes
            .iter()
            .enumerate()
            .filter_map(|(at, code)| {
                let found = SETS.iter().find(|set| set.code == *code);
                let again = codes.iter().take(at).any(|before| before == code);
                if found.is_none() || again {
                    let why = if again { FaultCode::AlreadyExists } else { FaultCode::UnknownOption };
                    faults.push(Fault::new(format!("/value_sets/{at}"), why));
                }
                found
            })
            .collect();
        if faults.is_empty() { Ok(Self { value_sets, ..Self::default() }) } else { Err(faults) }
    }

    /// The same, with a symptom of an adjustable checklist (BDS) counting from this answer on.
    #[must_use]
    pub fn with_symptom_from(self, symptom_from: Option<i32>) -> Self {
        Self { symptom_from, ..self }
    }

    /// The sets for states of so many levels.
    pub(super) fn sets(&self, levels: u8) -> impl Iterator<Item = &'static ValueSet> + '_ {
        let chosen = self.value_sets.iter().copied().filter(move |set| set.levels == levels);
        let default = if chosen.clone().next().is_some() { None } else { value_sets(levels).next() };
        chosen.chain(default)
    }

    /// Returns the number of scales beyond the first that the options request.
    pub(super) fn extra(&self) -> usize {
        self.value_sets.len()
    }
}

/// The levels of a complete state.
pub(super) fn whole_state(slots: &[Option<i32>], dimensions: &[Term]) -> Option<State> {
    let mut state = [0; 5];
    for (level, term) in state.iter_mut().zip(dimensions) {
        *level = slots.get(term.at).copied().flatten().and_then(|answer| u8::try_from(answer).ok())?;
    }
    Some(state)
}

/// Five digits, 9 for a gap; nothing where nothing is answered.
pub(super) fn state(slots: &[Option<i32>], dimensions: &[Term]) -> Option<String> {
    let levels = dimensions.iter().map(|term| slots.get(term.at).copied().flatten());
    let digit = |level: Option<i32>| {
        level.and_then(|level| u32::try_from(level).ok()).and_then(|level| char::from_digit(level, 10)).unwrap_or('9')
    };
    levels.clone().any(|level| level.is_some()).then(|| levels.map(digit).collect())
}

/// Returns the number of dimensions at each level, as five digits.
pub(super) fn levels(slots: &[Option<i32>], dimensions: &[Term]) -> Option<String> {
    let mut counts = [0_u32; 5];
    for level in whole_state(slots, dimensions)? {
        *counts.get_mut(usize::from(level).checked_sub(1)?)? += 1;
    }
    counts.into_iter().map(|count| char::from_digit(count, 10)).collect()
}
