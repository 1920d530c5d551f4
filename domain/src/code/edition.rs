//! An edition of a code system as a file lists it: each line is read as a code or refused with a reason, and the
//! changes to the book are computed. It reads bytes and cells, and opens no file.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read as _};

use jiff::civil::{Date, date};
use strum::{EnumIter, IntoStaticStr};

use super::{CodeBook, Coded, System};
use crate::delimited::{Record, Records, cells};
use crate::encoding::{Decoded, windows_1252};
use crate::text::composed;

/// The longest title, in characters.
pub const LONGEST_TITLE: usize = 500;
/// The header line is among the first so many.
const HEADER_WITHIN: usize = 30;

/// A line of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The number, from 1.
    pub number: u64,
    /// Its cells, as text with composed letters.
    pub cells: Vec<String>,
    /// Whether a quotation in it is broken, so that its cells are uncertain.
    pub broken: bool,
}

/// The lines of a text file with delimited cells: UTF-8 (with or without a byte order mark), UTF-16 with one, or else
/// Windows-1252; delimited by semicolons, tabs or commas, whichever occurs in most of the first lines.
pub fn lines_of_text(bytes: &[u8]) -> io::Result<Vec<Line>> {
    let text = decoded(bytes)?;
    let first = || text.split(['\n', '\r']).filter(|line| !line.is_empty()).take(HEADER_WITHIN);
    let divided = |delimiter: &char| first().filter(|line| line.contains(*delimiter)).count();
    // Of equals the last one: commas stand in titles, semicolons sometimes.
    let delimiter = [',', ';', '\t'].into_iter().max_by_key(divided).and_then(|it| u8::try_from(it).ok());
    let records = Records::open(text.as_bytes(), delimiter, usize::MAX)?;
    let delimiter = records.delimiter();
    let line = |record: Record| Line {
        number: record.line,
        cells: cells(delimiter, &record.text).iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect(),
        broken: record.broken_at.is_some(),
    };
    records.map(|record| record.map(line)).collect()
}

fn decoded(bytes: &[u8]) -> io::Result<String> {
    let mut text = Vec::new();
    Decoded::new(bytes)?.read_to_end(&mut text)?;
    let text = String::from_utf8(text);
    let text = text.unwrap_or_else(|other| other.as_bytes().iter().copied().map(windows_1252).collect());
    Ok(composed(&text).into_owned())
}

/// The content of a column. The column that selects lines has no known header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Column {
    /// The column of the code.
    Code,
    /// The title, Norwegian where there is one.
    Title,
    /// The English title.
    TitleEn,
    /// The first day of validity.
    ValidFrom,
    /// The last day.
    ValidTo,
    /// The column that selects lines.
    Only,
}

impl Column {
    /// Headers of the files that the Norwegian directorates and WHO give out, the ones to be preferred first; lower case.
    const fn headers(self) -> &'static [&'static str] {
        match self {
            Self::Code => &[
                "kode",
                "kodeverdi",
                "code",
                "icd-10-kode",
                "icd-10 kode",
                "icd10-kode",
                "icd-11-kode",
                "prosedyrekode",
                "diagnosekode",
                "atc-kode",
                "atc kode",
                "atckode",
                "atc code",
            ],
            Self::Title => &[
                "kodetekst uten lengdebegrensning",
                "tekst uten lengdebegrensning",
                "kodetekst",
                "kodenavn",
                "tekst",
                "tittel",
                "betegnelse",
                "beskrivelse",
                "virkestoff",
                "navn",
                "title",
                "atc level name",
                "description",
                "name",
            ],
            Self::TitleEn => &[
                "english",
                "engelsk",
                "engelsk tekst",
                "engelsk tittel",
                "tekst engelsk",
                "english title",
                "title_en",
                "title en",
                "title",
                "atc level name",
            ],
            Self::ValidFrom => {
                &["gyldig fra", "gyldig fra dato", "gyldig_fra", "gyldigfra", "fra dato", "valid from", "valid_from"]
            }
            Self::ValidTo => {
                &["gyldig til", "gyldig til dato", "gyldig_til", "gyldigtil", "til dato", "valid to", "valid_to"]
            }
            Self::Only => &[],
        }
    }
}

