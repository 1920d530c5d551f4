//! `painreg openapi`: the specification and what is rendered from it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Failure, say};
use crate::openapi;

/// The specification and the documents made from it.
#[derive(Subcommand)]
pub enum Openapi {
    /// Print the specification.
    Print,
    /// Write every rendered document.
    Write(Write),
}

/// Where to write.
#[derive(Args)]
pub struct Write {
    /// The folder.
    #[arg(default_value = "openapi")]
    folder: PathBuf,
}

impl Openapi {
    /// Does what was asked.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Print => say(&openapi::SPECIFICATION.document.to_pretty_json()?),
            Self::Write(it) => {
                for (name, text) in openapi::rendered() {
                    let path = it.folder.join(name);
                    std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
                }
            }
        }
        Ok(())
    }
}
