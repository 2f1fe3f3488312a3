//! Accepted lines as a multiset: each can be claimed once, and given back.

use std::collections::{HashMap, VecDeque};

use turnledger_core::event::accepted_lines::LineFingerprint;
use turnledger_core::{DigestValue, Id};

/// The thread that accepted a line, and the model that wrote it.
pub(super) type Source = (Id, Option<Id>);

/// Accepted lines that are still to be claimed, and those that are.
#[derive(Debug, Default)]
pub(super) struct Pool {
    sources: Vec<Source>,
    /// Who accepted a line at a path, oldest first.
    left: HashMap<LineFingerprint, VecDeque<usize>>,
    /// The paths at which a line was accepted, once for each time. Some may be claimed by now.
    paths: HashMap<DigestValue, VecDeque<DigestValue>>,
    /// What lines of the working tree have claimed, by their path and themselves.
    claims: HashMap<DigestValue, HashMap<DigestValue, Vec<Claim>>>,
}

#[derive(Clone, Copy, Debug)]
struct Claim {
    accepted_at: DigestValue,
    source: usize,
}

impl Pool {
    /// Adds the lines that a turn left accepted.
    pub(super) fn accept(&mut self, source: Source, lines: &[LineFingerprint]) {
        let source = self.sources.iter().rposition(|known| *known == source).unwrap_or_else(|| {
            self.sources.push(source);
            self.sources.len() - 1
        });
        for line in lines {
            self.left.entry(*line).or_default().push_back(source);
            self.paths.entry(line.line_hash).or_default().push_back(line.path_hash);
        }
    }

    /// Claims a line that was accepted at this path.
    pub(super) fn claim_here(&mut self, path_hash: DigestValue, line_hash: DigestValue) -> Option<Source> {
        self.claim(path_hash, line_hash, path_hash)
    }

    /// Claims a line that was accepted at another path.
    pub(super) fn claim_elsewhere(&mut self, path_hash: DigestValue, line_hash: DigestValue) -> Option<Source> {
        loop {
            let accepted_at = self.paths.get_mut(&line_hash)?.pop_front()?;
            // One that has been claimed at its own path is no more to be had.
            if let Some(source) = self.claim(path_hash, line_hash, accepted_at) {
                return Some(source);
            }
        }
    }

    fn claim(&mut self, path: DigestValue, line_hash: DigestValue, accepted_at: DigestValue) -> Option<Source> {
        let accepted = LineFingerprint { path_hash: accepted_at, line_hash };
        let source = self.left.get_mut(&accepted)?.pop_front()?;
        let claims = self.claims.entry(path).or_default().entry(line_hash).or_default();
        claims.push(Claim { accepted_at, source });
        Some(self.sources[source].clone())
    }

    /// Gives back what a line that is now deleted had claimed.
    pub(super) fn release(&mut self, path: &DigestValue, line: &DigestValue) {
        let claims = self.claims.get_mut(path).and_then(|lines| lines.get_mut(line));
        if let Some(Claim { accepted_at, source }) = claims.and_then(Vec::pop) {
            let accepted = LineFingerprint { path_hash: accepted_at, line_hash: *line };
            self.left.entry(accepted).or_default().push_front(source);
            self.paths.entry(*line).or_default().push_front(accepted_at);
        }
    }

    /// Moves the claims of a file that has another path now.
    pub(super) fn rename(&mut self, old: &DigestValue, new: DigestValue) {
        for (line, claims) in self.claims.remove(old).unwrap_or_default() {
            self.claims.entry(new).or_default().entry(line).or_default().extend(claims);
        }
    }
}

#[cfg(test)]
mod tests {
    use turnledger_core::event::accepted_lines::LineFingerprint;

    use super::{DigestValue, Pool};

    fn hash(name: &str) -> DigestValue {
        DigestValue::new(name.as_bytes())
    }

    fn pool(lines: &[(&str, &str, &str)]) -> Pool {
        let mut pool = Pool::default();
        for (thread, path, line) in lines {
            let line = LineFingerprint { path_hash: hash(path), line_hash: hash(line) };
            pool.accept(((*thread).into(), None), &[line]);
        }
        pool
    }

    fn here(pool: &mut Pool, path: &str, line: &str) -> Option<String> {
        pool.claim_here(hash(path), hash(line)).map(|(thread, _)| thread.to_string())
    }

    fn elsewhere(pool: &mut Pool, path: &str, line: &str) -> Option<String> {
        pool.claim_elsewhere(hash(path), hash(line)).map(|(thread, _)| thread.to_string())
    }

    #[test]
    fn each_line_is_claimed_once_and_the_oldest_first() {
        let mut pool = pool(&[("one", "a", "x"), ("two", "a", "x"), ("two", "b", "x")]);
        assert_eq!(here(&mut pool, "a", "x").as_deref(), Some("one"));
        assert_eq!(here(&mut pool, "a", "x").as_deref(), Some("two"));
        assert_eq!(here(&mut pool, "a", "x"), None);
        assert_eq!(elsewhere(&mut pool, "c", "x").as_deref(), Some("two"));
        assert_eq!(elsewhere(&mut pool, "c", "x"), None);
        assert_eq!(here(&mut pool, "b", "x"), None);
        assert_eq!(here(&mut pool, "a", "y"), None);
    }

    #[test]
    fn a_deleted_line_gives_back_its_claim_alone() {
        let mut pool = pool(&[("one", "a", "x")]);
        pool.release(&hash("a"), &hash("x"));
        assert_eq!(elsewhere(&mut pool, "b", "x").as_deref(), Some("one"));
        // A line of that content at another path claimed nothing.
        pool.release(&hash("a"), &hash("x"));
        assert_eq!(here(&mut pool, "a", "x"), None);
        pool.release(&hash("b"), &hash("x"));
        assert_eq!(elsewhere(&mut pool, "c", "x").as_deref(), Some("one"));
        pool.release(&hash("c"), &hash("x"));
        assert_eq!(here(&mut pool, "a", "x").as_deref(), Some("one"));
    }

    #[test]
    fn claims_move_with_their_file() {
        let mut pool = pool(&[("one", "a", "x")]);
        assert!(here(&mut pool, "a", "x").is_some());
        pool.rename(&hash("a"), hash("b"));
        pool.release(&hash("b"), &hash("x"));
        assert_eq!(elsewhere(&mut pool, "b", "x").as_deref(), Some("one"));
    }
}
