//! `turnledger upload`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Parser;
use indicatif::ProgressBar;
use serde::Deserialize;
use turnledger::delivery::{Backoff, Courier, Outcome, RetryLimits};
use turnledger::recording::{Source, read_line};
use turnledger::store::Spool;
use turnledger::{Sha2, now};
use turnledger_core::{Batch, Batcher, Event};

use super::settings::{BatchArgs, Settings, SpoolArgs, UploadArgs};
use super::{BAD_INPUT, UNDELIVERED, check_readable, counted, progress};

/// Deliver events from files, or those that wait in the spool.
///
/// A file has an event or a request body a line, as `tap --events` and `replay` write them. A line that is
/// neither is said and skipped. Should it end early, it can be run again with the same files and settings: equal
/// requests have equal keys, by which a server knows them. A file that still grows is for `--spool`.
///
/// Exit codes: 0 if everything was delivered; 1 if lines of the files were skipped; 2 if the arguments cannot
/// be used or a file cannot be read; 4 if not everything could be delivered.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Files of events, plain or compressed (gzip, Zstandard); `-` is standard input. If there is none, what
    /// waits in the spool is delivered
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How long to go on trying with each request while the server cannot be reached or is busy
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=1_000_000_000))]
    wait: u64,
    /// Print neither progress nor a summary
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    upload: UploadArgs,
    #[command(flatten)]
    batch: BatchArgs,
    #[command(flatten)]
    spool: SpoolArgs,
}

pub(crate) fn run(args: &Args, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(config, &[&args.upload, &args.batch, &args.spool])?;
    if !settings.enabled.value {
        bail!("analytics are off ({}): nothing is uploaded", settings.enabled.origin);
    }
    let Some(courier) = settings.courier()? else {
        bail!("no server to upload to: name one with --upload, TURNLEDGER_UPLOAD or `upload` in turnledger.toml");
    };
    let mut uploader = Uploader {
        courier,
        backoff: Backoff::new(RetryLimits::default()),
        patience: Duration::from_secs(args.wait),
        delivered: 0,
        requests: 0,
        refused: 0,
    };
    let (ended, bad_lines) = if args.files.is_empty() {
        (drain(&mut uploader, &settings, args)?, 0)
    } else {
        send_files(&mut uploader, &settings, args)?
    };
    if !args.quiet {
        let (delivered, requests) = (counted(uploader.delivered, "event"), counted(uploader.requests, "request"));
        eprintln!("{delivered} delivered, in {requests}");
    }
    if let Err(stopped) = &ended {
        eprintln!("turnledger: {}", stopped.0);
    }
    Ok(match (ended, bad_lines) {
        (Err(_), _) => ExitCode::from(UNDELIVERED),
        _ if uploader.refused > 0 => ExitCode::from(UNDELIVERED),
        (Ok(()), 0) => ExitCode::SUCCESS,
        (Ok(()), _) => ExitCode::from(BAD_INPUT),
    })
}

/// Why it makes no sense to go on.
struct Stopped(String);

struct Uploader {
    courier: Courier,
    backoff: Backoff,
    /// For how long a batch is tried again.
    patience: Duration,
    delivered: u64,
    requests: u64,
    refused: u64,
}

impl Uploader {
    /// Sends a batch until the server takes it, or refuses it for good: then with its status. Before it is sent
    /// once more, `may_go_on` is asked.
    fn deliver(
        &mut self,
        batch: &Batch,
        progress: &ProgressBar,
        mut may_go_on: impl FnMut() -> bool,
    ) -> Result<Option<u16>, Stopped> {
        let until = Instant::now() + self.patience;
        loop {
            let (problem, after) = match self.courier.send(batch) {
                Outcome::Delivered => {
                    self.backoff.reset();
                    self.delivered += batch.events as u64;
                    self.requests += 1;
                    return Ok(None);
                }
                // These are of the URL or of who asks, and not of the events.
                Outcome::Refused { status: status @ (300..=399 | 403 | 404 | 405 | 407) } => {
                    return Err(Stopped(format!("the server does not take requests at this URL (status {status})")));
                }
                Outcome::Refused { status } => {
                    self.backoff.reset();
                    self.refused += batch.events as u64;
                    return Ok(Some(status));
                }
                Outcome::Unauthorized => return stopped("the server refuses the credentials (status 401)"),
                Outcome::NoCredentials => return stopped("there are no credentials; `auth` names their file"),
                Outcome::NotBackend => {
                    return stopped("the credentials are an API key: such users' events are not uploaded");
                }
                Outcome::UnsupportedEncoding => ("the server answers with status 415".to_owned(), None),
                Outcome::TryAgain { status: Some(status), after } => {
                    (format!("the server answers with status {status}"), after)
                }
                Outcome::TryAgain { status: None, after } => ("the server cannot be reached".to_owned(), after),
            };
            let delay = self.backoff.next(after);
            if Instant::now() + delay > until {
                return Err(Stopped(problem));
            }
            progress.set_message(format!("({problem}; trying again)"));
            thread::sleep(delay);
            progress.set_message("");
            if !may_go_on() {
                return stopped("another process has taken over what was being sent");
            }
        }
    }
}

