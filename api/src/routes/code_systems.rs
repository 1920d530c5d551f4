//! Code systems (kodeverk): what codes there are and when they are valid. Shared by every registry; no patient.

pub mod list;
pub mod read;
pub mod search;

use jiff::Timestamp;
use jiff::civil::Date;
use painreg_domain::code::{CodeBook, Coded, Edition, System};
use serde::Serialize;

/// A code system as it has been loaded here.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CodeSystem)]
pub struct CodeSystemView {
    /// Which one.
    system: System,
    /// Its name.
    #[schema(max_length = 20, example = "ICD-10")]
    name: &'static str,
    /// How many codes are valid today; 0 where nothing has been loaded.
    #[schema(minimum = 0, maximum = 1_000_000)]
    valid_codes: usize,
    /// When an edition was imported last.
    imported_at: Option<Timestamp>,
    /// The editions, by the day they became valid.
    #[schema(max_items = 1000)]
    editions: Vec<EditionView>,
}

/// An imported edition.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CodeSystemEdition)]
pub struct EditionView {
    /// Its name; `demonstration`: codes that are no official codes.
    #[schema(max_length = 40, example = "2026")]
    edition: String,
    /// The day it became valid.
    valid_from: Date,
    /// How many codes it listed.
    #[schema(minimum = 0, maximum = 1_000_000)]
    codes: u64,
    /// When it was imported last.
    imported_at: Timestamp,
}

/// A code with its title, as long as both are valid.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Code)]
pub struct CodeView {
    /// The code.
    #[schema(max_length = 16, example = "M79.7")]
    code: String,
    /// What it stands for: in Norwegian or, lacking that, in English.
    #[schema(max_length = 500)]
    title: String,
    /// What it stands for in English, where that is known.
    #[schema(max_length = 500)]
    title_en: Option<String>,
    /// The first day.
    valid_from: Date,
    /// The last day; null while it is valid.
    valid_to: Option<Date>,
    /// The edition that brought it.
    #[schema(max_length = 40, example = "2026")]
    edition: String,
}

impl CodeSystemView {
    fn of(book: &CodeBook, today: Date) -> Self {
        Self {
            system: book.system(),
            name: book.system().title(),
            valid_codes: book.count_valid(today),
            imported_at: book.editions().iter().map(|edition| edition.imported_at).max(),
            editions: book.editions().iter().cloned().map(EditionView::from).collect(),
        }
    }
}

impl From<Edition> for EditionView {
    fn from(it: Edition) -> Self {
        Self { edition: it.edition, valid_from: it.valid_from, codes: it.codes, imported_at: it.imported_at }
    }
}

impl From<Coded> for CodeView {
    fn from(it: Coded) -> Self {
        Self {
            code: it.code,
            title: it.title,
            title_en: it.title_en,
            valid_from: it.valid_from,
            valid_to: it.valid_to,
            edition: it.edition,
        }
    }
}
