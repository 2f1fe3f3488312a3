//! The worker: facts and messages in, events out to the store. It waits for no other thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use turnledger_core::{Fact, Output, Pipeline, Question};

use super::hooks::Way;
use super::passing::Note;
use super::queue::{Job, Queue};
use super::told::Told;
use crate::Sha2;
use crate::clock::now;
use crate::delivery::account::Login;
use crate::delivery::auth::AuthProvider;

/// The most jobs whose events are stored together.
const GROUP: usize = 2048;
/// The shortest time between two looks for what has been idle too long.
const LEAST: Duration = Duration::from_secs(1);
/// The longest wait without work, because the clock may be set meanwhile.
const IDLE: Duration = Duration::from_secs(3600);

pub(super) struct Worker {
    pub(super) pipeline: Pipeline<Sha2>,
    pub(super) auth: Arc<dyn AuthProvider>,
    pub(super) ask: Option<Sender<(Instant, Question)>>,
    pub(super) way: Way,
    /// Whether the policy has a rule about repositories.
    pub(super) judges_repositories: bool,
    pub(super) queue: Arc<Queue>,
    pub(super) told: Arc<Told>,
}

impl Worker {
    /// Until the end is asked for.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let mut output = Output::default();
        loop {
            match jobs.recv_timeout(self.patience()) {
                Ok(job) => {
                    // Whose the events of this group are.
                    let login = self.login();
                    // Events in quick succession are stored together.
                    let mut more = jobs.try_iter().take(GROUP);
                    if self.take(job, login, &mut output) || more.any(|job| self.take(job, login, &mut output)) {
                        self.queue.drop_rest(jobs);
                        return;
                    }
                }
                // What has been idle too long expires even if nothing arrives.
                Err(RecvTimeoutError::Timeout) => {
                    self.pipeline.tick(now(), &mut output);
                    let login = self.login();
                    self.hand_on(login, &mut output);
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.way.commit();
            self.publish();
        }
    }

    /// How long to wait for a job: something may be due in the core or in the store before.
    fn patience(&self) -> Duration {
        let core =
            self.pipeline.next_deadline().map(|due| Duration::from_millis(due.0.saturating_sub(now().0)).max(LEAST));
        let store = self.way.due().map(|due| due.saturating_duration_since(Instant::now()));
        [core, store].into_iter().flatten().fold(IDLE, Duration::min)
    }

    fn login(&self) -> Login {
        self.told.guard("the provider of credentials", || self.auth.login()).unwrap_or(Login::LoggedOut)
    }

    /// Does a job; returns whether it is the last one.
    fn take(&mut self, job: Job, login: Login, output: &mut Output) -> bool {
        match job {
            Job::Fact { at, fact, bytes } => {
                self.queue.taken(bytes);
                if self.judges_repositories && matches!(fact, Fact::RepositoryAnswered(_) | Fact::ThreadOpened(_)) {
                    self.way.note(Note::Told(fact.clone()));
                }
                self.pipeline.ingest(at, fact, output);
            }
            Job::Message { at, connection, direction, text } => {
                self.queue.taken(text.len() as u64);
                // A discard says what cannot be read.
                let _ = self.pipeline.observe(at, connection, direction, &text, output);
            }
            Job::Sync { reply } => {
                self.publish();
                self.way.sync(reply);
                return false;
            }
            Job::Flush(flush) => {
                let ends = flush.ends;
                if ends {
                    self.pipeline.finish(now(), output);
                    self.hand_on(login, output);
                }
                self.publish();
                self.way.flush(flush);
                return ends;
            }
        }
        self.hand_on(login, output);
        false
    }

    /// Hands on what came out of a step.
    fn hand_on(&mut self, login: Login, output: &mut Output) {
        for question in output.questions.drain(..) {
            if self.judges_repositories {
                self.way.note(Note::Asked(now(), question.clone()));
            }
            if let Some(ask) = &self.ask {
                // A full queue is a host that does not know.
                let _ = ask.try_send((Instant::now(), question));
            }
        }
        for discard in output.discards.drain(..) {
            self.way.discard(discard);
        }
        let at = now();
        for event in output.events.drain(..) {
            self.way.event(at, login, event);
        }
    }

    fn publish(&self) {
        self.told.stats().core.clone_from(self.pipeline.stats());
    }
}
