//! A command's events on their way to the receiver.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::Context;
use indicatif::ProgressBar;
use turnledger::delivery::account::AccountKey;
use turnledger::store::{Spool, StoredEvent};
use turnledger::{Sha2, now};
use turnledger_core::{Event, Policy};

use super::super::counted;
use super::super::line_buffer::LineBuffer;
use super::super::upload::{Uploader, send_all};
use super::Receiver;
use crate::settings::Settings;

/// How many events of a command wait at most before they are sent.
const AT_ONCE: usize = 1000;

/// How long a command keeps trying while the receiver is away or busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes a command's events, one JSON line each, and sends them: first to the spool, so that what cannot be sent now is sent
/// by the next command or tap.
pub(in super::super) struct Lines {
    receiver: Receiver,
    policy: Option<Policy<Sha2>>,
    uploader: Uploader,
    spool: Spool,
    /// The folder of a spool that ends with the command.
    temporary: Option<tempfile::TempDir>,
    lines: LineBuffer,
    waiting: Vec<StoredEvent>,
    withheld: u64,
    /// Why nothing more is sent.
    stopped: Option<String>,
}

impl Lines {
    /// What sends a command's events, if they go to a receiver.
    pub(in super::super) fn of(settings: &Settings) -> anyhow::Result<Option<Self>> {
        let Some(receiver) = Receiver::of(settings)? else { return Ok(None) };
        super::check_enabled(settings)?;
        // Where the policy cannot be kept to, nothing may leave.
        let policy = settings.policy()?;
        let uploader = Uploader::new(receiver.courier(settings)?, PATIENCE);
        let temporary = match settings.otlp_spool() {
            Some(_) => None,
            None => Some(tempfile::tempdir().context("cannot make a temporary folder")?),
        };
        let path = match (&temporary, settings.otlp_spool()) {
            (Some(folder), _) => folder.path().join("spool"),
            (None, path) => path.unwrap_or_default(),
        };
        if let Some(folder) = path.parent() {
            turnledger::private_file::make_private_folder(folder)
                .with_context(|| format!("cannot use {}", folder.display()))?;
        }
        let spool = super::super::spool::open(&path, settings.store_limits(), Duration::from_secs(10))?;
        Ok(Some(Self {
            receiver,
            policy,
            uploader,
            spool,
            temporary,
            lines: LineBuffer::default(),
            waiting: Vec::new(),
            withheld: 0,
            stopped: None,
        }))
    }

    /// Takes a line: an event, or one behind the number of its recording and a time, each with a tab behind it.
    fn take_line(&mut self, line: &[u8]) -> anyhow::Result<()> {
        let begin = line.iter().position(|byte| *byte == b'{').unwrap_or_default();
        let event: Event = serde_json::from_slice(&line[begin..]).context("what was made is no event")?;
        let json = event.to_json();
        let leaves = match &self.policy {
            Some(policy) => policy.apply(&json).ok(),
            None => Some(json),
        };
        match leaves {
            Some(json) => {
                self.waiting.push(StoredEvent::from_json(now(), AccountKey::NONE, json, event.is_isolated()));
            }
            None => self.withheld += 1,
        }
        if self.waiting.len() >= AT_ONCE { self.deliver() } else { Ok(()) }
    }

    fn deliver(&mut self) -> anyhow::Result<()> {
        self.spool.append(&std::mem::take(&mut self.waiting), now())?;
        if self.stopped.is_none() {
            self.stopped =
                send_all(&mut self.uploader, &mut self.spool, &ProgressBar::hidden())?.err().map(|stopped| stopped.0);
        }
        Ok(())
    }

    /// Sends what is left, and says what became of it. Whether all was delivered.
    pub(in super::super) fn finish(mut self, is_quiet: bool) -> anyhow::Result<bool> {
        self.deliver()?;
        let left = self.spool.waiting()?.events;
        if !is_quiet {
            eprintln!("{} sent to {}", counted(self.uploader.delivered(), "event"), self.receiver.host());
            if self.withheld > 0 {
                eprintln!("{} kept back by the policy", counted(self.withheld, "event"));
            }
            for line in self.receiver.says() {
                eprintln!("{line}");
            }
        }
        if left > 0 {
            let why = self.stopped.as_deref().unwrap_or("another process sends them");
            let then = if self.temporary.is_some() { "lost" } else { "kept for the next time" };
            eprintln!("turnledger: {why}; {} not sent: {then}", counted(left, "event"));
        }
        Ok(left == 0 && self.uploader.refused() == 0)
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = std::mem::take(&mut self.lines);
        let added = lines.add(bytes, |line| self.take_line(line));
        self.lines = lines;
        added.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() { Ok(()) } else { self.deliver().map_err(io::Error::other) }
    }
}
