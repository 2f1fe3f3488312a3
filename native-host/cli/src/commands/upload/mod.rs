//! `turnledger upload`

mod files;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Parser;
use indicatif::{HumanDuration, ProgressBar};
use turnledger::delivery::account::{AccountKey, Login};
use turnledger::delivery::{Courier, Hold, RetryLimits};
use turnledger::now;
use turnledger::store::{Spool, StoredBatch, Wanted};
use turnledger_core::UnixMillis;
use turnledger_core::delivery::{Action, Delivery, Verdict};

use super::{BAD_INPUT, UNDELIVERED, counted};
use crate::progress;
use crate::settings::{BatchArgs, Settings, SpoolArgs, UploadArgs};

/// Send events from files, or those that wait in the spool.
///
/// A file has one event or one request body a line, as `tap --events` and `replay` write them. A line that is neither
/// is reported and skipped. If the command ends early, run it again with the same files and settings: the same request
/// has the same `Idempotency-Key`, so a server can recognise it. Do not send a file that still grows: use `tap --upload`.
///
/// Without a file, the events in the spool are sent that belong to the account that is logged in now. Files are sent
/// under that account.
///
/// Exit codes: 0 everything was delivered; 1 lines of the files were skipped; 2 the arguments or a file cannot be used;
/// 4 not everything could be delivered.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Files of events, plain or compressed (gzip, Zstandard); `-` is standard input. Without a file, the events in the
    /// spool are sent
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How long to keep trying, in seconds, while the server cannot be reached or is busy
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
        bail!("analytics are off ({}): nothing is sent", settings.enabled.origin);
    }
    // Where the policy cannot be kept to, nothing may leave: neither files nor what waits.
    let policy = settings.policy()?;
    let Some(courier) = settings.courier()? else {
        bail!("no server is set: name one by --upload, TURNLEDGER_UPLOAD or `upload` in turnledger.toml");
    };
    let mut uploader = Uploader::new(courier, Duration::from_secs(args.wait));
    if settings.auth.value.is_none() && settings.token_file.value.is_none() {
        uploader.advice = NO_TOKEN;
    }
    let (ended, bad_lines) = if args.files.is_empty() {
        (drain(&mut uploader, &settings, args)?, 0)
    } else {
        files::send(&mut uploader, policy.as_ref(), &settings, args)?
    };
    if !args.quiet {
        let (delivered, requests) = (counted(uploader.delivered, "event"), counted(uploader.requests, "request"));
        eprintln!("{delivered} delivered, in {requests}");
        if uploader.withheld > 0 {
            eprintln!("{} kept back by the policy", counted(uploader.withheld, "event"));
        }
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

/// Why sending stops.
pub(super) struct Stopped(pub(super) String);

/// What became of a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settled {
    Delivered,
    Refused(u16),
    /// Too large: to be sent in halves.
    Halve,
    /// Failed too often: to be sent after the others.
    Defer,
}

/// Sends batches, and counts what became of them.
pub(super) struct Uploader {
    courier: Courier,
    delivery: Delivery,
    /// How long to go on without a success.
    patience: Duration,
    until: Instant,
    jitter: u64,
    delivered: u64,
    requests: u64,
    refused: u64,
    /// Events of which the policy lets nothing leave.
    withheld: u64,
    /// What went wrong on the way the last time.
    problem: Option<String>,
    /// What is said where the server wants credentials.
    pub(super) advice: &'static str,
}

impl Uploader {
    /// Sends by a courier, and goes on without a success for as long as `patience`.
    pub(super) fn new(courier: Courier, patience: Duration) -> Self {
        Self {
            courier,
            delivery: Delivery::new(RetryLimits::default()),
            patience,
            until: Instant::now() + patience,
            jitter: u64::from(std::process::id()),
            delivered: 0,
            requests: 0,
            refused: 0,
            withheld: 0,
            problem: None,
            advice: "",
        }
    }

    /// Why events wait, with the server's host and what went wrong.
    fn why(&self, hold: Hold) -> String {
        match (hold, &self.problem) {
            (Hold::Unreachable | Hold::NoAnswer, Some(problem)) => {
                format!("{hold} ({}: {problem})", host(self.courier.url()))
            }
            (Hold::Credentials { status: Some(_) }, _) => format!("{hold}{}", self.advice),
            _ => hold.to_string(),
        }
    }

