//! The token of an invitation's link. It is derived from the id and never stored; the database holds its hash.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::tx::Tx;

/// Returns the invitation's token: 128 bits, derived with the registry's key, in base 32. It is never stored.
pub(super) fn token(tx: &Tx<'_>, id: Uuid) -> String {
    let message = [b"invitation ".as_slice(), id.as_bytes()].concat();
    let whole = tx.place().keys.index.mac(&message);
    let (token, _) = whole.split_at(16);
    data_encoding::BASE32_NOPAD.encode(token).to_lowercase()
}

/// Returns the hash of a token, which is what the database stores.
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.trim().to_lowercase()).into()
}
