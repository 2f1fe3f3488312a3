//! `turnledger tap`

/// Writes a line to standard error. A closed standard error must not change how the tap ends.
macro_rules! say {
    ($($what:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "turnledger: {}", format_args!($($what)*));
    }};
}

mod analytics;
mod process;
mod store;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter};
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use turnledger::private_file::open_private;
use turnledger_intake::tap::{Address, Recorder, Tap, Watchers, WebSocketTap};

use self::analytics::{Analytics, Broken};
use self::process::{Ended, Signals, end_as};
use super::counted;
use crate::settings::{BatchArgs, KeepArgs, KeyArgs, OtlpArgs, SpoolArgs, UploadArgs};

/// Run an app-server, and turn its session into events while it runs.
///
/// Use it in place of the app-server's command: `turnledger tap --events FILE -- codex app-server`. Every byte passes
/// unchanged. If something goes wrong in the tap, the session goes on. Signals and the ends of streams are passed on.
/// After the command's end, the tap takes up to 5 seconds to deliver what is left; a signal ends this wait.
///
/// For an app-server that listens for WebSocket clients: `turnledger tap --events FILE --websocket ws://127.0.0.1:4501
/// --server ws://127.0.0.1:4500 -- codex app-server --listen ws://127.0.0.1:4500`. Clients connect to port 4501, such
/// as `codex --remote ws://127.0.0.1:4501`. Either side may be a socket file: `unix://PATH`. WebSocket extensions, such
/// as compression, are not offered to the server.
///
/// The exit status is the command's. Exit codes of the tap itself: 2 the arguments cannot be used or a file cannot be
/// written; 126 the command cannot be run; 127 the command is not found.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Record every message in FILE, for `turnledger replay`; the file is replaced. It holds prompts and code, and only
    /// you may read it
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Append events to FILE, one JSON line each; only you may read it. `-` is standard error
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Listen for WebSocket clients at `ws://ADDRESS:PORT` (an IP address) or `unix://PATH`, and connect them to
    /// `--server`
    #[arg(long, value_name = "URL", requires = "server", value_parser = own_address)]
    websocket: Option<Address>,
    /// Where the app-server listens: `ws://HOST:PORT` or `unix://PATH`
    #[arg(long, value_name = "URL", requires = "websocket", value_parser = server)]
    server: Option<Server>,
    #[command(flatten)]
    keep: KeepArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    upload: UploadArgs,
    #[command(flatten)]
    otlp: OtlpArgs,
    #[command(flatten)]
    batch: BatchArgs,
    #[command(flatten)]
    spool: SpoolArgs,
    /// The app-server's command, after `--`; leave it out with `--server` if the app-server runs already
    #[arg(required_unless_present = "server", last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// How long the end of a session waits for delivery.
const AT_THE_END: Duration = Duration::from_secs(5);
/// How long it waits for a client that does not read the command's output.
const NO_PROGRESS: Duration = Duration::from_secs(2);
/// How long it waits after a signal.
const NO_PATIENCE: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &Args, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let analytics = match analytics::start(args, config) {
        Ok(analytics) => analytics,
        Err(Broken::CommandLine(error)) => return Err(error),
        Err(Broken::Elsewhere(error)) => {
            say!("{error:#}; the session goes on without analytics");
            Analytics::none()
        }
    };
    let recorder = args.record.as_deref().map(|path| {
        let file = open_private(File::options().write(true).truncate(true), path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        Recorder::new(BufWriter::new(file)).context("cannot start a thread")
    });
    let watchers = Arc::new(Watchers::new(analytics.ledgers(), recorder.transpose()?));
    let websocket = match (&args.websocket, &args.server) {
        (Some(address), Some(server)) => {
            let tap = WebSocketTap::start(address, server.addresses.clone(), watchers.clone());
            let tap = tap.with_context(|| format!("cannot listen at {address}"))?;
            say!("clients at {} are passed on to {}", tap.address(), server.name);
            Some(tap)
        }
        _ => None,
    };
    let mut signals = Signals::take();
    let Ran { tap, ended, has_session } = run_command(args, &watchers, &mut signals)?;
    let session = Arc::new(Session { analytics, watchers, websocket, has_session });
    let (says, said) = channel();
    let cuts = says.clone();
    signals.then(move || drop(cuts.send(End::Wanted)));
    let (finishing, finished) = (session.clone(), Finished(says.clone()));
    thread::spawn(move || {
        let _finished = finished;
        finishing.finish(tap);
    });
    // Without an answer, nothing is left to wait for.
    if matches!(said.recv(), Ok(End::Wanted)) {
        let (cut, finished) = (session.clone(), Finished(says));
        thread::spawn(move || {
            let _finished = finished;
            cut.analytics.cut_short(cut.watchers.has_traffic());
        });
        let _ = said.recv_timeout(NO_PATIENCE);
    }
    if let Some(websocket) = &session.websocket {
        websocket.remove_socket();
    }
    end_as(ended)
}

/// What came of a command.
struct Ran {
    tap: Option<Tap>,
    ended: Ended,
    /// Whether anything could pass.
    has_session: bool,
}

