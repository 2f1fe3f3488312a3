//! Sends events on a thread of its own, so that a slow request delays nothing else. The core says when a request is
//! due.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use turnledger_core::UnixMillis;
use turnledger_core::delivery::{Action, Delivery, Hold, RetryLimits, Verdict};

use super::queue::Flush;
use super::stats::{LedgerStats, Trouble};
use super::told::Told;
use crate::clock::{SteadyClock, now};
use crate::delivery::{Courier, Sent};
use crate::store::{MemoryStore, Spool, StoreLimits, StoredBatch, Waiting, Wanted};

/// How long the first events of a ledger wait for others to share their request.
const FIRST_AGE: Duration = Duration::from_millis(500);
/// How often it looks for events of other processes in the spool, and for a login.
const IDLE: Duration = Duration::from_secs(10);
/// How long the sender waits for another writer of the spool. A delivery that cannot be noted there is sent again, with
/// the same key.
const PATIENCE: Duration = Duration::from_secs(1);

enum Wake {
    /// There may be more to send.
    Stored,
    Flush(Flush),
}

/// What wakes the sender.
pub(super) struct ToSender {
    wakes: Sender<Wake>,
    /// Whether it has been told of what was stored since it last looked.
    is_told: Arc<AtomicBool>,
}

impl ToSender {
    /// Something was stored.
    pub(super) fn stored(&self) {
        if !self.is_told.swap(true, Ordering::AcqRel) {
            let _ = self.wakes.send(Wake::Stored);
        }
    }

    /// Deliver what waits.
    pub(super) fn flush(&self, flush: Flush) {
        let _ = self.wakes.send(Wake::Flush(flush));
    }
}

/// The state of sending.
pub(super) struct SenderThread {
    wakes: Receiver<Wake>,
    is_told: Arc<AtomicBool>,
    courier: Courier,
    delivery: Delivery,
    path: Option<PathBuf>,
    spool: Option<Spool>,
    memory: Arc<Mutex<MemoryStore>>,
    limits: StoreLimits,
    told: Arc<Told>,
    /// When to look next without being asked.
    due: Instant,
    has_sent: bool,
    jitter: RandomState,
    /// Numbers of jitter so far.
    drawn: u64,
    clock: SteadyClock,
}

/// What came of an attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// Nothing waits that can go, or not yet.
    Idle,
    /// The batch is settled, split or deferred: the next one can go.
    Done,
    /// Not before then.
    Wait(UnixMillis),
}

/// Where a batch waits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Disk,
    Memory,
}

impl SenderThread {
    pub(super) fn new(
        courier: Courier,
        retry: RetryLimits,
        path: Option<PathBuf>,
        memory: Arc<Mutex<MemoryStore>>,
        told: Arc<Told>,
    ) -> (Self, ToSender) {
        let (to, wakes) = unbounded();
        let is_told = Arc::new(AtomicBool::new(false));
        let limits = memory.lock().unwrap_or_else(PoisonError::into_inner).limits();
        let sender = Self {
            wakes,
            is_told: is_told.clone(),
            courier,
            delivery: Delivery::new(retry),
            path,
            spool: None,
            memory,
            limits,
            told,
            // Who stores makes the spool first, and says so.
            due: Instant::now() + IDLE,
            has_sent: false,
            jitter: RandomState::new(),
            drawn: 0,
            clock: SteadyClock::new(),
        };
        (sender, ToSender { wakes: to, is_told })
    }

