//! Code systems (kodeverk): codes with their periods of validity. Shared by all registries; no patient data.

pub mod list;
pub mod read;
pub mod search;

use jiff::Timestamp;
use jiff::civil::Date;
use painreg_domain::code::{CodeBook, Coded, Edition, System};
use serde::Serialize;

/// A code system, with the state of its import.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CodeSystem)]
pub struct CodeSystemView {
    /// The identifier of the code system.
    system: System,
    /// The name of the code system.
    #[schema(max_length = 20, example = "ICD-10")]
    name: &'static str,
    /// The number of codes that are valid today; 0 where no edition has been imported.
    #[schema(minimum = 0, maximum = 1_000_000)]
    valid_codes: usize,
    /// The time of the last import; null where no edition has been imported.
    imported_at: Option<Timestamp>,
    /// The editions, ordered by their first day of validity.
    #[schema(max_items = 1000)]
    editions: Vec<EditionView>,
}

/// An imported edition of the code system.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CodeSystemEdition)]
pub struct EditionView {
    /// The name of the edition; `demonstration`: the codes are not official.
    #[schema(max_length = 40, example = "2026")]
    edition: String,
    /// The first day of validity of the edition.
    valid_from: Date,
    /// The number of codes in the edition.
    #[schema(minimum = 0, maximum = 1_000_000)]
    codes: u64,
    /// The time of the last import of the edition.
    imported_at: Timestamp,
}

/// A code with its title, for the period in which both are valid.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Code)]
pub struct CodeView {
    /// The code, as the code system writes it.
    #[schema(max_length = 16, example = "M79.7")]
    code: String,
    /// The title of the code: in Norwegian or, if there is none, in English.
    #[schema(max_length = 500)]
    title: String,
    /// The title in English; null where there is none.
    #[schema(max_length = 500)]
    title_en: Option<String>,
    /// The first day of validity.
    valid_from: Date,
    /// The last day of validity; null while the code is valid.
    valid_to: Option<Date>,
    /// The edition that introduced it.
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
