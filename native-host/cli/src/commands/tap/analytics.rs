//! A session's events, as the settings want them.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use turnledger::Ledger;
use turnledger::delivery::Hold;
use turnledger::ledger::{Flushed, LedgerBuilder, LedgerStats, Trouble};
use turnledger::private_file::{make_private_folder, open_private};
use turnledger_core::Event;
use turnledger_core::event::common::RpcTransport;
use turnledger_git::Answerer;

use super::super::counted;
use super::super::otlp::Receiver;
use super::super::spool::take_over;
use super::Args;
use super::store::Store;
use crate::settings::{Origin, Settings, Unusable};

/// How long a signal waits at most for what is not on disk yet.
const STORED_WITHIN: Duration = Duration::from_millis(500);

/// How long the start waits for another process that writes a spool of an earlier version.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long the end waits at most where the next session can deliver what is left.
const WITH_A_SPOOL: Duration = Duration::from_secs(2);

/// How long the end waits at most for the store.
const WITH_A_STORE: Duration = Duration::from_secs(3);

/// What becomes of a session, and where its events wait.
pub(super) struct Analytics {
    ledger: Ledger,
    uploads: bool,
    has_spool: bool,
    store: Option<Store>,
    otlp: Option<Otlp>,
}

/// A receiver of OpenTelemetry, and the ledger that sends to it.
struct Otlp {
    ledger: Ledger,
    receiver: Receiver,
    has_spool: bool,
}

impl Analytics {
    pub(super) const fn none() -> Self {
        Self { ledger: Ledger::disabled(), uploads: false, has_spool: false, store: None, otlp: None }
    }

    /// What is to see the session.
    pub(super) fn ledgers(&self) -> impl Iterator<Item = Ledger> {
        [Some(&self.ledger), self.otlp.as_ref().map(|otlp| &otlp.ledger)].into_iter().flatten().cloned()
    }

    /// Reports what is left when a signal cuts [`finish`](Self::finish) short.
    pub(super) fn cut_short(&self, has_traffic: bool) {
        let until = Instant::now() + STORED_WITHIN;
        while self.ledgers().any(|ledger| ledger.stats().queued > 0) && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
        self.finish_store(until.saturating_duration_since(Instant::now()));
        for line in self.summary(Flushed::Ended, &self.ledger.stats(), has_traffic) {
            say!("ended by a signal; {line}");
        }
        if let Some(otlp) = &self.otlp {
            otlp.say(Flushed::Ended);
        }
    }

    /// Ends the ledger, and reports what became of its events. The session's exit status does not depend on it.
    pub(super) fn finish(&self, timeout: Duration, has_traffic: bool) {
        let within = |has_spool| if has_spool { timeout.min(WITH_A_SPOOL) } else { timeout };
        // Both at the same time: neither has the other's time.
        let of_otlp = self.otlp.as_ref().map(|otlp| {
            let (ledger, timeout) = (otlp.ledger.clone(), within(otlp.has_spool));
            thread::spawn(move || ledger.shutdown(timeout))
        });
        let flushed = self.ledger.shutdown(within(self.has_spool));
        self.finish_store(WITH_A_STORE);
        for line in self.summary(flushed, &self.ledger.stats(), has_traffic) {
            say!("{line}");
        }
        if let Some((otlp, flushed)) = self.otlp.as_ref().zip(of_otlp) {
            otlp.say(flushed.join().unwrap_or(Flushed::TimedOut));
        }
    }

    fn finish_store(&self, timeout: Duration) {
        if let Some(store) = &self.store
            && !store.finish(timeout)
        {
            say!("there was not enough time: the last events are not in the store");
        }
    }

    /// What went wrong, and what of an app-server's traffic is not known to this version: a line each.
    fn summary(&self, flushed: Flushed, stats: &LedgerStats, has_traffic: bool) -> Vec<String> {
        let mut lines = lines_of(flushed, stats, self.uploads, self.has_spool);
        let unknown = || self.ledgers().map(|ledger| ledger.stats().core.unknown).find(|unknown| !unknown.is_empty());
        if has_traffic && let Some(unknown) = unknown() {
            lines.push(unknown.to_string());
        }
        lines
    }
}

