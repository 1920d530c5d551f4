//! How much a registry holds, in figures that tell about nobody.

pub mod read;
