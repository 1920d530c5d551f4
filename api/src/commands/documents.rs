//! `painreg openapi`: the specification and the documents rendered from it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Failure, say};
use crate::openapi;

/// Print the specification, or write it and the documents rendered from it.
#[derive(Subcommand)]
pub enum Openapi {
    /// Print the specification.
    Print,
    /// Write every rendered document.
    Write(Write),
}

/// Options of writing documents.
#[derive(Args)]
pub struct Write {
    /// The folder to write to.
    #[arg(default_value = "openapi")]
    folder: PathBuf,
}

impl Openapi {
    /// Runs the subcommand.
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
