//! `turnledger config`

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use super::ignore_closed_pipe;
use super::settings::{BatchArgs, KeyArgs, Origin, Settings, SpoolArgs, UploadArgs};

/// Print the settings that are in force, each with where it comes from.
///
/// A flag has the say over the environment, that over `turnledger.toml`, and that over the default. The
/// file is the one that `--config` or `TURNLEDGER_CONFIG` names, or else turnledger/turnledger.toml in
/// `XDG_CONFIG_HOME` (~/.config if that is not set); its relative paths begin at its folder. A flag
/// `--spool-days` is `TURNLEDGER_SPOOL_DAYS` in the environment and `spool_days` in the file. What is
/// printed is such a file, with what nobody has set behind a `#`.
///
/// `enabled = false` in the file, or `DO_NOT_TRACK=1` or `TURNLEDGER_DISABLED=1` in the environment, turns
/// analytics off: no thread, no file, no socket.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    upload: UploadArgs,
    #[command(flatten)]
    batch: BatchArgs,
    #[command(flatten)]
    spool: SpoolArgs,
}

pub(crate) fn run(args: &Args, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(config, &[&args.key, &args.upload, &args.batch, &args.spool])?;
    // What is in force can be used, or is said not to be.
    settings.endpoint()?;
    ignore_closed_pipe(print(&settings, &mut io::stdout().lock()))?;
    Ok(ExitCode::SUCCESS)
}

fn print(settings: &Settings, output: &mut impl Write) -> io::Result<()> {
    if let Some(file) = &settings.file {
        let how = if settings.is_file_there { "" } else { " (not there)" };
        writeln!(output, "# {}{how}", file.display())?;
    }
    let rows = settings.rows().map(|(name, value, origin)| {
        let unset = if *origin == Origin::Default { "# " } else { "" };
        (format!("{unset}{name} = {value}"), origin)
    });
    let width = rows.iter().map(|(setting, _)| setting.chars().count()).max().unwrap_or_default();
    for (setting, origin) in rows {
        writeln!(output, "{setting:width$}  # {origin}")?;
    }
    output.flush()
}