/// The columns to read, by header or by number from 1; `None`: by the known headers.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// The header of the column of the code.
    pub code: Option<String>,
    /// The header of the column of the title.
    pub title: Option<String>,
    /// The header of the column of the English title.
    pub title_en: Option<String>,
    /// The header of the column of the first day.
    pub valid_from: Option<String>,
    /// The header of the column of the last day.
    pub valid_to: Option<String>,
    /// For a file of several systems: the column of the system, and its value in the lines to read.
    pub only: Option<(String, String)>,
}

impl Columns {
    fn asked(&self, column: Column) -> Option<&String> {
        match column {
            Column::Only => self.only.as_ref().map(|(header, _)| header),
            Column::Code => self.code.as_ref(),
            Column::Title => self.title.as_ref(),
            Column::TitleEn => self.title_en.as_ref(),
            Column::ValidFrom => self.valid_from.as_ref(),
            Column::ValidTo => self.valid_to.as_ref(),
        }
    }
}

/// The headers do not identify the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnsUnclear {
    /// The column that was not found.
    pub column: Column,
    /// The header that was asked for.
    pub asked: Option<String>,
    /// The headers that were found, in the line that looks most like one.
    pub headers: Vec<String>,
}

/// The columns of a table by content.
struct Layout {
    /// The number of lines before the codes.
    skip: usize,
    code: usize,
    title: Option<usize>,
    title_en: Option<usize>,
    valid_from: Option<usize>,
    valid_to: Option<usize>,
    only: Option<usize>,
}

impl Layout {
    /// The layout of the first line that can be a header.
    fn of(lines: &[Line], columns: &Columns) -> Result<Self, ColumnsUnclear> {
        // Columns given by number need no header; a header that is there is refused as a line like any other.
        let numbered = |column| columns.asked(column).is_some_and(|it| it.parse::<usize>().is_ok());
        if numbered(Column::Code) && numbered(Column::Title) {
            return Self::in_line(&[], columns).map(|layout| Self { skip: 0, ..layout });
        }
        let mut unclear = None;
        for (at, line) in lines.iter().take(HEADER_WITHIN).enumerate() {
            match Self::in_line(&line.cells, columns) {
                Ok(layout) => return Ok(Self { skip: at + 1, ..layout }),
                // The best candidate is reported: a line with a code column, or else the one with most cells.
                Err(error) => {
                    let worth = |it: &ColumnsUnclear| (it.column != Column::Code, it.headers.len());
                    if unclear.as_ref().is_none_or(|best| worth(&error) > worth(best)) {
                        unclear = Some(error);
                    }
                }
            }
        }
        Err(unclear.unwrap_or(ColumnsUnclear {
            column: Column::Code,
            asked: columns.code.clone(),
            headers: Vec::new(),
        }))
    }

    fn in_line(cells: &[String], columns: &Columns) -> Result<Self, ColumnsUnclear> {
        let headers: Vec<String> = cells.iter().map(|cell| tidy(cell).to_lowercase()).collect();
        let unclear = |column| ColumnsUnclear {
            column,
            asked: columns.asked(column).cloned(),
            headers: cells.iter().map(|cell| tidy(cell)).filter(|cell| !cell.is_empty()).collect(),
        };
        let find = |column: Column| match columns.asked(column) {
            Some(asked) => {
                let wanted = tidy(asked).to_lowercase();
                let numbered = asked.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                let at = numbered.or_else(|| headers.iter().position(|it| *it == wanted));
                at.map(Some).ok_or_else(|| unclear(column))
            }
            None => Ok(column.headers().iter().find_map(|known| headers.iter().position(|it| it == known))),
        };
        let code = find(Column::Code)?.ok_or_else(|| unclear(Column::Code))?;
        let title = find(Column::Title)?;
        let title_en = find(Column::TitleEn)?.filter(|at| title != Some(*at));
        if title.or(title_en).is_none() {
            return Err(unclear(Column::Title));
        }
        let (valid_from, valid_to) = (find(Column::ValidFrom)?, find(Column::ValidTo)?);
        let only = find(Column::Only)?;
        Ok(Self { skip: 0, code, title, title_en, valid_from, valid_to, only })
    }
}

