//! Sending stored events on: the store is the queue, so that nothing waits in memory and nothing is lost by a kill.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use turnledger_archive::{Archive, ArchiveError, EventNumber, ReceiverId};
use turnledger_core::UnixMillis;
use turnledger_core::delivery::{Action, Delivery, Hold, Response, RetryLimits, Verdict};

use crate::ingest::Tell;
use crate::metrics::Metrics;
use crate::secret::hash;

#[cfg(test)]
mod tests;

/// The most events that are sent at once. A count.
const MOST_EVENTS: usize = 1000;
/// The most bytes of events that are sent at once, but for a single event.
const MOST_BYTES: usize = 1 << 20;
/// How often the store is looked at, though nobody said that anything came: another process may write it.
const LOOK: Duration = Duration::from_secs(5);
/// How long the store is left alone when it cannot be read.
const PAUSE: Duration = Duration::from_secs(5);

/// What sends events on.
pub trait Forward: Send {
    /// Sends events, JSON each, and waits for an answer, at most for so long. `key` is theirs: the same events that are sent
    /// again have the same one. What is too large for the receiver is the sender's to halve.
    fn forward(&mut self, key: &str, events: &[String], timeout: Duration) -> Forwarded;
}

/// What came of sending events on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a sender fills in every member")]
pub struct Forwarded {
    /// The answer. It is for all of the events that were sent.
    pub response: Response,
    /// How many of the events were not sent, since the policy keeps them back. A count.
    pub withheld: usize,
    /// What went wrong on the way, if there was no answer. It has no secret and no event.
    pub problem: Option<String>,
}

/// Who gets all events that come from now on.
#[expect(clippy::exhaustive_structs, reason = "these are what is needed")]
pub struct Receiver {
    /// Its name, by which the store knows how far it has the events.
    pub name: String,
    /// What sends to it.
    pub sender: Box<dyn Forward>,
    /// How long a request takes at most.
    pub timeout: Duration,
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Receiver").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// What the thread is told, and what it tells.
#[derive(Debug, Default)]
struct State {
    /// Something came.
    is_rung: bool,
    /// Until when what is left is sent.
    end: Option<Instant>,
    /// Why the receiver does not take events now.
    hold: Option<Hold>,
}

/// Tells the thread that events came, and knows how it fares. A clone is the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bell {
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Bell {
    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.shared.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Events came.
    pub(crate) fn ring(&self) {
        self.state(|state| state.is_rung = true);
        self.shared.1.notify_all();
    }

    /// No more come: what is left is sent until then.
    pub(crate) fn end(&self, until: Instant) {
        self.state(|state| state.end = Some(until));
        self.shared.1.notify_all();
    }

    /// Why the receiver does not take events now.
    pub(crate) fn hold(&self) -> Option<Hold> {
        self.state(|state| state.hold)
    }

    /// Waits for events, for the end, and at most for so long. Says until when there is time, if there is an end.
    fn wait(&self, most: Duration) -> Option<Instant> {
        let state = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.shared.1.wait_timeout_while(state, most, |state| !state.is_rung && state.end.is_none());
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.is_rung = false;
        state.end
    }
}

/// Starts the thread. It ends when it is told to, and has sent what was left or has had its time.
pub(crate) fn start(
    mut archive: Archive,
    receiver: Receiver,
    bell: Bell,
    metrics: Arc<Metrics>,
    tell: Tell,
) -> Result<JoinHandle<()>, StartError> {
    let id = hash(receiver.name.as_bytes());
    let mark = archive.mark(&id)?;
    let delivery = Delivery::new(RetryLimits::default());
    let jitter = u64::from(std::process::id());
    let (noted, has_panicked) = (mark, false);
    let mut thread = Thread { archive, receiver, id, mark, noted, delivery, bell, metrics, tell, jitter, has_panicked };
    let spawned = thread::Builder::new().name("forward".into()).spawn(move || thread.run());
    spawned.map_err(StartError::Thread)
}

/// Why the thread does not start.
pub(crate) enum StartError {
    Store(ArchiveError),
    Thread(io::Error),
}

impl From<ArchiveError> for StartError {
    fn from(error: ArchiveError) -> Self {
        Self::Store(error)
    }
}

struct Thread {
    archive: Archive,
    receiver: Receiver,
    id: ReceiverId,
    /// Up to where the receiver has the events.
    mark: EventNumber,
    /// The same as far as the store knows it.
    noted: EventNumber,
    delivery: Delivery,
    bell: Bell,
    metrics: Arc<Metrics>,
    tell: Tell,
    jitter: u64,
    has_panicked: bool,
}

/// There is no more time.
struct Ended;

impl Thread {
    fn run(&mut self) {
        let mut is_failing = false;
        while let Ok(failed) = self.step() {
            if let Some(error) = &failed
                && !is_failing
            {
                (self.tell)(&format!("cannot forward: {}", crate::with_causes(error)));
            }
            is_failing = failed.is_some();
            if is_failing && self.pause(PAUSE).is_err() {
                break;
            }
        }
    }

