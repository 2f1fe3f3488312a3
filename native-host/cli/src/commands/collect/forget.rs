//! `turnledger collect forget`

use std::process::ExitCode;

use anyhow::bail;
use clap::Parser;
use turnledger_archive::{Archive, Forgotten};
use turnledger_collector::Options;

use super::DataArgs;
use crate::commands::counted;
use crate::commands::store::agree;

#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// The person, as tokens name it. Their tokens have to be revoked first: what they bring would be there again
    #[arg(long, value_name = "NAME")]
    person: String,
    /// Only what the person brought for this team
    #[arg(long, value_name = "NAME")]
    team: Option<String>,
    /// Do not ask before deleting
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (person, team) = (args.person.trim(), args.team.as_deref().map(str::trim));
    let is_meant = |of: &str, its: Option<&str>| of == person && (team.is_none() || its == team);
    let tokens = args.data.known_accounts()?.tokens()?;
    let good = tokens.iter().filter(|token| token.revoked_at.is_none());
    let good: Vec<String> =
        good.filter(|token| is_meant(&token.person, token.team.as_deref())).map(|token| token.id.to_string()).collect();
    if !good.is_empty() {
        bail!("the person can still send with token {}: `turnledger collect token revoke ID` first", good.join(", "));
    }
    let path = Options::new(args.data.folder()?).store();
    let origins = Archive::open_read_only(&path)?.origins()?;
    let meant = origins.iter().filter(|origin| is_meant(&origin.person, origin.team.as_deref()));
    let meant: Vec<_> = meant.map(|origin| origin.id).collect();
    if meant.is_empty() {
        bail!("nobody of this name has brought anything: `turnledger collect token list` has the names");
    }
    if !args.yes {
        agree()?;
    }
    let Forgotten { events, threads, .. } = Archive::open(&path)?.forget_origins(&meant)?;
    println!("{} forgotten, and all that was known of {}", counted(events, "event"), counted(threads, "thread"));
    Ok(ExitCode::SUCCESS)
}
