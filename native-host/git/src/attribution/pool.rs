//! Accepted lines as a multiset: each can be claimed once, and given back.

use std::collections::{HashMap, VecDeque};

use turnledger_core::event::accepted_lines::LineFingerprint;
use turnledger_core::{DigestValue, Id};

/// The thread that accepted a line, and the model that wrote it.
pub(super) type Source = (Id, Option<Id>);

/// Accepted lines that are still to be claimed, and those that are.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// The time from which each event counts, and its source; the earliest first.
    events: Vec<(i64, Source)>,
    /// In which events a line was accepted at a path, the earliest first.
    left: HashMap<LineFingerprint, VecDeque<usize>>,
    /// Where a line was accepted and in which event, the earliest first. Some may be claimed by now.
    places: HashMap<DigestValue, VecDeque<Claim>>,
    /// What lines of the repository have claimed, by their path and themselves.
    claims: HashMap<DigestValue, HashMap<DigestValue, Vec<Claim>>>,
}

#[derive(Clone, Copy, Debug)]
struct Claim {
    accepted_at: DigestValue,
    event: usize,
}

impl Pool {
    /// Adds the lines of an event that counts for what is committed at `from` or later. Events come by
    /// that time, the earliest first.
    pub(super) fn accept(&mut self, from: i64, source: Source, lines: &[LineFingerprint]) {
        let event = self.events.len();
        self.events.push((from, source));
        for line in lines {
            self.left.entry(*line).or_default().push_back(event);
            let place = Claim { accepted_at: line.path_hash, event };
            self.places.entry(line.line_hash).or_default().push_back(place);
        }
    }

    /// Claims an accepted line at this path for a line that was committed at `at`. `None`: not committed
    /// yet, or at an unknown time.
    pub(super) fn claim_here(
        &mut self,
        path_hash: DigestValue,
        line_hash: DigestValue,
        at: Option<i64>,
    ) -> Option<Source> {
        let left = self.left.get_mut(&LineFingerprint::new(path_hash, line_hash))?;
        let event = *left.front().filter(|event| counts(&self.events, **event, at))?;
        left.pop_front();
        Some(self.claim(path_hash, line_hash, Claim { accepted_at: path_hash, event }))
    }

    /// Claims a line that was accepted at another path.
    pub(super) fn claim_elsewhere(
        &mut self,
        path_hash: DigestValue,
        line_hash: DigestValue,
        at: Option<i64>,
    ) -> Option<Source> {
        loop {
            let places = self.places.get_mut(&line_hash)?;
            let place = *places.front().filter(|place| counts(&self.events, place.event, at))?;
            places.pop_front();
            let accepted = LineFingerprint::new(place.accepted_at, line_hash);
            let left = self.left.get_mut(&accepted)?;
            // One that has been claimed at its own path is no more to be had.
            if let Ok(position) = left.binary_search(&place.event) {
                left.remove(position);
                return Some(self.claim(path_hash, line_hash, place));
            }
        }
    }

    fn claim(&mut self, path: DigestValue, line: DigestValue, claim: Claim) -> Source {
        self.claims.entry(path).or_default().entry(line).or_default().push(claim);
        self.events[claim.event].1.clone()
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
            let accepted = LineFingerprint::new(claim.accepted_at, *line);
            let left = self.left.entry(accepted).or_default();
            left.insert(left.partition_point(|event| *event < claim.event), claim.event);
            let places = self.places.entry(*line).or_default();
            places.insert(places.partition_point(|place| place.event < claim.event), claim);
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

/// Whether an event counts for a line that was committed at `at`.
fn counts(events: &[(i64, Source)], event: usize, at: Option<i64>) -> bool {
    at.is_none_or(|at| events[event].0 <= at)
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
            let line = LineFingerprint::new(hash(path), hash(line));
            pool.accept(0, ((*thread).into(), None), &[line]);
        }
        pool
    }

    fn here(pool: &mut Pool, path: &str, line: &str) -> Option<String> {
        pool.claim_here(hash(path), hash(line), None).map(|(thread, _)| thread.to_string())
    }

    fn elsewhere(pool: &mut Pool, path: &str, line: &str) -> Option<String> {
        pool.claim_elsewhere(hash(path), hash(line), None).map(|(thread, _)| thread.to_string())
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
    fn no_line_is_older_than_the_event_that_it_claims() {
        let mut pool = Pool::default();
        let line = LineFingerprint::new(hash("a"), hash("x"));
        for (from, thread) in [(i64::MIN, "always"), (10, "one"), (20, "two")] {
            pool.accept(from, (thread.into(), None), &[line]);
        }
        let mut here = |at| pool.claim_here(hash("a"), hash("x"), at).map(|(thread, _)| thread.to_string());
        assert_eq!(here(Some(9)).as_deref(), Some("always"));
        assert_eq!(here(Some(9)), None);
        assert_eq!(here(Some(10)).as_deref(), Some("one"));
        assert_eq!(here(Some(19)), None);
        // What was claimed is given back to its place, not to the first one.
        pool.release(&hash("a"), &hash("x"), 1);
        let mut elsewhere = |at| pool.claim_elsewhere(hash("b"), hash("x"), at).map(|(thread, _)| thread.to_string());
        assert_eq!(elsewhere(Some(9)), None);
        assert_eq!(elsewhere(Some(19)).as_deref(), Some("one"));
        assert_eq!(elsewhere(Some(19)), None);
        assert_eq!(elsewhere(None).as_deref(), Some("two"));
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
