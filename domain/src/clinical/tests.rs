//! Entries as they are examined.
