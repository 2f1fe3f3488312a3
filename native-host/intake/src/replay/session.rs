//! One recording through the core.

use std::fmt::Write;
use std::io::{BufRead, Read};

use turnledger_core::fact::answer::{RepositoryAnswered, SkillAnswered};
use turnledger_core::{
    Batch, BatchLimits, Batcher, Discard, Fact, Limits, Output, Pipeline, Question, QuestionKind, UnixMillis,
};

use super::repository::Repositories;
use super::summary::Summary;
use super::{Format, Options, Report, Unreadable};
use crate::recording::{BadLine, Complaints, Source, parse_line};
use turnledger::ledger::Answers;
use turnledger::lines::{MAX_LINE, read_line};
use turnledger_core::digest::Sha2;

/// Lines are handed on in pieces of about this size.
const PIECE: usize = 1 << 16;

/// Whether the receiver of the reports wants more.
pub(super) type Wanted = bool;

/// Reduces one recording, from its first line to its last. `recording` is its number.
pub(super) fn reduce<R: Read + Send + 'static>(
    source: &Source,
    recording: usize,
    options: &Options,
    wrap: impl FnOnce(Box<dyn Read + Send>) -> R,
    report: &mut dyn FnMut(Report) -> Wanted,
) -> Result<Summary, Unreadable> {
    let name = source.name();
    let reader = source.open(wrap).map_err(|error| Unreadable { name: name.clone(), error })?;
    let mut session = Session::new(name, reader, recording, options.clone());
    let mut wanted = true;
    loop {
        let step = session.step();
        for told in session.reports.drain(..) {
            wanted = wanted && report(told);
        }
        if !step? {
            return Ok(session.summary());
        }
        if !wanted {
            session.is_over = true;
        }
    }
}

/// A recording that is being reduced.
pub(crate) struct Session {
    name: String,
    reader: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    number: u64,
    last_at: UnixMillis,
    /// Whether no line is wanted any more.
    is_over: bool,
    recording: usize,
    options: Options,
    /// What is to be told.
    pub(crate) reports: Vec<Report>,
    pipeline: Pipeline<Sha2>,
    batcher: Batcher,
    output: Output,
    lines: String,
    bad_lines: u64,
    complaints: Complaints,
    repositories: Repositories,
    answers: Option<Box<dyn Answers>>,
}

impl Session {
    pub(crate) fn new(name: String, reader: Box<dyn BufRead + Send>, recording: usize, options: Options) -> Self {
        Self {
            name,
            reader,
            line: Vec::new(),
            number: 0,
            last_at: UnixMillis::default(),
            is_over: false,
            recording,
            reports: Vec::new(),
            pipeline: Pipeline::new(options.digest.clone(), options.rpc_transport, Limits::default()),
            batcher: Batcher::new(BatchLimits::default()),
            output: Output::default(),
            lines: String::new(),
            bad_lines: 0,
            complaints: Complaints::default(),
            repositories: Repositories::default(),
            answers: options.answers.map(|make| make()),
            options,
        }
    }

    /// Takes the next line, or the end. Returns whether there may be more.
    pub(crate) fn step(&mut self) -> Result<bool, Unreadable> {
        let read = if self.is_over { Ok(None) } else { read_line(&mut *self.reader, &mut self.line) };
        match read {
            Ok(Some(is_whole)) => {
                self.number += 1;
                let line = std::mem::take(&mut self.line);
                self.take(&line, is_whole);
                self.line = line;
                self.is_over = self.options.strict && self.bad_lines > 0;
                Ok(true)
            }
            Ok(None) => {
                self.end();
                Ok(false)
            }
            Err(error) => {
                // What came before the damage is good.
                self.flush();
                self.complain();
                Err(Unreadable { name: self.name.clone(), error })
            }
        }
    }

    fn take(&mut self, line: &[u8], is_whole: bool) {
        if !is_whole {
            self.bad_line(BadLine::TooLong(MAX_LINE));
        } else if !line.trim_ascii().is_empty() {
            match parse_line(line) {
                Ok(recorded) => {
                    self.last_at = self.last_at.max(recorded.at);
                    self.repositories.see(recorded.message);
                    let message = recorded.message.as_bytes();
                    let read = self.pipeline.observe(
                        recorded.at,
                        recorded.connection_id,
                        recorded.direction,
                        message,
                        &mut self.output,
                    );
                    if let Err(bad) = read {
                        self.bad_line(BadLine::BadMessage(bad.column));
                    }
                    self.drain(recorded.at, Some(self.number));
                }
                Err(bad) => self.bad_line(bad),
            }
        }
    }

