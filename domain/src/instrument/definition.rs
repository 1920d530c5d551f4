//! How an instrument's file is read and checked. Names of items become places in the list of items here, so that scoring
//! looks nothing up.

use std::collections::HashMap;

use serde::Deserialize;

use super::{About, Instrument, Item};

/// Why an instrument's file is not one.
#[derive(Debug, thiserror::Error)]
pub(super) enum DefinitionError {
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    #[error("{0}")]
    Faulty(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The instrument's code.
    code: String,
    /// The scoring algorithm and its version; changes with every change of arithmetic.
    algorithm: String,
    about: About,
    /// Runs of items with one range.
    items: Vec<ItemRun>,
    scales: Vec<ScaleText>,
    #[serde(default)]
    flags: Vec<FlagText>,
}

/// Items of one range: `prefix_01`, `prefix_02`, .. in the order of the labels, or `prefix_name` where names are given, or
/// just `prefix` where `names` is one empty text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemRun {
    prefix: String,
    min: i32,
    max: i32,
    labels: Vec<String>,
    #[serde(default)]
    names: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScaleText {
    code: String,
    kind: Kind,
    /// Item numbers from 1, in the order of the file; absent: every item.
    #[serde(default)]
    items: Option<Vec<usize>>,
    /// How many items must be answered; absent: all of them.
    #[serde(default)]
    minimum: Option<usize>,
    /// Kind `count`: an answer of at least this counts as one.
    #[serde(default)]
    counts_from: i32,
    /// Smallest and largest possible value.
    #[serde(default)]
    range: Option<[i64; 2]>,
    #[serde(default)]
    bands: Vec<BandText>,
}

/// A band begins at a value (`from`) or just above it (`above`), and ends where the next one begins.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BandText {
    name: String,
    #[serde(default)]
    from: Option<i64>,
    #[serde(default)]
    above: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FlagText {
    name: String,
    scale: String,
    /// In hundredths, so that 1.75 is exact: 175.
    #[serde(default)]
    at_least_hundredths: Option<i64>,
    #[serde(default)]
    at_most_hundredths: Option<i64>,
}

/// What a scale computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The sum; where items may be missing, their mean times the number of items.
    Sum,
    /// The mean of the answered items.
    Mean,
    /// The sum in per cent of the largest possible sum of the answered items.
    Percent,
    /// How many items reach `counts_from`.
    Count,
    /// EQ-5D: five digits, 9 for a gap.
    Eq5dState,
    /// EQ-5D: how many dimensions stand at each level, 1 to 5.
    Eq5dLevels,
    /// EQ-5D: one index a value set.
    Eq5dIndex,
}

/// A scale, ready to compute.
pub(super) struct Scale {
    pub(super) code: &'static str,
    pub(super) kind: Kind,
    /// Places in the instrument's list of items.
    pub(super) items: Vec<usize>,
    pub(super) minimum: usize,
    pub(super) counts_from: i32,
    /// The largest answer to each of its items, for per cents.
    pub(super) largest: i64,
    #[cfg_attr(not(test), expect(dead_code, reason = "documents the range; the tests hold every result to it"))]
    pub(super) range: Option<[i64; 2]>,
    /// From the lowest to the highest.
    pub(super) bands: Vec<Band>,
}

pub(super) struct Band {
    pub(super) name: &'static str,
    pub(super) bound: i64,
    pub(super) inclusive: bool,
}

pub(super) struct Flag {
    pub(super) name: &'static str,
    /// Place in the list of scales.
    pub(super) scale: usize,
    pub(super) at_least: i64,
    pub(super) at_most: i64,
}

/// The catalogue lives as long as the program; its texts do too.
fn forever(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

pub(super) fn read(text: &str) -> Result<Instrument, DefinitionError> {
    let file: File = toml::from_str(text)?;
    let faulty = |what: &str| DefinitionError::Faulty(format!("{}: {what}", file.code));
    let mut items = Vec::new();
    for run in &file.items {
        if run.names.as_ref().is_some_and(|names| names.len() != run.labels.len()) || run.min > run.max {
            return Err(faulty("a run of items"));
        }
        for (at, label) in run.labels.iter().enumerate() {
            let name = run.names.as_ref().and_then(|names| names.get(at));
            let code = match name.map(String::as_str) {
                Some("") => run.prefix.clone(),
                Some(name) => format!("{}_{name}", run.prefix),
                None => format!("{}_{:02}", run.prefix, at + 1),
            };
            items.push(Item { code: forever(code), min: run.min, max: run.max, label: forever(label.clone()) });
        }
    }
    let by_code: HashMap<&'static str, usize> = items.iter().enumerate().map(|(at, item)| (item.code, at)).collect();
    if by_code.len() != items.len() {
        return Err(faulty("two items of one code"));
    }
    let mut scales = Vec::new();
    for scale in file.scales {
        let places: Vec<usize> = match &scale.items {
            Some(numbers) => numbers.iter().filter_map(|number| number.checked_sub(1)).collect(),
            None => (0..items.len()).collect(),
        };
        let known = scale.items.as_ref().is_none_or(|numbers| numbers.len() == places.len());
        let maxima: Vec<i32> = places.iter().filter_map(|at| items.get(*at)).map(|item| item.max).collect();
        if !known || maxima.len() != places.len() || places.is_empty() {
            return Err(DefinitionError::Faulty(format!("{}: items of {}", file.code, scale.code)));
        }
        let bands = scale.bands.into_iter().map(|band| {
            let (bound, inclusive) = match (band.from, band.above) {
                (Some(from), None) => (from, true),
                (None, Some(above)) => (above, false),
                _ => return Err(DefinitionError::Faulty(format!("{}: band {}", file.code, band.name))),
            };
            Ok(Band { name: forever(band.name), bound, inclusive })
        });
        scales.push(Scale {
            code: forever(scale.code),
            kind: scale.kind,
            minimum: scale.minimum.unwrap_or(places.len()),
            largest: maxima.into_iter().max().unwrap_or(0).into(),
            items: places,
            counts_from: scale.counts_from,
            range: scale.range,
            bands: bands.collect::<Result<_, _>>()?,
        });
    }
    let flags = file
        .flags
        .into_iter()
        .map(|flag| {
            let scale = scales.iter().position(|scale: &Scale| scale.code == flag.scale);
            Ok(Flag {
                scale: scale.ok_or_else(|| DefinitionError::Faulty(format!("{}: flag {}", file.code, flag.name)))?,
                name: forever(flag.name),
                at_least: flag.at_least_hundredths.unwrap_or(i64::MIN),
                at_most: flag.at_most_hundredths.unwrap_or(i64::MAX),
            })
        })
        .collect::<Result<_, DefinitionError>>()?;
    Ok(Instrument {
        about: file.about,
        algorithm: forever(file.algorithm),
        code: forever(file.code),
        items,
        by_code,
        scales,
        flags,
    })
}
