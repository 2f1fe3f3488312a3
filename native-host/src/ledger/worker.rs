//! The worker: jobs in, events stored, batches out, one thing after another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use turnledger_core::{Output, Pipeline, Question};

use super::Job;
use super::builder::{BeforeSend, LedgerBuilder, OnDiscard};
use super::stats::{Flushed, LedgerStats};
use crate::Sha2;
use crate::clock::now;
use crate::delivery::{Backoff, Courier, Outcome};
use crate::store::{MemoryStore, Spool, SpoolError, StoredBatch, StoredEvent};

/// How many jobs are taken before their events are stored together.
const GROUP: usize = 256;

pub(super) struct Worker {
    pipeline: Pipeline<Sha2>,
    output: Output,
    before_send: Option<BeforeSend>,
    on_discard: Option<OnDiscard>,
    ask: Option<Sender<(Instant, Question)>>,
    /// Events that are not stored yet.
    events: Vec<StoredEvent>,
    store: Store,
    delivery: Option<Delivery>,
    idle: Duration,
    counted: LedgerStats,
    stats: Arc<Mutex<LedgerStats>>,
}

/// Where events wait.
enum Store {
    Memory(MemoryStore),
    Spool(Spool),
}

/// The state of sending.
struct Delivery {
    courier: Courier,
    backoff: Backoff,
    /// When the next attempt is due, after one that failed.
    not_before: Option<Instant>,
    /// The batch that is being sent.
    sending: Option<StoredBatch>,
}

/// What came of an attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// Nothing waits, or not yet.
    Idle,
    /// A batch is done with.
    Done,
    /// Later.
    Failed,
}

impl Worker {
    pub(super) fn new(
        builder: LedgerBuilder,
        courier: Option<Courier>,
        ask: Option<Sender<(Instant, Question)>>,
        stats: Arc<Mutex<LedgerStats>>,
    ) -> Self {
        let LedgerBuilder { digest, rpc_transport, limits, retry, spool, store, before_send, on_discard, .. } = builder;
        let mut counted = LedgerStats::default();
        let store_of = |spool: Option<Result<Spool, SpoolError>>, counted: &mut LedgerStats| match spool {
            Some(Ok(spool)) => Store::Spool(spool),
            Some(Err(problem)) => {
                report(&problem, counted);
                Store::Memory(MemoryStore::new(store))
            }
            None => Store::Memory(MemoryStore::new(store)),
        };
        let delivery = |courier| Delivery { courier, backoff: Backoff::new(retry), not_before: None, sending: None };
        Self {
            pipeline: Pipeline::new(digest, rpc_transport, limits),
            output: Output::default(),
            before_send,
            on_discard,
            ask,
            events: Vec::new(),
            store: store_of(spool.map(|path| Spool::open(&path, store)), &mut counted),
            delivery: courier.map(delivery),
            idle: store.batch_age,
            counted,
            stats,
        }
    }

