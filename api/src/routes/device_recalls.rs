//! Recalls of devices (tilbakekalling): the patients who carry a device.

pub mod list;
