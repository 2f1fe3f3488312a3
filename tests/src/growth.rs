//! What a message costs when there is much of something: live threads, or items in a turn.

use std::hint::black_box;
use std::time::{Duration, Instant};

use turnledger::Sha2;
use turnledger_core::{Limits, Output, Pipeline};

use crate::golden::{Message, pipeline};
use crate::mix::Mix;
use crate::stream::Stream;

/// A session that goes on.
pub struct Live {
    pipeline: Pipeline<Sha2>,
    output: Output,
    text: String,
    mix: Mix,
    threads: usize,
    turns: usize,
}

impl Live {
    /// A session with so many threads, each started and idle.
    pub fn new(threads: usize) -> Self {
        let (pipeline, mix) = (pipeline(Sha2::default()), Mix::new());
        let mut live = Self { pipeline, output: Output::default(), text: String::new(), mix, threads, turns: 0 };
        for number in 0..threads {
            live.mix.thread(number);
            let messages = live.mix.take();
            live.observe(&messages);
        }
        live
    }

    /// What runs turns of so many items, a thousand items in all or one turn, in threads all over the session.
    pub fn turns(&mut self, items: usize) -> Vec<Message> {
        for _ in 0..(1000 / items).max(1) {
            // A large prime: neighbours in time are none in memory.
            self.mix.turn(self.turns, self.turns * 15_485_863 % self.threads, items, 0);
            self.turns += 1;
        }
        self.mix.take()
    }

    /// Observes messages, and writes the events: how long that takes.
    pub fn observe(&mut self, messages: &[Message]) -> Duration {
        let stream = Stream::from(messages);
        let start = Instant::now();
        for (at, connection_id, direction, text) in stream.iter() {
            let _ = self.pipeline.observe(at, connection_id, direction, text, &mut self.output);
            self.text.clear();
            for event in &self.output.events {
                event.write_json(&mut self.text);
            }
            black_box(&self.text);
            self.output.clear();
        }
        start.elapsed()
    }

    /// The session's snapshot.
    pub fn snapshot(&self) -> String {
        self.pipeline.snapshot()
    }

    /// Goes on from a snapshot.
    ///
    /// # Panics
    ///
    /// If it is none.
    pub fn restore(snapshot: &str) -> Pipeline<Sha2> {
        Pipeline::restore(Sha2::default(), Limits::default(), snapshot).expect("a snapshot")
    }
}
