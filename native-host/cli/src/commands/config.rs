//! `turnledger config`

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use super::ignore_closed_pipe;
use crate::settings::{BatchArgs, KeyArgs, Origin, OtlpArgs, Settings, SpoolArgs, StoreArgs, UploadArgs};

/// Print the settings in force, and where each comes from.
///
/// A flag wins over the environment, the environment over the settings file, and the file over the default. The flag
/// `--spool-days` is `TURNLEDGER_SPOOL_DAYS` in the environment and `spool_days` in the file.
///
/// The settings file is the one that `--config` or `TURNLEDGER_CONFIG` names. Without either it is
/// turnledger/turnledger.toml in `XDG_CONFIG_HOME`, or in ~/.config if that is not set. Relative paths in the file
/// begin at its folder. The output of this command can be used as the file; defaults are commented out.
///
/// `DO_NOT_TRACK=1` or `TURNLEDGER_DISABLED=1` in the environment, or `enabled = false` in the file, turns analytics
/// off: `tap` makes no events, and nothing is sent.
///
/// The rules of a policy, which only the file has, come last.
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
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    otlp: OtlpArgs,
}

pub(crate) fn run(args: &Args, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let settings =
        Settings::load(config, &[&args.key, &args.upload, &args.batch, &args.spool, &args.store, &args.otlp])?;
    // A server or a policy that cannot be used is an error here as well.
    settings.endpoint()?;
    settings.policy()?;
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
        (format!("{unset}{name} = {value}"), origin.clone())
    });
    write_rows(rows.into(), output)?;
    if let Some(rules) = settings.policy_rules() {
        writeln!(output, "\n[policy]")?;
        let rows = rules.into_iter().map(|(name, value, origin)| (format!("{name} = {value}"), origin));
        write_rows(rows.collect(), output)?;
    }
    output.flush()
}

/// Settings, and behind each where it comes from.
fn write_rows(rows: Vec<(String, Origin)>, output: &mut impl Write) -> io::Result<()> {
    let width = rows.iter().map(|(setting, _)| setting.chars().count()).max().unwrap_or_default();
    rows.into_iter().try_for_each(|(setting, origin)| writeln!(output, "{setting:width$}  # {origin}"))
}
