//! The catalogue of instruments and scoring without storing. No item text: that is licensed.

pub mod list;
pub mod read;
pub mod score;

use painreg_domain::instrument::Instrument;
use serde::Serialize;

/// One instrument of the catalogue.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Instrument)]
pub struct InstrumentView {
    /// Its code.
    #[schema(max_length = 40, example = "isi")]
    code: &'static str,
    /// Its name.
    #[schema(max_length = 200)]
    name: &'static str,
    /// The edition of the questionnaire.
    #[schema(max_length = 100)]
    version: &'static str,
    /// The scoring algorithm and its version.
    #[schema(max_length = 40, example = "isi/1")]
    algorithm: &'static str,
    /// Where the scoring was published.
    #[schema(max_length = 2000)]
    source: &'static str,
    /// The items, in the order of the form.
    #[schema(max_items = 200)]
    items: Vec<ItemView>,
}

/// One item: a whole number within its range.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentItem)]
pub struct ItemView {
    /// Its code.
    #[schema(max_length = 40, example = "isi_01")]
    code: &'static str,
    /// Smallest answer.
    #[schema(minimum = -1000, maximum = 1000)]
    min: i32,
    /// Largest answer.
    #[schema(minimum = -1000, maximum = 1000)]
    max: i32,
}

impl From<&'static Instrument> for InstrumentView {
    fn from(it: &'static Instrument) -> Self {
        Self {
            code: it.code(),
            name: it.name(),
            version: it.version(),
            algorithm: it.algorithm(),
            source: it.source(),
            items: it
                .items()
                .iter()
                .map(|item| ItemView { code: item.code(), min: item.min(), max: item.max() })
                .collect(),
        }
    }
}
