//! The one thread that writes to the store. What waits is written in one transaction.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use turnledger_archive::{Archive, ArchiveError, OriginId, Receipt, Received};
use turnledger_core::UnixMillis;

use super::memory::Held;
use super::{SOON, lost};
use crate::accounts::Holder;
use crate::forward::Bell;
use crate::metrics::Metrics;
use crate::peer::Wait;
use crate::refusal::Refusal;

/// How many events a transaction has at least before others wait for the next. A count.
const ENOUGH: usize = 5_000;
/// After what time a client comes again whose events could not be written.
const LATER: Wait = Wait::new(Duration::from_secs(5));

/// A request that is to be stored.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) request: Received,
    /// Until the answer, the room of its events is taken.
    pub(crate) held: Held,
}

/// What became of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// It is on disk, now or since it came before.
    Done,
    /// Its key was used for another body.
    OtherBody,
    /// Whoever brought it was forgotten meanwhile: nothing is stored.
    NoOrigin,
}

/// The store failed: the events are not in it.
struct Failed;

/// What the thread is told.
enum Message {
    Store(Box<Job>, oneshot::Sender<Result<Stored, Failed>>),
    Origin(Box<Holder>, oneshot::Sender<Result<OriginId, Failed>>),
    ForgetReceipts(UnixMillis),
    End,
}

/// What tells a person of something.
pub(crate) type Tell = fn(&str);

/// The queue before the thread. A clone is the same queue.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
    metrics: Arc<Metrics>,
    /// Whose events the tokens bring.
    origins: Arc<Mutex<HashMap<i64, OriginId>>>,
}

impl Writer {
    /// Starts the thread. It ends by [`end`](Self::end) or with the last writer, with everything written that waited.
    pub(crate) fn start(
        archive: Archive,
        queue: usize,
        metrics: Arc<Metrics>,
        bell: Bell,
        tell: Tell,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (queue, messages) = mpsc::channel(queue.max(1));
        let mut thread = Thread { archive, metrics: metrics.clone(), bell, tell, is_failing: false };
        let thread = thread::Builder::new().name("store".into()).spawn(move || thread.run(messages))?;
        Ok((Self { queue, metrics, origins: Arc::default() }, thread))
    }

    /// Stores a job's events. It is done when they are on disk.
    pub(crate) async fn store(&self, job: Job) -> Result<Stored, Refusal> {
        let (done, answer) = oneshot::channel();
        self.metrics.queued();
        self.send(Message::Store(Box::new(job), done)).inspect_err(|_| self.metrics.unqueued())?;
        answered(answer).await
    }

    /// Whose events a token brings, as the store knows them.
    pub(crate) async fn origin(&self, holder: Holder) -> Result<OriginId, Refusal> {
        let token = holder.token;
        let known = self.origins.lock().unwrap_or_else(PoisonError::into_inner).get(&token).copied();
        if let Some(origin) = known {
            return Ok(origin);
        }
        let (done, answer) = oneshot::channel();
        self.send(Message::Origin(Box::new(holder), done))?;
        let origin = answered(answer).await?;
        self.origins.lock().unwrap_or_else(PoisonError::into_inner).insert(token, origin);
        Ok(origin)
    }

    /// Forgets whose events a token brings: the store knows that one no more.
    pub(crate) fn forget_origin(&self, token: i64) {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner).remove(&token);
    }

    fn send(&self, message: Message) -> Result<(), Refusal> {
        self.queue.try_send(message).map_err(|_| Refusal::busy("the store has too much to do now", SOON))
    }

    /// Whether the thread takes what is sent.
    pub(crate) fn is_alive(&self) -> bool {
        !self.queue.is_closed()
    }

    /// Takes no more, and lets the thread end when what waits is written.
    pub(crate) async fn end(&self) {
        // Without the thread it has ended.
        let _ = self.queue.send(Message::End).await;
    }

    /// Forgets which requests were stored before a time.
    pub(crate) async fn forget_receipts(&self, before: UnixMillis) {
        // Without the thread there is nothing to forget.
        let _ = self.queue.send(Message::ForgetReceipts(before)).await;
    }
}

