//! Delimited text (RFC 4180): where its records begin and end, and their cells. It must not know the meaning of a cell.
//!
//! - A record ends at a line feed, a carriage return, or both together, outside of a quotation.
//! - A quotation mark opens a quotation at the beginning of a cell only, whatever the delimiter; elsewhere it is text.
//! - A quotation ends with its cell. A record with a quotation that is not closed, or with text after it, is broken: it
//!   ends with its first line, so that the records after it are read.
//! - A byte order mark and a first line `sep=;`, as spreadsheets write them, belong to no record; records without any text
//!   are passed over, and so are columns at the end without a name.

use std::io::{self, Read};

use csv::ByteRecord;
use zeroize::Zeroizing;

use crate::encoding::UTF_8_MARK;

/// The delimiters of files that name none, the preferred first.
const DELIMITERS: [u8; 3] = [b';', b'\t', b','];
/// The number of bytes that are read at once.
const PIECE: usize = 64 * 1024;

/// A record at the beginning of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The number of its bytes.
    pub text: usize,
    /// The number of its bytes with the line break at its end.
    pub whole: usize,
    /// The number of lines that it consists of.
    pub lines: usize,
    /// The position of the cell whose quotation is broken, from 0.
    pub broken_at: Option<usize>,
}

/// A search for the end of a record, which continues when more of the text has arrived.
#[derive(Clone, Debug)]
pub struct Scanner {
    delimiter: u8,
    state: State,
    at: usize,
    cell: usize,
    lines: usize,
    /// The record that ends with the first line, where a quotation began on it and goes on.
    first_line: Option<Cut>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    CellBegins,
    Plain,
    Quoted,
    /// After a quotation mark in a quotation: its end, or the first of two.
    Closing,
    /// After text behind a quotation, to the end of the line.
    Broken(usize),
}

impl Scanner {
    /// Creates a search in a text with this delimiter.
    pub const fn new(delimiter: u8) -> Self {
        Self { delimiter, state: State::CellBegins, at: 0, cell: 0, lines: 1, first_line: None }
    }

    /// Returns the delimiter.
    pub const fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Returns the record at the beginning of a text; `None` where it has not ended and the text may go on, and at the
    /// end. Until a record is returned, the same text must be given again, with more at its end.
    pub fn find(&mut self, text: &[u8], ended: bool) -> Option<Cut> {
        let cut = self.scan(text, ended)?;
        *self = Self::new(self.delimiter);
        Some(cut)
    }

    fn scan(&mut self, text: &[u8], ended: bool) -> Option<Cut> {
        while let Some((byte, rest)) = text.get(self.at..).and_then(<[u8]>::split_first) {
            let line_break = match byte {
                b'\r' if rest.first() == Some(&b'\n') => 2,
                b'\r' if rest.is_empty() && !ended => return None,
                b'\n' | b'\r' => 1,
                _ => 0,
            };
            if line_break > 0 {
                let cut = Cut { text: self.at, whole: self.at + line_break, lines: self.lines, broken_at: None };
                match self.state {
                    State::Quoted => {
                        self.first_line.get_or_insert(Cut { broken_at: Some(self.cell), ..cut });
                        self.lines += 1;
                    }
                    State::Broken(cell) => return Some(Cut { broken_at: Some(cell), ..cut }),
                    _ => return Some(cut),
                }
                self.at += line_break;
                continue;
            }
            let delimits = *byte == self.delimiter;
            self.state = match (self.state, byte) {
                (State::CellBegins | State::Closing, b'"') => State::Quoted,
                (State::Quoted, b'"') => State::Closing,
                (State::CellBegins | State::Plain | State::Closing, _) if delimits => {
                    self.cell += 1;
                    State::CellBegins
                }
                (State::CellBegins | State::Plain, _) => State::Plain,
                (State::Closing, _) => match self.first_line {
                    Some(first_line) => return Some(first_line),
                    None => State::Broken(self.cell),
                },
                (State::Quoted | State::Broken(_), _) => self.state,
            };
            self.at += 1;
        }
        if !ended || text.is_empty() {
            return None;
        }
        let broken_at = match self.state {
            State::Quoted => Some(self.cell),
            State::Broken(cell) => Some(cell),
            _ => None,
        };
        let rest = Cut { text: self.at, whole: self.at, lines: self.lines, broken_at };
        Some(self.first_line.filter(|_| broken_at.is_some()).unwrap_or(rest))
    }
}

