//! The content of an instrument's file, used for reading only.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::super::{About, Direction};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The code of the instrument.
    pub(super) code: String,
    /// The scoring algorithm and its version; changes with every change of arithmetic.
    pub(super) algorithm: String,
    pub(super) about: About,
    /// Runs of items with one range.
    pub(super) items: Vec<ItemRun>,
    pub(super) scales: Vec<ScaleText>,
    #[serde(default)]
    pub(super) flags: Vec<FlagText>,
    #[serde(default)]
    pub(super) alerts: Vec<AlertText>,
}

/// Items of one range: `prefix_01`, `prefix_02`, .. in the order of the labels, or `prefix_name` where names are given, or
/// just `prefix` where `names` is one empty text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemRun {
    pub(super) prefix: String,
    pub(super) min: i32,
    pub(super) max: i32,
    /// Short names of our own.
    #[serde(default)]
    pub(super) labels: Vec<String>,
    /// The number of items, where they are only numbered.
    #[serde(default)]
    pub(super) count: Option<usize>,
    #[serde(default)]
    pub(super) names: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScaleText {
    pub(super) code: String,
    pub(super) kind: KindText,
    /// Item numbers from 1, in the order of the file; absent: every item.
    #[serde(default)]
    pub(super) items: Option<Vec<usize>>,
    /// Earlier scales instead of items.
    #[serde(default)]
    pub(super) of: Option<Vec<String>>,
    /// The item that decides which others count.
    #[serde(default)]
    pub(super) by: Option<ByText>,
    /// Item code -> what each of its answers is worth, the smallest first; others are worth their number.
    #[serde(default)]
    pub(super) points: BTreeMap<String, Vec<i32>>,
    /// The number of items that must be answered; absent: all of them.
    #[serde(default)]
    pub(super) minimum: Option<usize>,
    /// An earlier scale; where that one could be scored, unanswered items of this one count nothing.
    #[serde(default)]
    pub(super) blank_given: Option<String>,
    /// Kind `count`: an answer (or a scale) of at least this counts as one.
    #[serde(default)]
    pub(super) counts_from: Option<i32>,
    /// Whether the caller may choose another `counts_from`.
    #[serde(default)]
    pub(super) adjustable: bool,
    /// Kind `table`: the value of each sum, the smallest possible sum first.
    #[serde(default)]
    pub(super) table: Vec<Decimal>,
    /// Smallest and largest possible value, as published.
    #[serde(default)]
    pub(super) range: Option<[Decimal; 2]>,
    /// The meaning of higher values, where the scales differ.
    #[serde(default)]
    pub(super) direction: Option<Direction>,
    /// `name >= bound` or `name > bound`, the lowest first; each ends where the next begins.
    #[serde(default)]
    pub(super) bands: Vec<String>,
    #[serde(default)]
    pub(super) shown: Shown,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByText {
    pub(super) item: String,
    pub(super) cases: Vec<CaseText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseText {
    pub(super) answer: i32,
    pub(super) items: Vec<usize>,
    /// The weights of the items' answers; absent: 1.
    #[serde(default)]
    pub(super) weights: Vec<i32>,
}

/// A cut-off: `scale >= bound`, joined by `and`, then by `or`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FlagText {
    pub(super) name: String,
    pub(super) when: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertText {
    pub(super) code: String,
    pub(super) item: String,
    pub(super) at_least: i32,
}

/// The computation of a scale.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum KindText {
    Sum,
    Mean,
    Percent,
    Count,
    Table,
    Eq5dState,
    Eq5dLevels,
    Eq5dIndex,
}

/// The part of a scale that the result shows.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum Shown {
    /// Its value and its band.
    #[default]
    Value,
    /// Its band alone, as text.
    Band,
    /// Nothing: other scales and cut-offs need it.
    Nothing,
}
