//! Observer and reducer in a row.

use alloc::borrow::Cow;
use alloc::string::String;

use crate::digest::Digest;
use crate::discard::Stats;
use crate::event::common::RpcTransport;
use crate::fact::Fact;
use crate::id::ConnectionId;
use crate::observer::{Observation, Observer, ObserverLimits};
use crate::output::Output;
use crate::protocol::Direction;
use crate::reducer::{self, Reducer};
use crate::snapshot::{self, RestoreError, Snapshot};
use crate::time::UnixMillis;
use crate::write;

/// How much state a session holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Of the observer.
    pub observer: ObserverLimits,
    /// Of the reducer.
    pub reducer: reducer::Limits,
}

/// Messages or facts in, events out: an [`Observer`] and a [`Reducer`] in a row, and what they
/// count. One pipeline serves one app-server process.
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

    /// Takes one message, as text, and appends what it yields to `output`.
    ///
    /// Returns the byte, counted from 1, at which the message could not be read, if it could not.
    pub fn observe(
        &mut self,
        at: UnixMillis,
        connection: ConnectionId,
        direction: Direction,
        text: &[u8],
        output: &mut Output,
    ) -> Option<usize> {
        let mut observation = core::mem::take(&mut self.observation);
        observation.clear();
        self.observer.observe(at, connection, direction, text, &mut observation);
        self.stats.messages += 1;
        self.stats.irrelevant_messages += u64::from(observation.irrelevant);
        let before = Mark::of(output);
        output.discards.append(&mut observation.discards);
        for fact in observation.facts.drain(..) {
            self.reduce(at, fact, output);
        }
        self.count(before, output);
        let malformed_at = observation.malformed_at;
        self.observation = observation;
        malformed_at
    }

    /// Takes one fact and appends what it yields to `output`.
    pub fn ingest(&mut self, at: UnixMillis, fact: Fact, output: &mut Output) {
        let before = Mark::of(output);
        self.reduce(at, fact, output);
        self.count(before, output);
    }

    /// Ends the session: what still waits for something yields what is known of it, or a discard.
    pub fn finish(&mut self, at: UnixMillis, output: &mut Output) {
        let before = Mark::of(output);
        self.reducer.finish(at, output);
        self.count(before, output);
    }

    /// What went through so far.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The state as text, to go on from later. It holds hashes of running turns' diffs and no diff,
    /// prompt, path or command.
    pub fn snapshot(&self) -> String {
        let snapshot = Snapshot {
            version: snapshot::VERSION,
            scheme: self.reducer.scheme(),
            observer: self.observer.save(),
            reducer: self.reducer.save(),
            stats: self.stats.clone(),
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
        self.reducer.apply(at, fact, output);
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
