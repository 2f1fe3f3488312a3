//! The repository of a turn: asked about when a working directory is seen, kept as a hash
//! (`docs/contract/rules.md` 8.5).

use super::Reducer;
use crate::digest::Digest;
use crate::discard::{Ids, Reason, Subject};
use crate::fact::answer::{RemoteUrl, RepositoryAnswered};
use crate::fact::directories::DirectoriesNamed;
use crate::git_remote;
use crate::id::Id;
use crate::output::Output;
use crate::private::HostPath;
use crate::question::{Question, QuestionId, QuestionKind};

impl<D: Digest> Reducer<D> {
    pub(super) fn ask_repository(&mut self, cwd: HostPath, thread_id: Id, output: &mut Output) -> QuestionId {
        let id = self.state.ask();
        // The answer to an evicted question is ignored: it would only replace a null.
        self.state.repositories.insert(self.state.now, id, None);
        output.questions.push(Question { id, kind: QuestionKind::Repository { cwd, thread_id } });
        id
    }

    /// The answers are for the host's policy: see [`Repositories`](crate::policy::Repositories).
    pub(super) fn directories_named(&mut self, fact: DirectoriesNamed, output: &mut Output) {
        for directory in fact.directories {
            self.ask_repository(directory, fact.thread_id.clone(), output);
        }
    }

    /// A repository whose remote is known without a question.
    pub(super) fn know_repository(&mut self, remote_url: &RemoteUrl) -> QuestionId {
        let hash = git_remote::repo_hash(&self.digest, remote_url.expose());
        let (id, hash) = (self.state.ask(), self.state.hashes.share(hash));
        self.state.repositories.insert(self.state.now, id, Some(hash));
        id
    }

    pub(super) fn repository_answered(&mut self, fact: &RepositoryAnswered, output: &mut Output) {
        let hash = fact.remote_url.as_ref().map(|url| git_remote::repo_hash(&self.digest, url.expose()));
        let hash = hash.map(|hash| self.state.hashes.share(hash));
        match self.state.repositories.get_mut(self.state.now, &fact.question) {
            Some(repository) => *repository = hash,
            None => output.discard(self.state.at, Subject::Answer, Reason::UnknownQuestion, Ids::default()),
        }
    }
}
