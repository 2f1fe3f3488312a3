//! `turnledger tap`

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use turnledger::Ledger;
use turnledger::ledger::Flushed;
use turnledger::tap::{Recorder, Tap, Watchers};
use turnledger_core::Event;

use super::settings::{BatchArgs, KeyArgs, Origin, Settings, SpoolArgs, Unusable, UploadArgs};

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
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    upload: UploadArgs,
    #[command(flatten)]
    batch: BatchArgs,
    #[command(flatten)]
    spool: SpoolArgs,
    /// The command, after `--`
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// How long the end of a session waits for what is on its way.
const AT_THE_END: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &Args, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let analytics = match analytics(args, config) {
        Ok(analytics) => analytics,
        Err(Broken::CommandLine(error)) => return Err(error),
        Err(Broken::Elsewhere(error)) => {
            eprintln!("turnledger: {error:#}; the session goes on without analytics");
            Analytics::none()
        }
    };
    let recorder = args.record.as_deref().map(|path| {
        let file = create(path)?;
        Recorder::new(BufWriter::new(file)).context("cannot start a thread")
    });
    let watchers = Arc::new(Watchers { ledger: Some(analytics.ledger.clone()), recorder: recorder.transpose()? });
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
    finish(&analytics, &watchers);
    end_as(status)
}

/// What becomes of a session, and where its events wait.
struct Analytics {
    ledger: Ledger,
    uploads: bool,
    has_spool: bool,
}

impl Analytics {
    const fn none() -> Self {
        Self { ledger: Ledger::disabled(), uploads: false, has_spool: false }
    }
}

/// Why there are no analytics. Who wrote the command line sees what is wrong with it; for anything else a
/// session does not end.
enum Broken {
    CommandLine(anyhow::Error),
    Elsewhere(anyhow::Error),
}

impl Broken {
    /// What a setting is to blame for.
    fn by(origin: &Origin) -> impl FnOnce(anyhow::Error) -> Self {
        if matches!(origin, Origin::Flag(_)) { Self::CommandLine } else { Self::Elsewhere }
    }
}

impl From<Unusable> for Broken {
    fn from(error: Unusable) -> Self {
        if error.is_flag() { Self::CommandLine(error.into()) } else { Self::Elsewhere(error.into()) }
    }
}

fn analytics(args: &Args, config: Option<&Path>) -> Result<Analytics, Broken> {
    let settings = Settings::load(config, &[&args.key, &args.upload, &args.batch, &args.spool])?;
    if !settings.enabled.value {
        if args.events.is_some() {
            eprintln!("turnledger: analytics are off ({}): there are no events", settings.enabled.origin);
        }
        return Ok(Analytics::none());
    }
    let endpoint = settings.endpoint().map_err(Broken::by(&settings.upload.origin))?;
    let uploads = endpoint.is_some();
    // Events wait for a server, or because somebody wants them to: `turnledger upload` delivers them.
    let spool = settings.spool.value.as_deref().filter(|_| uploads || settings.spool.origin != Origin::Default);
    let has_spool = spool.is_some();
    if args.events.is_none() && !uploads && !has_spool {
        return Ok(Analytics::none());
    }
    let mut builder = Ledger::builder()
        .digest(settings.digest().map_err(Broken::by(&settings.key_file.origin))?)
        .timeout(settings.timeout())
        .store(settings.store_limits());
    if let Some(path) = &args.events {
        builder = builder.before_send(write_events(path).map_err(Broken::CommandLine)?);
    }
    if let Some(endpoint) = endpoint {
        builder = builder.upload(endpoint, settings.auth());
        if let Some(pem) = settings.certificates().map_err(Broken::by(&settings.certificates.origin))? {
            builder = builder.certificates(pem);
        }
    }
    if let Some(path) = spool {
        if let (Origin::Default, Some(folder)) = (&settings.spool.origin, path.parent()) {
            // A folder that cannot be made is a spool that cannot be opened, which is said then.
            let _ = fs::create_dir_all(folder);
        }
        builder = builder.spool(path.to_owned());
    }
    let ledger = builder.start().map_err(|error| Broken::Elsewhere(error.into()))?;
    Ok(Analytics { ledger, uploads, has_spool })
}

/// Writes every event to a file, or standard error, as it comes.
fn write_events(path: &Path) -> anyhow::Result<impl FnMut(Event) -> Option<Event> + Send + 'static> {
    let mut output: Box<dyn Write + Send> =
        if path == Path::new("-") { Box::new(io::stderr()) } else { Box::new(create(path)?) };
    let mut is_broken = false;
    Ok(move |event| {
        if !is_broken && writeln!(output, "{event}").and_then(|()| output.flush()).is_err() {
            is_broken = true;
            eprintln!("turnledger: cannot write events any more; the session goes on");
        }
        Some(event)
    })
}

fn create(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| format!("cannot write {}", path.display()))
}

/// Says what did not go as it should have; nothing of it is the session's business.
fn finish(analytics: &Analytics, watchers: &Watchers) {
    let ledger = &analytics.ledger;
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
        Flushed::Stored { waiting, .. } if waiting > 0 && analytics.uploads => {
            let kept = if analytics.has_spool && stats.spool_problem.is_none() { "in the spool" } else { "lost" };
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
