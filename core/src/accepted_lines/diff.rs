//! Reading a unified diff (contract `rules.md` 8.2, 8.3).

use super::AcceptedLines;
use super::normalise::normalise;
use crate::digest::{Digest, DigestValue, Domain, fingerprint};
use crate::event::accepted_lines::LineFingerprint;

/// Counts the added and deleted lines of `diff` and, with a digest, hashes the added ones.
pub(super) fn read(diff: &str, digest: Option<&impl Digest>) -> AcceptedLines {
    let mut accepted = AcceptedLines::default();
    let mut path_hash: Option<DigestValue> = None;
    let mut in_hunk = false;
    let mut buffer = alloc::string::String::new();
    for line in diff.split_terminator('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.starts_with("diff --git ") {
            path_hash = None;
            in_hunk = false;
        } else if line.starts_with("@@ ") {
            in_hunk = true;
        } else if !in_hunk && let Some(rest) = line.strip_prefix("+++ ") {
            path_hash = digest.and_then(|digest| Some(fingerprint(digest, Domain::Path, path(rest)?)));
        } else if !in_hunk && line.starts_with("--- ") {
        } else if let Some(added) = line.strip_prefix('+') {
            accepted.added += 1;
            if let (Some(digest), Some(path_hash)) = (digest, path_hash)
                && let Some(normalised) = normalise(added, &mut buffer)
            {
                let line_hash = fingerprint(digest, Domain::Line, normalised);
                accepted.fingerprints.push(LineFingerprint { path_hash, line_hash });
            }
        } else if line.starts_with('-') {
            accepted.deleted += 1;
        }
    }
    accepted
}

/// The path of a `+++` line, without Git's prefix; `None` for a deleted file.
fn path(rest: &str) -> Option<&str> {
    let path = rest.trim();
    if path == "/dev/null" {
        return None;
    }
    Some(path.strip_prefix("b/").or_else(|| path.strip_prefix("a/")).unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::super::AcceptedLines;
    use crate::digest::tests::TestDigest;
    use crate::digest::{Domain, fingerprint};
    use crate::event::accepted_lines::LineFingerprint;

    /// A diff, its added and deleted lines, and its fingerprints as (path, line).
    type Vector = (&'static str, u64, u64, &'static [(&'static str, &'static str)]);

    /// Every vector of contract `rules.md` 8.2.
    const VECTORS: &[Vector] = &[
        ("+++ b/x\n@@ -1 +1 @@\n+alpha", 1, 0, &[("x", "alpha")]),
        ("diff --git a/x b/x\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone", 0, 1, &[]),
        ("diff --git a/x b/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- old value\n+++ new value", 1, 1, &[("x", "++ new value")]),
        (
            "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+alpha\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n+beta1",
            3,
            2,
            &[("x", "alpha"), ("x", "++ b/y"), ("x", "beta1")],
        ),
        ("diff --git a/x b/x\n+stray text\n-stray\n+++ b/x\n--- a/x\n@@ -1 +1 @@\n+alpha", 2, 1, &[("x", "alpha")]),
        ("+++ b/x\n@@ -1 +1 @@\n+alpha\ndiff --git a/y b/y\n@@ -1 +1 @@\n+beta1", 2, 0, &[("x", "alpha")]),
        ("+++ b/b/x\n@@ -1 +1 @@\n+alpha", 1, 0, &[("b/x", "alpha")]),
        ("+++ \"b/n\\303\\244.txt\"\n@@ -1 +1 @@\n+alpha", 1, 0, &[("\"b/n\\303\\244.txt\"", "alpha")]),
        ("+++ b/x\t2024-01-01\n@@ -1 +1 @@\n+alpha", 1, 0, &[("x\t2024-01-01", "alpha")]),
        ("+++ b/my file\t\n@@ -1 +1 @@\n+alpha", 1, 0, &[("my file", "alpha")]),
        ("diff --cc f\n@@@ -1 -1 +1 @@@\n++new code", 1, 0, &[]),
        ("+++ b/x\n@@\n--- a b\n+++ c/d\n+alpha", 1, 0, &[("c/d", "alpha")]),
        ("diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y", 0, 0, &[]),
        (
            "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n\\ No newline at end of file\n+newer\n\\ No newline at end of file",
            1,
            1,
            &[("x", "newer")],
        ),
        ("diff --git a/x b/x\r\n+++ b/x\r\n@@ -1 +1 @@\r\n+alpha  beta\r\n", 1, 0, &[("x", "alpha beta")]),
        ("+++ b/x\n@@ -1 +1 @@\n+\n-", 1, 1, &[]),
    ];

    #[test]
    fn vectors() {
        for (diff, added, deleted, lines) in VECTORS {
            let fingerprints: Vec<_> = lines
                .iter()
                .map(|(path, line)| LineFingerprint {
                    path_hash: fingerprint(&TestDigest, Domain::Path, path),
                    line_hash: fingerprint(&TestDigest, Domain::Line, line),
                })
                .collect();
            let expected = AcceptedLines { added: *added, deleted: *deleted, fingerprints };
            assert_eq!(AcceptedLines::of(diff, &TestDigest), expected, "{diff}");
            let counted = AcceptedLines::count(diff);
            assert_eq!((counted.added, counted.deleted), (*added, *deleted));
            assert!(counted.fingerprints.is_empty());
        }
    }
}
