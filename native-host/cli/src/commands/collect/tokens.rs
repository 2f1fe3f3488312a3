//! `turnledger collect token`

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Parser, Subcommand};
use turnledger::now;

use super::{DataArgs, moment, number, table};
use crate::commands::ignore_closed_pipe;

/// Make, list and revoke tokens. A collector that runs knows of it at once.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a token, and print it: nothing can tell it again
    Add(AddArgs),
    /// List the tokens, without what they are
    List(DataArgs),
    /// Refuse a token from now on. What it brought stays
    Revoke(RevokeArgs),
}

#[derive(Debug, Parser)]
pub(crate) struct AddArgs {
    /// Whose events it brings: a name of your choice. A person may have several tokens, one for each machine
    #[arg(long, value_name = "NAME")]
    person: String,
    /// That person's team
    #[arg(long, value_name = "NAME")]
    team: Option<String>,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Parser)]
pub(crate) struct RevokeArgs {
    /// The token's number, which `list` has
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(command: Command) -> anyhow::Result<ExitCode> {
    let mut stdout = io::stdout().lock();
    match command {
        Command::Add(args) => {
            let (id, token) = args.data.accounts()?.add_token(&args.person, args.team.as_deref(), now())?;
            ignore_closed_pipe(writeln!(stdout, "{}", token.expose()).and_then(|()| stdout.flush()))?;
            eprintln!("turnledger: token {id}, which is not shown again: keep it in a file for --token-file");
        }
        Command::List(args) => {
            let tokens = args.known_accounts()?.tokens()?.into_iter().map(|token| {
                let team = token.team.unwrap_or_else(|| "-".into());
                let times = [Some(token.created_at), token.last_used_at, token.revoked_at].map(moment);
                let [created, used, revoked] = times;
                [token.id.to_string(), token.person, team, created, used, revoked]
            });
            let table = table(["id", "person", "team", "made", "used", "revoked"], tokens);
            ignore_closed_pipe(stdout.write_all(table.as_bytes()).and_then(|()| stdout.flush()))?;
        }
        Command::Revoke(args) => {
            let id = number(&args.id)?;
            if !args.data.known_accounts()?.revoke_token(id, now())? {
                bail!("there is no token {id} that is not revoked: `turnledger collect token list` lists them");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