/// One line of white space and no control characters.
fn tidy(text: &str) -> String {
    let spaced: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The reason why a line is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// A quotation that is not closed, or with text after it in its cell.
    Quotation,
    /// The line has no code.
    NoCode,
    /// The code does not have the format of the system; it may be a chapter or a block.
    NotACode,
    /// No title in any language.
    NoTitle,
    /// A title over [`LONGEST_TITLE`] characters.
    TitleTooLong,
    /// A day that cannot be read.
    NotADay,
    /// A last day before the first.
    EndsBeforeItBegins,
    /// An earlier line has the same code for the same days.
    StandsAlready(u64),
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Quotation => f.write_str("a quotation is not closed, or text follows it"),
            Self::NoCode => f.write_str("there is no code"),
            Self::NotACode => f.write_str("this is not a code of the system (a chapter or a block, perhaps)"),
            Self::NoTitle => f.write_str("there is no title"),
            Self::TitleTooLong => write!(f, "the title is longer than {LONGEST_TITLE} characters"),
            Self::NotADay => f.write_str("a day cannot be read (2026-01-31, 31.01.2026 or a year is understood)"),
            Self::EndsBeforeItBegins => f.write_str("the last day comes before the first"),
            Self::StandsAlready(line) => write!(f, "the code stands on line {line} already, for the same days"),
        }
    }
}

/// A line that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedLine {
    /// The number of the line, from 1.
    pub number: u64,
    /// The content of the code's cell, trimmed and truncated.
    pub code: String,
    /// The reason of the refusal.
    pub reason: Unusable,
}

/// A code as an edition lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedCode {
    /// The number of the line, from 1.
    pub number: u64,
    /// The code, canonical.
    pub code: String,
    /// The title of the code.
    pub title: String,
    /// Its English title.
    pub title_en: Option<String>,
    /// The first day; absent where the file has none.
    pub valid_from: Option<Date>,
    /// The last day; absent where the file has none.
    pub valid_to: Option<Date>,
}

impl ListedCode {
    /// Whether there are days that both speak of.
    fn meets(&self, other: &Self) -> bool {
        let begins_in_time =
            |one: &Self, last: Option<Date>| one.valid_from.is_none_or(|first| last.is_none_or(|last| first <= last));
        begins_in_time(self, other.valid_to) && begins_in_time(other, self.valid_to)
    }
}

/// The codes that a file lists, and the refused lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedCodes {
    /// The number of non-empty lines; each is a code, refused, or of another list.
    pub rows: usize,
    /// The number of lines that were not selected.
    pub others: usize,
    /// The codes, in the file's order.
    pub codes: Vec<ListedCode>,
    /// The lines that were not taken.
    pub refused: Vec<RefusedLine>,
}

impl ListedCodes {
    /// Reads a table with its header among the first lines. Empty lines are ignored; every other line is a code or
    /// refused.
    pub fn read(system: System, lines: &[Line], columns: &Columns) -> Result<Self, ColumnsUnclear> {
        let layout = Layout::of(lines, columns)?;
        let mut listed = Self { rows: 0, others: 0, codes: Vec::new(), refused: Vec::new() };
        let mut known: BTreeMap<String, Vec<ListedCode>> = BTreeMap::new();
        for line in lines.iter().skip(layout.skip) {
            if line.cells.iter().all(|cell| tidy(cell).is_empty()) {
                continue;
            }
            listed.rows += 1;
            if let (Some(at), Some((_, wanted))) = (layout.only, &columns.only) {
                let said = line.cells.get(at).map(|cell| tidy(cell)).unwrap_or_default();
                if said.to_lowercase() != tidy(wanted).to_lowercase() {
                    listed.others += 1;
                    continue;
                }
            }
            let code = line.cells.get(layout.code).map(|cell| tidy(cell)).unwrap_or_default();
            let read = read(system, &layout, line, &code).and_then(|coded| {
                let others = known.entry(coded.code.clone()).or_default();
                if let Some(other) = others.iter().find(|other| other.meets(&coded)) {
                    return Err(Unusable::StandsAlready(other.number));
                }
                others.push(coded.clone());
                Ok(coded)
            });
            match read {
                Ok(coded) => listed.codes.push(coded),
                Err(reason) => {
                    let code = code.chars().take(40).collect();
                    listed.refused.push(RefusedLine { number: line.number, code, reason });
                }
            }
        }
        Ok(listed)
    }
}

