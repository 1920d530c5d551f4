//! Cursors: a place in one list, sealed, so that a client can neither read nor change it nor carry it elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::crypt::Key;
use crate::error::StoreError;
use crate::tx::{PlatformTx, Tx};

/// A sealed place in a list, bound to tenant, caller, list and filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// What a client sent back; checked when it is opened.
    pub fn received(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text for the client.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn seal(key: &Key, caller: &str, list: &str, position: &str) -> Cursor {
    let place = ["cursor", caller, list];
    Cursor(URL_SAFE_NO_PAD.encode(key.seal(position.as_bytes(), &place)))
}

fn open(key: &Key, caller: &str, list: &str, cursor: &Cursor) -> Result<String, StoreError> {
    let place = ["cursor", caller, list];
    let sealed = URL_SAFE_NO_PAD.decode(&cursor.0).map_err(|_| StoreError::BadCursor)?;
    let plain = key.open(&sealed, &place).map_err(|_| StoreError::BadCursor)?;
    String::from_utf8(plain.to_vec()).map_err(|_| StoreError::BadCursor)
}

impl Tx<'_> {
    /// Seals `position` in the list called `list`: its name and everything that filters and sorts it.
    pub fn seal_cursor(&self, list: &str, position: &str) -> Cursor {
        seal(&self.place().keys.cursor, &self.principal().key, list, position)
    }

    /// The position, if this very caller was given the cursor for this very list.
    pub fn open_cursor(&self, list: &str, cursor: &Cursor) -> Result<String, StoreError> {
        open(&self.place().keys.cursor, &self.principal().key, list, cursor)
    }
}

impl PlatformTx<'_> {
    /// See [`Tx::seal_cursor`].
    pub fn seal_cursor(&self, list: &str, position: &str) -> Cursor {
        seal(self.cursor_key(), &self.trace.principal.key, list, position)
    }

    /// See [`Tx::open_cursor`].
    pub fn open_cursor(&self, list: &str, cursor: &Cursor) -> Result<String, StoreError> {
        open(self.cursor_key(), &self.trace.principal.key, list, cursor)
    }

    fn cursor_key(&self) -> &Key {
        &self.place().keys.cursor
    }
}
