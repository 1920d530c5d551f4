//! Where a key that the codebook's mapping does not know probably leads. It proposes; a person decides.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

use strum::{EnumIter, IntoStaticStr};

use super::{Codebook, Definition, Element, ElementKind, Part};
use crate::questionnaire::{Kind, NATIONAL_ID_TARGET, Shape as Asked};

/// How many items are proposed at most.
const MOST: usize = 3;

/// An item that an unknown key probably leads to. To accept it, the path replaces whichever path led there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The item's code, or [`NATIONAL_ID_TARGET`].
    pub item: String,
    /// What speaks for it most.
    pub because: Because,
}

/// What speaks for a proposal, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Because {
    /// The same element of the form before led there under another key.
    SameElement,
    /// The names are one, but for case, joints, leading zeros and Norwegian letters.
    SameName,
    /// The options are the item's.
    SameOptions,
    /// The names differ in a letter or two.
    SimilarName,
    /// It is an item of this kind that nothing leads to.
    SameKind,
}

/// The items that `path` (`key` or `matrix.row`) of the form `now` probably leads to: at most three, the likeliest first,
/// and none that another path of the form leads to. `before` is the form as it was when the mapping was made.
pub fn propose(codebook: &Codebook, now: &Definition, before: Option<&Definition>, path: &str) -> Vec<Proposal> {
    let target = |element: &Element, row: Option<&Part>| codebook.target(&element.key, row.map(|row| row.key.as_str()));
    let reached: HashSet<&str> = now.paths().filter_map(|(element, row)| target(element, row)).collect();
    let place = now.paths().find(|(element, row)| spelled(element, *row) == path);
    let element = place.map(|(element, _)| element);
    let same_element = before.into_iter().flat_map(Definition::paths).find_map(|(old, old_row)| {
        let (new, row) = place?;
        let one = (old.id.is_some() && old.id == new.id, old_row.and_then(|row| row.id), row.and_then(|row| row.id));
        // A matrix's row keeps its number, a row that cannot be told keeps its key.
        let same_row = match (old_row, row) {
            (None, None) => true,
            (Some(old), Some(new)) => {
                if one.1.is_some() {
                    one.1 == one.2
                } else {
                    old.key == new.key
                }
            }
            _ => false,
        };
        if one.0 && same_row { target(old, old_row) } else { None }
    });
    let name = normal(path);
    let mut best: BTreeMap<&str, (Because, usize)> = BTreeMap::new();
    let form = codebook.form();
    for item in form.item_codes().chain([NATIONAL_ID_TARGET]).filter(|item| !reached.contains(item)) {
        if !element.is_none_or(|element| fits(element, form.shape(item))) {
            continue;
        }
        let known = normal(codebook.path_to(item));
        let distance = distance(&name, &normal(item)).min(distance(&name, &known));
        let because = if same_element == Some(item) {
            Because::SameElement
        } else if distance == 0 {
            Because::SameName
        } else if element.is_some_and(|element| offers(element, form.shape(item))) {
            Because::SameOptions
        } else if distance <= 2 && distance * 3 <= name.len() && digits(&name) == digits(&normal(item)) {
            Because::SimilarName
        } else if element.is_some_and(|element| tells(element, form.shape(item))) {
            Because::SameKind
        } else {
            continue;
        };
        best.insert(item, (because, distance));
    }
    let mut proposals: Vec<_> = best.into_iter().collect();
    let order =
        |a: &(&str, (Because, usize)), b: &(&str, (Because, usize))| -> Ordering { (a.1, a.0).cmp(&(b.1, b.0)) };
    proposals.sort_by(order);
    // Being of the kind is worth saying only where nothing better is.
    let better = proposals.iter().filter(|(_, (because, _))| *because < Because::SameKind).count();
    proposals.truncate(if better > 0 { better.min(MOST) } else { MOST });
    proposals.into_iter().map(|(item, (because, _))| Proposal { item: item.to_owned(), because }).collect()
}

fn spelled(element: &Element, row: Option<&Part>) -> String {
    row.map_or_else(|| element.key.clone(), |row| format!("{}.{}", element.key, row.key))
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
        (Checkbox | MatrixCheckbox, Some(asked)) => matches!(asked, Asked::Own(Kind::Multiple { .. })),
        (Date, Some(asked)) => matches!(asked, Asked::Own(Kind::Date)),
        (Number | LinearScale, Some(asked)) => {
            matches!(asked, Asked::Instrument { .. } | Asked::Own(Kind::Integer { .. } | Kind::Decimal { .. }))
        }
        (Radio | Select | MatrixRadio, Some(asked)) => {
            !matches!(asked, Asked::Own(Kind::Multiple { .. } | Kind::Date | Kind::Text { .. } | Kind::Decimal { .. }))
        }
        (Question, Some(asked)) => !matches!(asked, Asked::Own(Kind::Multiple { .. })),
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

/// Whether the kind of an element tells something about the item: words may be anything.
fn tells(element: &Element, asked: Option<Asked<'_>>) -> bool {
    element.kind != ElementKind::Question || matches!(asked, Some(Asked::Own(Kind::Text { .. })))
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
