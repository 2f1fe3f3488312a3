//! `turnledger tap`

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use turnledger::Ledger;
use turnledger::delivery::Endpoint;
use turnledger::delivery::auth::{AuthProvider, NoAuth, TokenFile};
use turnledger::ledger::Flushed;
use turnledger::tap::{Recorder, Tap, Watchers};

use super::key::KeyArgs;

/// Run an app-server, and see what passes between it and its client.
///
/// Put it before the command in your editor's settings: `turnledger tap --events FILE -- codex app-server`.
/// Every byte passes as it is; if anything goes wrong here, the session goes on. Signals are passed on, and
/// the exit status is the command's.
///
/// Exit codes of its own: 2 if the arguments cannot be used or a file cannot be written; 126 if the command
/// cannot be run, 127 if it is not found.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Write what passes to FILE, for `turnledger replay`; it has prompts and code in it
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Write events to FILE, one a line; `-` is standard error, since standard output is the session's
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Upload events to a server: `URL/codex/analytics-events/events`
    #[arg(long, value_name = "URL")]
    upload: Option<String>,
    /// Credentials for uploads, in a file of Codex's `auth.json` form
    #[arg(long, value_name = "FILE", requires = "upload")]
    auth: Option<PathBuf>,
    /// Where events wait until they are uploaded, also for the next session
    /// [default: turnledger/spool.db in the folder for state]
    #[arg(long, value_name = "FILE", requires = "upload")]
    spool: Option<PathBuf>,
    /// Let events wait in memory alone
    #[arg(long, conflicts_with = "spool")]
    no_spool: bool,
    #[command(flatten)]
    key: KeyArgs,
    /// The command, after `--`
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// How long the end of a session waits for what is on its way.
const AT_THE_END: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let ledger = ledger(args)?;
    let recorder = args.record.as_deref().map(|path| {
        let file = create(path)?;
        Recorder::new(BufWriter::new(file)).context("cannot start a thread")
    });
    let watchers = Arc::new(Watchers { ledger: Some(ledger.clone()), recorder: recorder.transpose()? });
    let tap = match Tap::start(&args.command, watchers.clone()) {
        Ok(tap) => tap,
        Err(error) => {
            eprintln!("turnledger: cannot run {}: {error}", args.command[0].display());
            let is_missing = error.kind() == io::ErrorKind::NotFound;
            return Ok(ExitCode::from(if is_missing { 127 } else { 126 }));
        }
    };
    pass_on_signals(tap.id());
    let status = tap.wait().context("cannot wait for the command")?;
    finish(&ledger, &watchers, args);
    end_as(status)
}

fn ledger(args: &Args) -> anyhow::Result<Ledger> {
    if args.events.is_none() && args.upload.is_none() {
        return Ok(Ledger::disabled());
    }
    let mut builder = Ledger::builder().digest(args.key.digest()?);
    if let Some(path) = &args.events {
        let mut output: Box<dyn Write + Send> =
            if path == Path::new("-") { Box::new(io::stderr()) } else { Box::new(create(path)?) };
        let mut is_broken = false;
        builder = builder.before_send(move |event| {
            if !is_broken && writeln!(output, "{event}").and_then(|()| output.flush()).is_err() {
                is_broken = true;
                eprintln!("turnledger: cannot write events any more; the session goes on");
            }
            Some(event)
        });
    }
    if let Some(url) = &args.upload {
        let endpoint = Endpoint::new(url).context("cannot upload to --upload")?;
        let auth: Arc<dyn AuthProvider> = match &args.auth {
            Some(path) => Arc::new(TokenFile::new(path.clone())),
            None => Arc::new(NoAuth),
        };
        builder = builder.upload(endpoint, auth);
        if !args.no_spool {
            let spool = args.spool.clone().or_else(default_spool);
            builder = spool.into_iter().fold(builder, turnledger::ledger::LedgerBuilder::spool);
        }
    }
    Ok(builder.start()?)
}

/// The folder for state of the XDG specification, made if it is not there.
fn default_spool() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").filter(|folder| Path::new(folder).is_absolute()).map(PathBuf::from);
    let folder = state.or_else(|| Some(std::env::home_dir()?.join(".local/state")))?.join("turnledger");
    // A folder that cannot be made is a spool that cannot be opened, which is said then.
    let _ = std::fs::create_dir_all(&folder);
    Some(folder.join("spool.db"))
}

fn create(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| format!("cannot write {}", path.display()))
}

/// Says what did not go as it should have; nothing of it is the session's business.
fn finish(ledger: &Ledger, watchers: &Watchers, args: &Args) {
    let flushed = ledger.shutdown(AT_THE_END);
    let stats = ledger.stats();
    if let Some(problem) = &stats.spool_problem {
        eprintln!("turnledger: {problem}; events waited in memory");
    }
    if stats.dropped > 0 {
        eprintln!(
            "turnledger: {} messages came faster than they could be reduced and are not in the events",
            stats.dropped
        );
    }
    match flushed {
        Flushed::Stored { waiting, .. } if waiting > 0 && args.upload.is_some() => {
            let kept = if args.no_spool || stats.spool_problem.is_some() { "lost" } else { "in the spool" };
            eprintln!("turnledger: {waiting} events could not be uploaded yet and are {kept}");
        }
        Flushed::TimedOut => eprintln!("turnledger: the last events may not be uploaded yet"),
        _ => {}
    }
    match watchers.recorder.as_ref().map(|recorder| recorder.finish(AT_THE_END)) {
        Some(Ok(lost)) if lost > 0 => eprintln!("turnledger: {lost} messages are not in the recording"),
        Some(Err(error)) => eprintln!("turnledger: cannot write the recording: {error}"),
        _ => {}
    }
}

/// Passes signals on to the command. Those that the terminal sends reach it by themselves.
#[cfg(unix)]
fn pass_on_signals(id: u32) {
    use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    use signal_hook::iterator::SignalsInfo;
    use signal_hook::iterator::exfiltrator::WithOrigin;

    let wanted = [SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];
    // Without them the session runs as well; a signal then ends both at once.
    let Ok(mut signals) = SignalsInfo::<WithOrigin>::new(wanted) else { return };
    let Some(child) = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw) else { return };
    std::thread::spawn(move || {
        for origin in &mut signals {
            if origin.process.is_some()
                && let Some(signal) = rustix::process::Signal::from_named_raw(origin.signal)
            {
                // The command may be gone already.
                let _ = rustix::process::kill_process(child, signal);
            }
        }
    });
}

#[cfg(not(unix))]
fn pass_on_signals(_: u32) {}

/// Ends as the command did: by its exit code, or by the signal that ended it.
fn end_as(status: ExitStatus) -> anyhow::Result<ExitCode> {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        signal_hook::low_level::emulate_default_handler(signal).context("cannot end by a signal")?;
    }
    let code = status.code().and_then(|code| u8::try_from(code & 0xff).ok());
    // Not by a return: the thread that waits for input would be waited for.
    std::process::exit(code.unwrap_or(1).into())
}
