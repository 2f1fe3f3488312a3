//! What the core asks of its host: effects as data.
//!
//! Git, the file system and symbolic links are the host's. The core hands out a question beside its
//! events and goes on; the answer comes back as a fact. A host that cannot answer says nothing, and
//! the field that needed the answer is null.

use serde::Serialize;

use crate::private::HostPath;
use crate::read::Read;

/// Which question an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct QuestionId(pub u64);

/// A question and the id that its answer repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The id.
    pub id: QuestionId,
    /// What is asked.
    pub kind: QuestionKind,
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
