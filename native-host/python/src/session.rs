//! A session that goes on: messages, facts or lines in, events out.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use turnledger::ledger::Answers;
use turnledger_core::digest::Sha2;
use turnledger_core::{ConnectionId, Direction, Fact, Limits, Output, Pipeline, Rollout, UnixMillis};
use turnledger_git::Answerer;
use turnledger_intake::replay::answer;
use turnledger_intake::session::Part;

use crate::error;
use crate::events::Events;
use crate::options::{self, digest};

/// One session: of an app-server, or of a rollout.
#[pyclass(frozen, module = "turnledger")]
pub(crate) struct Session {
    state: Mutex<State>,
}

struct State {
    pipeline: Pipeline<Sha2>,
    rollout: Option<Rollout>,
    /// How many lines of the rollout were taken.
    lines: u64,
    remote: Option<String>,
    answers: Option<Answerer>,
    output: Output,
}

impl State {
    /// Answers the core's questions and hands on what came out.
    fn drain(&mut self, at: UnixMillis) -> Events {
        for question in std::mem::take(&mut self.output.questions) {
            let answer = match (&self.remote, &mut self.answers) {
                (None, Some(answers)) => answers.answer(question),
                (remote, _) => answer(question, remote.as_deref()),
            };
            if let Some(answer) = answer {
                self.pipeline.ingest(at, answer, &mut self.output);
            }
        }
        let mut part = Part::default();
        for event in &self.output.events {
            part.add(at, event.to_json().as_bytes());
        }
        self.output.clear();
        Events::from(part)
    }
}

fn direction(name: &str) -> PyResult<Direction> {
    match name {
        "client_to_server" => Ok(Direction::ClientToServer),
        "server_to_client" => Ok(Direction::ServerToClient),
        _ => Err(error::said("direction: expected client_to_server or server_to_client")),
    }
}

impl Session {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(pipeline: Pipeline<Sha2>, remote: Option<String>, git: bool) -> Self {
        let answers = git.then(Answerer::default);
        let output = Output::default();
        Self { state: Mutex::new(State { pipeline, rollout: None, lines: 0, remote, answers, output }) }
    }
}

#[pymethods]
impl Session {
    #[new]
    #[pyo3(signature = (*, remote = None, transport = "stdio", git = true, key = None))]
    fn new(remote: Option<String>, transport: &str, git: bool, key: Option<PyBackedBytes>) -> PyResult<Self> {
        let pipeline = Pipeline::new(digest(key.as_deref())?, options::transport(transport)?, Limits::default());
        Ok(Self::of(pipeline, remote, git))
    }

    #[staticmethod]
    #[pyo3(signature = (snapshot, *, remote = None, git = true, key = None))]
    fn restore(
        py: Python<'_>,
        snapshot: PyBackedStr,
        remote: Option<String>,
        git: bool,
        key: Option<PyBackedBytes>,
    ) -> PyResult<Self> {
        let digest = digest(key.as_deref())?;
        let pipeline = py.detach(|| Pipeline::restore(digest, Limits::default(), &snapshot));
        Ok(Self::of(pipeline.map_err(|error| error::of(&error))?, remote, git))
    }

    fn observe(
        &self,
        py: Python<'_>,
        at_ms: u64,
        connection: u64,
        #[pyo3(from_py_with = named_direction)] direction: Direction,
        message: PyBackedBytes,
    ) -> PyResult<Events> {
        let at = UnixMillis(at_ms);
        let (read, events) = py.detach(|| {
            let mut state = self.state();
            let State { pipeline, output, .. } = &mut *state;
            let read = pipeline.observe(at, ConnectionId(connection), direction, &message, output);
            (read, state.drain(at))
        });
        match read {
            Ok(()) => Ok(events),
            // A message that cannot be read yields no event.
            Err(unreadable) => Err(error::of(&unreadable)),
        }
    }

    fn ingest(&self, py: Python<'_>, at_ms: u64, fact: PyBackedBytes) -> PyResult<Events> {
        let at = UnixMillis(at_ms);
        // What the reader of JSON says might repeat the fact's content.
        let fact: Fact = serde_json::from_slice(&fact)
            .map_err(|error| error::said(format!("this is no fact (column {})", error.column())))?;
        Ok(py.detach(|| {
            let mut state = self.state();
            let State { pipeline, output, .. } = &mut *state;
            pipeline.ingest(at, fact, output);
            state.drain(at)
        }))
    }

    fn import_line(&self, py: Python<'_>, line: PyBackedBytes) -> PyResult<Events> {
        let (number, read, events) = py.detach(|| {
            let mut state = self.state();
            let State { pipeline, rollout, lines, output, .. } = &mut *state;
            *lines += 1;
            let number = *lines;
            let rollout = rollout.get_or_insert_with(|| Rollout::new(1));
            let is_empty = line.trim_ascii().is_empty();
            let read = if is_empty { Ok(()) } else { pipeline.read(rollout, &line, output) };
            let at = rollout.at();
            (number, read, state.drain(at))
        });
        match read {
            Ok(()) => Ok(events),
            Err(unreadable) => Err(error::said(format!("<line>:{number}: {unreadable}"))),
        }
    }

    fn tick(&self, py: Python<'_>, at_ms: u64) -> Events {
        let at = UnixMillis(at_ms);
        py.detach(|| {
            let mut state = self.state();
            let State { pipeline, output, .. } = &mut *state;
            pipeline.tick(at, output);
            state.drain(at)
        })
    }

    #[pyo3(signature = (at_ms = 0))]
    fn finish(&self, py: Python<'_>, at_ms: u64) -> Events {
        py.detach(|| {
            let mut state = self.state();
            let State { pipeline, rollout, output, .. } = &mut *state;
            let at = if let Some(rollout) = rollout {
                pipeline.end(rollout, output);
                rollout.at()
            } else {
                pipeline.finish(UnixMillis(at_ms), output);
                UnixMillis(at_ms)
            };
            state.drain(at)
        })
    }

    fn snapshot(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| {
            let state = self.state();
            if state.rollout.is_some() {
                // Within a turn a rollout's reader holds text, which no snapshot has.
                return Err(error::said("a session of a rollout has no snapshot: read the file again"));
            }
            Ok(state.pipeline.snapshot())
        })
    }

    #[getter]
    fn next_deadline(&self) -> Option<u64> {
        self.state().pipeline.next_deadline().map(|UnixMillis(at)| at)
    }

    #[getter]
    fn time_left(&self) -> Option<u64> {
        self.state().pipeline.time_left()
    }

    #[getter]
    fn discards(&self) -> HashMap<String, u64> {
        let state = self.state();
        let count = |((subject, reason), count): (&(_, _), &u64)| (format!("{subject}: {reason}"), *count);
        state.pipeline.stats().discards.iter().map(count).collect()
    }
}

fn named_direction(name: &Bound<'_, PyAny>) -> PyResult<Direction> {
    direction(name.extract::<PyBackedStr>()?.as_ref())
}
