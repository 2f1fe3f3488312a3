//! `turnledger completions` and `turnledger man`

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Command, Parser};
use clap_complete::Shell;
use clap_mangen::Man;

use super::ignore_closed_pipe;

/// Print completions for a shell.
///
/// For bash, in a new shell: `turnledger completions bash > ~/.local/share/bash-completion/completions/turnledger`
#[derive(Debug, Parser)]
pub(crate) struct CompletionsArgs {
    shell: Shell,
}

pub(crate) fn completions(args: &CompletionsArgs, mut command: Command) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "turnledger", &mut script);
    print(&script)
}

/// Print the manual page, or write one for each command.
///
/// To read them with `man`: `turnledger man --output ~/.local/share/man/man1`, then `man turnledger-tap`.
#[derive(Debug, Parser)]
pub(crate) struct ManArgs {
    /// Write a page for each command (turnledger.1, turnledger-tap.1, …) to this folder
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(crate) fn man(args: &ManArgs, command: Command) -> anyhow::Result<ExitCode> {
    let Some(folder) = &args.output else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page)?;
        return print(&page);
    };
    write_pages(command, folder).with_context(|| format!("cannot write to {}", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn write_pages(command: Command, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(command, folder)
}

fn print(text: &[u8]) -> anyhow::Result<ExitCode> {
    let mut stdout = io::stdout().lock();
    ignore_closed_pipe(stdout.write_all(text).and_then(|()| stdout.flush()))?;
    Ok(ExitCode::SUCCESS)
}
