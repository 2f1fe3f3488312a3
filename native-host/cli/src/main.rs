//! The command line of Turnledger.

#![forbid(unsafe_code)]

mod commands;
mod progress;
mod settings;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run()
}
