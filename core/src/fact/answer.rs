//! The host's answers to the core's [questions](crate::question).

use alloc::string::String;

use crate::git_remote;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::private::HostPath;
use crate::question::QuestionId;

/// The remote of the repository that a question asked about.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RepositoryAnswered {
    /// The question.
    pub question: QuestionId,
    /// The URL of `origin`, or else of the remote with the smallest name; `None` without a remote.
    pub remote_url: Option<RemoteUrl>,
}

/// Whether the directory that a question asked about is in a linked worktree.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct WorktreeAnswered {
    /// The question.
    pub question: QuestionId,
    /// Whether `.git` of the repository's root is a file; `None` outside a repository.
    pub is_worktree: Option<bool>,
}

/// Where the skill that a question asked about lies.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SkillAnswered {
    /// The question.
    pub question: QuestionId,
    /// The skill's file, with symbolic links resolved.
    pub skill_path: HostPath,
    /// The nearest folder above it with a `.git`, with symbolic links resolved.
    pub repository_root: Option<HostPath>,
    /// The URL of that repository's `origin`.
    pub remote_url: Option<RemoteUrl>,
}

impl RepositoryAnswered {
    /// The answer to `question`: a remote's URL, or none.
    pub fn new(question: QuestionId, remote_url: Option<RemoteUrl>) -> Self {
        Self { question, remote_url }
    }
}

impl WorktreeAnswered {
    /// The answer to `question`: whether it is one, or none outside a repository.
    pub fn new(question: QuestionId, is_worktree: Option<bool>) -> Self {
        Self { question, is_worktree }
    }
}

impl SkillAnswered {
    /// The answer to `question`: the skill's file, in no repository unless one is set.
    pub fn new(question: QuestionId, skill_path: impl Into<HostPath>) -> Self {
        Self { question, skill_path: skill_path.into(), repository_root: None, remote_url: None }
    }
}

/// The URL of a Git remote; `Debug` does not show it, for it may hold credentials.
#[derive(Clone, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct RemoteUrl(String);

impl RemoteUrl {
    /// `host/path`, as policies name a repository: without credentials. `None` if it names no host.
    pub fn canonical(&self) -> Option<String> {
        git_remote::canonical(&self.0)
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RemoteUrl {
    fn from(url: &str) -> Self {
        Self(url.into())
    }
}

impl core::fmt::Debug for RemoteUrl {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("RemoteUrl([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::RemoteUrl;

    #[test]
    fn a_remote_is_not_shown() {
        assert_eq!(alloc::format!("{:?}", RemoteUrl::from("https://u:secret@host/x")), "RemoteUrl([redacted])");
    }
}
