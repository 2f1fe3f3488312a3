//! A thread as a file, and what its file must say.

use serde_json::json;

use super::era::time;
use super::{Era, Thread, Turn};

/// A file of a tree.
#[derive(Debug)]
pub struct File {
    /// Its thread.
    pub thread: String,
    /// Its lines.
    pub text: String,
    /// The turns that have an event, in their order.
    pub turns: Vec<Turn>,
}

impl File {
    /// What Codex calls it.
    pub fn name(&self) -> String {
        format!("rollout-2026-11-28T00-00-00-{}.jsonl", self.thread)
    }
}

pub(super) fn file(era: &Era, thread: Thread) -> File {
    // A file that names its history goes on with its numbers.
    let first = thread.lines[0].payload["history_base"]["end_ordinal_exclusive"].as_u64().unwrap_or(0);
    let line = |(number, line): (usize, &super::Line)| {
        let mut text = json!({ "timestamp": time(line.at), "type": line.kind, "payload": line.payload });
        if era.is_paginated {
            text["ordinal"] = json!(first + number as u64);
        }
        format!("{text}\n")
    };
    let text = thread.lines.iter().enumerate().map(line).collect();
    File { thread: thread.id, text, turns: thread.turns }
}

/// The whole lines before a place, and what is left of the line that is cut there.
pub fn cut_at(text: &str, place: usize) -> (&str, &str) {
    let place = (0..=place.min(text.len())).rev().find(|place| text.is_char_boundary(*place)).unwrap_or(0);
    let cut = &text[..place];
    cut.split_at(cut.rfind('\n').map_or(0, |end| end + 1))
}