    pub(super) fn run(mut self, jobs: &Receiver<Job>, queued_bytes: &AtomicU64) {
        loop {
            match jobs.recv_timeout(self.patience()) {
                Ok(job) => {
                    // What comes in quick succession is stored together.
                    let mut more = jobs.try_iter().take(GROUP);
                    if self.take(job, queued_bytes) || more.any(|job| self.take(job, queued_bytes)) {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.finish();
                    break;
                }
            }
            self.commit();
            // One request after another, as long as nobody waits for the worker.
            while matches!(self.attempt(false, false), Attempt::Done) && jobs.is_empty() {}
            self.publish();
        }
        self.give_back();
        self.publish();
    }

    /// How long to wait for a job.
    fn patience(&self) -> Duration {
        let Some(delivery) = &self.delivery else { return Duration::from_secs(3600) };
        match delivery.not_before {
            Some(due) => due.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)),
            // What waits for company is due at some time, and another process may leave something behind.
            None => self.idle.max(Duration::from_millis(1)),
        }
    }

    /// Does a job; returns whether it is the last one.
    fn take(&mut self, job: Job, queued_bytes: &AtomicU64) -> bool {
        match job {
            Job::Fact(at, fact) => self.pipeline.ingest(at, fact, &mut self.output),
            Job::Message { at, connection, direction, text } => {
                queued_bytes.fetch_sub(text.len() as u64, Ordering::Relaxed);
                self.pipeline.observe(at, connection, direction, &text, &mut self.output);
            }
            Job::Sync { reply } => {
                self.commit();
                self.publish();
                // Who asked may have given up.
                let _ = reply.send(());
                return false;
            }
            Job::Flush { until, ends, reply } => {
                if ends {
                    self.pipeline.finish(now(), &mut self.output);
                }
                self.sort_output();
                let flushed = self.flush(until);
                self.publish();
                // Who asked may have given up.
                let _ = reply.send(flushed);
                return ends;
            }
        }
        self.sort_output();
        false
    }

    /// Hands on what came out of a step.
    fn sort_output(&mut self) {
        for question in self.output.questions.drain(..) {
            if let Some(ask) = &self.ask {
                // A full queue is a host that does not know.
                let _ = ask.try_send((Instant::now(), question));
            }
        }
        if let Some(see) = &mut self.on_discard {
            for discard in &self.output.discards {
                let _ = catch_unwind(AssertUnwindSafe(|| see(discard)));
            }
        }
        self.output.discards.clear();
        let at = now();
        for event in self.output.events.drain(..) {
            let event = match &mut self.before_send {
                Some(see) => catch_unwind(AssertUnwindSafe(|| see(event))).unwrap_or(None),
                None => Some(event),
            };
            match event {
                Some(event) => self.events.push(StoredEvent::new(at, &event)),
                None => self.counted.vetoed += 1,
            }
        }
    }

    /// Stores the events of the jobs so far.
    fn commit(&mut self) {
        if self.events.is_empty() {
            return;
        }
        let events = std::mem::take(&mut self.events);
        self.counted.evicted += match &mut self.store {
            Store::Memory(memory) => memory.append(events, now()),
            Store::Spool(spool) => match spool.append(&events, now()) {
                Ok(evicted) => evicted,
                Err(problem) => self.without_spool(&problem).append(events, now()),
            },
        };
        self.count_waiting();
    }

    /// From now on events wait in memory; those in the spool wait for another process.
    fn without_spool(&mut self, problem: &SpoolError) -> &mut MemoryStore {
        report(problem, &mut self.counted);
        let limits = match &self.store {
            Store::Spool(spool) => spool.limits(),
            Store::Memory(memory) => memory.limits(),
        };
        if let Some(delivery) = &mut self.delivery {
            delivery.sending = None;
        }
        self.store = Store::Memory(MemoryStore::new(limits));
        match &mut self.store {
            Store::Memory(memory) => memory,
            Store::Spool(_) => unreachable!("it was just replaced"),
        }
    }

    fn count_waiting(&mut self) {
        self.counted.waiting = match &self.store {
            Store::Memory(memory) => memory.waiting(),
            Store::Spool(spool) => spool.waiting().unwrap_or(self.counted.waiting),
        };
    }

    /// Stores and delivers as much as goes until a time.
    fn flush(&mut self, until: Instant) -> Flushed {
        self.commit();
        let before = self.counted.delivered;
        // Whatever failed before may work now.
        let mut is_first = true;
        while (is_first || Instant::now() < until) && matches!(self.attempt(true, is_first), Attempt::Done) {
            is_first = false;
        }
        self.count_waiting();
        Flushed::Stored { delivered: self.counted.delivered - before, waiting: self.counted.waiting.events }
    }

    /// The last handle is gone, and nobody waits: what is known is stored.
    fn finish(&mut self) {
        self.pipeline.finish(now(), &mut self.output);
        self.sort_output();
        self.commit();
    }

    /// Another process can send what this one does not.
    fn give_back(&mut self) {
        if let (Store::Spool(spool), Some(Delivery { sending: Some(batch), .. })) = (&mut self.store, &self.delivery) {
            // Or the lease ends.
            let _ = spool.release(batch);
        }
    }

    /// Sends a batch, if one is due: `everything` is, or at any rate now.
    fn attempt(&mut self, everything: bool, at_once: bool) -> Attempt {
        let Some(delivery) = &mut self.delivery else { return Attempt::Idle };
        if delivery.not_before.is_some_and(|due| !at_once && Instant::now() < due) {
            return Attempt::Failed;
        }
        // It may have been another process's while this one waited.
        if let (Some(held), Store::Spool(spool)) = (&mut delivery.sending, &mut self.store) {
            match spool.renew(held, now()) {
                Ok(true) => {}
                Ok(false) => delivery.sending = None,
                Err(problem) => {
                    self.without_spool(&problem);
                    return Attempt::Failed;
                }
            }
        }
        let Some(delivery) = &mut self.delivery else { return Attempt::Idle };
        if delivery.sending.is_none() {
            let next = match &mut self.store {
                Store::Memory(memory) => Ok(memory.next(now(), everything)),
                Store::Spool(spool) => spool.next(now(), everything),
            };
            match next {
                Ok(next) => delivery.sending = next,
                Err(problem) => {
                    self.without_spool(&problem);
                    return Attempt::Failed;
                }
            }
        }
        let Some(delivery) = &mut self.delivery else { return Attempt::Idle };
        let Some(batch) = delivery.sending.clone() else { return Attempt::Idle };
        let events = batch.batch.events as u64;
        match delivery.courier.send(&batch.batch) {
            Outcome::NotBackend => {
                self.counted.not_backend += events;
                self.settle(&batch, None);
                Attempt::Done
            }
            Outcome::Delivered => {
                self.counted.delivered += events;
                self.counted.requests_delivered += 1;
                self.counted.bytes_delivered += batch.batch.body.len() as u64;
                self.settle(&batch, None);
                Attempt::Done
            }
            Outcome::Refused { status } => {
                tracing::warn!(status, events, "the analytics server refused a request for good");
                self.counted.requests_refused += 1;
                self.settle(&batch, Some(status));
                Attempt::Done
            }
            Outcome::NoCredentials => {
                delivery.not_before = Some(Instant::now() + delivery.backoff.next(None));
                Attempt::Failed
            }
            outcome @ (Outcome::Unauthorized | Outcome::TryAgain { .. } | Outcome::UnsupportedEncoding) => {
                let asked = if let Outcome::TryAgain { after, .. } = outcome { after } else { None };
                let delay = delivery.backoff.next(asked);
                tracing::debug!(?outcome, ?delay, events, "a request failed and is tried again");
                self.counted.requests_failed += 1;
                delivery.not_before = Some(Instant::now() + delay);
                Attempt::Failed
            }
        }
    }

    /// A batch is done with: taken, or refused for good.
    fn settle(&mut self, batch: &StoredBatch, refused_with: Option<u16>) {
        if let Some(delivery) = &mut self.delivery {
            delivery.sending = None;
            delivery.not_before = None;
            delivery.backoff.reset();
        }
        let settled = match (&mut self.store, refused_with) {
            (Store::Memory(memory), None) => {
                memory.delivered(batch);
                Ok(())
            }
            (Store::Memory(memory), Some(_)) => {
                memory.refused(batch);
                Ok(())
            }
            (Store::Spool(spool), None) => spool.delivered(batch),
            (Store::Spool(spool), Some(status)) => spool.refused(batch, status),
        };
        if let Err(problem) = settled {
            self.without_spool(&problem);
        }
        self.count_waiting();
    }

    fn publish(&mut self) {
        self.counted.core.clone_from(self.pipeline.stats());
        self.stats.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&self.counted);
    }
}

/// A problem with the spool is told, and is no reason to stop.
fn report(problem: &SpoolError, counted: &mut LedgerStats) {
    tracing::error!(%problem, "events wait in memory");
    counted.spool_problem = Some(problem.to_string());
}
