//! Generated sessions: a state machine of an app-server that keeps to the protocol, driven by words that choose what
//! happens next.
//!
//! Any list of words is a history, and so is any shorter one, so a failing list shrinks to a short history. Clients
//! connect, threads start, fork, resume and spawn subagents, turns run, items start and complete, approvals are asked,
//! answered, aborted and repeated. [`faults`] makes histories that the protocol does not allow.

mod accounts;
mod catalog;
pub mod facts;
pub mod faults;
mod items;
mod newer;
mod reviews;
mod threads;
mod turns;
mod world;

use serde_json::{Value, json};

use crate::golden::Message;
use world::World;

/// Stands in every text that analytics must never see.
pub const MARKER: &str = "c4n4ry-5e37";

/// How large a history may get, and which ids are its own.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Histories with different numbers share no connection, thread, turn, item or server request.
    pub number: u64,
    /// Clients at most.
    pub clients: usize,
    /// Threads at most, subagents' included.
    pub threads: usize,
    /// Whether several connections are shown a thread, in which case one of them may lag behind the others.
    pub lag: bool,
    /// The second number of the server's version: from 131, the contract's, to 171.
    pub server: u16,
    /// Whether someone signs in and out: that is the server's, and concerns all its threads.
    pub logins: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { number: 0, clients: 3, threads: 4, lag: false, server: 131, logins: true }
    }
}

/// The messages of the session that the words describe.
pub fn history(words: &[u64], options: Options) -> Vec<Message> {
    let mut world = World::new(options);
    for word in words {
        world.step(*word);
    }
    world.finish()
}

/// The words of a seed: the same on every machine.
pub fn words(seed: u64) -> Vec<u64> {
    let mut state = seed;
    let mut next = || {
        // SplitMix64: every seed gives an unrelated sequence.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let steps = 4 + next() % 40;
    (0..steps).map(|_| next()).collect()
}

/// The server that a number chooses: half the time the contract's or the newest, else one of those between, for each rule
/// begins with one of them.
pub fn server(number: u64) -> u16 {
    match number % 4 {
        0 => 131,
        1 => 171,
        _ => 131 + u16::try_from(number / 4 % 41).unwrap_or_default(),
    }
}

/// A message as a line of a recording, without the line end.
///
/// # Panics
///
/// If the message's text is not JSON, which a generated one always is.
pub fn recorded(message: &Message) -> String {
    let text: Value = serde_json::from_str(&message.text).expect("a generated message is JSON");
    json!({ "at_ms": message.at.0, "connection_id": message.connection_id, "direction": message.direction, "message": text })
        .to_string()
}

/// The choices of one step, taken from a word; when it is used up every choice is the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choices(u64);

impl Choices {
    pub(crate) fn new(word: u64) -> Self {
        Self(word)
    }

    /// A number below `count`.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        let count = count.max(1) as u64;
        let choice = self.0 % count;
        self.0 /= count;
        usize::try_from(choice).unwrap_or_default()
    }

    /// One of these.
    pub(crate) fn of<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.below(these.len())]
    }

    /// Yes, once in `count` times.
    pub(crate) fn once_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }
}
