//! What the core asks its host.
//!
//! Only the host can use Git and the file system. The core gives out a question beside its events and
//! goes on. The answer comes back as a fact. Without an answer, the member that needed it is null.

use alloc::string::String;

use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::{self, Write};
use crate::private::HostPath;

/// Which question an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
#[expect(clippy::exhaustive_structs, reason = "it is a number and nothing else")]
pub struct QuestionId(pub u64);

/// A question and the id that its answer repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Question {
    /// The id.
    pub id: QuestionId,
    /// What is asked.
    pub kind: QuestionKind,
}

impl Question {
    /// The question as JSON, for hosts in other languages: its `id`, `kind` (`repository`, `worktree` or `skill`), and what is asked
    /// about.
    pub fn to_json(&self) -> String {
        let (kind, rest): (_, &[(_, &dyn Write)]) = match &self.kind {
            QuestionKind::Repository { cwd, thread_id } => {
                ("repository", &[(",\"cwd\":", cwd), (",\"thread_id\":", thread_id)])
            }
            QuestionKind::Worktree { cwd } => ("worktree", &[(",\"cwd\":", cwd)]),
            QuestionKind::Skill { path, workspace } => {
                ("skill", &[(",\"path\":", path), (",\"workspace\":", workspace)])
            }
        };
        let mut text = String::from("{");
        write::members(&[(",\"id\":", &self.id), (",\"kind\":", &kind)], &mut text);
        write::members(rest, &mut text);
        text.push('}');
        text
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QuestionKind {
    /// What remote does the repository at `cwd` have? Answered by
    /// [`RepositoryAnswered`](crate::fact::answer::RepositoryAnswered).
    Repository {
        /// A working directory.
        cwd: HostPath,
        /// The thread that works there, or is to.
        thread_id: Id,
    },
    /// Is `cwd` in a linked worktree of a repository? Asked only by a pipeline that
    /// [asks](crate::Pipeline::asking_worktrees) it. Answered by
    /// [`WorktreeAnswered`](crate::fact::answer::WorktreeAnswered).
    Worktree {
        /// A working directory.
        cwd: HostPath,
    },
    /// Where does a skill lie? Answered by [`SkillAnswered`](crate::fact::answer::SkillAnswered).
    Skill {
        /// The skill's file.
        path: HostPath,
        /// The thread's working directory, where the file lies below it: a host that cannot look
        /// may take it for the repository's root.
        workspace: Option<HostPath>,
    },
}

#[cfg(test)]
mod tests {
    use super::{Question, QuestionId, QuestionKind};

    #[test]
    fn the_form_for_other_languages() {
        let repository = QuestionKind::Repository { cwd: "/a".into(), thread_id: "t".into() };
        assert_eq!(
            Question { id: QuestionId(7), kind: repository }.to_json(),
            r#"{"id":7,"kind":"repository","cwd":"/a","thread_id":"t"}"#
        );
        let worktree = QuestionKind::Worktree { cwd: "/a".into() };
        assert_eq!(
            Question { id: QuestionId(9), kind: worktree }.to_json(),
            r#"{"id":9,"kind":"worktree","cwd":"/a"}"#
        );
        let skill = QuestionKind::Skill { path: "/a/SKILL.md".into(), workspace: None };
        assert_eq!(
            Question { id: QuestionId(8), kind: skill }.to_json(),
            r#"{"id":8,"kind":"skill","path":"/a/SKILL.md","workspace":null}"#
        );
    }
}
