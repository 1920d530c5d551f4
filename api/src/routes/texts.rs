//! The wording of instruments: loaded by the registry from the licence holder's file, shown while a licence covers it.

pub mod list;
pub mod load;
pub mod read;

use jiff::Timestamp;
use painreg_domain::fault::FaultCode;
use painreg_domain::instrument::{Catalogue, Instrument};
use painreg_domain::licence::{LicenceStatus, Wording};
use painreg_tenants::store::licences::KeptWording;
use serde::Serialize;

use crate::problem::{Code, Problem};

/// The wording of an instrument in one language.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = LoadedItemTexts)]
pub struct WordingView {
    /// The language (BCP 47).
    #[schema(max_length = 12, example = "nb")]
    language: String,
    /// The wording of the items.
    texts: Wording,
    /// The time of loading.
    loaded_at: Timestamp,
    /// The actor who loaded it, as in the access log.
    #[schema(max_length = 255)]
    loaded_by: String,
    /// Counts changes; also the ETag.
    #[schema(minimum = 1)]
    version: i64,
}

/// A wording of an instrument in one language, without its texts.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ListedItemTexts {
    /// The language (BCP 47).
    #[schema(max_length = 12, example = "nb")]
    language: String,
    /// The name of the licence holder's file with the wording.
    #[schema(max_length = 200)]
    source: String,
    /// The reason for not showing it today: `licence_missing`, `licence_expired`, `licence_not_yet_valid` or
    /// `licence_of_another_language`; null for a wording that may be shown.
    refused: Option<FaultCode>,
    /// The time of loading.
    loaded_at: Timestamp,
    /// The actor who loaded it, as in the access log.
    #[schema(max_length = 255)]
    loaded_by: String,
    /// Counts changes; also the ETag.
    #[schema(minimum = 1)]
    version: i64,
}

impl From<KeptWording> for WordingView {
    fn from(it: KeptWording) -> Self {
        Self {
            language: it.language,
            texts: it.wording,
            loaded_at: it.loaded_at,
            loaded_by: it.loaded_by,
            version: it.version,
        }
    }
}

impl From<(KeptWording, LicenceStatus)> for ListedItemTexts {
    fn from((it, status): (KeptWording, LicenceStatus)) -> Self {
        Self {
            language: it.language,
            source: it.wording.source,
            refused: status.refusal(),
            loaded_at: it.loaded_at,
            loaded_by: it.loaded_by,
            version: it.version,
        }
    }
}

/// The instrument of this code.
fn instrument(code: &str) -> Result<&'static Instrument, Problem> {
    Catalogue::shipped().find(code).ok_or_else(|| Code::NotFound.into())
}
