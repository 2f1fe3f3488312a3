//! `turnledger tap`

mod analytics;
mod process;

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use turnledger::tap::{Recorder, Tap, Watchers, WebSocketTap};

use self::analytics::{Analytics, Broken};
use self::process::{Ended, end_as, pass_on_signals, wait_for_signal};
use super::settings::{BatchArgs, KeyArgs, SpoolArgs, UploadArgs};

/// Run an app-server, and see what passes between it and its client.
///
/// Put it before the command in your editor's settings: `turnledger tap --events FILE -- codex app-server`.
/// Every byte passes as it is; if anything goes wrong here, the session goes on. Signals are passed on, and
/// the exit status is the command's.
///
/// An app-server that listens for WebSocket clients: `turnledger tap --websocket 127.0.0.1:4501 --server
/// ws://127.0.0.1:4500 -- codex app-server --listen ws://127.0.0.1:4500`, with the clients at port 4501.
///
/// Exit codes of its own: 2 if the arguments cannot be used or a file cannot be written; 126 if the command
/// cannot be run, 127 if it is not found.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Write what passes to FILE, for `turnledger replay`, in place of what is in it; it has prompts and code
    /// in it, so that nobody else may read it
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Add events to FILE, one a line; `-` is standard error, since standard output is the session's
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Take WebSocket clients at ADDRESS (an IP address and a port) and pass them on to `--server`
    #[arg(long, value_name = "ADDRESS", requires = "server")]
    websocket: Option<SocketAddr>,
    /// Where the app-server listens, as `ws://HOST:PORT`
    #[arg(long, value_name = "URL", requires = "websocket", value_parser = server)]
    server: Option<Server>,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    upload: UploadArgs,
    #[command(flatten)]
    batch: BatchArgs,
    #[command(flatten)]
    spool: SpoolArgs,
    /// The command, after `--`; with `--server` it may be left out, if the app-server runs already
    #[arg(required_unless_present = "server", last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// How long the end of a session waits for what is on its way.
const AT_THE_END: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &Args, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let analytics = match analytics::start(args, config) {
        Ok(analytics) => analytics,
        Err(Broken::CommandLine(error)) => return Err(error),
        Err(Broken::Elsewhere(error)) => {
            eprintln!("turnledger: {error:#}; the session goes on without analytics");
            Analytics::none()
        }
    };
    let recorder = args.record.as_deref().map(|path| {
        let file = private(File::options().write(true).truncate(true)).create(true).open(path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        Recorder::new(BufWriter::new(file)).context("cannot start a thread")
    });
    let watchers = Arc::new(Watchers { ledger: Some(analytics.ledger.clone()), recorder: recorder.transpose()? });
    let websocket = match (args.websocket, &args.server) {
        (Some(address), Some(server)) => {
            let tap = WebSocketTap::start(address, server.addresses.clone(), watchers.clone());
            let tap = tap.with_context(|| format!("cannot listen at {address}"))?;
            eprintln!("turnledger: clients at ws://{} are passed on to ws://{}", tap.address(), server.name);
            Some(tap)
        }
        _ => None,
    };
    let ended = run_command(args, &watchers)?;
    if let Some(tap) = &websocket
        && !args.command.is_empty()
    {
        tap.drain(AT_THE_END);
    }
    analytics.finish(AT_THE_END);
    finish_recording(&watchers);
    if let Some(tap) = websocket {
        if let unread @ 1.. = tap.unread() {
            eprintln!(
                "turnledger: {unread} messages were packed, too long or not understood and are not in the events"
            );
        }
        if let unreached @ 1.. = tap.unreached() {
            eprintln!("turnledger: {unreached} clients were sent away: the server could not be reached");
        }
    }
    end_as(ended)
}

/// Runs the command to its end, or waits for ours if there is none.
fn run_command(args: &Args, watchers: &Arc<Watchers>) -> anyhow::Result<Ended> {
    let Some(program) = args.command.first() else { return Ok(Ended::BySignal(wait_for_signal()?)) };
    let started = match args.websocket {
        Some(_) => Tap::start_beside(&args.command),
        None => Tap::start(&args.command, watchers.clone()),
    };
    let tap = match started {
        Ok(tap) => tap,
        Err(error) => {
            eprintln!("turnledger: cannot run {}: {error}", program.display());
            let is_missing = error.kind() == io::ErrorKind::NotFound;
            return Ok(Ended::WithCode(if is_missing { 127 } else { 126 }));
        }
    };
    pass_on_signals(tap.id());
    let status = tap.wait().context("cannot wait for the command")?;
    Ok(Ended::of(status))
}

/// A server that speaks WebSocket without TLS.
#[derive(Clone, Debug)]
struct Server {
    name: String,
    addresses: Vec<SocketAddr>,
}

fn server(url: &str) -> Result<Server, String> {
    if url.starts_with("wss://") {
        return Err("what TLS protects cannot be seen; put the tap between the server and what adds TLS".into());
    }
    let address = url.strip_prefix("ws://").unwrap_or(url).trim_end_matches('/');
    let found = address.to_socket_addrs().map_err(|_| "expected ws://HOST:PORT".to_owned())?;
    Ok(Server { name: address.to_owned(), addresses: found.collect() })
}

/// For a file that only its owner may read, if it is made.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn finish_recording(watchers: &Watchers) {
    match watchers.recorder.as_ref().map(|recorder| recorder.finish(AT_THE_END)) {
        Some(Ok(lost)) if lost > 0 => eprintln!("turnledger: {lost} messages are not in the recording"),
        Some(Err(error)) => eprintln!("turnledger: cannot write the recording: {error}"),
        _ => {}
    }
}
