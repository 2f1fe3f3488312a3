//! Whether a thread works in a linked worktree of Git, which only the host can see (`docs/contract/rules.md` 2.4).

use super::Reducer;
use crate::digest::Digest;
use crate::discard::{Ids, Reason, Subject};
use crate::event::Event;
use crate::event::thread::ThreadInitialized;
use crate::fact::answer::WorktreeAnswered;
use crate::id::Id;
use crate::output::Output;
use crate::private::HostPath;
use crate::question::{Question, QuestionKind};

impl<D: Digest> Reducer<D> {
    /// Takes back the event of a thread that has just been opened, and asks what it lacks.
    pub(super) fn ask_worktree(&mut self, cwd: HostPath, output: &mut Output) {
        let lacks_it = |event: &mut Event| match event {
            Event::ThreadInitialized(event) => {
                event.worktree.get().is_some_and(|worktree| worktree.is_worktree.is_none())
            }
            _ => false,
        };
        let Some(Event::ThreadInitialized(event)) = output.events.pop_if(lacks_it) else { return };
        let id = self.state.ask();
        output.questions.push(Question { id, kind: QuestionKind::Worktree { cwd } });
        if let Some(longest_waiting) = self.state.waiting_threads.insert(id, event) {
            output.events.push(Event::ThreadInitialized(longest_waiting));
        }
    }

    pub(super) fn worktree_answered(&mut self, fact: &WorktreeAnswered, output: &mut Output) {
        let Some(mut event) = self.state.waiting_threads.remove(&fact.question) else {
            output.discard(self.state.at, Subject::Answer, Reason::UnknownQuestion, Ids::default());
            return;
        };
        if let Some(worktree) = event.worktree.get_mut() {
            worktree.is_worktree = fact.is_worktree;
        }
        output.events.push(Event::ThreadInitialized(event));
    }

    /// A turn of the thread ends: its event waits no longer.
    pub(super) fn release_thread(&mut self, thread_id: &Id, output: &mut Output) {
        self.release_threads(|event| event.thread_id == *thread_id, output);
    }

    pub(super) fn release_threads(&mut self, is_wanted: impl Fn(&ThreadInitialized) -> bool, output: &mut Output) {
        let released = self.state.waiting_threads.take_where(|_, event| is_wanted(event));
        output.events.extend(released.into_iter().map(Event::ThreadInitialized));
    }
}
