//! Observer and reducer in a row.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

use crate::codex::Direction;
use crate::codex::observer::{Observer, ObserverLimits};
use crate::dialect::Dialect;
use crate::digest::Digest;
use crate::discard::Stats;
use crate::event::common::RpcTransport;
use crate::fact::Fact;
use crate::id::{ConnectionId, Id};
use crate::json::write;
use crate::limits::limits;
use crate::output::Output;
use crate::reducer::{self, Reducer};
use crate::restore::{self, RestoreError};
use crate::snapshot::Snapshot;
use crate::source::{Observation, Source, Unreadable};
use crate::time::{Elapsed, UnixMillis};
use crate::unknown::UnknownKind;

limits! {
    /// How much state a session holds: by the number of entries of each kind, by how long they are not used, and so by
    /// bytes as well, because no text is longer than [`MAX_NAME_BYTES`](crate::MAX_NAME_BYTES).
    #[derive(Default)]
    pub struct Limits {
        /// Of the observer.
        pub observer: ObserverLimits,
        /// Of the reducer.
        pub reducer: reducer::Limits,
    }
}

impl Limits {
    /// The most bytes that a session can hold, with every map full and every text at its longest. By default this is
    /// about ten gigabytes, most of it for a million threads. Ordinary ids and names take a tenth of it.
    pub fn most_bytes(&self) -> u64 {
        self.observer.most_bytes().saturating_add(self.reducer.most_bytes())
    }
}

/// Messages or facts in, events out: an [`Observer`], a [`Reducer`] and their counts. One pipeline
/// serves one app-server process.
///
/// ```
/// # #[cfg(feature = "sha2")] {
/// use turnledger_core::Direction::{ClientToServer, ServerToClient};
/// use turnledger_core::digest::Sha2;
/// use turnledger_core::event::common::RpcTransport;
/// use turnledger_core::{Limits, Output, Pipeline, UnixMillis};
///
/// let session = [
///     (ClientToServer, r#"{"id":0,"method":"initialize","params":{"clientInfo":{"name":"editor","version":"1"}}}"#),
///     (ServerToClient, r#"{"id":0,"result":{"userAgent":"editor/0.131.0 (Linux 6.1; x86_64)"}}"#),
///     (ClientToServer, r#"{"id":1,"method":"thread/start","params":{}}"#),
///     (ServerToClient, r#"{"id":1,"result":{"thread":{"id":"thread-1"},"model":"gpt-5"}}"#),
/// ];
/// let mut pipeline = Pipeline::new(Sha2::default(), RpcTransport::Stdio, Limits::default());
/// let mut output = Output::default();
/// for (direction, message) in session {
///     let at = UnixMillis(1_700_000_000_000);
///     assert_eq!(pipeline.observe(at, 1, direction, message.as_bytes(), &mut output), Ok(()));
/// }
/// let types: Vec<_> = output.events.iter().map(|event| event.event_type()).collect();
/// assert_eq!(types, ["codex_thread_initialized"]);
/// # }
/// ```
///
/// # Time
///
/// Every call is given the time, `at`. Events and discards have this time; what follows from a notification has the time
/// at which the server says that it sent it, if it says so and the two clocks differ by five minutes at most. What is open expires by the time that passes
/// from call to call ([`Limits`]). Observer and reducer share that time, and it does not follow a clock that is set:
///
/// - A clock that goes backwards stands still. If it goes back more than two days, it is followed at once.
/// - A clock that jumps forward more than two days is followed once a second call agrees. One call alone changes
///   nothing.
///
/// Neither jump counts as time that passes. [`tick`](Self::tick) lets a session expire in which nothing happens.
#[derive(Clone, Debug)]
pub struct Pipeline<D> {
    observer: Observer,
    reducer: Reducer<D>,
    stats: Stats,
    observation: Observation,
}

impl<D: Digest> Pipeline<D> {
    /// A pipeline that has seen nothing, of connections that use `rpc_transport`.
    pub fn new(digest: D, rpc_transport: RpcTransport, limits: Limits) -> Self {
        Self {
            observer: Observer::new(rpc_transport, limits.observer),
            reducer: Reducer::new(digest, limits.reducer),
            stats: Stats::default(),
            observation: Observation::default(),
        }
    }

    /// Asks the host of each thread whether it works in a linked worktree of Git, where the server's version reports that
    /// (0.155 and later). The thread's event then waits for the answer, or for the end of the thread's first turn.
    ///
    /// A restored pipeline must be told again.
    #[must_use]
    pub fn asking_worktrees(mut self) -> Self {
        self.reducer = self.reducer.asking_worktrees();
        self
    }

