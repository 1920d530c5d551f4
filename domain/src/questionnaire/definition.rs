//! The definition of a form in TOML and JSON, and the rules that need only the definition.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoStaticStr};

use super::answers::scaled;
use super::condition::Condition;
use crate::fault::{Fault, FaultCode, escape};
use crate::text::composed;

/// The use of a form (bølge). Closed: the database's check constraint lists the same words.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    EnumIter,
    EnumString,
    IntoStaticStr,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Wave {
    /// Before the first consultation.
    Baseline,
    /// The short version (kortversjon) of the baseline form, with the reason for the short version.
    BaselineShort,
    /// A follow-up with the primary outcomes only.
    FollowUpShort,
    /// A follow-up with the whole pack.
    FollowUpFull,
    /// For one project, outside the ordinary waves.
    Project,
}

/// The largest number of a form's own items.
pub(super) const MOST_ITEMS: usize = 1000;

impl Wave {
    /// Returns whether a submission may be empty where no visible item is required. The forms of the ordinary waves ask
    /// for the patient's state, and each submission counts as an answer.
    pub const fn may_be_empty(self) -> bool {
        matches!(self, Self::Project)
    }
}

/// The same words in every language of the form: the two that all forms have, and those that it declares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// The text in Norwegian bokmål.
    pub nb: String,
    /// The text in English.
    pub en: String,
    /// Texts in other languages, by language tag (BCP 47), as in [`Definition::languages`].
    #[serde(flatten)]
    pub other: BTreeMap<String, String>,
}

/// The definition of a form in its written and stored structure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Lower-case letters, digits and hyphens, such as `opr-baseline`; at most 64.
    pub code: String,
    /// Letters, digits, `.`, `_`, `-`; at most 32.
    pub version: String,
    /// The title, at most 200 characters.
    pub title: Words,
    /// The use of the form.
    pub wave: Wave,
    /// Languages besides bokmål and English, such as `se` or `pl`; every text of the form is required in each. At most
    /// 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// Codes of the catalogue's instruments in the form; all their items are part of it, and the catalogue defines
    /// their ranges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instruments: Vec<String>,
    /// Items of the form's own; at most 1000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    /// The order in which items and instruments are asked. Without pages the own items come first. At most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<Page>,
    /// The mappings of Nettskjema forms that deliver answers to the form; at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nettskjema: Vec<Mapping>,
}

/// An item of the form's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Starts with a lower-case letter, then lower-case letters, digits and `_`; at most 64.
    pub code: String,
    /// The kind of values.
    pub kind: ItemKind,
    /// Whether a form without an answer here is refused, if the item is shown.
    #[serde(default)]
    pub required: bool,
    /// The condition under which the item is shown; absent: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible_if: Option<Condition>,
    /// A short name for navigation, never the wording of a licensed item; at most 120 characters.
    pub label: Words,
    /// Instructions for answering, such as the period that is asked about; at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<Words>,
    /// Short names of the options, by code: of all or of none; at most 120 characters each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub option_labels: BTreeMap<String, Words>,
}

/// A page: items and instruments that are shown together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// The code of the page, formatted as an item's.
    pub code: String,
    /// The title of the page, at most 120 characters.
    pub title: Words,
    /// The condition under which the page is shown; absent: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible_if: Option<Condition>,
    /// Codes of the form's items and of instruments, in the order in which they are asked. Each is on one page.
    pub holds: Vec<String>,
}

/// The kind of an item's values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ItemKind {
    /// A whole number.
    Integer {
        /// The smallest value, inclusive.
        min: i32,
        /// The largest value, inclusive.
        max: i32,
    },
    /// A decimal number, held exactly.
    Decimal {
        /// The smallest value, inclusive.
        min: f64,
        /// The largest value, inclusive.
        max: f64,
        /// The maximum number of decimals, 0 to 6.
        decimals: u8,
    },
    /// One of the options.
    Choice {
        /// Codes as the source of the answers has them, such as `never`, `-1` or `3-4 dager`, 1 to 200.
        options: Vec<String>,
    },
    /// Any number of the options. Each has three states: ticked, not ticked, not shown.
    Multiple {
        /// Codes as the source of the answers has them, such as `never`, `-1` or `3-4 dager`, 1 to 200.
        options: Vec<String>,
    },
    /// A date, `YYYY-MM-DD`.
    Date,
    /// Yes or no.
    Boolean,
    /// Free text of a limited length.
    Text {
        /// In characters (Unicode scalar values), 1 to 20 000.
        max_length: u16,
    },
}

/// The mapping of one Nettskjema form's codebook to items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The form's number in Nettskjema.
    pub form_id: String,
    /// Codebook path -> item code, [`super::NATIONAL_ID_TARGET`] or [`crate::nettskjema::IGNORED_TARGET`]. A path is a
    /// key, or `matrix.row`. A path that is not listed is mapped to the item of the same name (`matrix.row` to
    /// `matrix_row`), unless another path is mapped to it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, String>,
}