    /// Answers the core's questions and hands on what came out.
    fn drain(&mut self, at: UnixMillis, line: Option<u64>) {
        for question in std::mem::take(&mut self.output.questions) {
            let remote = self.options.remote.as_deref().or_else(|| self.repositories.of(&question.kind));
            let answer = match (remote, &mut self.answers) {
                (None, Some(answers)) => answers.answer(question),
                _ => answer(question, remote),
            };
            if let Some(answer) = answer {
                self.pipeline.ingest(at, answer, &mut self.output);
            }
        }
        let mut output = std::mem::take(&mut self.output);
        for event in &output.events {
            match self.options.format {
                Format::Events | Format::Placed => {
                    if self.options.format == Format::Placed {
                        // Writing to a text cannot fail.
                        let _ = write!(self.lines, "{}\t{}\t", self.recording, at.0);
                    }
                    event.write_json(&mut self.lines);
                    self.lines.push('\n');
                }
                Format::Batches => {
                    for batch in self.batcher.push(event) {
                        self.write_batch(&batch);
                    }
                }
            }
        }
        if self.options.explain {
            for discard in &output.discards {
                let note = explain(&self.name, line, discard);
                self.note(note);
            }
        }
        output.clear();
        self.output = output;
        if self.lines.len() >= PIECE {
            self.flush();
        }
    }

    fn write_batch(&mut self, batch: &Batch) {
        self.lines.push_str(&batch.body);
        self.lines.push('\n');
    }

    fn bad_line(&mut self, bad: BadLine) {
        self.bad_lines += 1;
        self.complaints.add(self.number, &bad.to_string());
    }

    /// Says what was wrong with lines.
    fn complain(&mut self) {
        for note in self.complaints.tell(&self.name).collect::<Vec<_>>() {
            self.note(note);
        }
    }

    fn note(&mut self, note: String) {
        self.flush();
        self.reports.push(Report::Note(note));
    }

    fn flush(&mut self) {
        if !self.lines.is_empty() {
            self.reports.push(Report::Lines(std::mem::take(&mut self.lines).into_bytes()));
        }
    }

    fn end(&mut self) {
        self.pipeline.finish(self.last_at, &mut self.output);
        self.drain(self.last_at, None);
        if let Some(batch) = self.batcher.flush() {
            self.write_batch(&batch);
        }
        self.flush();
        self.complain();
    }

    fn summary(&self) -> Summary {
        Summary { sessions: 1, bad_lines: self.bad_lines, stats: self.pipeline.stats().clone() }
    }
}

/// What a host can answer that only knows the remote of the sessions' repository: that, for every
/// question; without it nothing.
pub fn answer(question: Question, remote: Option<&str>) -> Option<Fact> {
    let remote_url = Some(remote?.into());
    match question.kind {
        QuestionKind::Repository { .. } => {
            Some(Fact::RepositoryAnswered(RepositoryAnswered { question: question.id, remote_url }))
        }
        // A skill below the working directory is taken to lie in that directory's repository.
        QuestionKind::Skill { path, workspace: Some(workspace) } => Some(Fact::SkillAnswered(SkillAnswered {
            question: question.id,
            skill_path: path,
            repository_root: Some(workspace),
            remote_url,
        })),
        _ => None,
    }
}

pub(crate) fn explain(name: &str, line: Option<u64>, discard: &Discard) -> String {
    let place = line.map_or_else(|| "end".into(), |line| line.to_string());
    let ids = &discard.ids;
    let mut which = Vec::new();
    which.extend(ids.connection_id.map(|id| format!("connection {id}")));
    which.extend(ids.request_id.as_ref().map(|id| format!("request {id}")));
    which.extend(ids.thread_id.as_ref().map(|id| format!("thread {id}")));
    which.extend(ids.turn_id.as_ref().map(|id| format!("turn {id}")));
    which.extend(ids.item_id.as_ref().map(|id| format!("item {id}")));
    let which = if which.is_empty() { String::new() } else { format!(" ({})", which.join(", ")) };
    format!("{name}:{place}: no event ({}): {}{which}", discard.subject, discard.reason)
}
