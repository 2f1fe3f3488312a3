//! `turnledger collect`

mod forget;
mod health;
mod tokens;
mod users;

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use comfy_table::{Table, presets};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use turnledger_collector::accounts::Accounts;
use turnledger_collector::{Addresses, Limits, Options, Place};
use turnledger_core::UnixMillis;

use super::otlp::Receiver;
use super::report;
use crate::settings::{OtlpArgs, Settings};

/// Take the events of a team's machines, and keep them in one store.
///
/// `turnledger collect` listens on this machine, at port 8787. `turnledger collect token add` makes a token for each person,
/// with which that person's machine sends: `turnledger tap --upload URL --token-file FILE`. What came in is a store that
/// `turnledger report --store DIR/store.sqlite` reads.
///
/// Exit codes: 0 the collector was told to end, and what it took is on disk; 2 the arguments, the data folder, the
/// certificates or the address cannot be used.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Listen and take events: what `collect` does without a command
    Run(Box<RunArgs>),
    /// Tokens: what clients send with
    #[command(subcommand)]
    Token(tokens::Command),
    /// Take all that a person brought out of the store, so that nothing of it is left in its file
    Forget(forget::Args),
    /// Say whether the collector on this machine works: for the health check of a container
    Health(health::Args),
    /// Users: who may look
    #[command(subcommand)]
    User(users::Command),
}

/// Where a collector keeps what it has.
#[derive(Debug, Parser)]
pub(crate) struct DataArgs {
    /// Folder of the collector's files [default: turnledger/collect in `XDG_DATA_HOME` or ~/.local/share]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl DataArgs {
    fn folder(&self) -> anyhow::Result<PathBuf> {
        let folder = self.data.clone().or_else(|| Some(Settings::data_folder()?.join("collect")));
        folder.context("there is no home folder: name the collector's folder with --data DIR")
    }

    /// The accounts of a collector that is there: to look does not make one.
    fn known_accounts(&self) -> anyhow::Result<Accounts> {
        let folder = self.folder()?;
        if !Options::new(folder.clone()).accounts().exists() {
            bail!("{}: no collector's folder: `turnledger collect token add` makes one", folder.display());
        }
        self.accounts()
    }

    /// The accounts of the collector. They may be changed while it runs.
    fn accounts(&self) -> anyhow::Result<Accounts> {
        Ok(Accounts::open(&Options::new(self.folder()?).accounts())?)
    }
}

#[derive(Debug, Parser)]
struct RunArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Address to listen on. Another than this machine's own needs TLS, or `--behind-proxy`
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787", value_parser = address)]
    listen: SocketAddr,
    /// File with PEM certificates, the server's first: TLS. It is read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// File with the certificate's PEM private key
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A proxy stands before it and does TLS. If it is on this machine, `X-Forwarded-For` says whose requests it brings
    #[arg(long)]
    behind_proxy: bool,
    /// The fewest persons whose numbers a viewer sees together
    #[arg(long, value_name = "NUMBER", default_value = "5")]
    smallest_group: NonZeroU32,
    /// Time zone of days and weeks, such as Europe/Berlin [default: the system's]
    #[arg(long, value_name = "NAME", value_parser = report::time_zone)]
    time_zone: Option<TimeZone>,
    /// Address at which `/metrics` has figures for Prometheus
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    metrics: Option<SocketAddr>,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    otlp: OtlpArgs,
}

/// What is taken at most.
#[derive(Debug, Parser)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// Bytes of a body, as it is sent [default: 4194304]
    #[arg(long, value_name = "NUMBER")]
    most_body_bytes: Option<NonZeroUsize>,
    /// Bytes of a body when it is unpacked [default: 16777216]
    #[arg(long, value_name = "NUMBER")]
    most_unpacked_bytes: Option<NonZeroUsize>,
    /// Events in a body [default: 10000]
    #[arg(long, value_name = "NUMBER")]
    most_events: Option<NonZeroUsize>,
    /// Bytes of bodies in memory at once [default: 268435456]
    #[arg(long, value_name = "NUMBER")]
    most_memory_bytes: Option<NonZeroUsize>,
    /// Requests that wait for the store [default: 256]
    #[arg(long, value_name = "NUMBER")]
    most_waiting: Option<NonZeroUsize>,
    /// Connections at once [default: 1024]
    #[arg(long, value_name = "NUMBER")]
    most_connections: Option<NonZeroUsize>,
    /// Connections of one address at once [default: 256]
    #[arg(long, value_name = "NUMBER")]
    most_connections_per_address: Option<NonZeroUsize>,
    /// Requests of one token in a second; ten times as many may come at once [default: 50]
    #[arg(long, value_name = "NUMBER")]
    most_requests_per_second: Option<NonZeroU32>,
    /// Seconds of a connection's silence, and of a request's header [default: 30]
    #[arg(long, value_name = "NUMBER")]
    idle_seconds: Option<NonZeroU64>,
    /// Seconds of a request's body [default: 30]
    #[arg(long, value_name = "NUMBER")]
    body_seconds: Option<NonZeroU64>,
}

