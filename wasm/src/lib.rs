//! The WebAssembly host of Turnledger: the core behind classes that the npm package `turnledger` wraps.
//!
//! No logic but marshalling. What comes out of a step is text, taken in one piece for each kind; a step says
//! by [flags](EVENTS) which kinds there are, so that the many steps without any cost one call.

mod delivery;
mod digest;
mod options;
mod rollouts;

use std::borrow::Cow;

use js_sys::Function;
use turnledger_core::policy::{Judgement, Policy, Repositories};
use turnledger_core::{Batch, Batcher, Direction, Fact, Limits, Output, Pipeline, Stats, UnixMillis};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

pub use self::delivery::{Delivery, is_loopback};
use self::digest::HostDigest;
use self::rollouts::Rollouts;

/// A step yielded events: [`Engine::take_events`].
pub const EVENTS: u32 = 1;
/// A step yielded discards: [`Engine::take_discards`].
pub const DISCARDS: u32 = 2;
/// A step yielded questions: [`Engine::take_questions`].
pub const QUESTIONS: u32 = 4;
/// The message or the line could not be read.
pub const MALFORMED: u32 = 8;

/// The room of a longer message is given back when it has been read.
const MOST_INPUT_KEPT: usize = 1 << 20;

/// A session of one app-server: messages and facts in, events out.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Engine {
    pipeline: Pipeline<HostDigest>,
    digest: HostDigest,
    output: Output,
    /// What of an event may go into a request.
    policy: Option<Policy<HostDigest>>,
    /// Events that wait for what is known of their repository, and whether each goes alone.
    repositories: Option<Repositories<(String, bool)>>,
    /// Requests that are complete, and not taken yet.
    formed: String,
    /// Events that waited, and stay.
    stayed: u64,
    batcher: Batcher,
    limits: Limits,
    rollouts: Rollouts,
    /// The latest time that was told.
    at: UnixMillis,
    /// The message or the line that is read next.
    input: Vec<u8>,
}

#[wasm_bindgen]
impl Engine {
    /// A session that has seen nothing, or goes on from a snapshot. The transport and the limits are numbers, in an order
    /// that `options.rs` says. With an organisation's key, hashes are made with HMAC-SHA-256 and it; with a function, by the
    /// function, whose scheme has a name. A policy is JSON.
    ///
    /// # Errors
    ///
    /// If the key, the function, the policy or the snapshot cannot be used.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::needless_pass_by_value, reason = "JavaScript hands over copies")]
    pub fn new(
        transport: u32,
        limits: Box<[f64]>,
        key: Option<Box<[u8]>>,
        digest: Option<Function>,
        scheme: Option<String>,
        policy: Option<String>,
        snapshot: Option<String>,
    ) -> Result<Self, JsError> {
        let (batch, limits) = options::limits(&limits);
        let digest = HostDigest::new(key.as_deref(), digest, scheme.as_deref())?;
        let policy = policy.map(|rules| Policy::new(&rules, digest.clone())).transpose()?;
        let mut pipeline = match &snapshot {
            Some(snapshot) => Pipeline::restore(digest.clone(), limits, snapshot)?,
            None => Pipeline::new(digest.clone(), options::transport(transport), limits),
        };
        let mut repositories = policy.as_ref().and_then(Policy::repositories);
        if let Some(repositories) = &mut repositories {
            if let Some(snapshot) = &snapshot {
                repositories.restore(snapshot, &mut pipeline.threads());
            }
            pipeline = pipeline.asking_directories();
        }
        Ok(Self {
            pipeline,
            digest,
            output: Output::default(),
            repositories,
            policy,
            formed: String::new(),
            stayed: 0,
            batcher: Batcher::new(batch),
            limits,
            rollouts: Rollouts::default(),
            at: UnixMillis::default(),
            input: Vec::new(),
        })
    }

    /// Where the next message is to be written: the address of `length` bytes, until the next call of any
    /// method. Text is encoded straight into them, which is the fastest way in.
    pub fn input(&mut self, length: usize) -> *mut u8 {
        if self.input.len() < length {
            self.input.resize(length, 0);
        }
        self.input.as_mut_ptr()
    }

    /// Takes one message: the first `length` bytes of what [`Engine::input`] gave. Returns flags.
    ///
    /// `at_ms` is Unix milliseconds; what is no such number counts as 0.
    pub fn observe(&mut self, at_ms: f64, connection_id: f64, to_server: bool, length: usize) -> u32 {
        self.see(at_ms);
        let Self { pipeline, output, input, at, .. } = self;
        let direction = if to_server { Direction::ClientToServer } else { Direction::ServerToClient };
        let message = input.get(..length).unwrap_or(input);
        let is_read = pipeline.observe(*at, count(connection_id), direction, message, output);
        self.after_input(is_read.is_ok())
    }

