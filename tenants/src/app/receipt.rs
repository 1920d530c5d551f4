//! Signed receipts (kvitteringer): the sender of a delivery can prove that it arrived here, unchanged, and when. A
//! compact JWS (RFC 7515) signed with Ed25519 (RFC 8037) under the registry's own key; it names no patient.

use painreg_domain::ids::{QuarantineId, SubmissionId};
use serde::Serialize;

use crate::crypt::hex;
use crate::store::submissions::Source;
use crate::tx::Tx;

/// Where a delivery is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Stored, as this revision of the source's submission.
    Stored(SubmissionId, i32),
    /// Kept until it can be placed.
    Quarantined(QuarantineId),
}

/// What a receipt states.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'static str,
    tenant: &'a str,
    /// When the receipt was given, in seconds since 1970.
    iat: i64,
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Named<'a>>,
    payload_sha256: String,
}

#[derive(Serialize)]
struct Named<'a> {
    system: &'a str,
    form_id: &'a str,
    submission_id: &'a str,
}

impl<'a> From<&'a Source> for Named<'a> {
    fn from(Source { system, form_id, submission_id }: &'a Source) -> Self {
        Self { system, form_id, submission_id }
    }
}

impl Tx<'_> {
    /// A receipt for what was delivered, given now.
    pub fn receipt(&self, kept: Kept, source: Option<&Source>, payload_hash: &[u8; 32]) -> String {
        let (sub, revision) = match kept {
            Kept::Stored(id, revision) => (format!("submissions/{id}"), Some(revision)),
            Kept::Quarantined(id) => (format!("quarantine/{id}"), None),
        };
        self.place().keys.receipts.sign(&Claims {
            iss: "painreg",
            tenant: self.slug(),
            iat: self.now().as_second(),
            sub,
            revision,
            source: source.map(Named::from),
            payload_sha256: hex(payload_hash),
        })
    }

    /// The key that receipts of this registry are checked with: its id and its 32 bytes in base64url, as a JWK (RFC 7517)
    /// has them.
    pub fn receipt_key(&self) -> (String, String) {
        self.place().keys.receipts.public_key()
    }
}
