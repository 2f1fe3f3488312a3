//! The command line of Turnledger.

#![forbid(unsafe_code)]
// What only a left-out command uses.
#![cfg_attr(not(feature = "full"), allow(dead_code, unused_imports))]

mod commands;
mod progress;
mod settings;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run()
}
