//! The codes that the program brings along: what pain registries use most, to start with until the official editions
//! are imported. Procedures are demonstration codes of the right form, and say so.

use jiff::Timestamp;
use jiff::civil::{Date, date};

use super::edition::{Columns, Import, Issue, ListedCodes, lines_of_text};
use super::{CodeBook, Edition, System};

/// The edition of official codes with titles by WHO.
pub const BUILT_IN: &str = "built-in";
/// The edition of codes that are no official codes.
pub const DEMONSTRATION: &str = "demonstration";

/// One system's codes that the program brings along.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// The code system of the file.
    pub system: System,
    /// `built-in` or `demonstration`.
    pub edition: &'static str,
    /// The day its codes become valid, but for those that name a day of their own.
    pub valid_from: Date,
    /// The file: UTF-8, semicolons.
    pub text: &'static str,
}

/// Everything that is shipped. Of NCRP there is nothing.
pub fn shipped() -> Vec<Shipped> {
    [
        (System::Icd10, BUILT_IN, date(1999, 1, 1), include_str!("builtin/icd10.csv")),
        (System::Icd11, BUILT_IN, date(2022, 1, 1), include_str!("builtin/icd11.csv")),
        (System::Ncsp, DEMONSTRATION, date(2015, 1, 1), include_str!("builtin/ncsp.csv")),
        (System::Ncmp, DEMONSTRATION, date(2015, 1, 1), include_str!("builtin/ncmp.csv")),
        (System::Atc, BUILT_IN, date(2015, 1, 1), include_str!("builtin/atc.csv")),
    ]
    .map(|(system, edition, valid_from, text)| Shipped { system, edition, valid_from, text })
    .into()
}

impl Shipped {
    /// The file, read.
    pub fn listed(&self) -> ListedCodes {
        let lines = lines_of_text(self.text.as_bytes()).unwrap_or_default();
        let nothing = ListedCodes { rows: 0, others: 0, codes: Vec::new(), refused: Vec::new() };
        ListedCodes::read(self.system, &lines, &Columns::default()).unwrap_or(nothing)
    }

    /// Returns how the codes are imported.
    pub fn issue(&self) -> Issue {
        Issue { edition: self.edition.to_owned(), valid_from: self.valid_from, complete: false }
    }

    /// A book of these codes alone.
    pub fn book(&self) -> CodeBook {
        let empty = CodeBook::new(self.system, Vec::new(), Vec::new());
        let listed = self.listed();
        let import = Import::plan(&empty, &listed, &self.issue());
        let edition = Edition {
            edition: self.edition.to_owned(),
            valid_from: self.valid_from,
            imported_at: Timestamp::UNIX_EPOCH,
            codes: u64::try_from(listed.codes.len()).unwrap_or(u64::MAX),
        };
        CodeBook::new(self.system, import.changed.into_values().flatten().collect(), vec![edition])
    }
}