fn read(system: System, layout: &Layout, line: &Line, code: &str) -> Result<ListedCode, Unusable> {
    let cell = |at: Option<usize>| at.and_then(|at| line.cells.get(at)).map(|cell| tidy(cell)).unwrap_or_default();
    if line.broken {
        return Err(Unusable::Quotation);
    }
    if code.is_empty() {
        return Err(Unusable::NoCode);
    }
    // ICD-10 marks causes and manifestations (dagger and asterisk); the mark is not part of the code.
    let bare = if system == System::Icd10 { code.trim_end_matches(['*', '†', '+']) } else { code };
    let code = system
        .canonical(bare)
        .filter(|code| code.len() <= System::LONGEST_CODE && !code.contains(['/', '&']))
        .ok_or(Unusable::NotACode)?;
    let (title, title_en) = (cell(layout.title), cell(layout.title_en));
    let title_en = Some(title_en).filter(|title| !title.is_empty());
    let title = if title.is_empty() { title_en.clone().ok_or(Unusable::NoTitle)? } else { title };
    if [Some(&title), title_en.as_ref()].into_iter().flatten().any(|it| it.chars().count() > LONGEST_TITLE) {
        return Err(Unusable::TitleTooLong);
    }
    let valid_from = day(&cell(layout.valid_from), false)?;
    // Files with a mandatory last day use a day in the far future.
    let valid_to = day(&cell(layout.valid_to), true)?.filter(|last| last.year() < 2900);
    if let (Some(first), Some(last)) = (valid_from, valid_to)
        && last < first
    {
        return Err(Unusable::EndsBeforeItBegins);
    }
    Ok(ListedCode { number: line.number, code, title, title_en, valid_from, valid_to })
}

/// A day as registers write it; of a year alone its first or last one.
fn day(text: &str, last: bool) -> Result<Option<Date>, Unusable> {
    if text.is_empty() {
        return Ok(None);
    }
    // A day with a time of day is that day.
    let text = text.split([' ', 'T']).next().unwrap_or(text);
    let number = |part: Option<&str>| {
        part.filter(|part| part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit()))?.parse::<i16>().ok()
    };
    let small = |part: Option<&str>| number(part).and_then(|it| i8::try_from(it).ok());
    let mut parts = text.split(['-', '.', '/']);
    let (one, two, three) = (parts.next(), parts.next(), parts.next());
    let read = if text.len() == 8 && two.is_none() && text.is_ascii() {
        let (year, rest) = text.split_at(4);
        let (month, day) = rest.split_at(2);
        (number(Some(year)), small(Some(month)), small(Some(day)))
    } else if one.is_some_and(|one| one.len() == 4) && two.is_none() {
        (number(one), Some(if last { 12 } else { 1 }), Some(if last { 31 } else { 1 }))
    } else if one.is_some_and(|one| one.len() == 4) {
        (number(one), small(two), small(three))
    } else {
        (number(three).filter(|year| *year > 1000), small(two), small(one))
    };
    let (Some(year), Some(month), Some(day), None) = (read.0, read.1, read.2, parts.next()) else {
        return Err(Unusable::NotADay);
    };
    Date::new(year, month, day).map(Some).map_err(|_| Unusable::NotADay)
}

/// An edition that is being imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Its name, such as `2026`.
    pub edition: String,
    /// The day its codes become valid, but for those that name a day of their own.
    pub valid_from: Date,
    /// Whether what it does not list is no longer valid.
    pub complete: bool,
}

impl Issue {
    /// The first day of an edition that is named after its year.
    pub fn first_day_of(edition: &str) -> Option<Date> {
        let year = edition.parse().ok().filter(|year| edition.len() == 4 && (1900..2200).contains(year))?;
        Some(date(year, 1, 1))
    }
}

