//! Keys and sealing: what makes a stolen dump unreadable. No key is ever logged or stored unwrapped.
//!
//! Envelope: key-encryption key (a file of mode 0600) -> tenant key -> patient key. Sealed values are AES-256-GCM-SIV
//! (RFC 8452) and bound to the place they stand in, so that a value moved to another row does not open.

use std::sync::Arc;

use aes_gcm_siv::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use serde::Serialize;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Why something could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum CryptError {
    /// The value was not sealed here, or has been changed or moved.
    #[error("a sealed value does not open")]
    DoesNotOpen,
    /// The key file cannot be used.
    #[error("the key file {path} cannot be used: {why}")]
    KeyFile {
        /// Where it was looked for.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The key is not the one that the database was used with.
    #[error(
        "this is not the key of this database: what is encrypted there does not open with it. Use the key file that the \
         database was used with before; nothing was changed"
    )]
    OtherKey,
    /// The key is not the one of these registries.
    #[error(
        "this is not the key of this database: the keys of these registries do not open with it: {registries}. Use the \
         key file that the database was used with before; nothing was changed"
    )]
    OtherKeyOf {
        /// The slugs of the registries.
        registries: String,
    },
}

/// The format of sealed values: version, nonce, ciphertext and tag.
const FORMAT: u8 = 1;
const NONCE: usize = 12;

/// Thirty-two secret bytes; wiped when dropped.
#[derive(Clone)]
pub(crate) struct Key(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// A fresh random key.
    pub(crate) fn random() -> Self {
        Self(Zeroizing::new(random()))
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Result<Self, CryptError> {
        bytes.try_into().map(|bytes| Self(Zeroizing::new(bytes))).map_err(|_| CryptError::DoesNotOpen)
    }

    /// A key for one use, derived with HKDF-SHA-256 (RFC 5869); the parts are length-prefixed.
    #[must_use]
    pub(crate) fn derive(&self, parts: &[impl AsRef<[u8]>]) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, self.0.as_slice())
            .expand(&framed(parts), key.as_mut_slice())
            .expect("32 bytes are within HKDF's limit");
        Self(key)
    }

    /// Seals `plain` for the place named by `place` (tenant, table, column, row).
    pub(crate) fn seal(&self, plain: &[u8], place: &[impl AsRef<[u8]>]) -> Vec<u8> {
        let nonce: [u8; NONCE] = random();
        let sealed = self
            .cipher()
            .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: &framed(place) })
            .expect("values are far below the cipher's limit of 2^36 bytes");
        let mut whole = Vec::with_capacity(1 + NONCE + sealed.len());
        whole.push(FORMAT);
        whole.extend_from_slice(&nonce);
        whole.extend_from_slice(&sealed);
        whole
    }

    /// Opens what [`Key::seal`] sealed for the same place.
    pub(crate) fn open(&self, whole: &[u8], place: &[impl AsRef<[u8]>]) -> Result<Zeroizing<Vec<u8>>, CryptError> {
        let (format, rest) = whole.split_first().ok_or(CryptError::DoesNotOpen)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(CryptError::DoesNotOpen)?;
        if *format != FORMAT {
            return Err(CryptError::DoesNotOpen);
        }
        self.cipher()
            .decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: &framed(place) })
            .map(Zeroizing::new)
            .map_err(|_| CryptError::DoesNotOpen)
    }

    /// This key, sealed under another.
    pub(crate) fn wrap(&self, under: &Self, place: &[impl AsRef<[u8]>]) -> Vec<u8> {
        under.seal(self.0.as_slice(), place)
    }

    /// The key that [`Key::wrap`] wrapped.
    pub(crate) fn unwrap_from(wrapped: &[u8], under: &Self, place: &[impl AsRef<[u8]>]) -> Result<Self, CryptError> {
        Self::from_slice(&under.open(wrapped, place)?)
    }

    /// HMAC-SHA-256 (RFC 2104) of `message`.
    pub(crate) fn mac(&self, message: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).expect("HMAC takes keys of any length");
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    /// The bytes, for a signing key's seed.
    pub(crate) fn seed(&self) -> &[u8; 32] {
        &self.0
    }

    fn cipher(&self) -> Aes256GcmSiv {
        Aes256GcmSiv::new_from_slice(self.0.as_slice()).expect("the key has 32 bytes")
    }
}

/// A registry's signing key.
pub(crate) struct Signer {
    pair: Ed25519KeyPair,
    /// The protected header, encoded.
    header: String,
    kid: String,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Signer").field(&self.kid).finish()
    }
}

