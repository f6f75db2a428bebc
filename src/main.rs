//! The `keyreach` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    keyreach::cli::run(std::env::args_os()).into()
}