/// The changes by an edition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// Codes that were not known.
    pub new: usize,
    /// Codes with another title from the edition's day on.
    pub retitled: usize,
    /// Codes that are no longer valid on the edition's day.
    pub ended: usize,
    /// Codes of which other days became known, or that are valid again.
    pub redated: usize,
    /// Codes that stay as they are.
    pub unchanged: usize,
    /// Lines without effect: they have only a last day, and their code is unknown.
    pub refused: Vec<RefusedLine>,
    /// Every changed code with all its periods; one without any is to be forgotten.
    pub changed: BTreeMap<String, Vec<Coded>>,
}

impl Import {
    /// Computes the book after an edition. Days that another edition stated are kept; the day before this edition is
    /// the last one of titles that it changes and, where it is complete and the newest, of codes that it does not
    /// list. A refused line ends no code.
    pub fn plan(book: &CodeBook, listed: &ListedCodes, issue: &Issue) -> Self {
        let older = book.editions().iter().any(|known| known.valid_from > issue.valid_from);
        let mut plan = Self::default();
        let mut by_code: BTreeMap<&str, Vec<&ListedCode>> = BTreeMap::new();
        for code in &listed.codes {
            by_code.entry(&code.code).or_default().push(code);
        }
        for (code, told) in &mut by_code {
            // Of one code the days of no two lines meet, so this is the order of time.
            told.sort_by_key(|it| it.valid_to.unwrap_or(Date::MAX));
            let before = book.find(code);
            let mut after = before.clone();
            let past = |it: &&ListedCode| it.valid_to.is_some_and(|last| last < issue.valid_from);
            let future = |it: &&ListedCode| it.valid_from.is_some_and(|first| first > issue.valid_from);
            // Only of other days than the edition's: then it says of that day that the code is not valid.
            let (gone, coming) = told.split_at(told.partition_point(|it| !future(it)));
            let ends = !older && gone.iter().all(past) && (issue.complete || coming.is_empty());
            let mut tell = |after: &mut Vec<Coded>, listed: &ListedCode| {
                let fits = if older { fill(after, listed, issue) } else { paint(after, listed, issue) };
                if !fits {
                    let (number, code) = (listed.number, listed.code.clone());
                    plan.refused.push(RefusedLine { number, code, reason: Unusable::EndsBeforeItBegins });
                }
            };
            for listed in gone {
                tell(&mut after, listed);
            }
            if ends {
                cut(&mut after, issue.valid_from);
            }
            for listed in coming {
                tell(&mut after, listed);
            }
            if !(before.is_empty() && after.is_empty()) {
                plan.count(code, &before, after, issue.valid_from);
            }
        }
        if issue.complete && !older {
            let named: BTreeSet<String> =
                listed.refused.iter().filter_map(|line| book.system().canonical(&line.code)).collect();
            let mut absent: BTreeMap<String, Vec<Coded>> = BTreeMap::new();
            for coded in book.iter().filter(|it| !by_code.contains_key(it.code.as_str()) && !named.contains(&it.code)) {
                absent.entry(coded.code.clone()).or_default().push(coded);
            }
            for (code, before) in absent {
                let mut after = before.clone();
                cut(&mut after, issue.valid_from);
                if after != before {
                    plan.count(&code, &before, after, issue.valid_from);
                }
            }
        }
        plan
    }

    fn count(&mut self, code: &str, before: &[Coded], after: Vec<Coded>, day: Date) {
        let title = |periods: &[Coded]| periods.iter().find(|it| it.is_valid_on(day)).map(|it| it.title.clone());
        let counted = match (title(before), title(&after)) {
            _ if before == after => &mut self.unchanged,
            _ if before.is_empty() => &mut self.new,
            (Some(_), None) => &mut self.ended,
            (Some(old), Some(new)) if old != new => &mut self.retitled,
            _ => &mut self.redated,
        };
        *counted += 1;
        if before != after {
            self.changed.insert(code.to_owned(), after);
        }
    }
}

fn day_before(day: Date) -> Date {
    day.yesterday().unwrap_or(day)
}

