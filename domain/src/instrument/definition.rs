//! Reading and checking an instrument's file. Names become indices and points a table: scoring looks up no name.

mod access;
mod text;

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::score::double;
use super::{Direction, Instrument, InstrumentItem};
use text::{AlertText, CaseText, File, FlagText, ItemRun, ScaleText};

use text::KindText;
pub(super) use text::Shown;

/// Scoring keeps what it knows of an instrument's scales on the stack.
pub(super) const MOST_SCALES: usize = 16;

/// The reason why an instrument's file is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum DefinitionError {
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    #[error("{0}")]
    Faulty(String),
}

/// A scale (skala), ready to compute.
pub struct Scale {
    pub(super) code: &'static str,
    pub(super) kind: Kind,
    pub(super) inputs: Inputs,
    /// The number of items in its longest case.
    n_items: usize,
    /// The number of items that must be answered.
    pub(super) minimum: usize,
    /// Place of an earlier scale; where that one could be scored, unanswered items of this one count nothing.
    pub(super) blank_given: Option<usize>,
    /// The caller may choose from which answer an item counts.
    pub(super) adjustable: bool,
    pub(super) direction: Option<Direction>,
    /// Smallest and largest possible value, in hundredths, as published.
    pub(super) range: Option<[i64; 2]>,
    /// The bands from the lowest to the highest.
    pub(super) bands: Vec<Band>,
    pub(super) shown: Shown,
}

/// The computation of a scale from the points of its answers.
pub(super) enum Kind {
    /// The sum; where items may be missing, their mean times the number of items.
    Sum,
    /// The mean of the answered items.
    Mean,
    /// The sum in per cent of the largest possible sum of the answered items, each of which is worth this much at most.
    Percent(i64),
    /// The value that a published table gives for the sum, in hundredths; the first for this sum.
    Table(i64, Box<[i64]>),
    /// EQ-5D: five digits, 9 for a gap.
    Eq5dState,
    /// EQ-5D: how many dimensions stand at each level.
    Eq5dLevels,
    /// EQ-5D: one index a value set of so many levels.
    Eq5dIndex(u8),
}

/// The inputs of a scale.
pub(super) enum Inputs {
    Items(Box<[Term]>),
    /// The answer to one item selects the items that count, and their weights. The answered item itself has no points.
    Cases(usize, Box<[(i32, Box<[Term]>)]>),
    /// Earlier scales: their values, or how many of them reach a bound.
    Scales(Box<[usize]>, Option<Test>),
}

/// An item and the points of each answer, from the smallest answer on.
pub(super) struct Term {
    pub(super) at: usize,
    pub(super) min: i32,
    pub(super) worth: &'static [i32],
}

/// A bound, in hundredths so that 1.75 is exact.
#[derive(Clone, Copy)]
pub(super) struct Test {
    pub(super) compare: Compare,
    pub(super) bound: i64,
}

#[derive(Clone, Copy)]
pub(super) enum Compare {
    AtLeast,
    Above,
    AtMost,
}

/// A published band (kategori) of a scale: from its bound to the next band's.
pub struct Band {
    pub(super) name: &'static str,
    pub(super) begins: Test,
    pub(super) rule: &'static str,
}

/// A cut-off (grenseverdi): reached where one of its alternatives holds wholly.
pub struct Flag {
    pub(super) name: &'static str,
    pub(super) rule: &'static str,
    /// Places of scales, and what they must reach.
    pub(super) alternatives: Vec<Vec<(usize, Test)>>,
}

/// An alert to the clinic: an answer that reaches a threshold.
#[derive(Debug, PartialEq, Eq)]
pub struct Alert {
    pub(super) code: &'static str,
    pub(super) item: &'static str,
    pub(super) at: usize,
    pub(super) at_least: i32,
}