async fn answered<T>(answer: oneshot::Receiver<Result<T, Failed>>) -> Result<T, Refusal> {
    match answer.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(Failed)) => Err(Refusal::busy("the events could not be stored", LATER)),
        Err(_) => Err(lost()),
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// What the thread has.
struct Thread {
    archive: Archive,
    metrics: Arc<Metrics>,
    /// Told of new events.
    bell: Bell,
    tell: Tell,
    is_failing: bool,
}

/// A request in a transaction, and who waits for it.
struct Waiting {
    done: oneshot::Sender<Result<Stored, Failed>>,
    _held: Held,
}

impl Thread {
    fn run(&mut self, mut messages: mpsc::Receiver<Message>) {
        while let Some(first) = messages.blocking_recv() {
            let (mut requests, mut waiting) = (Vec::new(), Vec::new());
            let (mut next, mut events, mut forget) = (Some(first), 0, None);
            while let Some(message) = next {
                match message {
                    Message::Store(job, done) => {
                        self.metrics.unqueued();
                        let Job { request, held } = *job;
                        events += request.entries.len();
                        requests.push(request);
                        waiting.push(Waiting { done, _held: held });
                    }
                    Message::Origin(holder, done) => {
                        let origin = self.archive.origin(&holder.person, holder.team.as_deref());
                        // The one who waited may have gone.
                        let _ = done.send(origin.map_err(|error| self.failed(&error)));
                    }
                    Message::ForgetReceipts(before) => forget = Some(before),
                    // What is in the queue already is written.
                    Message::End => messages.close(),
                }
                next = if events < ENOUGH { messages.try_recv().ok() } else { None };
            }
            self.write(&requests, waiting);
            if let Some(Err(error)) = forget.map(|before| self.archive.forget_receipts(before)) {
                self.failed(&error);
            }
        }
    }

    /// Writes requests in one transaction. Where one of them is about an event that a later version wrote, each is tried
    /// alone: it is not to be in the way of the others.
    fn write(&mut self, requests: &[Received], waiting: Vec<Waiting>) {
        if requests.is_empty() {
            return;
        }
        let receipts: Vec<_> = match self.commit(requests) {
            Ok(receipts) => receipts.into_iter().map(Ok).collect(),
            Err(ArchiveError::Event { .. }) if requests.len() > 1 => {
                requests.iter().map(|request| self.commit_one(request)).collect()
            }
            Err(_) => requests.iter().map(|_| Err(Failed)).collect(),
        };
        for (receipt, Waiting { done, _held }) in receipts.into_iter().zip(waiting) {
            let stored = receipt.and_then(|receipt| match receipt {
                Receipt::OtherBody => Ok(Stored::OtherBody),
                Receipt::UnknownOrigin => Ok(Stored::NoOrigin),
                Receipt::Repeated => {
                    self.metrics.repeated();
                    Ok(Stored::Done)
                }
                Receipt::Stored(added) => {
                    self.metrics.stored(added);
                    if added.new > 0 {
                        self.bell.ring();
                    }
                    Ok(Stored::Done)
                }
                // Nothing says that it is on disk.
                _ => Err(Failed),
            });
            // The one who waited may have gone: the events are stored all the same.
            let _ = done.send(stored);
        }
    }

    fn commit_one(&mut self, request: &Received) -> Result<Receipt, Failed> {
        self.commit(slice::from_ref(request)).ok().and_then(|mut receipts| receipts.pop()).ok_or(Failed)
    }

    fn commit(&mut self, requests: &[Received]) -> Result<Vec<Receipt>, ArchiveError> {
        let began = Instant::now();
        match self.archive.receive(requests) {
            Ok(receipts) => {
                self.metrics.committed(began.elapsed());
                if std::mem::take(&mut self.is_failing) {
                    (self.tell)("the store can be written again");
                }
                Ok(receipts)
            }
            Err(error) => {
                self.failed(&error);
                Err(error)
            }
        }
    }

    /// Tells of a failure, once until something is stored again.
    fn failed(&mut self, error: &ArchiveError) -> Failed {
        self.metrics.failed();
        if !std::mem::replace(&mut self.is_failing, true) {
            (self.tell)(&crate::with_causes(error));
        }
        Failed
    }
}
