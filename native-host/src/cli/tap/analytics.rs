//! What becomes of a session: events, by the settings.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use turnledger::Ledger;
use turnledger::ledger::Flushed;
use turnledger_core::Event;
use turnledger_core::event::common::RpcTransport;

use super::super::settings::{Origin, Settings, Unusable};
use super::Args;

/// What becomes of a session, and where its events wait.
pub(super) struct Analytics {
    pub(super) ledger: Ledger,
    uploads: bool,
    has_spool: bool,
}

impl Analytics {
    pub(super) const fn none() -> Self {
        Self { ledger: Ledger::disabled(), uploads: false, has_spool: false }
    }

    /// Says what did not go as it should have; nothing of it is the session's business.
    pub(super) fn finish(&self, timeout: Duration) {
        let flushed = self.ledger.shutdown(timeout);
        let stats = self.ledger.stats();
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
            Flushed::Stored { waiting, .. } if waiting > 0 && self.uploads => {
                let kept = if self.has_spool && stats.spool_problem.is_none() { "in the spool" } else { "lost" };
                eprintln!("turnledger: {waiting} events could not be uploaded yet and are {kept}");
            }
            Flushed::TimedOut => eprintln!("turnledger: the last events may not be uploaded yet"),
            _ => {}
        }
    }
}

/// Why there are no analytics. Who wrote the command line sees what is wrong with it; for anything else a
/// session does not end.
pub(super) enum Broken {
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

pub(super) fn start(args: &Args, config: Option<&Path>) -> Result<Analytics, Broken> {
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
        .rpc_transport(if args.websocket.is_some() { RpcTransport::Websocket } else { RpcTransport::Stdio })
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
        if let Some(folder) = path.parent()
            && settings.has_default_spool()
        {
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
    let mut output: Box<dyn Write + Send> = if path == Path::new("-") {
        Box::new(io::stderr())
    } else {
        let file = File::options().append(true).create(true).open(path);
        Box::new(file.with_context(|| format!("cannot write {}", path.display()))?)
    };
    let mut is_broken = false;
    Ok(move |event| {
        if !is_broken && writeln!(output, "{event}").and_then(|()| output.flush()).is_err() {
            is_broken = true;
            eprintln!("turnledger: cannot write events any more; the session goes on");
        }
        Some(event)
    })
}
