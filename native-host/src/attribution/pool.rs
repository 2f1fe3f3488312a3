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
    numbers: HashMap<Source, usize>,
    /// Who accepted a line at a path, oldest first.
    left: HashMap<LineFingerprint, VecDeque<usize>>,
    /// Where a line was accepted and by whom, oldest first. Some may be claimed by now.
    places: HashMap<DigestValue, VecDeque<Claim>>,
    /// What lines of the repository have claimed, by their path and themselves.
    claims: HashMap<DigestValue, HashMap<DigestValue, Vec<Claim>>>,
}

#[derive(Clone, Copy, Debug)]
struct Claim {
    accepted_at: DigestValue,
    source: usize,
}

impl Pool {
    /// Adds the lines that a turn left accepted.
    pub(super) fn accept(&mut self, source: &Source, lines: &[LineFingerprint]) {
        let source = *self.numbers.entry(source.clone()).or_insert_with(|| {
            self.sources.push(source.clone());
            self.sources.len() - 1
        });
        for line in lines {
            self.left.entry(*line).or_default().push_back(source);
            let place = Claim { accepted_at: line.path_hash, source };
            self.places.entry(line.line_hash).or_default().push_back(place);
        }
    }

    /// Claims a line that was accepted at this path.
    pub(super) fn claim_here(&mut self, path_hash: DigestValue, line_hash: DigestValue) -> Option<Source> {
        let source = self.left.get_mut(&LineFingerprint { path_hash, line_hash })?.pop_front()?;
        Some(self.claim(path_hash, line_hash, Claim { accepted_at: path_hash, source }))
    }

    /// Claims a line that was accepted at another path.
    pub(super) fn claim_elsewhere(&mut self, path_hash: DigestValue, line_hash: DigestValue) -> Option<Source> {
        loop {
            let place = self.places.get_mut(&line_hash)?.pop_front()?;
            let accepted = LineFingerprint { path_hash: place.accepted_at, line_hash };
            let left = self.left.get_mut(&accepted)?;
            // One that has been claimed at its own path is no more to be had.
            if let Some(position) = left.iter().position(|source| *source == place.source) {
                left.remove(position);
                return Some(self.claim(path_hash, line_hash, place));
            }
        }
    }

    fn claim(&mut self, path: DigestValue, line: DigestValue, claim: Claim) -> Source {
        self.claims.entry(path).or_default().entry(line).or_default().push(claim);
        self.sources[claim.source].clone()
    }

    /// Whether a line at this path has claimed anything.
    pub(super) fn has_claims(&self, path: &DigestValue) -> bool {
        self.claims.get(path).is_some_and(|lines| !lines.is_empty())
    }

    /// Gives back what lines have claimed that are no longer there: of which `path` has only `still`.
    pub(super) fn release(&mut self, path: &DigestValue, line: &DigestValue, still: usize) {
        let Some(lines) = self.claims.get_mut(path) else { return };
        let Some(claims) = lines.get_mut(line) else { return };
        while claims.len() > still
            && let Some(claim) = claims.pop()
        {
            let accepted = LineFingerprint { path_hash: claim.accepted_at, line_hash: *line };
            self.left.entry(accepted).or_default().push_front(claim.source);
            self.places.entry(*line).or_default().push_front(claim);
        }
        if claims.is_empty() {
            lines.remove(line);
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
            pool.accept(&((*thread).into(), None), &[line]);
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
    fn places_are_as_old_as_who_accepted_them() {
        let mut pool = pool(&[("one", "a", "x"), ("two", "b", "x"), ("three", "a", "x")]);
        assert_eq!(here(&mut pool, "a", "x").as_deref(), Some("one"));
        assert_eq!(elsewhere(&mut pool, "c", "x").as_deref(), Some("two"));
        assert_eq!(elsewhere(&mut pool, "c", "x").as_deref(), Some("three"));
    }

    #[test]
    fn a_line_that_is_gone_gives_back_its_claim_alone() {
        let mut pool = pool(&[("one", "a", "x")]);
        pool.release(&hash("a"), &hash("x"), 0);
        assert_eq!(elsewhere(&mut pool, "b", "x").as_deref(), Some("one"));
        // A line of that content at another path claimed nothing.
        pool.release(&hash("a"), &hash("x"), 0);
        assert_eq!(here(&mut pool, "a", "x"), None);
        // Another line of that content is still there, and may be the one.
        pool.release(&hash("b"), &hash("x"), 1);
        assert_eq!(here(&mut pool, "a", "x"), None);
        pool.release(&hash("b"), &hash("x"), 0);
        assert_eq!(elsewhere(&mut pool, "c", "x").as_deref(), Some("one"));
        pool.release(&hash("c"), &hash("x"), 0);
        assert!(!pool.has_claims(&hash("c")));
        assert_eq!(here(&mut pool, "a", "x").as_deref(), Some("one"));
        assert!(pool.has_claims(&hash("a")));
    }

    #[test]
    fn claims_move_with_their_file() {
        let mut pool = pool(&[("one", "a", "x")]);
        assert!(here(&mut pool, "a", "x").is_some());
        pool.rename(&hash("a"), hash("b"));
        pool.release(&hash("b"), &hash("x"), 0);
        assert_eq!(elsewhere(&mut pool, "b", "x").as_deref(), Some("one"));
    }
}
