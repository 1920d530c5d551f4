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
    /// What it says.
    texts: Wording,
    /// When it was loaded.
    loaded_at: Timestamp,
    /// Who loaded it, as the access log shows them.
    #[schema(max_length = 255)]
    loaded_by: String,
    /// Counts changes; also the ETag.
    #[schema(minimum = 1)]
    version: i64,
}

/// That there is a wording of an instrument in one language, without what it says.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ListedItemTexts {
    /// The language (BCP 47).
    #[schema(max_length = 12, example = "nb")]
    language: String,
    /// The name of the licence holder's file that it was taken from.
    #[schema(max_length = 200)]
    source: String,
    /// Why it is not shown today: `licence_missing`, `licence_expired`, `licence_not_yet_valid` or
    /// `licence_of_another_language`; null where it is shown.
    refused: Option<FaultCode>,
    /// When it was loaded.
    loaded_at: Timestamp,
    /// Who loaded it, as the access log shows them.
    #[schema(max_length = 255)]
    loaded_by: String,
    /// Counts changes.
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