    /// Asks the host for the repository of each directory that a message says a thread works in: of its settings, its
    /// environments and its workspace's roots. A policy with a rule about repositories needs it:
    /// see [`Repositories`](crate::policy::Repositories). Events stay the same.
    ///
    /// A restored pipeline must be told again.
    #[must_use]
    pub fn asking_directories(mut self) -> Self {
        self.observer = self.observer.asking_directories();
        self
    }

    /// Takes one message, as text, and appends what it yields to `output`.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if the message is no JSON, or not of the shape that its method has. It is counted and discarded,
    /// and the session goes on.
    pub fn observe(
        &mut self,
        at: UnixMillis,
        connection: impl Into<ConnectionId>,
        direction: Direction,
        text: &[u8],
        output: &mut Output,
    ) -> Result<(), Unreadable> {
        self.take_message(at, connection.into(), direction, text, output)
    }

    fn take_message(
        &mut self,
        at: UnixMillis,
        connection: ConnectionId,
        direction: Direction,
        text: &[u8],
        output: &mut Output,
    ) -> Result<(), Unreadable> {
        let mut observation = core::mem::take(&mut self.observation);
        observation.clear();
        self.observer.observe(at, connection, direction, text, &mut observation);
        self.stats.messages += 1;
        self.stats.irrelevant_messages += u64::from(observation.irrelevant);
        if !observation.unknown.is_empty() {
            self.stats.unknown.add(&observation.unknown);
        }
        let before = Mark::of(output);
        self.reducer.advance(self.observer.now(), at, output);
        output.discards.append(&mut observation.discards);
        let at = observation.emitted_at.unwrap_or(at);
        for fact in observation.facts.drain(..) {
            self.reduce(at, fact, output);
        }
        self.count(before, output);
        let malformed_at = observation.malformed_at;
        self.observation = observation;
        malformed_at.map_or(Ok(()), |column| Err(Unreadable { column }))
    }

    /// Takes one line of a file that an agent wrote, and appends what it yields to `output`. The time is the line's own.
    ///
    /// One pipeline reads one file: [`end`](Self::end) comes after the last line.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if the line is no JSON, or not of the shape that its kind has. It is counted and discarded, and the
    /// file goes on.
    pub fn read(&mut self, source: &mut dyn Source, line: &[u8], output: &mut Output) -> Result<(), Unreadable> {
        self.stats.messages += 1;
        self.take_from(&mut |observation| source.line(line, observation), output)
    }

    /// Takes note that a file has no more lines, and ends its session as [`finish`](Self::finish) does.
    pub fn end(&mut self, source: &mut dyn Source, output: &mut Output) {
        // The end of a file is no line that could not be read.
        let _: Result<(), Unreadable> = self.take_from(&mut |observation| source.end(observation), output);
        let before = Mark::of(output);
        self.reducer.end(output);
        self.count(before, output);
    }

    fn take_from(&mut self, observe: &mut dyn FnMut(&mut Observation), output: &mut Output) -> Result<(), Unreadable> {
        let mut observation = core::mem::take(&mut self.observation);
        observation.clear();
        observe(&mut observation);
        let before = Mark::of(output);
        let at = observation.at.unwrap_or_default();
        if observation.at.is_some() {
            self.observer.see(at);
            self.reducer.advance(self.observer.now(), at, output);
        }
        self.stats.irrelevant_messages += u64::from(observation.irrelevant);
        output.discards.append(&mut observation.discards);
        for fact in observation.facts.drain(..) {
            self.reduce(at, fact, output);
        }
        self.count(before, output);
        let malformed_at = observation.malformed_at;
        self.observation = observation;
        malformed_at.map_or(Ok(()), |column| Err(Unreadable { column }))
    }

    /// Takes one fact and appends what it yields to `output`.
    pub fn ingest(&mut self, at: UnixMillis, fact: impl Into<Fact>, output: &mut Output) {
        self.take_fact(at, fact.into(), output);
    }

    fn take_fact(&mut self, at: UnixMillis, fact: Fact, output: &mut Output) {
        let before = Mark::of(output);
        self.observer.see(at);
        self.reducer.advance(self.observer.now(), at, output);
        self.reduce(at, fact, output);
        self.count(before, output);
    }

