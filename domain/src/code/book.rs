//! One code system in memory, and all of them: finding, checking, searching. Filled once and never changed.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use strum::IntoEnumIterator as _;

use super::{Checked, CodeRefusal, Coded, Edition, Suggestion, System, is_extension, parts};
use crate::fault::FaultCode;

/// Codes within so many typing errors are suggested.
const MOST_EDITS: u8 = 2;
/// No longer text is compared with the catalogue's codes.
const LONGEST_COMPARED: usize = System::LONGEST_CODE + 2;
/// More words of a search are not looked at.
const MOST_WORDS: usize = 8;

/// A stretch of one of the book's texts.
#[derive(Clone, Copy, Default)]
struct Span {
    at: u32,
    len: u16,
}

/// One period of one code; its texts are stored in the book's text.
struct Entry {
    code: Span,
    title: Span,
    /// Empty where there is none.
    title_en: Span,
    /// Every title in lower case, a line each.
    folded: Span,
    valid_from: Date,
    valid_to: Option<Date>,
    edition: u16,
}

impl Entry {
    fn is_valid_on(&self, day: Date) -> bool {
        self.valid_from <= day && self.valid_to.is_none_or(|last| day <= last)
    }
}

/// The codes of one system with every validity period, sorted by code and first day. About 200 bytes a code.
pub struct CodeBook {
    system: System,
    texts: Box<str>,
    folded: Box<str>,
    entries: Box<[Entry]>,
    edition_names: Vec<String>,
    editions: Vec<Edition>,
}

impl std::fmt::Debug for CodeBook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CodeBook").field("system", &self.system).field("len", &self.len()).finish_non_exhaustive()
    }
}

/// A place in what a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The rank of the match before the place; 0 is best.
    pub rank: u8,
    /// The code in the spelling of the system.
    pub code: String,
}

impl CodeBook {
    /// A book of these periods. What cannot stand in one is left out: codes that are none of the system's, and a period
    /// that begins before the one before it has ended.
    pub fn new(system: System, periods: Vec<Coded>, editions: Vec<Edition>) -> Self {
        let mut kept: Vec<Coded> = periods
            .into_iter()
            .filter_map(|mut coded| {
                coded.code = system.canonical(&coded.code).filter(|code| code.len() <= System::LONGEST_CODE)?;
                Some(coded)
            })
            .collect();
        kept.sort_by(|one, other| one.code.cmp(&other.code).then(one.valid_from.cmp(&other.valid_from)));
        kept.dedup_by(|next, last| next.code == last.code && last.valid_to.is_none_or(|day| next.valid_from <= day));
        let mut texts = Text::default();
        let mut folded = Text::default();
        let mut edition_names: Vec<String> = Vec::new();
        let mut entries = Vec::with_capacity(kept.len());
        for coded in kept {
            let edition = edition_names.iter().position(|name| *name == coded.edition).unwrap_or_else(|| {
                edition_names.push(coded.edition.clone());
                edition_names.len() - 1
            });
            let title = texts.add(&coded.title);
            let title_en = match &coded.title_en {
                None => Span::default(),
                Some(same) if *same == coded.title => title,
                Some(other) => texts.add(other),
            };
            let all = match &coded.title_en {
                Some(other) if *other != coded.title => format!("{}\n{other}", coded.title),
                _ => coded.title,
            };
            entries.push(Entry {
                code: texts.add(&coded.code),
                title,
                title_en,
                folded: folded.add(&all.to_lowercase()),
                valid_from: coded.valid_from,
                valid_to: coded.valid_to,
                edition: u16::try_from(edition).unwrap_or(u16::MAX),
            });
        }
        Self {
            system,
            texts: texts.0.into(),
            folded: folded.0.into(),
            entries: entries.into(),
            edition_names,
            editions,
        }
    }

    /// The code system of the book.
    pub const fn system(&self) -> System {
        self.system
    }

    /// Returns the number of periods of all codes.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing has been loaded.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The editions that have been imported, by the day they became valid.
    pub fn editions(&self) -> &[Edition] {
        &self.editions
    }

    /// Returns the number of codes valid on a day.
    pub fn count_valid(&self, day: Date) -> usize {
        self.entries.iter().filter(|entry| entry.is_valid_on(day)).count()
    }

