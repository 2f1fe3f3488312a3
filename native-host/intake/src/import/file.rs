//! One rollout through the core.

use turnledger::lines::{MAX_LINE, read_line};
use turnledger_core::digest::Sha2;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{Limits, Output, Pipeline, Rollout, UnixMillis};

use super::{Found, Options, Summary};
use crate::recording::{BadLine, Complaints, Source};
use crate::replay::explain;

/// What a file amounts to.
#[derive(Debug, Default)]
pub(super) struct Imported {
    pub(super) events: Vec<(UnixMillis, String)>,
    pub(super) notes: Vec<String>,
    pub(super) summary: Summary,
}

struct Reading<'r> {
    name: String,
    options: &'r Options,
    pipeline: Pipeline<Sha2>,
    rollout: Rollout,
    output: Output,
    complaints: Complaints,
    imported: Imported,
}

/// Reads a whole file.
pub(super) fn read(found: &Found, options: &Options) -> Imported {
    let name = found.path.display().to_string();
    let mut reader = match Source::File(found.path.clone()).open(|reader| reader) {
        Ok(reader) => reader,
        Err(error) => {
            let summary = Summary { unreadable_files: 1, ..Summary::default() };
            return Imported { notes: vec![format!("cannot read {name}: {error}")], summary, ..Imported::default() };
        }
    };
    let mut reading = Reading {
        name,
        options,
        pipeline: Pipeline::new(options.digest.clone(), RpcTransport::Stdio, Limits::default()),
        rollout: Rollout::new(1),
        output: Output::default(),
        complaints: Complaints::default(),
        imported: Imported::default(),
    };
    let (mut line, mut number) = (Vec::new(), 0);
    let mut last_bad = None;
    loop {
        match read_line(&mut *reader, &mut line) {
            Ok(Some(is_whole)) => {
                number += 1;
                // A bad line is told once another follows: the last one may be still being written.
                if let Some(bad) = last_bad.take() {
                    reading.bad_line(number - 1, bad);
                }
                last_bad = reading.line(&line, is_whole, number);
            }
            Ok(None) => break,
            Err(error) => {
                let note = format!("{}:{}: cannot be read further: {error}", reading.name, number + 1);
                reading.imported.notes.push(note);
                reading.imported.summary.unreadable_files += 1;
                break;
            }
        }
    }
    match last_bad {
        Some(BadLine::NotJson(_)) if number > 1 => reading.imported.summary.cut_files += 1,
        Some(bad) => reading.bad_line(number, bad),
        None => {}
    }
    reading.end()
}

impl Reading<'_> {
    fn line(&mut self, line: &[u8], is_whole: bool, number: u64) -> Option<BadLine> {
        if !is_whole {
            return Some(BadLine::TooLong(MAX_LINE));
        }
        if line.trim_ascii().is_empty() {
            return None;
        }
        let is_json = self.output.discards.len();
        let read = self.pipeline.read(&mut self.rollout, line, &mut self.output);
        let bad = read.err().map(|bad| {
            let of_syntax =
                |discard: &turnledger_core::Discard| discard.reason == turnledger_core::discard::Reason::NotJson;
            let is_syntax = self.output.discards[is_json..].iter().any(of_syntax);
            if is_syntax { BadLine::NotJson(bad.column) } else { BadLine::BadMember(bad.column) }
        });
        self.drain(Some(number));
        bad
    }

    fn bad_line(&mut self, number: u64, bad: BadLine) {
        self.imported.summary.bad_lines += 1;
        self.complaints.add(number, &bad.to_string());
    }

    fn drain(&mut self, line: Option<u64>) {
        let at = self.rollout.at();
        if self.options.wants(at) {
            for event in &self.output.events {
                self.imported.summary.count(event);
                self.imported.events.push((at, event.to_json()));
            }
        }
        if self.options.explain {
            let notes = self.output.discards.iter().map(|discard| explain(&self.name, line, discard));
            self.imported.notes.extend(notes);
        }
        self.output.clear();
    }

    fn end(mut self) -> Imported {
        self.pipeline.end(&mut self.rollout, &mut self.output);
        self.drain(None);
        let summary = &mut self.imported.summary;
        summary.files += 1;
        if self.rollout.thread_id().is_none() {
            // What is wrong with each of its lines is of no interest.
            (summary.other_files, summary.bad_lines) = (1, 0);
            self.imported.notes.push(format!("{}:1: no rollout: no line of the file names a session", self.name));
            return self.imported;
        }
        summary.sessions += 1;
        summary.stats = self.pipeline.stats().clone();
        let complaints: Vec<_> = self.complaints.tell(&self.name).collect();
        self.imported.notes.extend(complaints);
        self.imported
    }
}