    /// When something expires next, by the clock that the latest step was told; none if nothing is held. Steps move it,
    /// mostly to later.
    ///
    /// A host calls [`tick`](Self::tick) then. It asks again after that, and at least once a day: the clock may be set
    /// in between. No step has to wait for a tick.
    pub fn next_deadline(&self) -> Option<UnixMillis> {
        let due = self.observer.first_due().min(self.reducer.first_due());
        (due != Elapsed::NEVER).then(|| self.observer.at(due))
    }

    /// How long nothing may come until [`next_deadline`](Self::next_deadline), in milliseconds; none if nothing is held. A host
    /// whose clock is not the messages' sets its timer by it.
    pub fn time_left(&self) -> Option<u64> {
        let due = self.observer.first_due().min(self.reducer.first_due());
        (due != Elapsed::NEVER).then(|| due.0.saturating_sub(self.observer.now().0))
    }

    /// Takes note that nothing came until `at`, and gives up what has been idle for too long by then: a discard says so of
    /// each thing that waited for something ([`Expired`](crate::discard::Reason::Expired)), a skill that waited for an
    /// answer has its event, and maps in which nothing is left give back their memory.
    ///
    /// All the time since the latest step has passed, but for a wait of more than 500 days, or one in which a message has
    /// shown that the clock was set. It is never wrong to call it, or to call it early; it counts as no message.
    pub fn tick(&mut self, at: UnixMillis, output: &mut Output) {
        let before = Mark::of(output);
        self.observer.wait(at);
        self.reducer.advance(self.observer.now(), at, output);
        self.count(before, output);
    }

    /// Ends the session: what still waits for something yields what is known of it, or a discard.
    pub fn finish(&mut self, at: UnixMillis, output: &mut Output) {
        let before = Mark::of(output);
        let mut observation = core::mem::take(&mut self.observation);
        observation.clear();
        self.observer.finish(at, &mut observation);
        self.reducer.advance(self.observer.now(), at, output);
        for fact in observation.facts.drain(..) {
            self.reduce(at, fact, output);
        }
        self.observation = observation;
        self.reducer.end(output);
        self.count(before, output);
    }

    /// The threads that it knows.
    pub fn threads(&self) -> impl Iterator<Item = &Id> {
        self.reducer.threads()
    }

    /// What went through so far.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The state as text, to go on from later. It holds hashes of running turns' diffs and no diff,
    /// prompt, path or command.
    pub fn snapshot(&self) -> String {
        // Adding up is less code than copying.
        let mut stats = Stats::default();
        stats.add(&self.stats);
        let snapshot = Snapshot {
            version: restore::VERSION,
            scheme: self.reducer.scheme(),
            observer: self.observer.save(),
            reducer: self.reducer.save(),
            stats,
        };
        write::to_string(&snapshot)
    }

    /// Goes on from a snapshot as if there had been no break.
    ///
    /// # Errors
    ///
    /// [`RestoreError`] if the text is not a snapshot of this version, or if its hashes are of another scheme than
    /// `digest`.
    pub fn restore(digest: D, limits: Limits, snapshot: &str) -> Result<Self, RestoreError> {
        let snapshot = Snapshot::from_json(snapshot, digest.scheme())?;
        Ok(Self {
            observer: Observer::load(limits.observer, snapshot.observer),
            reducer: Reducer::load(digest, limits.reducer, snapshot.reducer),
            stats: snapshot.stats,
            observation: Observation::default(),
        })
    }

    fn reduce(&mut self, at: UnixMillis, fact: Fact, output: &mut Output) {
        *self.stats.facts.entry(fact.kind()).or_default() += 1;
        if let Fact::Initialize(initialized) = &fact
            && let Some([major, minor, patch]) = Dialect::newer_than_known(&initialized.runtime.codex_rs_version)
        {
            self.stats.unknown.count(UnknownKind::Version, &format!("{major}.{minor}.{patch}"), 1);
        }
        self.reducer.reduce(at, fact, output);
    }

    fn count(&mut self, before: Mark, output: &Output) {
        for event in &output.events[before.events..] {
            *self.stats.events.entry(Cow::Borrowed(event.event_type())).or_default() += 1;
        }
        for discard in &output.discards[before.discards..] {
            *self.stats.discards.entry((discard.subject, discard.reason)).or_default() += 1;
        }
    }
}

/// How much an output held before a step.
#[derive(Clone, Copy)]
struct Mark {
    events: usize,
    discards: usize,
}

impl Mark {
    fn of(output: &Output) -> Self {
        Self { events: output.events.len(), discards: output.discards.len() }
    }
}