impl Otlp {
    /// Says what went wrong.
    fn say(&self, flushed: Flushed) {
        for line in lines_of(flushed, &self.ledger.stats(), true, self.has_spool) {
            say!("OpenTelemetry: {line}");
        }
        for line in self.receiver.says() {
            say!("{line}");
        }
    }
}

/// What went wrong with a ledger: a line each.
fn lines_of(flushed: Flushed, stats: &LedgerStats, uploads: bool, has_spool: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if flushed == Flushed::TimedOut {
        lines.push("there was not enough time: the last events are lost".to_owned());
    }
    if stats.dropped > 0 {
        let dropped = counted(stats.dropped, "message");
        lines.push(format!("{dropped} came too fast and are not in the events"));
    }
    if uploads && stats.no_account > 0 {
        let events = counted(stats.no_account, "event");
        lines.push(format!("{events} dropped: nobody was logged in"));
    }
    if stats.withheld > 0 {
        lines.push(format!("{} kept back by the policy", counted(stats.withheld, "event")));
    }
    if uploads && stats.not_backend > 0 {
        let events = counted(stats.not_backend, "event");
        lines.push(format!("{events} not sent: events of API keys are not sent"));
    }
    for (status, events) in &stats.refused {
        let kept = if has_spool { "; see `turnledger spool list --refused`" } else { "" };
        lines.push(format!("the server refused {} (status {status}){kept}", counted(*events, "event")));
    }
    if stats.evicted > 0 {
        let events = counted(stats.evicted, "event");
        lines.push(format!("{events} dropped: too many waited, or for too long"));
    }
    let lost = stats.in_memory.events;
    let kept = stats.waiting.events - lost;
    let why = match (&stats.held, &stats.spool_problem) {
        (Some(hold), _) => format!(" ({hold})"),
        (None, _) => String::new(),
    };
    if has_spool && kept > 0 && uploads {
        lines.push(format!("{} not sent yet{why}: kept in the spool for the next session", counted(kept, "event")));
    }
    if lost > 0 {
        let spool = stats.spool_problem.as_ref().map(|problem| format!("; {problem}")).unwrap_or_default();
        lines.push(format!("{} not sent{why}: lost{spool}", counted(lost, "event")));
    } else if let Some(problem) = &stats.spool_problem {
        lines.push(problem.clone());
    }
    lines
}

/// Why there are no analytics. A fault of the command line ends the tap; any other does not end the session.
pub(super) enum Broken {
    CommandLine(anyhow::Error),
    Elsewhere(anyhow::Error),
}

impl Broken {
    /// A fault of the command line if the setting was a flag, else of elsewhere.
    fn by(origin: &Origin) -> impl FnOnce(anyhow::Error) -> Self {
        if matches!(origin, Origin::Flag(_)) { Self::CommandLine } else { Self::Elsewhere }
    }
}

impl From<Unusable> for Broken {
    fn from(error: Unusable) -> Self {
        if error.is_flag() { Self::CommandLine(error.into()) } else { Self::Elsewhere(error.into()) }
    }
}

pub(super) fn start(args: &Args, config: Option<&Path>) -> Result<Analytics, Broken> {
    let settings =
        Settings::load(config, &[&args.key, &args.upload, &args.batch, &args.spool, &args.keep, &args.otlp])?;
    if !settings.enabled.value {
        if args.events.is_some() || args.keep.is_given() {
            say!("analytics are off ({}): there are no events", settings.enabled.origin);
        }
        return Ok(Analytics::none());
    }
    let endpoint = settings.endpoint().map_err(Broken::by(&settings.upload.origin))?;
    let uploads = endpoint.is_some();
    // Events wait for a server, or because a spool was named: `turnledger upload` sends them.
    let spool = settings.spool.value.as_deref().filter(|_| uploads || settings.spool.origin != Origin::Default);
    let has_spool = spool.is_some();
    // So with the store.
    let is_kept = args.keep.is_given() || settings.store.origin != Origin::Default;
    let store = settings.store.value.as_deref().filter(|_| is_kept).map(Store::open);
    let otlp = start_otlp(args, &settings)?;
    if args.events.is_none() && !uploads && !has_spool && store.is_none() {
        return Ok(Analytics { otlp, ..Analytics::none() });
    }
    let mut builder = builder(args, &settings)?;
    let mut write = args.events.as_deref().map(write_events).transpose().map_err(Broken::CommandLine)?;
    if write.is_some() || store.is_some() {
        let keep = store.as_ref().map(Store::taker);
        builder = builder.before_send(move |event| {
            if let Some(write) = &mut write {
                write(&event);
            }
            if let Some(keep) = &keep {
                keep.take(&event);
            }
            Some(event)
        });
    }
    if let Some(endpoint) = endpoint {
        let has_credentials = settings.auth.value.is_some() || settings.token_file.value.is_some();
        builder = builder.upload(endpoint, settings.auth()).on_trouble(move |trouble| say(trouble, has_credentials));
        if let Some(pem) = settings.certificates().map_err(Broken::by(&settings.certificates.origin))? {
            builder = builder.certificates(pem);
        }
    }
    if let Some(path) = spool {
        builder = builder.auth(settings.auth());
        if let Some(folder) = path.parent()
            && settings.has_default_spool()
        {
            // If this fails, opening the spool fails as well and is reported.
            let _ = make_private_folder(folder);
            take_over(&settings, PATIENCE);
        }
        builder = builder.spool(path.to_owned());
    }
    let ledger = builder.start().map_err(|error| Broken::Elsewhere(error.into()))?;
    Ok(Analytics { ledger, uploads, has_spool, store, otlp })
}