/// The lines before the header, and the delimiter that the header has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of bytes before the header.
    pub skipped: usize,
    /// The number of lines before the header.
    pub lines: usize,
    /// The delimiter that occurs most in the header: a semicolon, a tab or a comma.
    pub delimiter: u8,
}

/// Returns the head of a text; `None` where its header has not arrived.
pub fn head(text: &[u8], ended: bool) -> Option<Head> {
    let mut skipped = if text.starts_with(UTF_8_MARK) { UTF_8_MARK.len() } else { 0 };
    let mut lines = 0;
    loop {
        let rest = text.get(skipped..).unwrap_or_default();
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        if end.is_none() && !ended {
            return None;
        }
        let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if let Some(end) = end.filter(|_| line.trim_ascii().is_empty() || names_delimiter(line)) {
            let both = rest.get(end..).is_some_and(|it| it.starts_with(b"\r\n"));
            if rest.get(end..).is_some_and(|it| it == b"\r") && !ended {
                return None;
            }
            skipped += end + 1 + usize::from(both);
            lines += 1;
            continue;
        }
        let occurs = |delimiter: &u8| line.split(|byte| byte == delimiter).count();
        // Of equals the last one is the maximum.
        let delimiter = DELIMITERS.into_iter().rev().max_by_key(occurs).unwrap_or(b';');
        return Some(Head { skipped, lines, delimiter });
    }
}

/// Returns whether a line is `sep=;`, by which spreadsheets name the delimiter. The header shows it too.
fn names_delimiter(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\"")).unwrap_or(line);
    line.len() == 5 && line.get(..4).is_some_and(|it| it.eq_ignore_ascii_case(b"sep="))
}

/// Returns whether a record has no text in any cell.
pub fn is_blank(delimiter: u8, record: &[u8]) -> bool {
    record.iter().all(|byte| *byte == delimiter || *byte == b'"' || byte.is_ascii_whitespace())
}

/// Returns the cells of a record, without quotation marks.
pub fn cells(delimiter: u8, record: &[u8]) -> ByteRecord {
    let mut cells = ByteRecord::new();
    let mut reader = csv::ReaderBuilder::new();
    reader.delimiter(delimiter).has_headers(false).flexible(true);
    // Reading from memory fails neither for its bytes nor for the number of cells.
    let _ = reader.from_reader(record).read_byte_record(&mut cells);
    cells
}

/// Returns the cells of a header, without empty ones at its end: spreadsheets end every line with the delimiters of columns
/// that were once used.
pub fn header_cells(delimiter: u8, header: &[u8]) -> ByteRecord {
    let mut names = cells(delimiter, header);
    let last = names.iter().rposition(|name| !name.trim_ascii().is_empty());
    names.truncate(last.map_or(0, |at| at + 1));
    names
}

/// Returns the number of lines of a record.
pub fn lines(record: &[u8]) -> usize {
    let returns = record.iter().zip(record.iter().skip(1).map(Some).chain([None]));
    let alone = returns.filter(|(byte, next)| **byte == b'\r' && *next != Some(&b'\n')).count();
    record.split(|byte| *byte == b'\n').count() + alone
}

/// A record of a stream.
pub struct Record {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Its bytes, without the line break at its end; wiped when dropped.
    pub text: Zeroizing<Vec<u8>>,
    /// The position of the cell whose quotation is broken, from 0.
    pub broken_at: Option<usize>,
    /// Whether it is longer than permitted; its bytes are cut off.
    pub too_long: bool,
}