    /// Says in which repository the thread of a rollout worked, by its remote. A policy with a rule about repositories needs
    /// it before the first line.
    #[wasm_bindgen(js_name = rolloutRemote)]
    pub fn rollout_remote(&mut self, number: u32, remote: &str) {
        self.rollouts.work_in(number, (&self.digest, &self.limits), remote);
    }

    /// Takes one line of a rollout, a file of Codex's: the first `length` bytes of what [`Engine::input`] gave. The host
    /// numbers the files; the first line of a number opens its file. Returns flags.
    #[wasm_bindgen(js_name = readLine)]
    pub fn read_line(&mut self, number: u32, length: usize) -> u32 {
        let Self { rollouts, digest, limits, output, input, .. } = self;
        let line = input.get(..length).unwrap_or(input);
        let is_read = rollouts.line(number, (digest, limits), line, output);
        if let Some(repositories) = &mut self.repositories
            && let Some((thread, remote)) = self.rollouts.take_place(number)
        {
            // One without a remote may be of any repository, whatever its thread does now.
            let leaving = repositories.found(&thread, remote.as_ref());
            self.leave_all(leaving);
        }
        self.after_input(is_read.is_ok())
    }

    /// Takes note that a rollout has no more lines: what waited for them comes out. Returns flags.
    #[wasm_bindgen(js_name = endRollout)]
    pub fn end_rollout(&mut self, number: u32) -> u32 {
        self.rollouts.end(number, &mut self.output);
        self.flags()
    }

    /// The thread of a rollout that is open, once its first line was read.
    #[wasm_bindgen(js_name = rolloutThread)]
    pub fn rollout_thread(&self, number: u32) -> Option<String> {
        self.rollouts.thread(number)
    }

    /// When the latest line of a rollout that is open was written, in Unix milliseconds.
    #[wasm_bindgen(js_name = rolloutAt)]
    #[allow(clippy::cast_precision_loss, reason = "to the millisecond for the next 285,000 years")]
    pub fn rollout_at(&self, number: u32) -> f64 {
        self.rollouts.at(number).0 as f64
    }

    /// Takes one fact as JSON. Returns flags.
    ///
    /// # Errors
    ///
    /// If it is no fact.
    pub fn ingest(&mut self, at_ms: f64, fact: &str) -> Result<u32, JsError> {
        let fact = Fact::from_json(fact)?;
        let leaving = self.repositories.as_mut().map(|repositories| repositories.told(&fact));
        self.leave_all(leaving.unwrap_or_default());
        self.see(at_ms);
        self.pipeline.ingest(self.at, fact, &mut self.output);
        Ok(self.flags())
    }

    /// Ends the session: what only waited for an answer comes out. Returns flags.
    pub fn finish(&mut self, at_ms: f64) -> u32 {
        if let Some(repositories) = &mut self.repositories {
            // No more answers come.
            repositories.end();
        }
        self.see(at_ms);
        self.pipeline.finish(self.at, &mut self.output);
        self.flags()
    }

    /// Takes note that nothing came until then: what has been idle for too long is given up. Returns flags.
    pub fn tick(&mut self, at_ms: f64) -> u32 {
        self.see(at_ms);
        self.pipeline.tick(self.at, &mut self.output);
        self.flags()
    }

    /// When something expires next, in Unix milliseconds; infinite if nothing is held.
    #[wasm_bindgen(js_name = nextDeadline)]
    #[allow(clippy::cast_precision_loss, reason = "to the millisecond for the next 285,000 years")]
    pub fn next_deadline(&self) -> f64 {
        self.pipeline.next_deadline().map_or(f64::INFINITY, |deadline| deadline.0 as f64)
    }

    /// Whether the function that makes hashes has failed since this was last asked; the events of that step
    /// are not to be used.
    #[wasm_bindgen(js_name = takeDigestFailure)]
    pub fn take_digest_failure(&self) -> bool {
        self.digest.take_failure()
    }

    /// The events so far as JSON, one a line; those that go in a request of their own begin with `!`.
    #[wasm_bindgen(js_name = takeEvents)]
    pub fn take_events(&mut self) -> String {
        let mut lines = String::new();
        for event in self.output.events.drain(..) {
            if event.is_isolated() {
                lines.push('!');
            }
            event.write_json(&mut lines);
            lines.push('\n');
        }
        lines
    }