    /// Until the end is asked for.
    pub(super) fn run(mut self) {
        loop {
            match self.wakes.recv_deadline(self.due) {
                Ok(Wake::Stored) => {
                    self.is_told.store(false, Ordering::Release);
                    self.due = self.due.min(Instant::now() + self.age());
                }
                Ok(Wake::Flush(flush)) => {
                    let delivered = self.flush(flush.until);
                    self.told.sent(delivered, flush.sent);
                    if flush.ends {
                        self.told.ended();
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.cycle(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// The first events go soon: a session may be short.
    fn age(&self) -> Duration {
        if self.has_sent { self.limits.batch_age } else { self.limits.batch_age.min(FIRST_AGE) }
    }

    /// Sends as long as something is due and no flush waits.
    fn cycle(&mut self) {
        self.open();
        while self.wakes.is_empty() {
            match self.attempt(self.age(), None) {
                Attempt::Done => {}
                Attempt::Idle => {
                    let waits = self.told.stats().waiting.events > 0;
                    let pause = if waits { self.age().max(Duration::from_millis(1)) } else { IDLE };
                    self.due = Instant::now() + pause;
                    return;
                }
                Attempt::Wait(until) => {
                    let wait = Duration::from_millis(until.0.saturating_sub(self.clock.now().0)).min(IDLE);
                    self.due = Instant::now() + wait;
                    return;
                }
            }
        }
        self.due = Instant::now();
    }

    /// Sends what waits, until a time. Returns how many events were delivered.
    ///
    /// What is on disk is tried once. What is only in memory is tried until the time is over. `Retry-After` is
    /// obeyed.
    fn flush(&mut self, until: Instant) -> u64 {
        let before = self.told.stats().delivered;
        self.open();
        self.delivery.hurry();
        while Instant::now() < until {
            match self.attempt(Duration::ZERO, Some(until)) {
                Attempt::Done => {}
                Attempt::Idle => break,
                Attempt::Wait(next) => {
                    let is_lost_otherwise = self.memory().waiting().events > 0;
                    let may_pass = self.delivery.hold().is_some_and(Hold::may_pass);
                    let wait = Duration::from_millis(next.0.saturating_sub(self.clock.now().0));
                    let is_in_time = Instant::now().checked_add(wait).is_some_and(|then| then < until);
                    if !is_lost_otherwise || !may_pass || !is_in_time {
                        break;
                    }
                    std::thread::sleep(wait);
                }
            }
        }
        self.due = Instant::now() + self.age();
        self.told.stats().delivered - before
    }

    /// Sends one batch, if one is due.
    fn attempt(&mut self, age: Duration, until: Option<Instant>) -> Attempt {
        let most_events = match self.delivery.poll(self.clock.now()) {
            Action::Wait { until } => return Attempt::Wait(until),
            Action::Send(sending) => sending.most_events,
            _ => return Attempt::Idle,
        };
        let account = self.courier.account();
        self.count_panics();
        let Some(account) = account else {
            if self.told.stats().waiting.events > 0 {
                self.held(Hold::Credentials { status: None }, None);
            }
            return Attempt::Idle;
        };
        let Some((place, mut batch)) = self.next(&Wanted::new(now(), account).age(age).most_events(most_events)) else {
            return Attempt::Idle;
        };
        // The provider may take its time twice, and the request once.
        let until = until.unwrap_or_else(|| Instant::now() + self.limits.lease);
        loop {
            let sending = match self.delivery.poll(self.clock.now()) {
                Action::Send(sending) => sending,
                action => {
                    self.settle(
                        place,
                        |spool| spool.release(&batch, false),
                        |memory| memory.release(&batch, false),
                        |_| {},
                    );
                    return if let Action::Wait { until } = action { Attempt::Wait(until) } else { Attempt::Idle };
                }
            };
            let sent = self.courier.send(&batch, sending, until);
            self.count_panics();
            if sent.takes_gzip {
                self.delivery.takes_gzip();
            }
            let jitter = self.draw();
            let verdict = self.delivery.handle(self.clock.now(), sent.response, batch.events, jitter);
            if verdict != Verdict::Again {
                return self.decide(verdict, place, &batch, sent);
            }
            if place == Place::Disk
                && let Some(spool) = &mut self.spool
                && !matches!(spool.renew(&mut batch, now()), Ok(true))
            {
                // It is another process's meanwhile.
                return Attempt::Done;
            }
        }
    }

    /// Does what the core says of a batch.
    fn decide(&mut self, verdict: Verdict, place: Place, batch: &StoredBatch, sent: Sent) -> Attempt {
        let events = batch.events as u64;
        match verdict {
            Verdict::Delivered => {
                self.has_sent = true;
                self.settle(
                    place,
                    |spool| spool.delivered(batch),
                    |memory| memory.delivered(batch),
                    |stats| {
                        stats.delivered += events;
                        stats.requests_delivered += 1;
                        stats.bytes_delivered += batch.body.len() as u64;
                        stats.held = None;
                    },
                );
                Attempt::Done
            }
            Verdict::Refused { status } => {
                self.settle(
                    place,
                    |spool| spool.refused(batch, status),
                    |memory| memory.refused(batch),
                    |stats| {
                        stats.requests_refused += 1;
                        *stats.refused.entry(status).or_default() += events;
                        stats.held = None;
                    },
                );
                self.told.tell(Trouble::Refused { status, events });
                Attempt::Done
            }
            Verdict::Halve => {
                self.settle(
                    place,
                    |spool| spool.dissolve(batch),
                    |memory| memory.dissolve(batch),
                    |stats| stats.requests_failed += 1,
                );
                Attempt::Done
            }
            Verdict::Hold(hold) | Verdict::Defer(hold) => {
                if !matches!(hold, Hold::Credentials { status: None }) {
                    self.told.stats().requests_failed += 1;
                }
                self.held(hold, sent.problem);
                if let Some(until) = self.delivery.asked_until(self.clock.now())
                    && let Some(spool) = &mut self.spool
                {
                    // The next process is asked, too.
                    let _ = spool.ask_until(self.courier.url(), until);
                }
                let is_deferred = matches!(verdict, Verdict::Defer(_));
                self.settle(
                    place,
                    |spool| spool.release(batch, is_deferred),
                    |memory| memory.release(batch, is_deferred),
                    |_| {},
                );
                match self.delivery.poll(self.clock.now()) {
                    Action::Wait { until } => Attempt::Wait(until),
                    _ => Attempt::Done,
                }
            }
            // [`Verdict::Again`] does not come here, and what this version does not know keeps the batch.
            _ => {
                self.settle(place, |spool| spool.release(batch, false), |memory| memory.release(batch, false), |_| {});
                Attempt::Idle
            }
        }
    }

    /// Reports that delivery is held up, when that begins or the reason changes.
    fn held(&self, hold: Hold, problem: Option<String>) {
        let before = self.told.stats().held.replace(hold);
        if before != Some(hold) {
            self.told.tell(Trouble::Held { hold, problem });
        }
    }

    /// The batch to send next: what waits on disk is older.
    fn next(&mut self, wanted: &Wanted) -> Option<(Place, StoredBatch)> {
        if let Some(spool) = &mut self.spool {
            let next = spool.next(wanted);
            self.told.damage_in(spool);
            match next {
                Ok(Some(batch)) => return Some((Place::Disk, batch)),
                Ok(None) => {}
                Err(problem) => self.without_spool(&problem),
            }
        }
        let batch = self.memory().next(wanted)?;
        Some((Place::Memory, batch))
    }

    /// Tells the store what became of a batch, and counts it.
    fn settle(
        &mut self,
        place: Place,
        on_disk: impl FnOnce(&mut Spool) -> Result<(), crate::store::SpoolError>,
        in_memory: impl FnOnce(&mut MemoryStore),
        count: impl FnOnce(&mut LedgerStats),
    ) {
        match place {
            Place::Memory => in_memory(&mut self.memory()),
            Place::Disk => {
                if let Some(spool) = &mut self.spool
                    && let Err(problem) = on_disk(spool)
                {
                    // Once the disk works, the batch is sent again with the same key.
                    self.without_spool(&problem);
                }
            }
        }
        let on_disk = match (&self.spool, &self.path) {
            (Some(spool), _) => spool.waiting().ok(),
            (None, Some(_)) => None,
            (None, None) => Some(Waiting::default()),
        };
        let in_memory = self.memory().waiting();
        self.told.count(on_disk, in_memory, count);
    }

    /// The storing thread reports what is wrong with the spool; this thread opens it again at its next look.
    fn without_spool(&mut self, problem: &crate::store::SpoolError) {
        tracing::debug!(%problem, "the spool cannot be used for sending");
        self.spool = None;
    }

    fn open(&mut self) {
        let Some(path) = self.path.as_ref().filter(|_| self.spool.is_none()) else { return };
        // The storing thread makes it, and reports what is wrong with it.
        if self.told.stats().spool_problem.is_some() {
            return;
        }
        self.spool = Spool::open(path, self.limits, PATIENCE).ok();
        if let Some(spool) = &self.spool
            && let Ok(Some(until)) = spool.asked_until(self.courier.url(), now())
        {
            self.delivery.wait_until(until);
        }
    }

    fn count_panics(&mut self) {
        let panics = self.courier.take_panics();
        self.told.panicked("the provider of credentials", panics.provider);
        self.told.panicked("the transport", panics.transport);
    }

    fn draw(&mut self) -> u64 {
        self.drawn += 1;
        self.jitter.hash_one(self.drawn)
    }

    fn memory(&self) -> MutexGuard<'_, MemoryStore> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
