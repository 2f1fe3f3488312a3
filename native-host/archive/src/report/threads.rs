//! Whose session a thread belongs to, and where it worked.

use super::maps::{Map, Set};

/// The threads of a store, and whose session each belongs to.
#[derive(Debug, Default)]
pub(super) struct Threads {
    pub(super) names: Map<i64, String>,
    pub(super) roots: Map<i64, i64>,
    /// By session; of several the last one by name.
    pub(super) repositories: Map<i64, String>,
    /// Whose beginning is known.
    pub(super) begun: Set<i64>,
}

impl Threads {
    pub(super) fn name(&self, thread: i64) -> Option<&str> {
        self.names.get(&thread).map(String::as_str)
    }

    pub(super) fn repository(&self, root: i64) -> Option<&str> {
        self.repositories.get(&root).map(String::as_str)
    }

    pub(super) fn root(&self, thread: i64) -> i64 {
        self.roots.get(&thread).copied().unwrap_or(thread)
    }
}