impl LimitArgs {
    fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        let sizes = [
            (&mut limits.body_bytes, self.most_body_bytes),
            (&mut limits.unpacked_bytes, self.most_unpacked_bytes),
            (&mut limits.events, self.most_events),
            (&mut limits.memory_bytes, self.most_memory_bytes),
            (&mut limits.queue, self.most_waiting),
            (&mut limits.connections, self.most_connections),
            (&mut limits.connections_of_peer, self.most_connections_per_address),
        ];
        for (limit, given) in sizes {
            *limit = given.map_or(*limit, NonZeroUsize::get);
        }
        limits.requests_per_second = self.most_requests_per_second.unwrap_or(limits.requests_per_second);
        for (limit, given) in [(&mut limits.idle_time, self.idle_seconds), (&mut limits.body_time, self.body_seconds)] {
            *limit = given.map_or(*limit, |seconds| Duration::from_secs(seconds.get()));
        }
        limits
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected IP:PORT, such as 127.0.0.1:8787".into())
}

pub(crate) fn run(args: Args, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    match args.command {
        None => serve(args.run, config),
        Some(Command::Run(args)) => serve(*args, config),
        Some(Command::Token(command)) => tokens::run(command),
        Some(Command::Forget(args)) => forget::run(&args),
        Some(Command::Health(args)) => Ok(health::run(&args)),
        Some(Command::User(command)) => users::run(command),
    }
}

fn serve(args: RunArgs, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let mut place = Place::new(args.listen);
    place.tls = args.tls_cert.zip(args.tls_key);
    place.is_behind_proxy = args.behind_proxy;
    place.metrics = args.metrics;
    if !args.listen.ip().is_loopback() && place.tls.is_none() && !args.behind_proxy {
        bail!(
            "--listen {}: tokens and events would go over the network as they are; give --tls-cert and --tls-key, or \
             --behind-proxy if a proxy does TLS",
            args.listen
        );
    }
    let (receiver, onward) = onward(&args.otlp, config)?.unzip();
    let mut options = Options::new(args.data.folder()?);
    options.smallest_group = args.smallest_group.get();
    if let Some(time_zone) = args.time_zone {
        options.time_zone = time_zone;
    }
    options.limits = args.limits.limits();
    options.tell = |line| eprintln!("turnledger: {line}");
    let scheme = if place.tls.is_some() { "https" } else { "http" };
    let (data, accounts) = (options.data.clone(), options.accounts());
    turnledger_collector::run(options, &place, onward, |Addresses { listen, metrics, .. }| {
        eprintln!("turnledger: collecting at {scheme}://{listen} into {}", data.display());
        if let Some(metrics) = metrics {
            eprintln!("turnledger: figures at http://{metrics}/metrics");
        }
        if let Some(receiver) = &receiver {
            eprintln!("turnledger: events go on to {}", receiver.host());
        }
        let tokens = Accounts::open(&accounts).and_then(|accounts| accounts.tokens());
        if tokens.is_ok_and(|tokens| tokens.iter().all(|token| token.revoked_at.is_some())) {
            eprintln!("turnledger: nobody may send yet: `turnledger collect token add --person NAME` makes a token");
        }
    })?;
    for line in receiver.iter().flat_map(Receiver::says) {
        eprintln!("turnledger: {line}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The receiver that the flag names, for the messages of this command and for the collector.
fn onward(
    args: &OtlpArgs,
    config: Option<&Path>,
) -> anyhow::Result<Option<(Receiver, turnledger_collector::Receiver)>> {
    if !args.is_given() {
        return Ok(None);
    }
    let settings = Settings::load(config, &[args])?;
    let Some(receiver) = Receiver::of(&settings)? else { return Ok(None) };
    let onward = receiver.onward(&settings)?;
    Ok(Some((receiver, onward)))
}

/// A number that `list` has. The error does not repeat any other text: it may be a secret, pasted by mistake.
fn number(text: &str) -> anyhow::Result<i64> {
    text.parse().ok().context("ID: expected a number, which `list` has")
}

/// A table without lines, as other commands print.
fn table<const COLUMNS: usize>(header: [&str; COLUMNS], rows: impl Iterator<Item = [String; COLUMNS]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// A moment as a person reads it, in UTC; `-` is never.
fn moment(at: Option<UnixMillis>) -> String {
    let at = at.and_then(|at| Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok());
    at.map_or_else(|| "-".into(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
}