/// The catalogue lives as long as the program; its texts and tables do too.
fn forever(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

pub(super) fn read(text: &str) -> Result<Instrument, DefinitionError> {
    let file: File = toml::from_str(text)?;
    let faulty = |what: &str| DefinitionError::Faulty(format!("{}: {what}", file.code));
    let items = items(&file.items).ok_or_else(|| faulty("a run of items"))?;
    let by_code: HashMap<&'static str, usize> = items.iter().enumerate().map(|(at, item)| (item.code, at)).collect();
    if by_code.len() != items.len() || file.scales.len() > MOST_SCALES {
        return Err(faulty("two items of one code, or too many scales"));
    }
    let mut scales = Vec::with_capacity(file.scales.len());
    for text in &file.scales {
        let scale = scale(text, &items, &by_code, &scales).ok_or_else(|| faulty(&text.code))?;
        scales.push(scale);
    }
    let flags = file.flags.iter().map(|text| flag(text, &scales).ok_or_else(|| faulty(&text.name)));
    let alerts = file.alerts.iter().map(|text| alert(text, &items, &by_code).ok_or_else(|| faulty(&text.code)));
    Ok(Instrument {
        flags: flags.collect::<Result<_, _>>()?,
        alerts: alerts.collect::<Result<_, _>>()?,
        algorithm: forever(file.algorithm),
        code: forever(file.code),
        about: file.about,
        items,
        by_code,
        scales,
    })
}

fn items(runs: &[ItemRun]) -> Option<Vec<InstrumentItem>> {
    let mut items = Vec::new();
    for run in runs {
        let numbered = |what: &str| (1..=run.count.unwrap_or(0)).map(|number| format!("{what} {number}")).collect();
        let labels: Vec<String> = if run.labels.is_empty() { numbered("item") } else { run.labels.clone() };
        if labels.is_empty() || run.min > run.max || run.names.as_ref().is_some_and(|it| it.len() != labels.len()) {
            return None;
        }
        for (at, label) in labels.into_iter().enumerate() {
            let code = match run.names.as_ref().and_then(|names| names.get(at)).map(String::as_str) {
                Some("") => run.prefix.clone(),
                Some(name) => format!("{}_{name}", run.prefix),
                None => format!("{}_{:02}", run.prefix, at + 1),
            };
            items.push(InstrumentItem { code: forever(code), min: run.min, max: run.max, label: forever(label) });
        }
    }
    Some(items)
}

fn scale(
    text: &ScaleText,
    items: &[InstrumentItem],
    by_code: &HashMap<&'static str, usize>,
    earlier: &[Scale],
) -> Option<Scale> {
    let inputs = match (&text.by, &text.of) {
        (None, None) => Inputs::Items(terms(text, text.items.as_deref(), &[], items)?),
        (Some(by), None) => {
            let cases = by.cases.iter().map(|CaseText { answer, items: numbers, weights }| {
                Some((*answer, terms(text, Some(numbers), weights, items)?))
            });
            Inputs::Cases(*by_code.get(by.item.as_str())?, cases.collect::<Option<_>>()?)
        }
        (None, Some(of)) => {
            let places = of.iter().map(|code| place(code, earlier)).collect::<Option<_>>()?;
            let from = text.counts_from.map(|from| Test { compare: Compare::AtLeast, bound: i64::from(from) * 100 });
            Inputs::Scales(places, from)
        }
        (Some(_), Some(_)) => return None,
    };
    let worth = |pick: fn(&Term) -> i32| match &inputs {
        Inputs::Items(terms) => terms.iter().map(pick).map(i64::from).collect(),
        _ => Vec::new(),
    };
    let largest = worth(Term::most).into_iter().max().unwrap_or(0);
    let table: Vec<i64> = text.table.iter().map(|value| hundredths(*value)).collect::<Option<_>>()?;
    let kind = match text.kind {
        KindText::Sum | KindText::Count => Kind::Sum,
        KindText::Mean => Kind::Mean,
        KindText::Percent => Kind::Percent(largest),
        KindText::Table => Kind::Table(worth(Term::least).iter().sum(), table.into()),
        KindText::Eq5dState => Kind::Eq5dState,
        KindText::Eq5dLevels => Kind::Eq5dLevels,
        KindText::Eq5dIndex => Kind::Eq5dIndex(u8::try_from(largest).ok()?),
    };
    let range = match text.range {
        Some([low, high]) => Some([hundredths(low)?, hundredths(high)?]),
        None => None,
    };
    let blank_given = match &text.blank_given {
        Some(code) => Some(place(code, earlier)?),
        None => None,
    };
    let n_items = match &inputs {
        Inputs::Items(terms) => terms.len(),
        Inputs::Cases(_, cases) => 1 + cases.iter().map(|(_, terms)| terms.len()).max()?,
        Inputs::Scales(places, _) => places.iter().filter_map(|at| earlier.get(*at)).map(|it| it.n_items).sum(),
    };
    Some(Scale {
        code: forever(text.code.clone()),
        minimum: if blank_given.is_some() { 0 } else { text.minimum.unwrap_or(n_items) },
        n_items,
        kind,
        inputs,
        blank_given,
        adjustable: text.adjustable,
        direction: text.direction,
        range,
        bands: text.bands.iter().map(|rule| band(rule)).collect::<Option<_>>()?,
        shown: text.shown,
    })
}

/// The items of these numbers, from 1; none named: all of them.
fn terms(
    text: &ScaleText,
    numbers: Option<&[usize]>,
    weights: &[i32],
    items: &[InstrumentItem],
) -> Option<Box<[Term]>> {
    let places: Vec<usize> = match numbers {
        Some(numbers) => numbers.iter().map(|number| number.checked_sub(1)).collect::<Option<_>>()?,
        None => (0..items.len()).collect(),
    };
    if !weights.is_empty() && weights.len() != places.len() {
        return None;
    }
    let term = |(index, at): (usize, usize)| {
        let item = items.get(at)?;
        let weight = weights.get(index).copied().unwrap_or(1);
        let answers = item.min..=item.max;
        let worth: Vec<i32> = match (text.points.get(item.code), text.counts_from) {
            (Some(points), _) if points.len() == answers.clone().count() => points.clone(),
            (Some(_), _) => return None,
            (None, Some(from)) => answers.map(|answer| i32::from(answer >= from)).collect(),
            (None, None) => answers.map(|answer| answer * weight).collect(),
        };
        Some(Term { at, min: item.min, worth: Box::leak(worth.into_boxed_slice()) })
    };
    places.into_iter().enumerate().map(term).collect()
}

impl Term {
    fn most(&self) -> i32 {
        self.worth.iter().copied().max().unwrap_or(0)
    }

    fn least(&self) -> i32 {
        self.worth.iter().copied().min().unwrap_or(0)
    }
}

fn place(code: &str, scales: &[Scale]) -> Option<usize> {
    scales.iter().position(|scale| scale.code == code)
}

/// A decimal of at most two places, in hundredths.
fn hundredths(value: Decimal) -> Option<i64> {
    let hundredths = value * Decimal::ONE_HUNDRED;
    if hundredths.is_integer() { i64::try_from(hundredths).ok() } else { None }
}

/// `name >= 1.75`, `name > 20`, `name <= 3`.
fn test(rule: &str) -> Option<(&str, Test)> {
    let mut words = rule.split_whitespace();
    let (name, compare) = (words.next()?, words.next()?);
    let compare = match compare {
        ">=" => Compare::AtLeast,
        ">" => Compare::Above,
        "<=" => Compare::AtMost,
        _ => return None,
    };
    let bound = hundredths(words.next()?.parse().ok()?)?;
    words.next().is_none().then_some((name, Test { compare, bound }))
}

fn band(rule: &str) -> Option<Band> {
    let (name, begins) = test(rule)?;
    let rule = rule.strip_prefix(name)?.trim_start();
    Some(Band { name: forever(name.to_owned()), begins, rule: forever(rule.to_owned()) })
}

fn flag(text: &FlagText, scales: &[Scale]) -> Option<Flag> {
    let condition = |rule| test(rule).and_then(|(code, test)| Some((place(code, scales)?, test)));
    let alternatives = text.when.split(" or ").map(|all| all.split(" and ").map(condition).collect());
    Some(Flag {
        name: forever(text.name.clone()),
        rule: forever(text.when.clone()),
        alternatives: alternatives.collect::<Option<_>>()?,
    })
}

fn alert(text: &AlertText, items: &[InstrumentItem], by_code: &HashMap<&'static str, usize>) -> Option<Alert> {
    let at = *by_code.get(text.item.as_str())?;
    let item = items.get(at).filter(|item| (item.min..=item.max).contains(&text.at_least))?;
    Some(Alert { code: forever(text.code.clone()), item: item.code, at, at_least: text.at_least })
}
