//! The queue before the reducer: bounded in number and in bytes. Putting something in never waits.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, unbounded};
use turnledger_core::{ConnectionId, Direction, Fact, UnixMillis};

/// What the worker is asked to do.
pub(super) enum Job {
    Fact {
        at: UnixMillis,
        fact: Fact,
        /// What it counts for in the queue.
        bytes: u64,
    },
    Message {
        at: UnixMillis,
        connection: ConnectionId,
        direction: Direction,
        text: Box<[u8]>,
    },
    /// Store what there is; then say so.
    Sync {
        reply: Sender<()>,
    },
    Flush(Flush),
}

/// Store everything, and send what waits, until a time.
pub(super) struct Flush {
    pub(super) until: Instant,
    /// Whether it is the end.
    pub(super) ends: bool,
    /// Told when everything is stored.
    pub(super) stored: Sender<()>,
    /// Gets the number of delivered events when sending has ended.
    pub(super) sent: Sender<u64>,
}

/// How many bytes wait for the worker at most.
const MOST_BYTES: u64 = 256 << 20;

/// The queue's entrance, shared by all handles and by the thread that answers questions.
pub(super) struct Queue {
    jobs: Sender<Job>,
    /// How many facts and messages wait at most.
    most: u64,
    waiting: AtomicU64,
    bytes: AtomicU64,
    dropped: AtomicU64,
    late: AtomicU64,
    is_closed: AtomicBool,
}

impl Queue {
    pub(super) fn new(most: usize) -> (Self, Receiver<Job>) {
        let (jobs, receiver) = unbounded();
        let queue = Self {
            jobs,
            most: most as u64,
            waiting: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            late: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
        };
        (queue, receiver)
    }

    /// Queues a fact or a message of this many bytes. It is made only if there is room. Returns whether there was room.
    pub(super) fn offer(&self, bytes: u64, job: impl FnOnce() -> Job) -> bool {
        if self.is_closed() {
            self.late.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        let waiting = self.waiting.fetch_add(1, Ordering::Relaxed);
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let has_room = waiting < self.most && before.saturating_add(bytes) <= MOST_BYTES;
        if has_room && self.jobs.send(job()).is_ok() {
            return true;
        }
        self.taken(bytes);
        self.dropped.fetch_add(1, Ordering::Relaxed);
        false
    }

    /// A fact or a message of this many bytes has left the queue.
    pub(super) fn taken(&self, bytes: u64) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Asks for something else; for the last thing, if nothing is taken any more after it. Returns whether there is
    /// still somebody to ask.
    pub(super) fn ask(&self, job: Job) -> bool {
        let ends = matches!(job, Job::Flush(Flush { ends: true, .. }));
        let was_closed = if ends { self.is_closed.swap(true, Ordering::AcqRel) } else { self.is_closed() };
        !was_closed && self.jobs.send(job).is_ok()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    pub(super) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn late(&self) -> u64 {
        self.late.load(Ordering::Relaxed)
    }

    /// What came in behind the end is not reduced.
    pub(super) fn drop_rest(&self, jobs: &Receiver<Job>) {
        for job in jobs.try_iter() {
            let bytes = match job {
                Job::Fact { bytes, .. } => bytes,
                Job::Message { text, .. } => text.len() as u64,
                Job::Sync { .. } | Job::Flush(_) => continue,
            };
            self.taken(bytes);
            self.late.fetch_add(1, Ordering::Relaxed);
        }
    }
}
