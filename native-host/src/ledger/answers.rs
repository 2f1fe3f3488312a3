//! The answers to the core's questions, looked up on a thread of their own, so that a slow disk delays nothing.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use turnledger_core::{Fact, Question};

use super::queue::{Job, Queue};
use super::told::Told;
use crate::clock::now;

/// Answers the core's questions about repositories and skills.
///
/// The crate `turnledger-git` has an implementation that reads Git repositories. A host that knows them already
/// answers by a closure.
pub trait Answers: Send {
    /// The answer: a [`RepositoryAnswered`](turnledger_core::fact::answer::RepositoryAnswered) or a
    /// [`SkillAnswered`](turnledger_core::fact::answer::SkillAnswered) with the question's id. `None` if it is not
    /// known; the fields that need it are then null. It is called on a thread of its own and may read the disk; a
    /// panic is caught, counted and told, and counts as `None`.
    fn answer(&mut self, question: Question) -> Option<Fact>;
}

impl<F: FnMut(Question) -> Option<Fact> + Send> Answers for F {
    fn answer(&mut self, question: Question) -> Option<Fact> {
        self(question)
    }
}

/// How many questions wait at most. Further ones are not answered, so their members are null.
const MOST_WAITING: usize = 256;
/// A question that has waited longer is not answered.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts the thread, which answers late questions, too, if it `is_patient`. It ends when the returned sender is dropped.
pub(super) fn start(
    answers: Box<dyn Answers>,
    queue: Arc<Queue>,
    told: Arc<Told>,
    is_patient: bool,
) -> io::Result<Sender<(Instant, Question)>> {
    let (ask, questions) = bounded(MOST_WAITING);
    let work = move || answer_all(answers, &questions, &queue, &told, is_patient);
    thread::Builder::new().name("turnledger-answers".into()).spawn(work)?;
    Ok(ask)
}

fn answer_all(
    mut answers: Box<dyn Answers>,
    questions: &Receiver<(Instant, Question)>,
    queue: &Queue,
    told: &Told,
    is_patient: bool,
) {
    for (asked, question) in questions {
        if !is_patient && asked.elapsed() > PATIENCE {
            continue;
        }
        if let Some(fact) = told.guard("looking up a repository", || answers.answer(question)).flatten() {
            let bytes = fact.text_bytes();
            queue.offer(bytes, || Job::Fact { at: now(), fact, bytes });
        }
    }
}
