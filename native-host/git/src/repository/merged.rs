//! What the commits of a merge add.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::FileChange;

/// When a line was committed, in Unix seconds; `None` if that is not known.
type At = Option<i64>;

/// The lines that the merged commits of a range add: which of a merge's lines are theirs, and when each
/// was committed. What the merge brings from outside the range is not among them.
#[derive(Default)]
pub(super) struct MergedLines {
    hasher: RandomState,
    /// By path, as hashes.
    files: HashMap<String, HashMap<u64, Vec<At>>>,
    /// Wherever they are, for files that a merge alone has under their names.
    anywhere: HashMap<u64, Vec<At>>,
}

impl MergedLines {
    /// Takes what one of the commits did to a file. A commit comes after those before it.
    pub(super) fn add(&mut self, change: &FileChange<'_>) {
        if let Some(former) = &change.renamed_from
            && let Some(lines) = self.files.remove(former)
        {
            let file = self.files.entry(change.path.clone()).or_default();
            for (line, ats) in lines {
                file.entry(line).or_default().extend(ats);
            }
        }
        let file = self.files.entry(change.path.clone()).or_default();
        for line in &change.added {
            let hash = self.hasher.hash_one(line.text);
            file.entry(hash).or_default().push(line.at);
            self.anywhere.entry(hash).or_default().push(line.at);
        }
    }

    /// Takes a line for one of theirs, if it can be: the latest one. Says when it was committed.
    pub(super) fn take(&mut self, path: &str, line: &[u8]) -> Option<At> {
        let hash = self.hasher.hash_one(line);
        let lines = self.files.get_mut(path).unwrap_or(&mut self.anywhere);
        lines.get_mut(&hash)?.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::super::AddedLine;
    use super::{FileChange, MergedLines};

    #[test]
    fn lines_are_taken_once_where_they_were_added() {
        let change = |path: &str, former: Option<&str>, lines: &[(&'static [u8], i64)]| FileChange {
            path: path.into(),
            renamed_from: former.map(Into::into),
            added: lines.iter().map(|(text, at)| AddedLine { text, at: Some(*at) }).collect(),
            ..FileChange::default()
        };
        let mut merged = MergedLines::default();
        merged.add(&change("a", None, &[(b"one", 1), (b"two", 1)]));
        merged.add(&change("b", Some("a"), &[(b"one", 2)]));
        merged.add(&change("c", None, &[(b"three", 3)]));
        assert_eq!(merged.take("b", b"one"), Some(Some(2)));
        assert_eq!(merged.take("b", b"one"), Some(Some(1)));
        assert_eq!(merged.take("b", b"one"), None);
        assert_eq!(merged.take("c", b"two"), None, "of another file");
        assert_eq!(merged.take("b", b"two"), Some(Some(1)));
        assert_eq!(merged.take("renamed by the merge", b"three"), Some(Some(3)));
        assert_eq!(merged.take("renamed by the merge", b"three"), None);
    }
}