fn period(listed: &ListedCode, from: Date, to: Option<Date>, edition: &str) -> Coded {
    Coded {
        code: listed.code.clone(),
        title: listed.title.clone(),
        title_en: listed.title_en.clone(),
        valid_from: from,
        valid_to: to,
        edition: edition.to_owned(),
    }
}

/// The earlier of two last days, where there is one.
fn earlier(one: Option<Date>, other: Option<Date>) -> Option<Date> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Ends whatever is valid on the day, the day before.
fn cut(periods: &mut Vec<Coded>, day: Date) {
    periods.retain_mut(|it| {
        if it.is_valid_on(day) {
            it.valid_to = Some(day_before(day));
        }
        it.valid_to.is_none_or(|last| it.valid_from <= last)
    });
}

/// Applies a line of an edition that is older than a known one: it adds days that no edition stated, and changes
/// nothing. Returns whether the line is consistent.
fn fill(periods: &mut Vec<Coded>, listed: &ListedCode, issue: &Issue) -> bool {
    let from = listed.valid_from.unwrap_or(issue.valid_from);
    if periods.iter().any(|it| it.is_valid_on(from)) {
        return true;
    }
    if listed.valid_to.is_some_and(|last| last < from) {
        return !periods.is_empty();
    }
    let next = periods.iter().map(|it| it.valid_from).filter(|first| *first > from).min();
    periods.push(period(listed, from, earlier(listed.valid_to, next.map(day_before)), &issue.edition));
    periods.sort_by_key(|it| it.valid_from);
    true
}

/// Applies a line of the newest edition: it applies to the days that it states. Without a first day, a code is valid
/// as listed from the edition's day on, and unchanged before. Returns whether the line is consistent.
fn paint(periods: &mut Vec<Coded>, listed: &ListedCode, issue: &Issue) -> bool {
    let mut from = listed.valid_from.unwrap_or(issue.valid_from);
    if let (None, Some(last)) = (listed.valid_from, listed.valid_to)
        && last < from
    {
        for it in periods.iter_mut().filter(|it| it.valid_from <= last && it.valid_to.is_none_or(|to| to > last)) {
            it.valid_to = Some(last);
        }
        return !periods.is_empty();
    }
    // Periods that begin after the edition come from an edition with later dates.
    let next = periods.iter().map(|it| it.valid_from).filter(|first| *first > from.max(issue.valid_from)).min();
    let mut to = listed.valid_to.or(next.map(day_before));
    let mut edition = issue.edition.clone();
    let mut title_en = listed.title_en.clone();
    // The same title before, or on the same days: one period. Dates that are missing in the file are kept.
    let same = periods.iter().find(|it| {
        it.title == listed.title && it.valid_from <= to.unwrap_or(Date::MAX) && it.valid_to.is_none_or(|it| it >= from)
    });
    if let Some(same) = same {
        if same.valid_from <= from {
            edition.clone_from(&same.edition);
        }
        from = from.min(same.valid_from);
        if listed.valid_from.is_none() && listed.valid_to.is_none() {
            to = same.valid_to;
        }
        title_en = title_en.or_else(|| same.title_en.clone());
    } else if listed.valid_from.is_none()
        && listed.valid_to.is_none()
        && let Some(covering) = periods.iter().find(|it| it.is_valid_on(from))
    {
        to = earlier(to, covering.valid_to);
    }
    let mut kept = Vec::with_capacity(periods.len() + 2);
    for old in periods.drain(..) {
        let overlaps = old.valid_to.is_none_or(|last| from <= last) && to.is_none_or(|last| old.valid_from <= last);
        if !overlaps {
            kept.push(old);
            continue;
        }
        if old.valid_from < from {
            kept.push(Coded { valid_to: Some(day_before(from)), ..old.clone() });
        }
        if let Some(last) = to
            && old.title != listed.title
            && old.valid_to.is_none_or(|old| old > last)
        {
            kept.push(Coded { valid_from: last.tomorrow().unwrap_or(last), ..old });
        }
    }
    kept.push(Coded { title_en, ..period(listed, from, to, &edition) });
    kept.sort_by_key(|it| it.valid_from);
    *periods = kept;
    true
}
