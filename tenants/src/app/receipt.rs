//! Signed receipts (kvitteringer), with which the sender of a delivery can prove that it arrived unchanged, and when. A
//! receipt is a compact JWS (RFC 7515) signed with Ed25519 (RFC 8037) and the registry's key; it names no patient.

use painreg_domain::ids::{QuarantineId, SubmissionId};
use serde::Serialize;

use crate::crypt::hex;
use crate::store::submissions::Source;
use crate::tx::Tx;

/// The place where a delivery is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// This revision of the source's submission.
    Stored(SubmissionId, i32),
    /// Quarantine, until the delivery can be placed.
    Quarantined(QuarantineId),
}

/// The claims of a receipt.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'static str,
    tenant: &'a str,
    /// The instant of signing, in seconds since 1970.
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
    /// Returns a receipt for a delivery, signed now.
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

    /// Returns the public key of the registry's receipts: its id, and its 32 bytes in base64url as in a JWK (RFC 7517).
    pub fn receipt_key(&self) -> (String, String) {
        self.place().keys.receipts.public_key()
    }
}