    /// What yielded no event so far, as a JSON array.
    #[wasm_bindgen(js_name = takeDiscards)]
    pub fn take_discards(&mut self) -> String {
        array(self.output.discards.drain(..).map(|discard| discard.to_json()))
    }

    /// What the core asks its host, as a JSON array.
    #[wasm_bindgen(js_name = takeQuestions)]
    pub fn take_questions(&mut self) -> String {
        let Self { output, repositories, at, .. } = self;
        let asked = output.questions.drain(..).inspect(|question| {
            if let Some(repositories) = repositories {
                repositories.asked(*at, question);
            }
        });
        array(asked.map(|question| question.to_json()))
    }

    /// Takes what leaves of an event into the next request. Returns the requests that are complete with it: each two
    /// lines, how many events, and the body; or nothing, if the policy withholds the event. It may wait for what is known of
    /// its repository. The requests' keys are the host's to make: two sessions may have equal bodies.
    pub fn batch(&mut self, event: &str, is_isolated: bool) -> Option<String> {
        if let Some(repositories) = &mut self.repositories {
            match repositories.judge(self.at, event, (event.to_owned(), is_isolated)) {
                Judgement::Leaves(_) => {}
                Judgement::Waits => return Some(std::mem::take(&mut self.formed)),
                _ => {
                    // This one is not counted twice.
                    self.stayed += repositories.take_stayed().saturating_sub(1);
                    return None;
                }
            }
        }
        self.leave(event, is_isolated).then(|| std::mem::take(&mut self.formed))
    }

    /// How many events waited for what is known of their repository, and stay, since this was last asked.
    #[wasm_bindgen(js_name = takeStayed)]
    #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53")]
    pub fn take_stayed(&mut self) -> f64 {
        let stayed = self.repositories.as_mut().map_or(0, Repositories::take_stayed);
        (std::mem::take(&mut self.stayed) + stayed) as f64
    }

    /// The request of what waits, if anything does.
    #[wasm_bindgen(js_name = flushBatch)]
    pub fn flush_batch(&mut self) -> String {
        let mut lines = std::mem::take(&mut self.formed);
        lines.extend(self.batcher.flush().iter().map(lines_of));
        lines
    }

    /// What went through, files included, as JSON.
    pub fn stats(&self) -> String {
        // Adding up is less code than copying.
        let mut stats = Stats::default();
        stats.add(self.pipeline.stats());
        self.rollouts.add_stats(&mut stats);
        stats.to_json()
    }

    /// The state as text, to go on from later.
    pub fn snapshot(&self) -> String {
        let mut snapshot = self.pipeline.snapshot();
        if let Some(repositories) = &self.repositories {
            repositories.save(&mut snapshot);
        }
        snapshot
    }

    fn see(&mut self, at_ms: f64) {
        self.at = UnixMillis(count(at_ms));
    }

    fn leave_all(&mut self, events: Vec<(String, bool)>) {
        for (event, is_isolated) in events {
            self.stayed += u64::from(!self.leave(&event, is_isolated));
        }
    }

    /// Takes what leaves of an event into the next request; false if the policy withholds it.
    fn leave(&mut self, event: &str, is_isolated: bool) -> bool {
        let leaves = match &self.policy {
            None => Some(Cow::Borrowed(event)),
            Some(policy) => policy.apply_to_allowed(event).ok().map(Cow::Owned),
        };
        // Hashes that are none must not be taken for hashes.
        let has_failed = self.policy.is_some() && self.digest.take_failure();
        let Some(leaves) = leaves.filter(|_| !has_failed) else { return false };
        self.formed.extend(self.batcher.push_json(&leaves, is_isolated).iter().map(lines_of));
        true
    }

    fn after_input(&mut self, is_read: bool) -> u32 {
        if self.input.capacity() > MOST_INPUT_KEPT {
            self.input = Vec::new();
        }
        self.flags() | if is_read { 0 } else { MALFORMED }
    }

    fn flags(&self) -> u32 {
        let flag = |is_there: bool, flag| if is_there { flag } else { 0 };
        flag(!self.output.events.is_empty(), EVENTS)
            | flag(!self.output.discards.is_empty(), DISCARDS)
            | flag(!self.output.questions.is_empty(), QUESTIONS)
    }
}

fn lines_of(batch: &Batch) -> String {
    format!("{}\n{}\n", batch.events, batch.body)
}

/// A JSON array of what is JSON already.
fn array(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(","))
}

/// `as` saturates, and takes what is not a number for 0.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturating is what is wanted")]
fn count(number: f64) -> u64 {
    number as u64
}