/// The records of a stream that have text, the header first. Its buffer is wiped when dropped.
pub struct Records<R> {
    input: R,
    scanner: Scanner,
    most: usize,
    buffer: Zeroizing<Vec<u8>>,
    start: usize,
    ended: bool,
    line: u64,
}

impl<R: Read> Records<R> {
    /// Begins to read records of at most so many bytes; a delimiter that is not given is found in the header.
    pub fn open(input: R, delimiter: Option<u8>, most: usize) -> io::Result<Self> {
        let mut records = Self {
            input,
            scanner: Scanner::new(b';'),
            most,
            buffer: Zeroizing::new(Vec::new()),
            start: 0,
            ended: false,
            line: 1,
        };
        loop {
            let full = records.buffer.len() > most;
            if let Some(head) = head(&records.buffer, records.ended || full) {
                records.scanner = Scanner::new(delimiter.unwrap_or(head.delimiter));
                records.start = head.skipped;
                records.pass_lines(head.lines);
                return Ok(records);
            }
            records.fill()?;
        }
    }

    /// Returns the delimiter.
    pub const fn delimiter(&self) -> u8 {
        self.scanner.delimiter()
    }

    /// Returns the line that is read next, from 1.
    pub const fn line(&self) -> u64 {
        self.line
    }

    fn pass_lines(&mut self, lines: usize) {
        self.line += u64::try_from(lines).unwrap_or_default();
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let length = self.buffer.len();
        grow(&mut self.buffer, PIECE);
        self.buffer.resize(length + PIECE, 0);
        let read = self.input.read(self.buffer.get_mut(length..).unwrap_or_default());
        let more = *read.as_ref().unwrap_or(&0);
        self.buffer.truncate(length + more);
        match read {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
            Ok(more) => {
                self.ended = more == 0;
                Ok(())
            }
        }
    }

    /// Returns the next record, with text or without.
    fn record(&mut self) -> io::Result<Option<Record>> {
        loop {
            let rest = self.buffer.get(self.start..).unwrap_or_default();
            let full = rest.len() > self.most;
            let seen = rest.get(..self.most.saturating_add(1)).unwrap_or(rest);
            if let Some(cut) = self.scanner.find(seen, self.ended || full) {
                let too_long = full && cut.whole > self.most;
                let text = seen.get(..cut.text.min(self.most)).unwrap_or_default();
                let record = Record {
                    line: self.line,
                    text: Zeroizing::new(text.to_vec()),
                    broken_at: cut.broken_at.filter(|_| !too_long),
                    too_long,
                };
                self.start += cut.whole;
                self.pass_lines(cut.lines);
                if too_long && cut.whole == cut.text {
                    self.skip_line()?;
                }
                return Ok(Some(record));
            }
            if self.ended {
                return Ok(None);
            }
            self.fill()?;
        }
    }

    /// Passes over the rest of a line.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let rest = self.buffer.get(self.start..).unwrap_or_default();
            if let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
                self.start += end + 1;
                return Ok(());
            }
            self.start = self.buffer.len();
            if self.ended {
                return Ok(());
            }
            self.fill()?;
        }
    }
}

impl<R: Read> Iterator for Records<R> {
    type Item = io::Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let record = self.record().transpose()?;
            let blank = |it: &Record| it.broken_at.is_none() && is_blank(self.delimiter(), &it.text);
            if !record.as_ref().is_ok_and(blank) {
                if record.is_err() {
                    (self.ended, self.start) = (true, self.buffer.len());
                }
                return Some(record);
            }
        }
    }
}

/// Reserves room without leaving a copy in memory: an allocation that is too small is wiped.
pub fn grow(text: &mut Zeroizing<Vec<u8>>, more: usize) {
    if text.capacity() - text.len() < more {
        let mut larger = Zeroizing::new(Vec::with_capacity((text.len() + more).next_power_of_two()));
        larger.extend_from_slice(text);
        std::mem::swap(text, &mut larger);
    }
}

#[cfg(test)]
mod tests;