    /// Returns the approximate size of the book in bytes.
    pub fn bytes(&self) -> usize {
        self.texts.len() + self.folded.len() + size_of_val(&*self.entries)
    }

    /// Every period of every code, sorted by code and first day.
    pub fn iter(&self) -> impl Iterator<Item = Coded> {
        self.entries.iter().map(|entry| self.coded(entry))
    }

    /// Every period of one code, the oldest first; none where there is no such code.
    pub fn find(&self, code: &str) -> Vec<Coded> {
        let Some(code) = self.system.canonical(code) else { return Vec::new() };
        self.periods(&code).iter().map(|entry| self.coded(entry)).collect()
    }

    /// Returns the code as valid on a day, or the fault: [`FaultCode::InvalidFormat`], [`FaultCode::UnknownCode`],
    /// [`FaultCode::ExpiredCode`] (known, but not valid on that day) or [`FaultCode::CodeSystemNotLoaded`]. Every code
    /// of an ICD-11 cluster is checked; the first fault is returned.
    pub fn check(&self, code: &str, on: Date) -> Result<Checked, CodeRefusal> {
        if self.is_empty() {
            return Err(CodeRefusal::without(FaultCode::CodeSystemNotLoaded));
        }
        let misspelt = || CodeRefusal { code: FaultCode::InvalidFormat, nearest: self.nearest(code, on) };
        let canonical = self.system.canonical(code).ok_or_else(misspelt)?;
        if self.system != System::Icd11 {
            let found = self.valid(&canonical, on)?;
            return Ok(Checked {
                title: self.text(found.title).to_owned(),
                edition: self.edition(found).to_owned(),
                code: canonical,
            });
        }
        // An extension code qualifies a stem code and is not valid alone.
        if is_extension(&canonical) {
            return Err(misspelt());
        }
        let mut title = String::new();
        let mut edition = "";
        for (joint, part) in parts(&canonical) {
            let found = self.valid(part, on)?;
            if title.is_empty() {
                edition = self.edition(found);
            } else {
                title.extend([' ', joint, ' ']);
            }
            title.push_str(self.text(found.title));
        }
        Ok(Checked { edition: edition.to_owned(), title, code: canonical })
    }

    /// Returns the codes valid on a day that match a search, best first: codes that begin with it (dots are ignored),
    /// titles with a word beginning with each of its words, titles that contain each of its words. Case is ignored. An
    /// empty search returns every code, in order of code.
    pub fn search(&self, query: &str, on: Date, limit: usize) -> Vec<Coded> {
        self.page(query, on, None, limit).0
    }

    /// Searches as [`CodeBook::search`], from a place on; returns the next place, where there is more.
    pub fn page(&self, query: &str, on: Date, after: Option<&Place>, limit: usize) -> (Vec<Coded>, Option<Place>) {
        let query = Query::of(query);
        let mut found: Vec<(u8, &Entry)> = self
            .entries
            .iter()
            .filter(|entry| entry.is_valid_on(on))
            .filter_map(|entry| Some((query.rank(self.text(entry.code), self.folded(entry))?, entry)))
            .filter(|(rank, entry)| {
                after.is_none_or(|place| (*rank, self.text(entry.code)) > (place.rank, place.code.as_str()))
            })
            .collect();
        // The entries are sorted by code, and the sort is stable.
        found.sort_by_key(|(rank, _)| *rank);
        let more = found.len() > limit;
        found.truncate(limit);
        let place = found.last().filter(|_| more);
        let place = place.map(|(rank, entry)| Place { rank: *rank, code: self.text(entry.code).to_owned() });
        (found.into_iter().map(|(_, entry)| self.coded(entry)).collect(), place)
    }

    /// Whether the code, or the first of a cluster, is known on whatever day.
    fn knows(&self, code: &str) -> bool {
        self.system
            .canonical(code)
            .is_some_and(|code| parts(&code).next().is_some_and(|(_, first)| !self.periods(first).is_empty()))
    }

    /// The period of a canonical code that holds the day.
    fn valid(&self, code: &str, on: Date) -> Result<&Entry, CodeRefusal> {
        let periods = self.periods(code);
        match periods.iter().find(|entry| entry.is_valid_on(on)) {
            Some(entry) => Ok(entry),
            None if periods.is_empty() => {
                Err(CodeRefusal { code: FaultCode::UnknownCode, nearest: self.nearest(code, on) })
            }
            None => Err(CodeRefusal { code: FaultCode::ExpiredCode, nearest: self.instead_of(periods, on) }),
        }
    }

