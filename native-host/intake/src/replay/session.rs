//! One recording through the core.

use std::fmt::Write;
use std::io::Read;

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
    let unreadable = |error| Unreadable { name: name.clone(), error };
    let mut reader = source.open(wrap).map_err(unreadable)?;
    let mut session = Session::new(&name, recording, options, report);
    let mut line = Vec::new();
    let mut number = 0;
    let mut last_at = UnixMillis::default();
    loop {
        let complete = match read_line(&mut *reader, &mut line) {
            Ok(Some(complete)) => complete,
            Ok(None) => break,
            Err(error) => {
                session.complain();
                return Err(unreadable(error));
            }
        };
        number += 1;
        if !complete {
            session.bad_line(number, BadLine::TooLong(MAX_LINE));
        } else if !line.trim_ascii().is_empty() {
            match parse_line(&line) {
                Ok(recorded) => {
                    last_at = last_at.max(recorded.at);
                    session.repositories.see(recorded.message);
                    let message = recorded.message.as_bytes();
                    let read = session.pipeline.observe(
                        recorded.at,
                        recorded.connection_id,
                        recorded.direction,
                        message,
                        &mut session.output,
                    );
                    if let Err(bad) = read {
                        session.bad_line(number, BadLine::BadMessage(bad.column));
                    }
                    session.drain(recorded.at, Some(number));
                }
                Err(bad) => session.bad_line(number, bad),
            }
        }
        if !session.wanted || (options.strict && session.bad_lines > 0) {
            break;
        }
    }
    session.pipeline.finish(last_at, &mut session.output);
    session.drain(last_at, None);
    Ok(session.end())
}

struct Session<'s> {
    name: &'s str,
    recording: usize,
    options: &'s Options,
    report: &'s mut dyn FnMut(Report) -> Wanted,
    wanted: Wanted,
    pipeline: Pipeline<Sha2>,
    batcher: Batcher,
    output: Output,
    lines: String,
    bad_lines: u64,
    complaints: Complaints,
    repositories: Repositories,
    answers: Option<Box<dyn Answers>>,
}

impl<'s> Session<'s> {
    fn new(name: &'s str, recording: usize, options: &'s Options, report: &'s mut dyn FnMut(Report) -> Wanted) -> Self {
        Self {
            name,
            recording,
            options,
            report,
            wanted: true,
            pipeline: Pipeline::new(options.digest.clone(), options.rpc_transport, Limits::default()),
            batcher: Batcher::new(BatchLimits::default()),
            output: Output::default(),
            lines: String::new(),
            bad_lines: 0,
            complaints: Complaints::default(),
            repositories: Repositories::default(),
            answers: options.answers.map(|make| make()),
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
                let note = explain(self.name, line, discard);
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

    fn bad_line(&mut self, number: u64, bad: BadLine) {
        self.bad_lines += 1;
        self.complaints.add(number, &bad.to_string());
    }

    /// Says what was wrong with lines.
    fn complain(&mut self) {
        for note in self.complaints.tell(self.name).collect::<Vec<_>>() {
            self.note(note);
        }
    }

    fn note(&mut self, note: String) {
        self.flush();
        self.wanted &= (self.report)(Report::Note(note));
    }

    fn flush(&mut self) {
        if !self.lines.is_empty() {
            self.wanted &= (self.report)(Report::Lines(std::mem::take(&mut self.lines).into_bytes()));
        }
    }

    fn end(mut self) -> Summary {
        if let Some(batch) = self.batcher.flush() {
            self.write_batch(&batch);
        }
        self.flush();
        self.complain();
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
