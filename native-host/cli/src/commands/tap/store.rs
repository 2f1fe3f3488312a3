//! A session's events on their way into the store, in a thread of its own: whatever the store does, the session goes on.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use turnledger::now;
use turnledger_archive::{Archive, ArchiveError, Entry, Reading};
use turnledger_core::{Event, UnixMillis};

use super::super::counted;

/// How long an event waits for others to share its transaction.
const TOGETHER: Duration = Duration::from_millis(500);
/// How many events share a transaction at most.
const AT_ONCE: usize = 500;
/// How many events wait for a store that another process holds.
const WAITING: usize = 20_000;

enum Message {
    Event(UnixMillis, Box<Event>),
    /// Asks to say when all that came before is kept.
    Finish(Sender<()>),
}

/// Keeps events.
pub(super) struct Store {
    sender: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

/// Takes events for a [`Store`].
pub(super) struct Taker {
    sender: SyncSender<Message>,
    /// Events that found no room.
    lost: Arc<AtomicU64>,
}

impl Store {
    /// Keeps events in the store at `path`. A store that cannot be used is reported, and the session goes on.
    pub(super) fn open(path: &Path) -> Self {
        let (sender, receiver) = sync_channel(WAITING);
        let path = path.to_owned();
        thread::spawn(move || keep(&path, &receiver));
        Self { sender, lost: Arc::default() }
    }

    pub(super) fn taker(&self) -> Taker {
        Taker { sender: self.sender.clone(), lost: self.lost.clone() }
    }

    /// Waits until all that was taken is kept, or was reported as lost. Returns whether there was enough time.
    pub(super) fn finish(&self, timeout: Duration) -> bool {
        if let lost @ 1.. = self.lost.swap(0, Ordering::Relaxed) {
            say!(
                "{} came too fast and {} not in the store",
                counted(lost, "event"),
                if lost == 1 { "is" } else { "are" }
            );
        }
        let (done, kept) = channel();
        match self.sender.try_send(Message::Finish(done)) {
            Ok(()) => kept.recv_timeout(timeout) != Err(RecvTimeoutError::Timeout),
            Err(TrySendError::Full(_)) => false,
            // Reported already.
            Err(TrySendError::Disconnected(_)) => true,
        }
    }
}

impl Taker {
    /// Takes an event. One that finds no room is lost: the session does not wait.
    pub(super) fn take(&self, event: &Event) {
        let message = Message::Event(now(), Box::new(event.clone()));
        if let Err(TrySendError::Full(_)) = self.sender.try_send(message) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Keeps what comes, until nothing can come any more or the store cannot be used.
fn keep(path: &Path, receiver: &Receiver<Message>) {
    let mut reading = Reading::default();
    let mut archive = None;
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let Ok(first) = receiver.recv() else { return };
        let until = Instant::now() + TOGETHER;
        let mut next = Some(first);
        let mut finish = None;
        while let Some(message) = next {
            match message {
                Message::Event(at, event) => entries.push(reading.next(Some(at), *event)),
                Message::Finish(done) => {
                    finish = Some(done);
                    break;
                }
            }
            if entries.len() >= AT_ONCE {
                break;
            }
            next = receiver.recv_timeout(until.saturating_duration_since(Instant::now())).ok();
        }
        match add(&mut archive, path, &entries) {
            Ok(()) => entries.clear(),
            // It is tried again with the next events.
            Err(ArchiveError::Busy { .. }) if finish.is_none() && entries.len() < WAITING => {}
            Err(error) => {
                let error = anyhow::Error::from(error);
                say!("{error:#}; the session goes on, and its events are not kept");
                return;
            }
        }
        if let Some(done) = finish {
            // What is closed is whole in one file.
            archive = None;
            // Nobody waits any more after a time.
            let _ = done.send(());
        }
    }
}

fn add(archive: &mut Option<Archive>, path: &Path, entries: &[Entry]) -> Result<(), ArchiveError> {
    let archive = match archive {
        Some(archive) => archive,
        None => archive.insert(Archive::open(path)?),
    };
    archive.add(entries).map(drop)
}
