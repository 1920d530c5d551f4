//! The examination of an entry: faults refuse it, remarks point out what is unusual.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::Remark;
use crate::code::{Checked, CodeBooks, System};
use crate::code_list::{CodeLists, List};
use crate::fault::{Fault, FaultCode};

/// The examination of an entry: it collects the findings of [`Entry::examine`](super::Entry::examine) and gives access to what the rules
/// read.
pub struct Examination<'a> {
    today: Date,
    born: Date,
    died: Option<Date>,
    codes: &'a CodeBooks,
    lists: &'a CodeLists,
    faults: Vec<Fault>,
    remarks: Vec<Remark>,
}

impl<'a> Examination<'a> {
    /// Creates an examination of an entry about a patient who lived from `born` until `died`, on the day `today`.
    pub const fn new(today: Date, born: Date, died: Option<Date>, codes: &'a CodeBooks, lists: &'a CodeLists) -> Self {
        Self { today, born, died, codes, lists, faults: Vec::new(), remarks: Vec::new() }
    }

    /// Returns the remarks, or the faults where there are any.
    pub fn finish(mut self) -> Result<Vec<Remark>, Vec<Fault>> {
        if self.faults.is_empty() {
            return Ok(self.remarks);
        }
        self.faults.sort();
        self.faults.dedup();
        Err(self.faults)
    }

    /// The current day.
    pub const fn today(&self) -> Date {
        self.today
    }

    /// The day the patient was born.
    pub const fn born(&self) -> Date {
        self.born
    }

    /// The registry's code lists and projects.
    pub const fn lists(&self) -> &'a CodeLists {
        self.lists
    }

    /// Adds a fault at a member.
    pub fn fault(&mut self, member: &str, code: FaultCode) {
        self.faults.push(Fault::at(member, code));
    }

    /// Faults found elsewhere.
    pub fn faults(&mut self, found: impl IntoIterator<Item = Fault>) {
        self.faults.extend(found);
    }

    /// Adds a remark, once.
    pub fn remark(&mut self, remark: Remark) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    /// Checks a day on which the patient was present: not before birth, after death or in the future.
    pub fn day(&mut self, member: &str, day: Date) {
        if day < self.born {
            self.fault(member, FaultCode::BeforeBirth);
        } else if self.died.is_some_and(|died| day > died) {
            self.fault(member, FaultCode::AfterDeath);
        } else if day > self.today {
            self.fault(member, FaultCode::InFuture);
        }
    }

    /// Checks as [`Examination::day`] an optional day that must not be before `start`.
    pub fn day_from(&mut self, member: &str, day: Option<Date>, start: Date) {
        let Some(day) = day else { return };
        if day < start {
            self.fault(member, FaultCode::WrongOrder);
        } else {
            self.day(member, day);
        }
    }

    /// Checks as [`Examination::day`] a day that may be after death: of documents, and of explanting devices.
    pub fn past_day(&mut self, member: &str, day: Date) {
        if day < self.born {
            self.fault(member, FaultCode::BeforeBirth);
        } else if day > self.today {
            self.fault(member, FaultCode::InFuture);
        }
    }

    /// Checks as [`Examination::past_day`] an optional day that must not be before `start`.
    pub fn past_day_from(&mut self, member: &str, day: Option<Date>, start: Date) {
        let Some(day) = day else { return };
        if day < start {
            self.fault(member, FaultCode::WrongOrder);
        } else {
            self.past_day(member, day);
        }
    }

    /// Such a day may be in the future, and after an unexpected death.
    pub fn end_from(&mut self, member: &str, day: Option<Date>, start: Date) {
        if day.is_some_and(|day| day < start) {
            self.fault(member, FaultCode::WrongOrder);
        }
    }

    /// Text that is neither empty nor longer than `most` characters.
    pub fn text(&mut self, member: &str, text: Option<&str>, most: usize) {
        let Some(text) = text else { return };
        if text.trim().is_empty() {
            self.fault(member, FaultCode::InvalidFormat);
        } else if text.chars().count() > most {
            self.fault(member, FaultCode::TooLong);
        }
    }

    /// Checks a text that is searched for, such as a serial number: as [`Examination::text`], on one line, without
    /// leading and trailing white space.
    pub fn label(&mut self, member: &str, label: Option<&str>, most: usize) {
        let Some(text) = label else { return };
        if text.chars().any(char::is_control) {
            self.fault(member, FaultCode::ForbiddenCharacter);
        } else if text.trim() != text {
            self.fault(member, FaultCode::InvalidFormat);
        } else {
            self.text(member, label, most);
        }
    }

    /// A code of one of the registry's own lists, in force on that day.
    pub fn listed(&mut self, member: &str, list: List, code: Option<&str>, on: Date) {
        let Some(code) = code else { return };
        if let Err(fault) = self.lists.check(list, code, on) {
            self.faults.push(fault.at(member));
        }
    }

    /// A code of an official system, valid on that day.
    pub fn coded(&mut self, member: &str, system: System, code: &str, on: Date) -> Option<Checked> {
        match self.codes.check(system, code, on) {
            Ok(checked) => Some(checked),
            Err(refusal) => {
                self.faults.push(refusal.at(format!("/{member}")));
                None
            }
        }
    }

    /// A whole number within its range.
    pub fn whole(&mut self, member: &str, value: Option<i32>, range: std::ops::RangeInclusive<i32>) {
        if value.is_some_and(|value| !range.contains(&value)) {
            self.fault(member, FaultCode::OutOfRange);
        }
    }

    /// A quantity within its range, with at most six decimals.
    pub fn quantity(&mut self, member: &str, value: Option<Decimal>, range: std::ops::RangeInclusive<Decimal>) {
        let Some(value) = value else { return };
        if !range.contains(&value) {
            self.fault(member, FaultCode::OutOfRange);
        } else if value.normalize().scale() > 6 {
            self.fault(member, FaultCode::InvalidFormat);
        }
    }

    /// Two members that go together or not at all; what lacks is named.
    pub fn together(&mut self, (one, has_one): (&str, bool), (other, has_other): (&str, bool)) {
        if has_one && !has_other {
            self.fault(other, FaultCode::Required);
        } else if has_other && !has_one {
            self.fault(one, FaultCode::Required);
        }
    }

    /// Checks the length of a list; returns its items up to the maximum, so that the others are not examined.
    pub fn many<'t, T>(&mut self, member: &str, items: &'t [T], range: std::ops::RangeInclusive<usize>) -> &'t [T] {
        if items.len() > *range.end() {
            self.fault(member, FaultCode::TooLong);
        } else if items.len() < *range.start() {
            self.fault(member, FaultCode::Required);
        }
        items.get(..*range.end()).unwrap_or(items)
    }
}