impl Definition {
    /// Codes of own items and instruments in the order in which they are asked, as far as they are placed.
    pub fn sequence(&self) -> impl Iterator<Item = &str> {
        let unpaged = self.items.iter().map(|item| &item.code).chain(&self.instruments);
        let unpaged = unpaged.filter(|_| self.pages.is_empty());
        self.pages.iter().flat_map(|page| &page.holds).chain(unpaged).map(String::as_str)
    }

    /// The same with items and instruments in the order in which they are asked, if they are in another one.
    pub(super) fn in_sequence(&self) -> Option<Self> {
        let order: HashMap<&str, usize> = self.sequence().zip(0..).collect();
        let place = |code: &String| order.get(code.as_str()).copied();
        let (items, instruments) = (&self.items, &self.instruments);
        if items.is_sorted_by_key(|item| place(&item.code)) && instruments.is_sorted_by_key(place) {
            return None;
        }
        let mut sorted = self.clone();
        sorted.items.sort_by_key(|item| place(&item.code));
        sorted.instruments.sort_by_key(place);
        Some(sorted)
    }

    /// Returns the faults of the form, without those of its instruments.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        check(&mut faults, "/code", is_code(&self.code, '-'), FaultCode::InvalidFormat);
        let version = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        check(&mut faults, "/version", is_made_of(&self.version, 32, version), FaultCode::InvalidFormat);
        for (index, language) in self.languages.iter().enumerate() {
            let pointer = format!("/languages/{index}");
            check(&mut faults, &pointer, is_language(language), FaultCode::InvalidFormat);
            let known = ["nb", "en"].contains(&language.as_str())
                || self.languages.iter().take(index).any(|other| other == language);
            check(&mut faults, &pointer, !known, FaultCode::AlreadyExists);
        }
        let words = |words: &Words, faults: &mut _, pointer: &str, limit| {
            words.check(&self.languages, faults, pointer, limit);
        };
        words(&self.title, &mut faults, "/title", 200);
        check(&mut faults, "/languages", self.languages.len() <= 20, FaultCode::TooLong);
        check(&mut faults, "/pages", self.pages.len() <= 100, FaultCode::TooLong);
        check(&mut faults, "/items", self.items.len() <= MOST_ITEMS, FaultCode::TooLong);
        check(&mut faults, "/instruments", self.instruments.len() <= 100, FaultCode::TooLong);
        check(&mut faults, "/nettskjema", self.nettskjema.len() <= 20, FaultCode::TooLong);
        for (index, item) in self.items.iter().enumerate() {
            let pointer = format!("/items/{index}");
            check(&mut faults, &format!("{pointer}/code"), is_code(&item.code, '_'), FaultCode::InvalidFormat);
            words(&item.label, &mut faults, &format!("{pointer}/label"), 120);
            if let Some(help) = &item.help {
                words(help, &mut faults, &format!("{pointer}/help"), 500);
            }
            item.kind.check(&mut faults, &format!("{pointer}/kind"));
            let options = item.kind.options();
            for (option, label) in &item.option_labels {
                let pointer = format!("{pointer}/option_labels/{}", escape(option));
                check(&mut faults, &pointer, options.contains(option), FaultCode::UnknownOption);
                words(label, &mut faults, &pointer, 120);
            }
            for option in options.iter().filter(|_| !item.option_labels.is_empty()) {
                let pointer = format!("{pointer}/option_labels/{}", escape(option));
                check(&mut faults, &pointer, item.option_labels.contains_key(option), FaultCode::Required);
            }
        }
        self.check_pages(&mut faults);
        faults
    }

    /// Every item and instrument is on one page, if there are pages.
    fn check_pages(&self, faults: &mut Vec<Fault>) {
        let parts = self.items.iter().enumerate().map(|(index, item)| (&item.code, format!("/items/{index}/code")));
        let instruments = self.instruments.iter().enumerate();
        let parts = parts.chain(instruments.map(|(index, code)| (code, format!("/instruments/{index}"))));
        let mut unplaced: HashMap<&String, String> = HashMap::new();
        for (code, pointer) in parts {
            check(faults, &pointer, !unplaced.contains_key(code), FaultCode::AlreadyExists);
            unplaced.entry(code).or_insert(pointer);
        }
        let known: HashSet<&String> = unplaced.keys().copied().collect();
        for (index, page) in self.pages.iter().enumerate() {
            let pointer = format!("/pages/{index}");
            check(faults, &format!("{pointer}/code"), is_code(&page.code, '_'), FaultCode::InvalidFormat);
            let twice = self.pages.iter().take(index).any(|other| other.code == page.code);
            check(faults, &format!("{pointer}/code"), !twice, FaultCode::AlreadyExists);
            page.title.check(&self.languages, faults, &format!("{pointer}/title"), 120);
            check(faults, &format!("{pointer}/holds"), !page.holds.is_empty(), FaultCode::Required);
            for (at, code) in page.holds.iter().enumerate() {
                let pointer = format!("{pointer}/holds/{at}");
                if unplaced.remove(code).is_none() {
                    let fault =
                        if known.contains(code) { FaultCode::AlreadyExists } else { FaultCode::UnknownReference };
                    faults.push(Fault::new(pointer, fault));
                }
            }
        }
        if !self.pages.is_empty() {
            faults.extend(unplaced.into_values().map(|pointer| Fault::new(pointer, FaultCode::NotPlaced)));
        }
    }
}

