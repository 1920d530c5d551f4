//! EQ-5D-5L: states and value sets (verdisett). Additive sets are exact decimals; the 2012 crosswalk (van Hout et al.,
//! Value Health 2012;15:708) is the expectation of the three-level value over five independent distributions.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::fault::{Fault, FaultCode};

/// A complete state: five levels, 1 to 5, in the order mobility, self-care, usual activities, pain, anxiety.
pub(super) type State = [u8; 5];

/// How a state becomes an index.
pub struct ValueSet {
    code: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "the citation belongs to the data; a test asks for it"))]
    publication: String,
    arithmetic: Arithmetic,
}

enum Arithmetic {
    /// Millionths: value of full health, of any other state, and of each level 1..=5 of each dimension.
    Additive { full: i64, any: i64, levels: [[i64; 5]; 5] },
    /// Through the three-level set.
    Crosswalk { full: f64, any: f64, n3: f64, decrements: [[f64; 3]; 5], chances: Box<[[[f64; 3]; 5]; 5]> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    additive: Vec<AdditiveText>,
    three_level: Vec<ThreeLevelText>,
    crosswalk: Vec<CrosswalkText>,
    /// Dimension -> for each three-level level the chance at each five-level level 1..5.
    chances: Dimensions<[String; 3]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdditiveText {
    code: String,
    publication: String,
    full: String,
    any: String,
    /// Decrements of levels 2 to 5.
    decrements: Dimensions<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThreeLevelText {
    code: String,
    publication: String,
    full: f64,
    any: f64,
    /// Once, if any dimension stands at level 3.
    n3: f64,
    /// Decrements of levels 2 and 3.
    decrements: Dimensions<[f64; 2]>,
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
    fn in_order(&self) -> [&T; 5] {
        [&self.mo, &self.sc, &self.ua, &self.pd, &self.ad]
    }
}

/// The value set of Norway, used unless another is asked for.
const DEFAULT: &str = "NO_5L_2024";

static SETS: LazyLock<Vec<ValueSet>> = LazyLock::new(|| {
    read(include_str!("catalogue/value_sets.toml")).expect("the shipped value sets are read in a test")
});

/// Codes of every value set.
pub fn value_set_codes() -> Vec<&'static str> {
    SETS.iter().map(ValueSet::code).collect()
}

fn read(text: &str) -> Option<Vec<ValueSet>> {
    let file: File = toml::from_str(text).ok()?;
    let mut sets = Vec::new();
    for set in file.additive {
        let mut levels = [[0; 5]; 5];
        for (row, decrements) in levels.iter_mut().zip(set.decrements.in_order()) {
            let parsed: Vec<i64> = decrements.split_whitespace().map(millionths).collect::<Option<_>>()?;
            if parsed.len() != 4 {
                return None;
            }
            row.iter_mut().skip(1).zip(parsed).for_each(|(level, value)| *level = value);
        }
        let arithmetic = Arithmetic::Additive { full: millionths(&set.full)?, any: millionths(&set.any)?, levels };
        sets.push(ValueSet { code: set.code, publication: set.publication, arithmetic });
    }
    let mut chances = Box::new([[[0.0; 3]; 5]; 5]);
    for (dimension, rows) in chances.iter_mut().zip(file.chances.in_order()) {
        for (target, row) in rows.iter().enumerate() {
            let parsed: Vec<f64> = row.split_whitespace().map(|chance| chance.parse().ok()).collect::<Option<_>>()?;
            for (level, chance) in dimension.iter_mut().zip(parsed) {
                *level.get_mut(target)? = chance;
            }
        }
    }
    for crosswalk in file.crosswalk {
        let base = file.three_level.iter().find(|set| set.code == crosswalk.through)?;
        let mut decrements = [[0.0; 3]; 5];
        for (row, [second, third]) in decrements.iter_mut().zip(base.decrements.in_order()) {
            *row = [0.0, *second, *third];
        }
        sets.push(ValueSet {
            code: crosswalk.code,
            publication: format!("van Hout 2012 Value Health 15:708, through {}", base.publication),
            arithmetic: Arithmetic::Crosswalk {
                full: base.full,
                any: base.any,
                n3: base.n3,
                decrements,
                chances: chances.clone(),
            },
        });
    }
    Some(sets)
}

/// An exact decimal of at most six places, in millionths.
fn millionths(text: &str) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.len() > 6 {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
    let value = whole * 1_000_000 + fraction;
    Some(if negative { -value } else { value })
}

impl ValueSet {
    /// Its code, such as `NO_5L_2024`.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Where it was published.
    #[cfg(test)]
    pub(super) fn publication(&self) -> &str {
        &self.publication
    }

    /// The index of a complete state; 1 is full health, 0 dead.
    pub(super) fn index(&self, state: State) -> f64 {
        let healthy = state == [1; 5];
        let at = |level: u8| usize::from(level).saturating_sub(1);
        match &self.arithmetic {
            Arithmetic::Additive { full, any, levels } => {
                let decrements: i64 = levels.iter().zip(state).filter_map(|(row, level)| row.get(at(level))).sum();
                let value = full + if healthy { 0 } else { *any } + decrements;
                decimal(value)
            }
            Arithmetic::Crosswalk { full, any, n3, decrements, chances } => {
                let (mut all_first, mut none_third, mut expected) = (1.0, 1.0, 0.0);
                for ((dimension, row), level) in chances.iter().zip(decrements).zip(state) {
                    let Some(chance) = dimension.get(at(level)) else { continue };
                    let [first, _, third] = chance;
                    all_first *= first;
                    none_third *= 1.0 - third;
                    expected += chance.iter().zip(row).map(|(chance, value)| chance * value).sum::<f64>();
                }
                full + any * (1.0 - all_first) + n3 * (1.0 - none_third) + expected
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

/// Which value sets to index with.
#[derive(Debug, Default)]
pub struct Options {
    value_sets: Vec<&'static ValueSet>,
}

impl Options {
    /// The value sets of these codes; none: Norway's. An unknown one is `unknown_option`, a repeated one
    /// `already_exists`, at `/value_sets/N`.
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
        if faults.is_empty() { Ok(Self { value_sets }) } else { Err(faults) }
    }

    pub(super) fn sets(&self) -> impl Iterator<Item = &'static ValueSet> + '_ {
        let default = if self.value_sets.is_empty() { SETS.iter().find(|set| set.code == DEFAULT) } else { None };
        self.value_sets.iter().copied().chain(default)
    }

    /// How many scales more than one the options ask for.
    pub(super) fn extra(&self) -> usize {
        self.value_sets.len()
    }
}

/// The levels of a complete state.
pub(super) fn whole_state(slots: &[Option<i32>], items: &[usize]) -> Option<State> {
    let mut state = [0; 5];
    for (level, at) in state.iter_mut().zip(items) {
        *level = slots.get(*at).copied().flatten().and_then(|answer| u8::try_from(answer).ok())?;
    }
    Some(state)
}

/// Five digits, 9 for a gap; nothing where nothing is answered.
pub(super) fn state(slots: &[Option<i32>], items: &[usize]) -> Option<String> {
    let levels: Vec<Option<i32>> = items.iter().map(|at| slots.get(*at).copied().flatten()).collect();
    levels.iter().any(Option::is_some).then(|| {
        levels
            .iter()
            .map(|level| {
                char::from_digit(level.and_then(|level| u32::try_from(level).ok()).unwrap_or(9), 10).unwrap_or('9')
            })
            .collect()
    })
}

/// How many dimensions stand at each level, as five digits.
pub(super) fn levels(slots: &[Option<i32>], items: &[usize]) -> Option<String> {
    let mut counts = [0_u32; 5];
    for level in whole_state(slots, items)? {
        *counts.get_mut(usize::from(level).checked_sub(1)?)? += 1;
    }
    counts.into_iter().map(|count| char::from_digit(count, 10)).collect()
}