    /// Sends what comes next, or waits for it. Says what is wrong with the store.
    fn step(&mut self) -> Result<Option<ArchiveError>, Ended> {
        // Nothing comes after the end: what is read behind this is all.
        let is_end = self.bell.wait(Duration::ZERO).is_some();
        // What could not be noted before.
        if let Err(error) = self.note() {
            return Ok(Some(error));
        }
        let behind = match self.archive.behind(self.mark, MOST_EVENTS, MOST_BYTES) {
            Ok(behind) => behind,
            Err(error) => return Ok(Some(error)),
        };
        self.count_waiting();
        let Some(last) = behind.last else {
            if is_end {
                return Err(Ended);
            }
            self.bell.wait(LOOK);
            return Ok(None);
        };
        if !behind.events.is_empty()
            && let Some(error) = self.deliver(last, behind.events)?
        {
            return Ok(Some(error));
        }
        // The receiver has them: they are not sent again while this process lives.
        self.mark = last;
        for row in behind.damaged {
            let error = ArchiveError::Event { path: self.archive.path().into(), row: row.number() };
            (self.tell)(&format!("cannot forward: {error}"));
        }
        self.count_waiting();
        Ok(self.note().err())
    }

    /// Notes in the store how far the receiver has the events.
    fn note(&mut self) -> Result<(), ArchiveError> {
        if self.noted < self.mark {
            self.archive.move_mark(&self.id, self.mark)?;
            self.noted = self.mark;
        }
        Ok(())
    }

    fn count_waiting(&self) {
        if let Ok(last) = self.archive.last_number() {
            self.metrics.forward_waiting(last.behind(self.mark));
        }
    }

    /// Sends events until the receiver has decided on them. Says what is wrong with the store.
    fn deliver(&mut self, last: EventNumber, mut events: Vec<String>) -> Result<Option<ArchiveError>, Ended> {
        loop {
            if let Action::Wait { until } = self.delivery.poll(turnledger::now()) {
                self.pause(Duration::from_millis(until.0.saturating_sub(turnledger::now().0)))?;
                // Some of them may have been forgotten meanwhile.
                events = match self.archive.between(self.mark, last) {
                    Ok(events) => events,
                    Err(error) => return Ok(Some(error)),
                };
                if events.is_empty() {
                    return Ok(None);
                }
                continue;
            }
            let timeout = match self.bell.wait(Duration::ZERO) {
                None => self.receiver.timeout,
                Some(end) => self.receiver.timeout.min(end.saturating_duration_since(Instant::now())),
            };
            if timeout.is_zero() {
                return Err(Ended);
            }
            // A number is never given again: of a range, as many events are the same events.
            let key = format!("{}-{}-{}", self.mark.number(), last.number(), events.len());
            let sent = self.send(&key, &events, timeout);
            if self.settles(turnledger::now(), &sent, events.len()) {
                return Ok(None);
            }
        }
    }

    /// Sends events once. A panic of the sender is no answer.
    fn send(&mut self, key: &str, events: &[String], timeout: Duration) -> Forwarded {
        let sender = &mut self.receiver.sender;
        let sent = catch_unwind(AssertUnwindSafe(|| sender.forward(key, events, timeout)));
        sent.unwrap_or_else(|_| {
            if !std::mem::replace(&mut self.has_panicked, true) {
                (self.tell)("sending to the receiver failed by a fault of this program: it is tried again");
            }
            Forwarded { response: Response::NoAnswer, withheld: 0, problem: None }
        })
    }

    /// Whether the receiver has decided.
    fn settles(&mut self, now: UnixMillis, sent: &Forwarded, events: usize) -> bool {
        self.jitter = self.jitter.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let verdict = self.delivery.handle(now, sent.response, events, self.jitter);
        let is_settled = matches!(verdict, Verdict::Delivered | Verdict::Refused { .. } | Verdict::Halve);
        let events = events.saturating_sub(sent.withheld);
        match verdict {
            Verdict::Delivered => self.metrics.forwarded(events),
            // The sender has halved them as far as it goes.
            Verdict::Refused { .. } | Verdict::Halve => {
                self.metrics.forward_refused(events);
                (self.tell)(&format!("the receiver refused a part of {events} events: they are not sent to it again"));
            }
            _ => {}
        }
        if is_settled {
            self.metrics.forward_withheld(sent.withheld);
        }
        let hold = self.delivery.hold();
        let before = self.bell.state(|state| std::mem::replace(&mut state.hold, hold));
        match (before, hold) {
            (None, Some(hold)) => {
                let why = sent.problem.as_ref().map(|problem| format!(" ({problem})")).unwrap_or_default();
                (self.tell)(&format!("events wait for the receiver: {hold}{why}"));
            }
            (Some(_), None) => (self.tell)("the receiver takes events again"),
            _ => {}
        }
        is_settled
    }

    /// Waits, with what waits counted meanwhile.
    fn pause(&self, time: Duration) -> Result<(), Ended> {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            if let Some(end) = self.bell.wait(left) {
                // Nothing rings any more.
                let rest = end.min(until).saturating_duration_since(Instant::now());
                thread::sleep(rest);
                return if until <= end { Ok(()) } else { Err(Ended) };
            }
            self.count_waiting();
        }
    }
}
