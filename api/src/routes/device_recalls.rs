//! Recalls of devices (tilbakekalling): who carries one.

pub mod list;
