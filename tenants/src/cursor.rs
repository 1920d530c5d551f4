//! Cursors: the position in one list, sealed, so that a client can neither read nor change it nor use it for another list.

use std::fmt::{self, Display};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::crypt::Key;
use crate::error::StoreError;

/// A sealed position in a list, bound to tenant, caller, list and filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// Wraps what a client sent; checked when it is opened.
    pub fn received(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the text for the client.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The position of an item in a list that is sorted by two values: written as both, separated by a space. The first value has
/// no space; a list that is sorted by three values nests a second keyset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyset<A, B>(pub A, pub B);

impl<A: Display, B: Display> Display for Keyset<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.1)
    }
}

impl<A: FromStr, B: FromStr> FromStr for Keyset<A, B> {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let (first, second) = text.split_once(' ').ok_or(StoreError::BadCursor)?;
        Ok(Self(position(first)?, position(second)?))
    }
}

fn position<K: FromStr>(text: &str) -> Result<K, StoreError> {
    text.parse().map_err(|_| StoreError::BadCursor)
}

/// Seals a position in a list of a caller.
pub(crate) fn seal(key: &Key, caller: &str, list: &str, position: &impl Display) -> Cursor {
    let aad = ["cursor", caller, list];
    Cursor(URL_SAFE_NO_PAD.encode(key.seal(position.to_string().as_bytes(), &aad)))
}

/// Returns the position of a cursor, if it was sealed for this caller and this list.
pub(crate) fn open<K: FromStr>(
    key: &Key,
    caller: &str,
    list: &str,
    cursor: Option<Cursor>,
) -> Result<Option<K>, StoreError> {
    let Some(Cursor(cursor)) = cursor else { return Ok(None) };
    let aad = ["cursor", caller, list];
    let sealed = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| StoreError::BadCursor)?;
    let plain = key.open(&sealed, &aad).map_err(|_| StoreError::BadCursor)?;
    position(std::str::from_utf8(&plain).map_err(|_| StoreError::BadCursor)?).map(Some)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;

    use super::*;

    #[test]
    fn keyset_reads_what_it_writes() {
        let keyset = Keyset(Timestamp::UNIX_EPOCH, 7_i64);
        assert_eq!(keyset.to_string().parse::<Keyset<Timestamp, i64>>().ok(), Some(keyset));
        let nested = Keyset(date(2026, 1, 2), Keyset(3_i64, "a b".to_owned()));
        assert_eq!(nested.to_string().parse().ok(), Some(nested));
        assert!(matches!("7".parse::<Keyset<i64, i64>>(), Err(StoreError::BadCursor)));
        assert!(matches!("7 x".parse::<Keyset<i64, i64>>(), Err(StoreError::BadCursor)));
    }
}