impl Words {
    fn check(&self, languages: &[String], faults: &mut Vec<Fault>, pointer: &str, limit: usize) {
        let stands = |language: &str| matches!(language, "nb" | "en") || self.other.contains_key(language);
        for language in languages.iter().filter(|language| !stands(language)) {
            faults.push(Fault::new(format!("{pointer}/{}", escape(language)), FaultCode::Required));
        }
        for language in self.other.keys().filter(|language| !languages.contains(language)) {
            faults.push(Fault::new(format!("{pointer}/{}", escape(language)), FaultCode::UnknownReference));
        }
        let other = self.other.iter().map(|(language, words)| (language.as_str(), words));
        for (language, words) in [("nb", &self.nb), ("en", &self.en)].into_iter().chain(other) {
            let pointer = format!("{pointer}/{}", escape(language));
            check(faults, &pointer, !words.trim().is_empty(), FaultCode::Required);
            check(faults, &pointer, words.chars().count() <= limit, FaultCode::TooLong);
            check(faults, &pointer, !words.contains('\0'), FaultCode::ForbiddenCharacter);
        }
    }
}

impl ItemKind {
    /// The codes to choose from; none for other kinds.
    pub fn options(&self) -> &[String] {
        match self {
            Self::Choice { options } | Self::Multiple { options } => options,
            _ => &[],
        }
    }

    fn check(&self, faults: &mut Vec<Fault>, pointer: &str) {
        match self {
            Self::Integer { min, max } => {
                check(faults, &format!("{pointer}/integer/max"), min <= max, FaultCode::OutOfRange);
            }
            Self::Decimal { min, max, decimals } => {
                check(faults, &format!("{pointer}/decimal/decimals"), *decimals <= 6, FaultCode::OutOfRange);
                // Fifteen digits survive the way through a binary double and back.
                let bound =
                    |value: f64| scaled(value, (*decimals).min(6)).map(|n| (n, n.abs() < 1_000_000_000_000_000));
                for (name, value) in [("min", *min), ("max", *max)] {
                    let sound = bound(value).is_ok_and(|(_, exact)| exact);
                    check(faults, &format!("{pointer}/decimal/{name}"), sound, FaultCode::OutOfRange);
                }
                if let (Ok((min, _)), Ok((max, _))) = (bound(*min), bound(*max)) {
                    check(faults, &format!("{pointer}/decimal/max"), min <= max, FaultCode::OutOfRange);
                }
            }
            Self::Choice { options } => check_options(faults, &format!("{pointer}/choice/options"), options),
            Self::Multiple { options } => check_options(faults, &format!("{pointer}/multiple/options"), options),
            Self::Date | Self::Boolean => {}
            Self::Text { max_length } => {
                let sound = (1..=20_000).contains(max_length);
                check(faults, &format!("{pointer}/text/max_length"), sound, FaultCode::OutOfRange);
            }
        }
    }
}

fn check_options(faults: &mut Vec<Fault>, pointer: &str, options: &[String]) {
    check(faults, pointer, !options.is_empty(), FaultCode::Required);
    check(faults, pointer, options.len() <= 200, FaultCode::TooLong);
    let mut seen = HashSet::new();
    for (index, option) in options.iter().enumerate() {
        let pointer = format!("{pointer}/{index}");
        check(faults, &pointer, is_option(option), FaultCode::InvalidFormat);
        check(faults, &pointer, seen.insert(option), FaultCode::AlreadyExists);
    }
}

fn check(faults: &mut Vec<Fault>, pointer: &str, sound: bool, code: FaultCode) {
    if !sound {
        faults.push(Fault::new(pointer, code));
    }
}

fn is_made_of(text: &str, limit: usize, permitted: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.len() <= limit && text.chars().all(permitted)
}

pub(super) fn is_code(text: &str, joint: char) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && is_made_of(text, 64, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == joint)
}

/// A language tag as this registry uses them (BCP 47): language, script and region.
pub fn is_language(text: &str) -> bool {
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let mut parts = text.split('-');
    let language =
        parts.next().is_some_and(|part| matches!(part.len(), 2 | 3) && is_made_of(part, 3, |c| c.is_ascii_lowercase()));
    language && text.len() <= 12 && parts.all(|part| matches!(part.len(), 2 | 4) && letters(part))
}

/// The code of an option. Its source chooses it, and in Nettskjema it is free text, so only what cannot be seen or compared
/// is refused: at most 64 characters, composed, words joined by single spaces (FHIR's `code`), no control characters.
pub(crate) fn is_option(text: &str) -> bool {
    let visible = |word: &str| !word.is_empty() && !word.contains(|c: char| c.is_control() || c.is_whitespace());
    text.chars().count() <= 64 && composed(text) == text && text.split(' ').all(visible)
}
