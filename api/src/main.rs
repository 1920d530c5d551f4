//! The `painreg` command.

use std::process::ExitCode;

use clap::Parser as _;
use painreg_api::commands::Painreg;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let filter =
        EnvFilter::try_from_env("PAINREG_LOG").unwrap_or_else(|_| EnvFilter::new("warn,painreg_api::commands=info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
    match Painreg::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::debug!(%error, "failed");
            eprintln!("painreg: {error}");
            ExitCode::FAILURE
        }
    }
}
