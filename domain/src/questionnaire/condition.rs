//! Conditions of visibility (vises hvis) on earlier answers of the form. Answers are not judged here.
//!
//! A condition only tests for answers that exist: unanswered and hidden items fulfil none. Hiding an item therefore
//! hides all items that depend on it.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answers::{Values, rank};
use super::{Definition, Embedded, Item, ItemKind, Place};
use crate::fault::{Fault, FaultCode};

/// A condition on earlier answers. Values are written as answers to their item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// Every one of these, 1 to 50.
    All(Vec<Condition>),
    /// At least one of these conditions, 1 to 50.
    Any(Vec<Condition>),
    /// The item has any answer.
    Answered {
        /// The code of the item.
        item: String,
    },
    /// The item's answer is this one. Not for boxes and free text.
    Equals {
        /// The code of the item.
        item: String,
        /// The answer to compare with.
        value: Value,
    },
    /// The item's answer is one of these. Not for boxes and free text.
    OneOf {
        /// The code of the item.
        item: String,
        /// The answers, 1 to 50.
        values: Vec<Value>,
    },
    /// The item's answer is this or more. For numbers and days.
    AtLeast {
        /// The code of the item.
        item: String,
        /// The smallest that will do.
        value: Value,
    },
    /// The item's answer is this or less. For numbers and days.
    AtMost {
        /// The code of the item.
        item: String,
        /// The largest that will do.
        value: Value,
    },
    /// The option of a group of boxes is ticked.
    Ticked {
        /// The code of the item.
        item: String,
        /// The option's code.
        option: String,
    },
}

/// The maximum number of parts of a condition, and of its values.
const MOST: usize = 50;

/// A condition with its items found and its values read: every answer that it may ask about is a number.
#[derive(Debug)]
pub(super) enum Test {
    All(Box<[Test]>),
    Any(Box<[Test]>),
    Answered(Place),
    Among(Place, Box<[i64]>),
    Between(Place, i64, i64),
    Ticked(Place, usize),
}

/// Items under one condition.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) test: Test,
    pub(super) holds: Box<[Place]>,
}

/// An item as a condition sees it.
#[derive(Clone, Copy)]
pub(super) enum Asked<'f> {
    /// An item of an instrument, with its range.
    Instrument((i32, i32)),
    /// One of the form's own.
    Own(&'f Item),
}

impl Asked<'_> {
    fn has_order(self) -> bool {
        match self {
            Self::Instrument(_) => true,
            Self::Own(item) => {
                matches!(item.kind, ItemKind::Integer { .. } | ItemKind::Decimal { .. } | ItemKind::Date)
            }
        }
    }
}

/// Checks and compiles the conditions, in the order in which the form is asked. A condition may refer to earlier parts
/// only: a page's to earlier pages, an item's to earlier items too.
pub(super) fn gates(
    definition: &Definition,
    instruments: &[Embedded],
    ranges: &[(i32, i32)],
    places: &HashMap<Box<str>, Place>,
    faults: &mut Vec<Fault>,
) -> Box<[Gate]> {
    let items: HashMap<&str, (usize, &Item)> =
        (0..).zip(&definition.items).map(|(index, item)| (item.code.as_str(), (index, item))).collect();
    let held = |code: &str| match (items.get(code), instruments.iter().find(|known| known.instrument.code() == code)) {
        (Some((index, _)), _) => vec![Place::Own(*index)],
        (None, Some(embedded)) => embedded.slots.clone().map(Place::Instrument).collect(),
        (None, None) => Vec::new(),
    };
    let step = |code: &str| match items.get(code) {
        Some((index, item)) => (format!("/items/{index}"), item.visible_if.as_ref(), held(code), true),
        None => (String::new(), None, held(code), true),
    };
    // The steps of the form in order: a pointer, a condition, the items, and whether they have been asked by then.
    let mut steps = Vec::new();
    for (index, page) in definition.pages.iter().enumerate() {
        let holds = page.holds.iter().flat_map(|code| held(code)).collect();
        steps.push((format!("/pages/{index}"), page.visible_if.as_ref(), holds, false));
        steps.extend(page.holds.iter().map(|code| step(code)));
    }
    steps.extend(definition.sequence().filter(|_| definition.pages.is_empty()).map(step));
    let mut gates = Vec::new();
    let mut earlier = HashSet::new();
    for (pointer, condition, holds, asked) in steps {
        let find = |code: &str| {
            let place = *places.get(code).ok_or(FaultCode::UnknownReference)?;
            let asked = match place {
                Place::Instrument(slot) => ranges.get(slot).copied().map(Asked::Instrument),
                Place::Own(index) => definition.items.get(index).map(Asked::Own),
            };
            asked.filter(|_| earlier.contains(&place)).map(|asked| (place, asked)).ok_or(FaultCode::NotEarlier)
        };
        let pointer = format!("{pointer}/visible_if");
        let test = condition.and_then(|condition| compile(condition, &pointer, &find, faults));
        if asked {
            earlier.extend(holds.iter().copied());
        }
        gates.extend(test.map(|test| Gate { test, holds: holds.into() }));
    }
    gates.into()
}

