//! The key-encryption key: its file, and the check value by which a database recognises it.

pub(crate) mod check;
mod file;

use std::path::Path;

use painreg_domain::ids::TenantId;

use crate::crypt::{CryptError, Key};

/// The key that everything encrypted in a database depends on. It is in a file and never in the database.
#[derive(Clone)]
pub struct KeyEncryptionKey(Key);

impl KeyEncryptionKey {
    /// Creates a key in a new file of mode 0600. An existing file is never overwritten.
    pub fn create(path: &Path) -> Result<(), CryptError> {
        file::create(path, &Key::random())
    }

    /// Reads the key. The file holds 64 hexadecimal digits and must be readable by its owner only.
    pub fn read(path: &Path) -> Result<Self, CryptError> {
        file::read(path).map(Self)
    }

    pub(crate) const fn key(&self) -> &Key {
        &self.0
    }
}

/// Seals a registry's key under the key-encryption key.
pub(crate) fn wrap_tenant_key(key: &Key, kek: &Key, id: TenantId) -> Vec<u8> {
    key.wrap(kek, &[b"tenant".as_slice(), b"tenant_key", id.uuid().as_bytes()])
}

/// Opens a registry's key.
pub(crate) fn unwrap_tenant_key(wrapped: &[u8], kek: &Key, id: TenantId) -> Result<Key, CryptError> {
    Key::unwrap_from(wrapped, kek, &[b"tenant".as_slice(), b"tenant_key", id.uuid().as_bytes()])
}
