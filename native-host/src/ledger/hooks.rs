//! The host's hooks, on a thread of their own, so that a slow hook does not delay reducing and sending.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use turnledger_core::{Discard, Event, UnixMillis};

use super::keeper::Keeper;
use super::passing::{Note, Passing};
use super::queue::Flush;
use super::settings::{BeforeSend, OnDiscard, OnTrouble};
use super::told::Told;
use crate::delivery::account::Login;

/// How many bytes of events and discards wait for the hooks at most; what is beyond is held back.
const MOST_BYTES: u64 = 64 << 20;

/// The hooks that a host has set.
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) before_send: Option<BeforeSend>,
    pub(super) on_discard: Option<OnDiscard>,
    pub(super) on_trouble: Option<OnTrouble>,
}

impl Hooks {
    pub(super) fn is_empty(&self) -> bool {
        self.before_send.is_none() && self.on_discard.is_none() && self.on_trouble.is_none()
    }
}

/// Where the worker passes events on: to the store, or through the hooks.
pub(super) enum Way {
    Straight(Box<Keeper>),
    ByHooks(ToHooks),
}

/// The worker's end of the hooks' queue.
pub(super) struct ToHooks {
    queue: Sender<Passing>,
    bytes: Arc<AtomicU64>,
    told: Arc<Told>,
    wants_discards: bool,
}

impl ToHooks {
    /// Queues an event, if there is room.
    fn event(&self, at: UnixMillis, login: Login, event: Event) {
        let bytes = weight(&event);
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > MOST_BYTES {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.told.stats().vetoed += 1;
            return;
        }
        let _ = self.queue.send(Passing::Event { at, login, event, bytes });
    }

    fn discard(&self, discard: Discard) {
        if self.wants_discards && self.bytes.load(Ordering::Relaxed) < MOST_BYTES {
            self.bytes.fetch_add(DISCARD, Ordering::Relaxed);
            let _ = self.queue.send(Passing::Discard(discard));
        }
    }
}

/// What a discard counts for.
const DISCARD: u64 = 512;

/// An event's size in the queue. Only fingerprints make it large.
fn weight(event: &Event) -> u64 {
    let lines = match event {
        Event::AcceptedLineFingerprints(event) => event.line_fingerprints.len(),
        _ => 0,
    };
    2048 + 256 * lines as u64
}

impl Way {
    pub(super) fn event(&mut self, at: UnixMillis, login: Login, event: Event) {
        match self {
            Self::Straight(keeper) => keeper.take(at, login, &event),
            Self::ByHooks(hooks) => hooks.event(at, login, event),
        }
    }

    pub(super) fn discard(&mut self, discard: Discard) {
        if let Self::ByHooks(hooks) = self {
            hooks.discard(discard);
        }
    }

    /// Passes on what says in which repository a thread works, in its place among the events.
    pub(super) fn note(&mut self, note: Note) {
        match self {
            Self::Straight(keeper) => keeper.note(&note),
            Self::ByHooks(hooks) => {
                let _ = hooks.queue.send(Passing::Note(Box::new(note)));
            }
        }
    }

    /// Stores what came out so far.
    pub(super) fn commit(&mut self) {
        if let Self::Straight(keeper) = self {
            keeper.commit();
        }
    }

    pub(super) fn sync(&mut self, reply: Sender<()>) {
        match self {
            Self::Straight(keeper) => keeper.sync(&reply),
            Self::ByHooks(hooks) => {
                let _ = hooks.queue.send(Passing::Sync(reply));
            }
        }
    }

    pub(super) fn flush(&mut self, flush: Flush) {
        match self {
            Self::Straight(keeper) => keeper.flush(flush),
            Self::ByHooks(hooks) => {
                let _ = hooks.queue.send(Passing::Flush(flush));
            }
        }
    }

    /// When to call the store even without anything to store.
    pub(super) fn due(&self) -> Option<Instant> {
        match self {
            Self::Straight(keeper) => keeper.due(),
            Self::ByHooks(_) => None,
        }
    }
}

/// The two ends of the hooks' queue.
pub(super) fn queue() -> (Sender<Passing>, Receiver<Passing>) {
    unbounded()
}

/// The thread's end: the hooks, and the store behind them.
pub(super) struct HookThread {
    hooks: Hooks,
    keeper: Keeper,
    queue: Receiver<Passing>,
    bytes: Arc<AtomicU64>,
    told: Arc<Told>,
}

impl HookThread {
    pub(super) fn new(
        hooks: Hooks,
        keeper: Keeper,
        (to, queue): (Sender<Passing>, Receiver<Passing>),
        told: Arc<Told>,
    ) -> (Self, Way) {
        let bytes = Arc::new(AtomicU64::new(0));
        let wants_discards = hooks.on_discard.is_some();
        let way = ToHooks { queue: to, bytes: bytes.clone(), told: told.clone(), wants_discards };
        (Self { hooks, keeper, queue, bytes, told }, Way::ByHooks(way))
    }

    /// Until the end is asked for.
    pub(super) fn run(mut self) {
        loop {
            let next = match self.keeper.due() {
                Some(due) => self.queue.recv_deadline(due),
                None => self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match next {
                Ok(passing) => {
                    if self.pass(passing) {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // Events in quick succession are stored together.
            if self.queue.is_empty() || self.keeper.is_full() {
                self.keeper.commit();
            }
        }
    }

    /// Returns whether it was the last.
    fn pass(&mut self, passing: Passing) -> bool {
        match passing {
            Passing::Event { at, login, event, bytes } => {
                self.bytes.fetch_sub(bytes, Ordering::Relaxed);
                let passed = match &mut self.hooks.before_send {
                    Some(see) => self.told.guard("before_send", || see(event)).flatten(),
                    None => Some(event),
                };
                match passed {
                    Some(event) => self.keeper.take(at, login, &event),
                    None => self.told.stats().vetoed += 1,
                }
            }
            Passing::Note(note) => self.keeper.note(&note),
            Passing::Discard(discard) => {
                self.bytes.fetch_sub(DISCARD, Ordering::Relaxed);
                if let Some(see) = &mut self.hooks.on_discard {
                    self.told.guard("on_discard", || see(&discard));
                }
            }
            Passing::Trouble(trouble) => {
                if let Some(see) = &mut self.hooks.on_trouble
                    // Its own panic would be told to it for ever.
                    && std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| see(&trouble))).is_err()
                {
                    self.told.stats().panics += 1;
                }
            }
            Passing::Sync(reply) => self.keeper.sync(&reply),
            // The sender may still have something to tell after the last one.
            Passing::Flush(flush) => self.keeper.flush(flush),
            Passing::Sent { delivered, reply } => {
                // Who asked may have given up.
                let _ = reply.send(delivered);
            }
            Passing::Ended => return true,
        }
        false
    }
}