/// Finds the items that stand earlier; the code of the fault for all others.
type Find<'f> = dyn Fn(&str) -> Result<(Place, Asked<'f>), FaultCode> + 'f;

/// Reads a condition.
fn compile(condition: &Condition, pointer: &str, find: &Find<'_>, faults: &mut Vec<Fault>) -> Option<Test> {
    let mut fault = |part: &str, code| faults.push(Fault::new(format!("{pointer}/{part}"), code));
    let counted = |count: usize| match count {
        0 => Some(FaultCode::Required),
        1..=MOST => None,
        _ => Some(FaultCode::TooLong),
    };
    let many = |name: &str, conditions: &[Condition], faults: &mut Vec<Fault>| -> Option<Box<[Test]>> {
        let before = faults.len();
        faults.extend(counted(conditions.len()).map(|code| Fault::new(format!("{pointer}/{name}"), code)));
        let tests = (0..).zip(conditions);
        let tests: Vec<_> =
            tests.filter_map(|(at, inner)| compile(inner, &format!("{pointer}/{name}/{at}"), find, faults)).collect();
        (faults.len() == before).then(|| tests.into())
    };
    match condition {
        Condition::All(inner) => many("all", inner, faults).map(Test::All),
        Condition::Any(inner) => many("any", inner, faults).map(Test::Any),
        Condition::Answered { item } => {
            let (place, _) = find(item).map_err(|code| fault("answered/item", code)).ok()?;
            Some(Test::Answered(place))
        }
        Condition::Equals { item, value } => {
            let (place, asked) = find(item).map_err(|code| fault("equals/item", code)).ok()?;
            let value = rank(asked, value).map_err(|code| fault("equals/value", code)).ok()?;
            Some(Test::Among(place, [value].into()))
        }
        Condition::OneOf { item, values } => {
            let (place, asked) = find(item).map_err(|code| fault("one_of/item", code)).ok()?;
            if let Some(code) = counted(values.len()) {
                fault("one_of/values", code);
                return None;
            }
            let ranks = (0..).zip(values).map(|(at, value): (usize, _)| {
                rank(asked, value).map_err(|code| fault(&format!("one_of/values/{at}"), code)).ok()
            });
            // Every value is read before the first refused one ends it, so that every fault is reported.
            ranks.collect::<Vec<_>>().into_iter().collect::<Option<_>>().map(|ranks| Test::Among(place, ranks))
        }
        Condition::AtLeast { item, value } => {
            let (place, least) = bound(item, value, "at_least", find, fault)?;
            Some(Test::Between(place, least, i64::MAX))
        }
        Condition::AtMost { item, value } => {
            let (place, most) = bound(item, value, "at_most", find, fault)?;
            Some(Test::Between(place, i64::MIN, most))
        }
        Condition::Ticked { item, option } => {
            let (place, asked) = find(item).map_err(|code| fault("ticked/item", code)).ok()?;
            let Asked::Own(Item { kind: ItemKind::Multiple { options }, .. }) = asked else {
                fault("ticked/item", FaultCode::WrongType);
                return None;
            };
            let at = options.iter().position(|known| known == option);
            if at.is_none() {
                fault("ticked/option", FaultCode::UnknownOption);
            }
            at.map(|at| Test::Ticked(place, at))
        }
    }
}

fn bound(
    item: &str,
    value: &Value,
    name: &str,
    find: &Find<'_>,
    mut fault: impl FnMut(&str, FaultCode),
) -> Option<(Place, i64)> {
    let found = find(item).and_then(|found| if found.1.has_order() { Ok(found) } else { Err(FaultCode::WrongType) });
    let (place, asked) = found.map_err(|code| fault(&format!("{name}/item"), code)).ok()?;
    let bound = rank(asked, value).map_err(|code| fault(&format!("{name}/value"), code)).ok()?;
    Some((place, bound))
}

impl Test {
    /// Whether the condition is fulfilled; `None` where it depends on a refused answer.
    pub(super) fn fulfilled(&self, values: &Values, refused: &[Place]) -> Option<bool> {
        let known = |place: &Place| !refused.contains(place);
        match self {
            Self::All(tests) => {
                // One that fails decides, whatever the others are.
                let mut all = Some(true);
                for test in tests {
                    match test.fulfilled(values, refused) {
                        Some(true) => {}
                        Some(false) => return Some(false),
                        None => all = None,
                    }
                }
                all
            }
            Self::Any(tests) => {
                let mut any = Some(false);
                for test in tests {
                    match test.fulfilled(values, refused) {
                        Some(false) => {}
                        Some(true) => return Some(true),
                        None => any = None,
                    }
                }
                any
            }
            Self::Answered(place) => known(place).then(|| values.answered(*place)),
            Self::Among(place, ranks) => {
                known(place).then(|| values.rank(*place).is_some_and(|rank| ranks.contains(&rank)))
            }
            Self::Between(place, least, most) => {
                known(place).then(|| values.rank(*place).is_some_and(|rank| (*least..=*most).contains(&rank)))
            }
            Self::Ticked(place, option) => known(place).then(|| values.ticked(*place, *option)),
        }
    }
}
