//! `turnledger collect user`

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};
use turnledger::now;
use turnledger_collector::accounts::{Role, UserKind};

use super::{DataArgs, moment, number, table};
use crate::commands::ignore_closed_pipe;

/// Make, list and revoke users. A collector that runs knows of it at once.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a user, and print the key to sign in with: nothing can tell it again
    Add(AddArgs),
    /// List the users, without their keys
    List(DataArgs),
    /// Refuse a user from now on
    Revoke(RevokeArgs),
}

#[derive(Debug, Parser)]
pub(crate) struct AddArgs {
    /// The user's name
    name: String,
    /// What the user may see: an owner everything, an analyst sessions without persons' names, a viewer sums over groups, a
    /// member what is of that person
    #[arg(long, value_parser = PossibleValuesParser::new(Role::ALL.map(Role::name)))]
    role: String,
    /// The person that a member is, as tokens name persons
    #[arg(long, value_name = "NAME", required_if_eq("role", "member"))]
    person: Option<String>,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Parser)]
pub(crate) struct RevokeArgs {
    /// The user's number, which `list` has
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(command: Command) -> anyhow::Result<ExitCode> {
    let mut stdout = io::stdout().lock();
    match command {
        Command::Add(args) => {
            let kind = Role::of(&args.role).and_then(|role| UserKind::new(role, args.person));
            let kind = kind.context("--person is for the role `member` alone")?;
            let accounts = args.data.accounts()?;
            let (id, key) = accounts.add_user(&args.name, &kind, now())?;
            ignore_closed_pipe(writeln!(stdout, "{}", key.expose()).and_then(|()| stdout.flush()))?;
            eprintln!("turnledger: the key of user {id}, which is not shown again");
            if let Some(person) = kind.person()
                && !accounts.tokens()?.iter().any(|token| token.person == person.trim())
            {
                eprintln!(
                    "turnledger: no token has this person yet, so there is nothing to see: `token add` makes one"
                );
            }
        }
        Command::List(args) => {
            let users = args.known_accounts()?.users()?.into_iter().map(|user| {
                let role = user.kind.role().name().to_owned();
                let person = user.kind.person().unwrap_or("-").to_owned();
                let times = [Some(user.created_at), user.last_used_at, user.revoked_at].map(moment);
                let [created, used, revoked] = times;
                [user.id.to_string(), user.name, role, person, created, used, revoked]
            });
            let table = table(["id", "name", "role", "person", "made", "signed in", "revoked"], users);
            ignore_closed_pipe(stdout.write_all(table.as_bytes()).and_then(|()| stdout.flush()))?;
        }
        Command::Revoke(args) => {
            let id = number(&args.id)?;
            if !args.data.known_accounts()?.revoke_user(id, now())? {
                bail!("there is no user {id} who is not revoked: `turnledger collect user list` lists them");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