    #[cfg(test)]
    pub(super) fn beginning(&self, prefix: &str) -> Vec<Coded> {
        self.beginning_with(prefix).iter().map(|entry| self.coded(entry)).collect()
    }

    #[cfg(test)]
    pub(super) fn within(&self, wanted: &[u8], mut seen: impl FnMut(u8, &str)) {
        self.within_edits(wanted, |edits, entry| seen(edits, self.text(entry.code)));
    }

    fn text(&self, span: Span) -> &str {
        slice(&self.texts, span)
    }

    fn folded(&self, entry: &Entry) -> &str {
        slice(&self.folded, entry.folded)
    }

    fn edition(&self, entry: &Entry) -> &str {
        self.edition_names.get(usize::from(entry.edition)).map_or("", String::as_str)
    }

    fn coded(&self, entry: &Entry) -> Coded {
        Coded {
            code: self.text(entry.code).to_owned(),
            title: self.text(entry.title).to_owned(),
            title_en: Some(self.text(entry.title_en)).filter(|title| !title.is_empty()).map(str::to_owned),
            valid_from: entry.valid_from,
            valid_to: entry.valid_to,
            edition: self.edition(entry).to_owned(),
        }
    }

    fn suggestion(&self, entry: &Entry) -> Suggestion {
        Suggestion { code: self.text(entry.code).to_owned(), title: self.text(entry.title).to_owned() }
    }

    fn periods(&self, code: &str) -> &[Entry] {
        let (_, from) = self.entries.split_at(self.entries.partition_point(|entry| self.text(entry.code) < code));
        from.split_at(from.partition_point(|entry| self.text(entry.code) == code)).0
    }

    fn beginning_with(&self, prefix: &str) -> &[Entry] {
        let (_, from) = self.entries.split_at(self.entries.partition_point(|entry| self.text(entry.code) < prefix));
        from.split_at(from.partition_point(|entry| self.text(entry.code).starts_with(prefix))).0
    }

    /// Suggestions instead of a code that is not valid on the day: first codes with the same title, then its category,
    /// then wider ones.
    fn instead_of(&self, periods: &[Entry], on: Date) -> Vec<Suggestion> {
        let Some(last) = periods.last() else { return Vec::new() };
        let code = self.text(last.code);
        let titles = self.folded(last);
        let moved = self.entries.iter().filter(|entry| self.folded(entry) == titles && entry.is_valid_on(on));
        let mut ranked: Vec<Ranked<'_>> = moved.map(|entry| self.ranked(0, code, entry)).collect();
        for length in (2..=self.system.category_length()).rev() {
            let near = self.beginning_with(code.get(..length).unwrap_or(code));
            let near = near.iter().filter(|entry| entry.is_valid_on(on));
            ranked.extend(near.map(|entry| self.ranked(1, code, entry)));
            if !ranked.is_empty() {
                break;
            }
        }
        self.best(ranked)
    }

    /// Suggestions for a text that is no code: codes at one typing error, the code above or below it, codes at two
    /// errors, and the rest of its category.
    fn nearest(&self, code: &str, on: Date) -> Vec<Suggestion> {
        if code.is_empty() || code.len() > LONGEST_COMPARED || !code.is_ascii() {
            return Vec::new();
        }
        let wanted = self.system.canonical(code).unwrap_or_else(|| code.to_ascii_uppercase());
        let mut ranked: Vec<Ranked<'_>> = Vec::new();
        self.within_edits(wanted.as_bytes(), |edits, entry| {
            let same_start = self.text(entry.code).as_bytes().first() == wanted.as_bytes().first();
            if entry.is_valid_on(on) && (edits < MOST_EDITS || same_start) {
                ranked.push(self.ranked(2 * edits, &wanted, entry));
            }
        });
        if let Some(category) = wanted.get(..self.system.category_length()) {
            for entry in self.beginning_with(category).iter().filter(|entry| entry.is_valid_on(on)) {
                let known = self.text(entry.code);
                let related = wanted.starts_with(known) || known.starts_with(&wanted);
                ranked.push(self.ranked(if related { 3 } else { 5 }, &wanted, entry));
            }
        }
        // A shorter code may itself be a category: N02AA09 is unknown, N02AA is not.
        for length in 1..wanted.len().min(self.system.category_length()) {
            let above = self.periods(wanted.get(..length).unwrap_or_default());
            ranked.extend(above.iter().filter(|entry| entry.is_valid_on(on)).map(|it| self.ranked(6, &wanted, it)));
        }
        self.best(ranked)
    }

