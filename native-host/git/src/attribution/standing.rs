//! How many accepted lines are still there.

use turnledger_core::digest::Sha2;

use super::{AcceptedEvents, Attributor, Counts};
use crate::repository::{ChangeReader, Git, GitError};

/// How many accepted lines are in the files of a repository's latest commit. One accepted line stands for one line, so what
/// was accepted twice and is there once stands once. Lines are compared as everywhere here: by the hash of their normal
/// form, and only those of more than three bytes with a word character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// Accepted lines that could be compared. A count.
    pub accepted: u64,
    /// Those that are in the file where they were accepted. A count.
    pub here: u64,
    /// Those that are in another file. A count.
    pub moved: u64,
    /// Files that were not read, such as binary and very large ones. A count.
    pub unread_files: u64,
}

impl Standing {
    /// The accepted lines of `events` that are in the files of `HEAD`. `digest` is what made their hashes.
    ///
    /// # Errors
    ///
    /// [`GitError`] if the commit or one of its files cannot be read.
    pub fn of(git: &Git, digest: Sha2, events: AcceptedEvents) -> Result<Self, GitError> {
        let accepted = events.lines();
        let mut attributor = Attributor::new(digest, events);
        let (step, mut files, mut unread_files) = (git.whole()?, Vec::new(), 0);
        ChangeReader::new(git)?.read(&step, |change| {
            unread_files += u64::from(change.unread.is_some());
            files.push(attributor.changed_file(change));
        })?;
        attributor.step(Some(&step), &files, &[]);
        let Counts { matched, moved, .. } = attributor.report().total;
        Ok(Self { accepted, here: matched, moved, unread_files })
    }

    /// Those that are there, wherever. A count.
    pub fn standing(&self) -> u64 {
        self.here + self.moved
    }
}