/// A ledger as the settings want every one.
fn builder(args: &Args, settings: &Settings) -> Result<LedgerBuilder, Broken> {
    let builder = Ledger::builder()
        .answers(Answerer::default())
        .rpc_transport(if args.websocket.is_some() { RpcTransport::Websocket } else { RpcTransport::Stdio })
        .digest(settings.digest().map_err(Broken::by(&settings.key_file.origin))?)
        .timeout(settings.timeout())
        .store(settings.store_limits());
    Ok(match settings.policy().map_err(Broken::Elsewhere)? {
        Some(policy) => builder.policy(policy),
        None => builder,
    })
}

/// What sends to a receiver of OpenTelemetry, if there is one.
fn start_otlp(args: &Args, settings: &Settings) -> Result<Option<Otlp>, Broken> {
    let Some(receiver) = Receiver::of(settings).map_err(Broken::by(&settings.otlp.origin))? else { return Ok(None) };
    let mut builder = builder(args, settings)?.on_trouble(|trouble: &Trouble| {
        if needs_a_person(trouble) {
            say!("OpenTelemetry: {trouble}");
        }
    });
    builder = receiver.ledger(builder, settings).map_err(Broken::Elsewhere)?;
    let spool = settings.otlp_spool();
    let has_spool = spool.is_some();
    if let Some(path) = spool {
        if let Some(folder) = path.parent() {
            // If this fails, opening the spool fails as well and is reported.
            let _ = make_private_folder(folder);
        }
        builder = builder.spool(path);
    }
    let ledger = builder.start().map_err(|error| Broken::Elsewhere(error.into()))?;
    Ok(Some(Otlp { ledger, receiver, has_spool }))
}

/// Reports at once what may need a person. What passes by itself is reported at the end.
fn say(trouble: &Trouble, has_credentials: bool) {
    if !needs_a_person(trouble) {
        return;
    }
    match trouble {
        Trouble::Held { hold: Hold::Credentials { status: Some(_) }, .. } if !has_credentials => {
            say!("{trouble}{}", super::super::upload::NO_TOKEN);
        }
        _ => say!("{trouble}"),
    }
}

fn needs_a_person(trouble: &Trouble) -> bool {
    !matches!(trouble, Trouble::Held { hold, .. } if hold.may_pass())
}

/// Writes every event to a file, or standard error, as it comes.
fn write_events(path: &Path) -> anyhow::Result<impl FnMut(&Event) + Send + use<>> {
    let mut output: Box<dyn Write + Send> = if path == Path::new("-") {
        Box::new(io::stderr())
    } else {
        let file = open_private(File::options().append(true), path);
        Box::new(file.with_context(|| format!("cannot write {}", path.display()))?)
    };
    let mut is_broken = false;
    Ok(move |event: &Event| {
        if !is_broken && writeln!(output, "{event}").and_then(|()| output.flush()).is_err() {
            is_broken = true;
            say!("cannot write events any more; the session goes on");
        }
    })
}