    fn ranked<'b>(&'b self, score: u8, wanted: &str, entry: &'b Entry) -> Ranked<'b> {
        let code = self.text(entry.code);
        (score, Reverse(shared(code.as_bytes(), wanted.as_bytes())), code, entry)
    }

    fn best(&self, mut ranked: Vec<Ranked<'_>>) -> Vec<Suggestion> {
        ranked.sort_by_key(|(score, likeness, code, _)| (*score, *likeness, *code));
        let mut best: Vec<Suggestion> = Vec::with_capacity(CodeRefusal::MOST);
        for (.., code, entry) in ranked {
            if best.len() == CodeRefusal::MOST {
                break;
            }
            if !best.iter().any(|suggestion| suggestion.code == code) {
                best.push(self.suggestion(entry));
            }
        }
        best
    }

    /// Calls `seen` with every entry with a code at most [`MOST_EDITS`] from `wanted`. The entries are sorted, so the
    /// rows computed for a prefix are reused for every code with that prefix, and a prefix that is too far off is
    /// skipped with all its codes.
    fn within_edits<'b>(&'b self, wanted: &[u8], mut seen: impl FnMut(u8, &'b Entry)) {
        let mut edits = Edits::new(wanted);
        let mut rest: &'b [Entry] = &self.entries;
        while let Some((entry, others)) = rest.split_first() {
            let code = self.text(entry.code);
            edits.cut(shared(code.as_bytes(), &edits.typed));
            let known = edits.typed.len();
            let hopeless = code.bytes().enumerate().skip(known).find(|(_, byte)| edits.least_with(*byte) > MOST_EDITS);
            if let Some((at, _)) = hopeless {
                let beginning = code.get(..=at).unwrap_or(code);
                rest = rest.split_at(rest.partition_point(|entry| self.text(entry.code).starts_with(beginning))).1;
                continue;
            }
            let distance = edits.distance();
            if distance <= MOST_EDITS {
                seen(distance, entry);
            }
            rest = others;
        }
    }
}

/// The distance (smaller is nearer), the length of the common prefix, the code, and its index.
type Ranked<'b> = (u8, Reverse<usize>, &'b str, &'b Entry);

/// A text that grows.
#[derive(Default)]
struct Text(String);

impl Text {
    fn add(&mut self, text: &str) -> Span {
        let (Ok(at), Ok(len)) = (u32::try_from(self.0.len()), u16::try_from(text.len())) else {
            return Span::default();
        };
        self.0.push_str(text);
        Span { at, len }
    }
}

fn slice(text: &str, span: Span) -> &str {
    let at = usize::try_from(span.at).unwrap_or(usize::MAX);
    text.get(at..at.saturating_add(usize::from(span.len))).unwrap_or_default()
}

/// Returns the length in bytes of the common prefix of two texts.
fn shared(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

/// The distance by insertions, deletions, substitutions and swaps of neighbours (optimal string alignment) between a
/// text and another one that is typed byte by byte and taken back.
struct Edits<'a> {
    wanted: &'a [u8],
    typed: Vec<u8>,
    /// One row of the table for every length of the typed text.
    rows: Vec<Vec<u8>>,
}

impl<'a> Edits<'a> {
    fn new(wanted: &'a [u8]) -> Self {
        let first = (0..=wanted.len()).map(|at| u8::try_from(at).unwrap_or(u8::MAX)).collect();
        Self { wanted, typed: Vec::new(), rows: vec![first] }
    }

    /// Removes all but the first `length` bytes.
    fn cut(&mut self, length: usize) {
        self.typed.truncate(length);
        self.rows.truncate(length + 1);
    }