    /// Events that were delivered.
    pub(super) const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Events that the server refused.
    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }

    /// Whose events can go now.
    fn account(&mut self) -> Result<AccountKey, Stopped> {
        match self.courier.login() {
            Login::Account(account) => Ok(account),
            Login::LoggedOut => stopped(
                "there are no credentials: the file that --auth, TURNLEDGER_AUTH or `auth` in turnledger.toml names is \
                 missing or has none",
            ),
            Login::NotBackend => stopped("the credentials are an API key: events of API keys are not sent"),
            _ => stopped(NEWER),
        }
    }

    /// Sends a batch until the core has decided on it. Before it is sent once more, `may_go_on` is asked.
    fn deliver(
        &mut self,
        batch: &StoredBatch,
        progress: &ProgressBar,
        mut may_go_on: impl FnMut() -> bool,
    ) -> Result<Settled, Stopped> {
        let events = batch.events as u64;
        loop {
            let sending = match self.delivery.poll(now()) {
                Action::Send(sending) => sending,
                Action::Wait { until } => {
                    self.wait(until, progress)?;
                    if !may_go_on() {
                        return stopped("another process sends these events now");
                    }
                    continue;
                }
                _ => return stopped(NEWER),
            };
            // Twice the provider's time, and the request's.
            let sent = self.courier.send(batch, sending, Instant::now() + Duration::from_secs(3600));
            self.problem = sent.problem;
            if sent.takes_gzip {
                self.delivery.takes_gzip();
            }
            self.jitter = self.jitter.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let settled = match self.delivery.handle(now(), sent.response, batch.events, self.jitter) {
                Verdict::Delivered => {
                    self.delivered += events;
                    self.requests += 1;
                    Settled::Delivered
                }
                Verdict::Refused { status } => {
                    self.refused += events;
                    Settled::Refused(status)
                }
                Verdict::Halve => Settled::Halve,
                Verdict::Defer(_) => return Ok(Settled::Defer),
                Verdict::Hold(Hold::Credentials { status: None }) => {
                    self.account()?;
                    return stopped("another account has logged in meanwhile");
                }
                Verdict::Hold(hold) if !hold.may_pass() => return Err(Stopped(self.why(hold))),
                Verdict::Again | Verdict::Hold(_) => continue,
                _ => return stopped(NEWER),
            };
            self.until = Instant::now() + self.patience;
            return Ok(settled);
        }
    }

    /// Waits for the next request, if that is not too long.
    fn wait(&self, until: UnixMillis, progress: &ProgressBar) -> Result<(), Stopped> {
        let wait = Duration::from_millis(until.0.saturating_sub(now().0));
        let problem = match self.delivery.hold() {
            Some(hold) => self.why(hold),
            None => format!("the server asked for no request for another {}", HumanDuration(wait)),
        };
        if Instant::now().checked_add(wait).is_none_or(|then| then > self.until) {
            return Err(Stopped(problem));
        }
        progress.set_message(format!("({problem}; trying again)"));
        thread::sleep(wait);
        progress.set_message("");
        Ok(())
    }
}

/// The host of a URL, without what may be a secret in its path.
pub(super) fn host(url: &str) -> &str {
    let authority = url.split("://").nth(1).unwrap_or(url);
    authority.split('/').next().unwrap_or(authority)
}

fn stopped<T>(problem: &str) -> Result<T, Stopped> {
    Err(Stopped(problem.into()))
}

/// What is said where a server wants credentials and nobody named any.
pub(super) const NO_TOKEN: &str = ": --token-file names a file with a token for it";

/// What the library says and this program does not know.
const NEWER: &str = "this program is older than its library";

/// How long to wait for another process that writes the spool.
const PATIENCE: Duration = Duration::from_secs(10);

/// Delivers what waits in the spool.
fn drain(uploader: &mut Uploader, settings: &Settings, args: &Args) -> anyhow::Result<Result<(), Stopped>> {
    let Some(path) = settings.spool.value.as_deref() else {
        bail!("there is no spool ({} says `none`): name files of events", settings.spool.origin);
    };
    super::spool::take_over(settings, PATIENCE);
    if !path.exists() {
        eprintln!("turnledger: {}: no spool here, so no event waits", path.display());
        return Ok(Ok(()));
    }
    let mut spool = super::spool::open(path, settings.store_limits(), PATIENCE)?;
    if let Some(until) = spool.asked_until(uploader.courier.url(), now())? {
        uploader.delivery.wait_until(until);
    }
    let progress = progress::of_events(spool.waiting()?.events, !args.quiet);
    let ended = send_all(uploader, &mut spool, &progress)?;
    progress.finish_and_clear();
    let left = spool.waiting()?.events;
    let others = match uploader.courier.login() {
        Login::Account(account) => {
            spool.status()?.accounts.iter().filter(|(of, _)| **of != account).map(|(_, events)| events).sum::<u64>()
        }
        _ => 0,
    };
    Ok(match (ended, left) {
        (ended, 0) => ended,
        (Err(Stopped(problem)), left) => Err(Stopped(format!("{problem}; {} still waiting", counted(left, "event")))),
        (Ok(()), left) if left == others => {
            let left = counted(left, "event");
            Err(Stopped(format!("{left} still waiting for another account to log in")))
        }
        (Ok(()), left) => {
            let left = counted(left, "event");
            Err(Stopped(format!("{left} still waiting: another process is sending, or was when it ended")))
        }
    })
}

/// Sends what waits in a spool.
pub(super) fn send_all(
    uploader: &mut Uploader,
    spool: &mut Spool,
    progress: &ProgressBar,
) -> anyhow::Result<Result<(), Stopped>> {
    loop {
        let account = match uploader.account() {
            Ok(account) => account,
            Err(stopped) if spool.waiting()?.events > 0 => return Ok(Err(stopped)),
            Err(_) => return Ok(Ok(())),
        };
        let most_events = match uploader.delivery.poll(now()) {
            Action::Send(sending) => sending.most_events,
            _ => usize::MAX,
        };
        let Some(mut next) = spool.next(&Wanted::new(now(), account).most_events(most_events))? else {
            return Ok(Ok(()));
        };
        let batch = next.clone();
        let settled = uploader.deliver(&batch, progress, || spool.renew(&mut next, now()).unwrap_or(false));
        if let Some(until) = uploader.delivery.asked_until(now()) {
            spool.ask_until(uploader.courier.url(), until)?;
        }
        match settled {
            Ok(Settled::Delivered) => spool.delivered(&next)?,
            Ok(Settled::Refused(status)) => {
                spool.refused(&next, status)?;
                let events = counted(next.events as u64, "event");
                progress.suspend(|| {
                    eprintln!("turnledger: the server refused {events} (status {status}); see `turnledger spool list --refused`");
                });
            }
            Ok(Settled::Halve) => {
                spool.dissolve(&next)?;
                continue;
            }
            Ok(Settled::Defer) => {
                spool.release(&next, true)?;
                continue;
            }
            Err(stopped) => {
                spool.release(&next, false)?;
                return Ok(Err(stopped));
            }
        }
        progress.inc(next.events as u64);
    }
}