/// Runs the command to its end, or waits for ours if there is none.
fn run_command(args: &Args, watchers: &Arc<Watchers>, signals: &mut Signals) -> anyhow::Result<Ran> {
    let Some(program) = args.command.first() else {
        return Ok(Ran { tap: None, ended: signals.until_wanted()?, has_session: true });
    };
    let started = match args.websocket {
        Some(_) => Tap::start_beside(&args.command),
        None => Tap::start(&args.command, watchers.clone()),
    };
    match started {
        Ok(mut tap) => {
            let ended = Ended::of(signals.until_end(&mut tap)?);
            Ok(Ran { tap: Some(tap), ended, has_session: true })
        }
        Err(error) => {
            say!("cannot run {}: {error}", program.display());
            let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
            Ok(Ran { tap: None, ended: Ended::WithCode(code), has_session: false })
        }
    }
}

/// Why the wait at the end is over.
enum End {
    /// Everything is done.
    Finished,
    /// Somebody wants an end.
    Wanted,
}

/// Sends `Finished` when it is dropped, after a panic as well.
struct Finished(Sender<End>);

impl Drop for Finished {
    fn drop(&mut self) {
        // Nobody waits after a signal.
        let _ = self.0.send(End::Finished);
    }
}

/// What has to be finished after the command's end.
struct Session {
    analytics: Analytics,
    watchers: Arc<Watchers>,
    websocket: Option<WebSocketTap>,
    has_session: bool,
}

impl Session {
    fn finish(&self, tap: Option<Tap>) {
        if let Some(mut tap) = tap {
            if !tap.drain(NO_PROGRESS) {
                say!("the client did not read the end of the command's output");
            }
            if let Some(websocket) = &self.websocket {
                websocket.drain(NO_PROGRESS);
            }
        }
        // The recording comes first: delivery may take long.
        self.finish_recording();
        if self.has_session {
            self.say_what_passed();
        }
        self.analytics.finish(AT_THE_END, self.watchers.has_traffic());
    }

    fn finish_recording(&self) {
        match self.watchers.recorder().map(|recorder| recorder.finish(AT_THE_END)) {
            // Other traffic is not expected in a recording.
            Some(Ok(lost)) if lost > 0 && self.watchers.has_traffic() => {
                let (lost, is) = (counted(lost, "message"), if lost == 1 { "is" } else { "are" });
                say!("{lost} {is} not in the recording");
            }
            Some(Err(error)) => say!("cannot write the recording: {error}"),
            _ => {}
        }
    }

    /// Reports what should have passed or been read, and was not.
    fn say_what_passed(&self) {
        if let unread @ 1.. = self.watchers.unread() {
            let unread = counted(unread, "message");
            say!("{unread} passed unread: compressed, too long or malformed");
        }
        if let Some(unreached @ 1..) = self.websocket.as_ref().map(WebSocketTap::unreached) {
            let unreached = counted(unreached, "client");
            say!("the server could not be reached for {unreached}");
        }
        if !self.watchers.has_traffic() {
            let advice = match &self.websocket {
                Some(websocket) => format!("clients must connect to the tap: `codex --remote {}`", websocket.address()),
                None => {
                    "put the tap before an app-server: `turnledger tap --events FILE -- codex app-server`, or, for \
                         a terminal, `turnledger tap --websocket` and `codex --remote` (see `turnledger tap --help`)"
                        .into()
                }
            };
            say!("no app-server traffic passed; {advice}");
        }
    }
}

/// A server that speaks WebSocket without TLS.
#[derive(Clone, Debug)]
struct Server {
    name: String,
    addresses: Vec<Address>,
}

fn server(url: &str) -> Result<Server, String> {
    if url.starts_with("wss://") {
        return Err("the tap cannot read TLS; put it between the server and what adds TLS".into());
    }
    if let Some(address) = socket_file(url)? {
        return Ok(Server { name: address.to_string(), addresses: vec![address] });
    }
    let address = url.strip_prefix("ws://").unwrap_or(url).trim_end_matches('/');
    let found = address.to_socket_addrs().map_err(|_| "expected ws://HOST:PORT or unix://PATH".to_owned())?;
    Ok(Server { name: format!("ws://{address}"), addresses: found.map(Address::Tcp).collect() })
}

fn own_address(url: &str) -> Result<Address, String> {
    if let Some(address) = socket_file(url)? {
        return Ok(address);
    }
    let address = url.strip_prefix("ws://").unwrap_or(url).trim_end_matches('/');
    let address = address.parse().map_err(|_| "expected ws://ADDRESS:PORT, with an IP address, or unix://PATH")?;
    Ok(Address::Tcp(address))
}

/// The socket file that a URL names, if it is of that kind.
fn socket_file(url: &str) -> Result<Option<Address>, String> {
    match url.strip_prefix("unix://") {
        None => Ok(None),
        Some("") => Err("expected unix://PATH".into()),
        #[cfg(unix)]
        Some(path) => Ok(Some(Address::Unix(path.into()))),
        #[cfg(not(unix))]
        Some(_) => Err("there are no socket files on this system".into()),
    }
}