    /// Adds one typed byte. Returns a lower bound of the distance to every code with this prefix.
    fn least_with(&mut self, byte: u8) -> u8 {
        let empty: &[u8] = &[];
        let mut newest = self.rows.iter().rev().map(Vec::as_slice);
        let last = newest.next().unwrap_or(empty);
        let before = newest.next().unwrap_or(empty);
        let at = |row: &[u8], column: usize| row.get(column).copied().unwrap_or(u8::MAX - 1);
        let mut beside = at(last, 0).saturating_add(1);
        let mut fewest = beside;
        let mut row = Vec::with_capacity(last.len());
        row.push(beside);
        let mut previous = None;
        for (column, wanted) in self.wanted.iter().enumerate() {
            let mut best = at(last, column).saturating_add(u8::from(*wanted != byte));
            best = best.min(beside.saturating_add(1)).min(at(last, column + 1).saturating_add(1));
            if column > 0 && previous == Some(byte) && self.typed.last() == Some(wanted) {
                best = best.min(at(before, column - 1).saturating_add(1));
            }
            row.push(best);
            beside = best;
            fewest = fewest.min(best);
            previous = Some(*wanted);
        }
        self.rows.push(row);
        self.typed.push(byte);
        fewest
    }

    fn distance(&self) -> u8 {
        self.rows.last().and_then(|row| row.last().copied()).unwrap_or(u8::MAX)
    }
}

/// A search, split into words.
struct Query {
    code: String,
    words: Vec<String>,
}

impl Query {
    fn of(text: &str) -> Self {
        Self {
            code: text.trim().replace('.', "").to_ascii_uppercase(),
            words: text.to_lowercase().split_whitespace().take(MOST_WORDS).map(str::to_owned).collect(),
        }
    }

    fn rank(&self, code: &str, titles: &str) -> Option<u8> {
        let mut bytes = code.bytes().filter(|byte| *byte != b'.');
        if self.code.bytes().all(|wanted| bytes.next() == Some(wanted)) {
            return Some(0);
        }
        if !self.words.iter().all(|word| titles.contains(word.as_str())) {
            return None;
        }
        let begins = |word: &String| {
            let mut places = titles.match_indices(word.as_str());
            places.any(|(at, _)| !titles.get(..at).unwrap_or_default().ends_with(char::is_alphanumeric))
        };
        Some(if self.words.iter().all(begins) { 1 } else { 2 })
    }
}

/// Every code system. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CodeBooks(Arc<BTreeMap<System, Arc<CodeBook>>>);

impl Default for CodeBooks {
    fn default() -> Self {
        Self::new([])
    }
}

impl CodeBooks {
    /// Returns these books, and an empty one for every other system.
    pub fn new(books: impl IntoIterator<Item = Arc<CodeBook>>) -> Self {
        let empty = |system| (system, Arc::new(CodeBook::new(system, Vec::new(), Vec::new())));
        let mut all: BTreeMap<System, Arc<CodeBook>> = System::iter().map(empty).collect();
        all.extend(books.into_iter().map(|book| (book.system(), book)));
        Self(Arc::new(all))
    }

    /// The built-in books, valid as their files say: for tests and for use without a database.
    pub fn built_in() -> Self {
        Self::new(super::shipped().into_iter().map(|shipped| Arc::new(shipped.book())))
    }

    /// One system's book; empty where nothing has been loaded.
    pub fn book(&self, system: System) -> Option<&Arc<CodeBook>> {
        self.0.get(&system)
    }

    /// Every book, in the systems' order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<CodeBook>> {
        self.0.values()
    }

    /// Checks as [`CodeBook::check`]; a code of another system is refused as [`FaultCode::WrongCodeSystem`].
    pub fn check(&self, system: System, code: &str, on: Date) -> Result<Checked, CodeRefusal> {
        let Some(book) = self.book(system) else {
            return Err(CodeRefusal::without(FaultCode::CodeSystemNotLoaded));
        };
        book.check(code, on).map_err(|refusal| {
            let misplaced = matches!(refusal.code, FaultCode::UnknownCode | FaultCode::InvalidFormat)
                && self.iter().any(|other| other.system() != system && other.knows(code))
                && !book.knows(code);
            if misplaced { CodeRefusal::without(FaultCode::WrongCodeSystem) } else { refusal }
        })
    }
}
