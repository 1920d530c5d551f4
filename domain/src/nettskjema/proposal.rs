//! What an unknown key of a codebook probably leads to: for people, who decide. Deterministic, the likeliest first.

use std::collections::BTreeSet;

use serde_json::Value;
use strum::IntoStaticStr;

use super::{Codebook, Definition, Delivery};
use crate::questionnaire::NATIONAL_ID_TARGET;

/// An item that a path may lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The item's code, or `@national_id`.
    pub item: String,
    /// What speaks for it.
    pub because: Because,
}

/// What speaks for a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Because {
    /// The same element of the form had another key before, and that led there.
    SameElement,
    /// Written with other capitals, separators or leading zeros it is the item's name, or a path that leads to it.
    SameName,
    /// One or two letters make the difference.
    SimilarName,
}

/// How many proposals are made.
const MOST: usize = 3;

/// The items that `path` (`key`, or `matrix.row`) may lead to, given every known version of what the form looks like. Items
/// that the delivery reaches by another path are not proposed.
pub fn propose<'d>(
    codebook: &Codebook,
    definitions: impl Iterator<Item = &'d Definition> + Clone,
    delivery: &Delivery,
    path: &str,
) -> Vec<Proposal> {
    let reached: BTreeSet<&str> = paths(delivery).filter_map(|(key, row)| codebook.target(key, row)).collect();
    let free = |item: &&str| !reached.contains(item);
    let mut found: Vec<(Because, usize, &str)> = Vec::new();
    let place = definitions.clone().find_map(|definition| definition.place_of(path));
    let before =
        definitions.filter_map(|definition| place.and_then(|(element, row)| definition.same_place(element, row)));
    let earlier: BTreeSet<String> = before.filter(|earlier| earlier != path).collect();
    let named = |earlier: &String| {
        let (key, row) = earlier.split_once('.').map_or((earlier.as_str(), None), |(key, row)| (key, Some(row)));
        codebook.target(key, row)
    };
    found.extend(earlier.iter().filter_map(named).filter(free).map(|item| (Because::SameElement, 0, item)));
    let wanted = normal(path);
    let listed = codebook.mapping().keys.iter().map(|(path, item)| (path.as_str(), item.as_str()));
    let own = codebook.form().item_codes().map(|item| (item, item));
    for (name, item) in listed.chain(own).filter(|(_, item)| free(item)) {
        let name = normal(name);
        if name == wanted {
            found.push((Because::SameName, 0, item));
        } else if name.len() >= 4 && item != NATIONAL_ID_TARGET {
            let apart = distance(&name, &wanted, 2);
            found.extend(apart.map(|apart| (Because::SimilarName, apart, item)));
        }
    }
    found.sort_unstable();
    let mut seen = BTreeSet::new();
    found.retain(|(_, _, item)| seen.insert(*item));
    let proposal = |(because, _, item): (Because, usize, &str)| Proposal { item: item.to_owned(), because };
    found.into_iter().take(MOST).map(proposal).collect()
}

/// Every path that a delivery has.
fn paths(delivery: &Delivery) -> impl Iterator<Item = (&str, Option<&str>)> {
    delivery.answers.iter().flat_map(|(key, value)| {
        let rows = match value {
            Value::Object(rows) => rows.keys().map(|row| (key.as_str(), Some(row.as_str()))).collect(),
            _ => Vec::new(),
        };
        rows.into_iter().chain([(key.as_str(), None)])
    })
}

/// Lower case, without separators and leading zeros, Norwegian letters in ASCII.
fn normal(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for part in name.split(|letter: char| !letter.is_alphanumeric()) {
        let digits_at = part.find(|letter: char| letter.is_ascii_digit()).unwrap_or(part.len());
        let (letters, rest) = part.split_at(digits_at);
        let lower = letters.to_lowercase().replace('æ', "ae").replace('ø', "o").replace('å', "a");
        normal.push_str(&lower);
        let numbered = rest.trim_start_matches('0');
        normal.push_str(if numbered.is_empty() && !rest.is_empty() { "0" } else { numbered });
    }
    normal
}

/// How many letters must be put in, taken out or changed (Levenshtein 1965), if no more than `most`. Digits must be the
/// same: the next item is another item.
fn distance(one: &str, other: &str, most: usize) -> Option<usize> {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    if one.len().abs_diff(other.len()) > most || digits(one) != digits(other) {
        return None;
    }
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = at;
        let mut left = at + 1;
        for (place, with) in row.iter_mut().skip(1).zip(&other) {
            let changed = diagonal + usize::from(letter != *with);
            diagonal = *place;
            left = changed.min(*place + 1).min(left + 1);
            *place = left;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().filter(|apart| *apart <= most)
}
