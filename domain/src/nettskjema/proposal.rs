//! Proposals of items for keys that the codebook's mapping does not contain. A person decides about them.

use std::collections::HashSet;

use strum::{EnumIter, IntoStaticStr};

use super::definition::Place;
use super::{Codebook, Delivery, Element, ElementKind, NettskjemaDefinition};
use crate::questionnaire::{ItemKind, NATIONAL_ID_TARGET, Shape as Asked};

/// The maximum number of proposed items.
const MOST: usize = 3;

/// An item that an unknown key probably leads to. To accept it, the path replaces whichever path led there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The item's code, or [`NATIONAL_ID_TARGET`].
    pub item: String,
    /// The strongest reason for the proposal.
    pub because: ProposalReason,
}

/// The reasons for a proposal, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ProposalReason {
    /// The same element of the form before led there under another key.
    SameElement,
    /// The names are one, but for case, joints, leading zeros and Norwegian letters.
    SameName,
    /// The options are the item's.
    SameOptions,
    /// The names differ in a letter or two.
    SimilarName,
    /// An unmapped item has the same kind.
    SameKind,
}

/// Proposes items for `path` (`key` or `matrix.row`) of a delivery: at most three, the likeliest first, without items
/// that another path of the delivery is mapped to. `definitions` are the stored versions of the form, the newest
/// first; without any, the delivery determines the kind of the path.
pub fn propose<'d>(
    codebook: &Codebook,
    definitions: impl Iterator<Item = &'d NettskjemaDefinition>,
    delivery: &Delivery,
    path: &str,
) -> Vec<Proposal> {
    let target = |place: Place<'_>| codebook.target(&place.element.key, place.row.map(|row| row.key.as_str()));
    let definitions: Vec<&NettskjemaDefinition> = definitions.collect();
    let guessed = NettskjemaDefinition::guessed(delivery);
    let reached: HashSet<&str> = guessed.places().filter_map(target).collect();
    let mut now = definitions.iter().copied().take(1).chain([&guessed]).flat_map(NettskjemaDefinition::places);
    let place = now.find(|place| place.path() == path);
    let before = place.and_then(|place| {
        let mut earlier =
            definitions.iter().copied().flat_map(NettskjemaDefinition::places).filter(|old| old.is_same_place(place));
        earlier.find_map(target)
    });
    let (form, name) = (codebook.form(), normal(path));
    let because = |item: &str| {
        let asked = form.shape(item);
        if place.is_some_and(|place| !fits(place.element, asked)) {
            return None;
        }
        let own = normal(item);
        let apart = distance(&name, &own).min(distance(&name, &normal(codebook.path_to(item))));
        let similar = apart <= 2 && apart * 3 <= name.len() && digits(&name) == digits(&own);
        let because = match place.map(|place| place.element) {
            _ if before == Some(item) => ProposalReason::SameElement,
            _ if apart == 0 => ProposalReason::SameName,
            Some(element) if offers(element, asked) => ProposalReason::SameOptions,
            _ if similar => ProposalReason::SimilarName,
            Some(element) if tells(element, asked) => ProposalReason::SameKind,
            _ => return None,
        };
        Some((because, apart))
    };
    let free = form.item_codes().chain([NATIONAL_ID_TARGET]).filter(|item| !reached.contains(item));
    let mut found: Vec<_> = free.filter_map(|item| because(item).map(|because| (because, item))).collect();
    found.sort_unstable();
    // Being of the kind is worth saying only where nothing better is.
    let better = found.iter().filter(|((because, _), _)| *because < ProposalReason::SameKind).count();
    found.truncate(if better > 0 { better.min(MOST) } else { MOST });
    found.into_iter().map(|((because, _), item)| Proposal { item: item.to_owned(), because }).collect()
}

/// Whether answers to the element could be answers to the item. What kind an element is may not be known: then they could.
fn fits(element: &Element, asked: Option<Asked<'_>>) -> bool {
    use ElementKind::{
        Attachment, Checkbox, Date, LinearScale, MatrixCheckbox, MatrixRadio, NationalIdNumber, Number, Question,
        Radio, Select,
    };
    match (element.kind, asked) {
        (Attachment, _) => false,
        (NationalIdNumber, asked) => asked.is_none(),
        (_, None) => element.kind == Question,
        (Checkbox | MatrixCheckbox, Some(asked)) => matches!(asked, Asked::Own(ItemKind::Multiple { .. })),
        (Date, Some(asked)) => matches!(asked, Asked::Own(ItemKind::Date)),
        (Number | LinearScale, Some(asked)) => {
            matches!(asked, Asked::Instrument { .. } | Asked::Own(ItemKind::Integer { .. } | ItemKind::Decimal { .. }))
        }
        (Radio | Select | MatrixRadio, Some(asked)) => !matches!(
            asked,
            Asked::Own(ItemKind::Multiple { .. } | ItemKind::Date | ItemKind::Text { .. } | ItemKind::Decimal { .. })
        ),
        (Question, Some(asked)) => !matches!(asked, Asked::Own(ItemKind::Multiple { .. })),
    }
}

/// Whether the element's options, two or more, are the item's.
fn offers(element: &Element, asked: Option<Asked<'_>>) -> bool {
    let mut offered: Vec<&str> = element.options.iter().map(|option| option.key.as_str()).collect();
    offered.sort_unstable();
    let mut taken: Vec<String> = match asked {
        Some(Asked::Instrument { min, max }) => (min..=max).map(|value| value.to_string()).collect(),
        Some(Asked::Own(kind)) => kind.options().to_vec(),
        None => Vec::new(),
    };
    taken.sort_unstable();
    offered.len() > 1 && offered == taken
}

/// Returns whether the kind of an element restricts the item; free text does not.
fn tells(element: &Element, asked: Option<Asked<'_>>) -> bool {
    element.kind != ElementKind::Question || matches!(asked, Some(Asked::Own(ItemKind::Text { .. })))
}

/// The numbers in a name: another number is another item.
fn digits(name: &[char]) -> Vec<char> {
    name.iter().copied().filter(char::is_ascii_digit).collect()
}

/// A name as people hear it: `ISI.01`, `isi_1` and `Isi1` are one, and so are `Årsak` and `aarsak`.
fn normal(name: &str) -> Vec<char> {
    let mut letters: Vec<char> = Vec::new();
    let mut joint = true;
    for letter in name.chars().flat_map(char::to_lowercase).take(256) {
        match letter {
            '0' if joint || letters.last().is_none_or(|last| !last.is_ascii_digit()) => {}
            'æ' | 'ä' => letters.extend(['a', 'e']),
            'ø' | 'ö' => letters.extend(['o', 'e']),
            'å' => letters.extend(['a', 'a']),
            letter if letter.is_alphanumeric() => letters.push(letter),
            _ => {
                joint = true;
                continue;
            }
        }
        joint = joint && letter == '0';
    }
    letters
}

/// Levenshtein's distance: letters to be changed, added or left out.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in (1..).zip(one) {
        let (mut diagonal, mut left) = (at - 1, at);
        let next: Vec<usize> = std::iter::once(at)
            .chain(other.iter().zip(row.iter().skip(1)).map(|(theirs, above)| {
                left = (diagonal + usize::from(letter != theirs)).min(left + 1).min(above + 1);
                diagonal = *above;
                left
            }))
            .collect();
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