impl Signer {
    /// The signing key whose seed is `key`.
    pub(crate) fn new(key: &Key) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(key.seed()).expect("any 32 bytes are a seed");
        let kid: String = hex(&digest(pair.public_key().as_ref())).chars().take(16).collect();
        let header = format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"receipt+jwt"}}"#);
        Self { pair, header: URL_SAFE_NO_PAD.encode(header), kid }
    }

    /// Signs claims: a compact JWS (RFC 7515) with Ed25519 (RFC 8037).
    pub(crate) fn sign(&self, claims: &impl Serialize) -> String {
        let mut jws = String::with_capacity(640);
        jws.push_str(&self.header);
        jws.push('.');
        URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims).unwrap_or_default(), &mut jws);
        let signature = self.pair.sign(jws.as_bytes());
        jws.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut jws);
        jws
    }

    /// The key's id and its 32 public bytes in base64url, as a JWK (RFC 7517) has them.
    pub(crate) fn public_key(&self) -> (String, String) {
        (self.kid.clone(), URL_SAFE_NO_PAD.encode(self.pair.public_key()))
    }
}

/// The keys of one tenant, derived once.
#[derive(Clone, Debug)]
pub(crate) struct TenantKeys {
    /// Wraps patient keys.
    pub(crate) wrapping: Key,
    /// Seals stored answers of idempotent requests.
    pub(crate) replay: Key,
    /// The key that seals cursors.
    pub(crate) cursor: Key,
    /// Seals what was delivered and could not be placed.
    pub(crate) quarantine: Key,
    /// Seals webhooks' secrets.
    pub(crate) webhooks: Key,
    /// The key that signs receipts.
    pub(crate) receipts: Arc<Signer>,
    /// Makes blind indexes; derived from the key-encryption key alone, so never in the database in any form.
    pub(crate) index: Key,
}

impl TenantKeys {
    /// Derives a place's keys from its own key and the key-encryption key.
    pub(crate) fn derive(kek: &Key, tenant_key: &Key, tenant: &[u8]) -> Self {
        Self {
            wrapping: tenant_key.derive(&[b"patient-key", tenant]),
            replay: tenant_key.derive(&[b"idempotency-key", tenant]),
            cursor: tenant_key.derive(&[b"cursor", tenant]),
            quarantine: tenant_key.derive(&[b"quarantine", tenant]),
            webhooks: tenant_key.derive(&[b"webhook", tenant]),
            receipts: Arc::new(Signer::new(&tenant_key.derive(&[b"receipts", tenant]))),
            index: kek.derive(&[b"blind-index", tenant]),
        }
    }
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// Returns the SHA-256 of these bytes.
pub(crate) fn digest(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    Sha256::digest(bytes).into()
}

/// Returns the bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) fn unhex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
    let digits = Zeroizing::new(digits?);
    let pairs = digits.as_chunks::<2>();
    (pairs.1.is_empty()).then(|| Zeroizing::new(pairs.0.iter().map(|[high, low]| high << 4 | low).collect()))
}

/// Parts with their lengths in front, so that ("ab", "c") and ("a", "bc") differ.
fn framed(parts: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(parts.iter().map(|part| part.as_ref().len() + 8).sum());
    for part in parts {
        let part = part.as_ref();
        whole.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        whole.extend_from_slice(part);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_only_where_it_was_sealed() {
        let key = Key::random();
        let sealed = key.seal(b"words", &["patient", "contact", "1"]);
        assert_eq!(
            key.open(&sealed, &["patient", "contact", "1"]).map(|plain| plain.to_vec()).ok(),
            Some(b"words".to_vec())
        );
        assert!(key.open(&sealed, &["patient", "contact", "2"]).is_err());
        assert!(key.open(&sealed, &["patient", "contac", "t1"]).is_err());
        assert!(Key::random().open(&sealed, &["patient", "contact", "1"]).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            if let Some(byte) = changed.get_mut(at) {
                *byte ^= 1;
            }
            assert!(key.open(&changed, &["patient", "contact", "1"]).is_err(), "byte {at}");
        }
        assert!(key.open(&[], &[""]).is_err());
    }

    #[test]
    fn the_same_value_never_seals_the_same_way_twice() {
        let key = Key::random();
        assert_ne!(key.seal(b"words", &[""]), key.seal(b"words", &[""]));
    }

    #[test]
    fn keys_wrap_and_unwrap() {
        let (outer, inner) = (Key::random(), Key::random());
        let wrapped = inner.wrap(&outer, &[b"row"]);
        let back = Key::unwrap_from(&wrapped, &outer, &[b"row"]).expect("it was wrapped for this place");
        assert_eq!(back.mac(b"x"), inner.mac(b"x"));
        assert!(Key::unwrap_from(&wrapped, &outer, &[b"other"]).is_err());
    }
}