fn stopped<T>(problem: &str) -> Result<T, Stopped> {
    Err(Stopped(problem.into()))
}

/// Delivers what waits in the spool.
fn drain(uploader: &mut Uploader, settings: &Settings, args: &Args) -> anyhow::Result<Result<(), Stopped>> {
    let Some(path) = settings.spool.value.as_deref() else {
        bail!("there is no spool to deliver from ({}); name files", settings.spool.origin);
    };
    if !path.exists() {
        eprintln!("turnledger: {}: no spool there; nothing waits", path.display());
        return Ok(Ok(()));
    }
    let mut spool = Spool::open(path, settings.store_limits())?;
    let progress = progress::of_events(spool.waiting()?.events, !args.quiet);
    let mut ended = Ok(());
    while let Some(mut next) = spool.next(now(), true)? {
        let batch = next.batch.clone();
        match uploader.deliver(&batch, &progress, || spool.renew(&mut next, now()).unwrap_or(false)) {
            Ok(None) => spool.delivered(&next)?,
            Ok(Some(status)) => {
                spool.refused(&next, status)?;
                let events = counted(next.batch.events as u64, "event");
                progress.suspend(|| {
                    eprintln!("turnledger: the server refuses {events} (status {status}); see `turnledger spool`");
                });
            }
            Err(stopped) => {
                spool.release(&next)?;
                ended = Err(stopped);
                break;
            }
        }
        progress.inc(next.batch.events as u64);
    }
    progress.finish_and_clear();
    let left = spool.waiting()?.events;
    Ok(match (ended, left) {
        (ended, 0) => ended,
        (Err(Stopped(problem)), left) => Err(Stopped(format!("{problem}; still waiting: {}", counted(left, "event")))),
        (Ok(()), left) => {
            let left = counted(left, "event");
            Err(Stopped(format!("another process is sending what is still waiting, or was when it ended: {left}")))
        }
    })
}

/// Delivers the events of files. Returns also how many lines have none.
fn send_files(uploader: &mut Uploader, settings: &Settings, args: &Args) -> anyhow::Result<(Result<(), Stopped>, u64)> {
    let sources: Vec<_> = args.files.iter().map(|file| Source::from_argument(file)).collect();
    check_readable(&sources)?;
    let progress = progress::of_bytes(&sources, !args.quiet);
    let digest = Sha2::default();
    let mut batcher = Batcher::new(settings.store_limits().batch);
    let mut bad_lines = 0;
    let mut send = |batch: &Batch| match uploader.deliver(batch, &progress, || true)? {
        None => Ok(()),
        Some(status) => {
            let events = counted(batch.events as u64, "event");
            progress.suspend(|| eprintln!("turnledger: the server refuses {events} (status {status})"));
            Ok(())
        }
    };
    let mut line = Vec::new();
    for source in &sources {
        let unreadable = || format!("cannot read {}", source.name());
        let mut reader = source.open(|file| progress.wrap_read(file)).with_context(unreadable)?;
        let mut number = 0_u64;
        while let Some(is_whole) = read_line(&mut *reader, &mut line).with_context(unreadable)? {
            number += 1;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let Some(events) = Some(&line).filter(|_| is_whole).and_then(|line| events_of(line)) else {
                bad_lines += 1;
                let place = format!("{}:{number}", source.name());
                progress.suspend(|| eprintln!("{place}: neither an event nor a request body with events"));
                continue;
            };
            for batch in events.iter().flat_map(|event| batcher.push(event, &digest)) {
                if let Err(stopped) = send(&batch) {
                    progress.finish_and_clear();
                    return Ok((Err(stopped), bad_lines));
                }
            }
        }
    }
    let ended = batcher.flush(&digest).map_or(Ok(()), |batch| send(&batch));
    progress.finish_and_clear();
    Ok((ended, bad_lines))
}

/// The events of a line. They are read in full, and only what is known of them goes on.
fn events_of(line: &[u8]) -> Option<Vec<Event>> {
    #[derive(Deserialize)]
    struct Body {
        events: Vec<Event>,
    }
    if let Ok(event) = serde_json::from_slice(line) {
        return Some(vec![event]);
    }
    serde_json::from_slice(line).ok().map(|Body { events }| events)
}
