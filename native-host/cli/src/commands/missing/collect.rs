//! `turnledger collect` of a build without it.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use super::missing;

/// Take the events of a team's machines, and keep them in one store. This program was built without it.
#[derive(Debug, Parser)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

pub(crate) fn run(_: Args, _: Option<&Path>) -> anyhow::Result<ExitCode> {
    Err(missing("collect"))
}
