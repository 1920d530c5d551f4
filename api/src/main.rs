//! The `painreg` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    painreg_api::commands::main()
}
