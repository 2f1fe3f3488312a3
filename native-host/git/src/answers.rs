//! The answers to the core's questions: what Git and the file system say.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use turnledger::ledger::Answers;
use turnledger_core::fact::answer::{RepositoryAnswered, SkillAnswered, WorktreeAnswered};
use turnledger_core::{Fact, HostPath, Question, QuestionKind};

use crate::repository::Git;

/// How long a repository's remote is remembered.
const FRESH: Duration = Duration::from_secs(60);
const MOST_KNOWN: usize = 1024;

/// Answers the core's questions by what Git and the file system say. It remembers what it has looked up
/// for a minute.
#[derive(Debug, Default)]
pub struct Answerer {
    remotes: HashMap<PathBuf, (Instant, Found)>,
}

impl Answers for Answerer {
    fn answer(&mut self, question: Question) -> Option<Fact> {
        let Question { id, kind, .. } = question;
        match kind {
            QuestionKind::Repository { cwd, .. } => {
                // A relative one is in a folder of the server's, which is not known here.
                let cwd = Some(Path::new(cwd.expose())).filter(|cwd| cwd.is_absolute());
                let remote_url = cwd.and_then(|cwd| self.look_up(cwd).url).map(|url| url.as_str().into());
                Some(Fact::RepositoryAnswered(RepositoryAnswered { question: id, remote_url }))
            }
            QuestionKind::Worktree { cwd } => {
                Some(Fact::WorktreeAnswered(WorktreeAnswered::new(id, is_worktree(Path::new(cwd.expose())))))
            }
            QuestionKind::Skill { path, .. } => {
                let given = Path::new(path.expose());
                let resolved = given.canonicalize().unwrap_or_else(|_| given.to_owned());
                let root = repository_root(&resolved);
                let remote_url = root.and_then(|root| self.look_up(root).origin).map(|url| url.as_str().into());
                Some(Fact::SkillAnswered(SkillAnswered {
                    question: id,
                    skill_path: host_path(&resolved),
                    repository_root: root.map(host_path),
                    remote_url,
                }))
            }
            // A question of a later version of the core.
            _ => None,
        }
    }
}

impl Answerer {
    fn look_up(&mut self, folder: &Path) -> Found {
        if let Some((at, found)) = self.remotes.get(folder)
            && at.elapsed() < FRESH
        {
            return found.clone();
        }
        let found = Git::open(Some(folder)).map_or_else(
            |_| Found::default(),
            |git| Found { url: git.remote_url(), origin: git.url_of_remote("origin").map(|url| url.trim().to_owned()) },
        );
        if self.remotes.len() >= MOST_KNOWN {
            self.remotes.clear();
        }
        self.remotes.insert(folder.to_owned(), (Instant::now(), found.clone()));
        found
    }
}

/// What Git says of a folder.
#[derive(Clone, Debug, Default)]
struct Found {
    /// By which events know the repository.
    url: Option<String>,
    /// That of `origin`, which skills are known by.
    origin: Option<String>,
}

fn host_path(path: &Path) -> HostPath {
    path.to_string_lossy().as_ref().into()
}

/// Whether a folder is in a linked worktree: there, `.git` is a file. `None` outside a repository.
fn is_worktree(folder: &Path) -> Option<bool> {
    let git = Git::open(Some(&folder.canonicalize().ok()?)).ok()?;
    Some(fs::symlink_metadata(git.root()?.join(".git")).ok()?.is_file())
}

/// The nearest folder at or above a path with a `.git` (`docs/contract/rules.md` 10).
fn repository_root(path: &Path) -> Option<&Path> {
    let start = if path.is_dir() { Some(path) } else { path.parent() };
    start?.ancestors().find(|folder| fs::symlink_metadata(folder.join(".git")).is_ok())
}
