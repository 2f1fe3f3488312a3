//! Reading a unified diff a line at a time (`docs/contract/rules.md` 8.2).
//!
//! For every diff that Git writes, the counts are the contract's. For others, a hunk has the lines that
//! its header announces. What follows them is not content, whatever it looks like.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::path::{self, Named};

/// What a line of a diff is.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiffLine<'a> {
    /// A header that names the file of the added lines that follow: its path, or `None` if it
    /// is deleted or yet to be named.
    File(Option<&'a str>),
    /// A line that was added, without its marker.
    Added(&'a [u8]),
    /// A line that was deleted, without its marker.
    Deleted(&'a [u8]),
    /// Context, another header, or not part of the diff.
    Other,
}

/// Shows no content: neither a path nor a line is ever logged.
impl fmt::Debug for DiffLine<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::File(_) => "File",
            Self::Added(_) => "Added",
            Self::Deleted(_) => "Deleted",
            Self::Other => "Other",
        })
    }
}

/// Reads a diff a line at a time, in memory that does not grow with it: unified diffs as Git and
/// `diff -u` write them, and the combined diffs of merges.
///
/// A line of a combined diff counts as its first column says: as it does in a diff with the first
/// parent.
#[derive(Clone, Default)]
pub struct DiffParser {
    /// Where added lines go.
    path: Option<String>,
    /// What other headers than `+++` say of it.
    named: Option<Named>,
    hunk: Hunk,
    is_diff: bool,
}

/// How many lines of the hunk are still to come.
#[derive(Clone, Default)]
enum Hunk {
    #[default]
    None,
    Plain {
        old: u64,
        new: u64,
    },
    Combined {
        /// Of each parent.
        old: Vec<u64>,
        new: u64,
    },
}

impl fmt::Debug for DiffParser {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DiffParser")
    }
}

impl DiffParser {
    /// Takes the next line, without its line end.
    pub fn line<'a>(&'a mut self, line: &'a [u8]) -> DiffLine<'a> {
        let content = match &mut self.hunk {
            Hunk::None => None,
            Hunk::Plain { old, new } => plain(old, new, line),
            Hunk::Combined { old, new } => combined(old, new, line),
        };
        if let Some(content) = content {
            return content;
        }
        // A line that does not fit ends the hunk, as does a line after its last.
        self.hunk = Hunk::None;
        self.header(line)
    }

    /// Whether a header of a diff was seen.
    pub fn is_diff(&self) -> bool {
        self.is_diff
    }

    fn header(&mut self, line: &[u8]) -> DiffLine<'_> {
        if let Some(names) = line.strip_prefix(b"diff --git ") {
            self.is_diff = true;
            self.path = None;
            self.named = Some(Named::Names(names.into()));
            return DiffLine::File(None);
        } else if let Some(name) = line.strip_prefix(b"diff --cc ").or_else(|| line.strip_prefix(b"diff --combined ")) {
            self.is_diff = true;
            self.path = None;
            self.named = Some(Named::Path(path::unquote(name)));
            return DiffLine::File(None);
        } else if let Some(name) = line.strip_prefix(b"rename to ").or_else(|| line.strip_prefix(b"copy to ")) {
            self.named = Some(Named::Path(path::unquote(name)));
        } else if let Some(name) = line.strip_prefix(b"+++ ") {
            self.is_diff = true;
            // Without such headers, another file follows.
            self.path = path::of_new_file(name, self.named.take().as_ref());
            return DiffLine::File(self.path.as_deref());
        } else if line.starts_with(b"@@") {
            let hunk = Hunk::announced_by(line);
            self.is_diff |= hunk.is_some();
            self.hunk = hunk.unwrap_or_default();
        }
        DiffLine::Other
    }
}

/// A line of a hunk with one parent.
fn plain<'a>(old: &mut u64, new: &mut u64, line: &'a [u8]) -> Option<DiffLine<'a>> {
    match line.split_first() {
        Some((b'+', text)) => {
            *new = new.checked_sub(1)?;
            Some(DiffLine::Added(text))
        }
        Some((b'-', text)) => {
            *old = old.checked_sub(1)?;
            Some(DiffLine::Deleted(text))
        }
        // An empty context line may have lost its space.
        None | Some((b' ', _)) => {
            *new = new.checked_sub(1)?;
            *old = old.checked_sub(1)?;
            Some(DiffLine::Other)
        }
        // `\ No newline at end of file`
        Some((b'\\', _)) => Some(DiffLine::Other),
        Some(_) => None,
    }
}

/// A line of a hunk with several parents: a column for each.
fn combined<'a>(old: &mut [u64], new: &mut u64, line: &'a [u8]) -> Option<DiffLine<'a>> {
    if line.starts_with(b"\\") {
        return Some(DiffLine::Other);
    }
    let (columns, text) = line.split_at_checked(old.len())?;
    if columns.iter().any(|column| !b" +-".contains(column)) {
        return None;
    }
    // A line that a parent lost is not in the result, and another parent with a space lacks it too.
    let lost = columns.contains(&b'-');
    let there = if lost { b'-' } else { b' ' };
    if !lost {
        *new = new.checked_sub(1)?;
    }
    for (left, _) in old.iter_mut().zip(columns).filter(|(_, column)| **column == there) {
        *left = left.checked_sub(1)?;
    }
    Some(match columns.first() {
        Some(b'+') => DiffLine::Added(text),
        Some(b'-') => DiffLine::Deleted(text),
        _ => DiffLine::Other,
    })
}

impl Hunk {
    /// Reads `@@ -1,2 +3,4 @@`, or with an `@` more and another `-` range for each further parent.
    fn announced_by(header: &[u8]) -> Option<Self> {
        let parents = header.iter().take_while(|byte| **byte == b'@').count() - 1;
        let marker = &header[..=parents];
        let mut rest = &header[marker.len()..];
        let mut old = Vec::new();
        while let Some(range) = rest.strip_prefix(b" -") {
            let (lines, after) = count(range)?;
            old.push(lines);
            rest = after;
        }
        let (new, rest) = count(rest.strip_prefix(b" +")?)?;
        if old.len() != parents || !rest.strip_prefix(b" ")?.starts_with(marker) {
            return None;
        }
        Some(match old[..] {
            [old] => Self::Plain { old, new },
            _ => Self::Combined { old, new },
        })
    }
}

/// How many lines a range has: `5,2` has two, `5` has one.
fn count(range: &[u8]) -> Option<(u64, &[u8])> {
    let (_, rest) = number(range)?;
    rest.strip_prefix(b",").map_or(Some((1, rest)), number)
}

/// A number and what follows it.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at(digits);
    Some((core::str::from_utf8(number).ok()?.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::super::{AcceptedLines, Fingerprinter, LineBuffer, line_hash, lines, path_hash};
    use super::{DiffLine, DiffParser};
    use crate::digest::Sha2;
    use crate::event::accepted_lines::LineFingerprint;

    /// A diff, its added and deleted lines, and its fingerprints as (path, line).
    type Vector = (&'static str, u64, u64, &'static [(&'static str, &'static str)]);

    /// Diffs by the reference's rules (`docs/contract/rules.md` 8.2); five differ from them, each with the reason why.
    const CONTRACT: &[Vector] = &[
        ("+++ b/x\n@@ -1 +1 @@\n+alpha", 1, 0, &[("x", "alpha")]),
        ("diff --git a/x b/x\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone", 0, 1, &[]),
        ("diff --git a/x b/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- old value\n+++ new value", 1, 1, &[("x", "++ new value")]),
        // Contract: 3, 2, and `++ b/y` for a line. The first hunk's counts are used up before the second
        // file, whose headers are headers.
        (
            "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+alpha\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n+beta1",
            2,
            1,
            &[("x", "alpha"), ("y", "beta1")],
        ),
        // Contract: 2, 1. Lines outside hunks are no content.
        ("diff --git a/x b/x\n+stray text\n-stray\n+++ b/x\n--- a/x\n@@ -1 +1 @@\n+alpha", 1, 0, &[("x", "alpha")]),
        ("+++ b/x\n@@ -1 +1 @@\n+alpha\ndiff --git a/y b/y\n@@ -1 +1 @@\n+beta1", 2, 0, &[("x", "alpha")]),
        ("+++ b/b/x\n@@ -1 +1 @@\n+alpha", 1, 0, &[("b/x", "alpha")]),
        // Contract: the path with its quotes, prefix and escapes.
        ("+++ \"b/n\\303\\244.txt\"\n@@ -1 +1 @@\n+alpha", 1, 0, &[("nä.txt", "alpha")]),
        // Contract: the path with the TAB and the time.
        ("+++ b/x\t2024-01-01\n@@ -1 +1 @@\n+alpha", 1, 0, &[("x", "alpha")]),
        ("+++ b/my file\t\n@@ -1 +1 @@\n+alpha", 1, 0, &[("my file", "alpha")]),
        ("diff --cc f\n@@@ -1 -1 +1 @@@\n++new code", 1, 0, &[]),
        // Contract: 1, 0 and the line at c/d. `@@` without counts is no hunk.
        ("+++ b/x\n@@\n--- a b\n+++ c/d\n+alpha", 0, 0, &[]),
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

    /// What the contract leaves open.
    const MORE: &[Vector] = &[
        ("", 0, 0, &[]),
        // No prefixes, though the folder has the name of one.
        ("diff --git b/x b/x\n--- b/x\n+++ b/x\n@@ -0,0 +1 @@\n+alpha", 1, 0, &[("b/x", "alpha")]),
        // A rename between folders that look like prefixes.
        (
            "diff --git a/x b/x\nsimilarity index 90%\nrename from a/x\nrename to b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+alpha",
            1,
            0,
            &[("b/x", "alpha")],
        ),
        ("diff --git i/x w/x\n--- i/x\n+++ w/x\n@@ -1,0 +2 @@ fn f()\n+alpha", 1, 0, &[("x", "alpha")]),
        // The second file is not the first by another name.
        (
            "diff --git a/foo b/foo\n--- a/foo\n+++ b/foo\n@@ -0,0 +1 @@\n+alpha\n--- lib/foo.orig\n+++ lib/foo\n@@ -0,0 +1 @@\n+beta1",
            2,
            0,
            &[("foo", "alpha"), ("lib/foo", "beta1")],
        ),
        // Mode change, empty file, binary file, empty hunk; then text again.
        (
            "diff --git a/x b/x\nold mode 100644\nnew mode 100755\ndiff --git a/e b/e\nnew file mode 100644\ndiff --git a/p b/p\nBinary files a/p and b/p differ\ndiff --git a/q b/q\nGIT binary patch\nliteral 3\n+cmZQ\n\ndiff --git a/y b/y\n--- a/y\n+++ b/y\n@@ -0,0 +0,0 @@\n@@ -1,2 +1,2 @@\n \n+beta1\n-\n",
            1,
            1,
            &[("y", "beta1")],
        ),
        // A context line that lost its space; a signature after the patch.
        ("+++ b/x\n@@ -1,3 +1,4 @@\n one\n\n+alpha\n two\n-- \n2.47.3", 1, 0, &[("x", "alpha")]),
        // A hunk that is cut short does not swallow the next file.
        (
            "+++ b/x\n@@ -1,9 +1,9 @@\n+alpha\ndiff --git a/y b/y\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n+beta1",
            2,
            0,
            &[("x", "alpha"), ("y", "beta1")],
        ),
        // More lines than the hunk has.
        ("+++ b/x\n@@ -0,0 +1 @@\n+alpha\n+stray\n-stray", 1, 0, &[("x", "alpha")]),
        // Headers that announce nothing that can be counted.
        (
            "+++ b/x\n@@ -1 @@\n+a\n@@ -1,x +1 @@\n+a\n@@ -1 +99999999999999999999 @@\n+a\n@@@ -1 +1 @@@\n+a\n@@ -1 +1\n+a",
            0,
            0,
            &[],
        ),
        // A merge: in neither parent; in the second alone; lost by the first; lost by the second.
        (
            "diff --cc my file\nindex 1,2..3\n--- a/my file\t\n+++ b/my file\t\n@@@ -1,3 -1,3 +1,4 @@@\n  same\n++neither\n+ of the second\n +of the first\n- \n -lost\n",
            2,
            1,
            &[("my file", "neither"), ("my file", "of the second")],
        ),
        // A merge has no more lines than it announces, either.
        (
            "+++ b/x\n@@@ -1,2 -1,2 +1,2 @@@\n  same\n++neither\n- \n -lost\n++stray\n--stray\n- stray\n",
            1,
            1,
            &[("x", "neither")],
        ),
        ("+++ b/x\n@@@ -0,0 -1,2 +1,2 @@@\n+ alpha\n+ beta1\n+ stray\n", 2, 0, &[("x", "alpha"), ("x", "beta1")]),
        ("+++ b/x\n@@@ -1,2 -0,0 +0,0 @@@\n- one\n- two\n- stray\n", 0, 2, &[]),
        ("+++ b/x\n@@@ -1,2 -1 +1 @@@\n- lost\n  same\n- stray\n -stray\n++stray\n", 0, 1, &[]),
        ("+++ b/x\n@@@ -1 -1 +1,2 @@@\n+ second\n +first\n++stray\n+ stray\n +stray\n", 1, 0, &[("x", "second")]),
    ];

    #[test]
    fn vectors() {
        let digest = Sha2::default();
        for (diff, added, deleted, fingerprints) in CONTRACT.iter().chain(MORE) {
            let fingerprints: Vec<_> = fingerprints
                .iter()
                .map(|(path, line)| LineFingerprint {
                    path_hash: path_hash(&digest, path),
                    line_hash: line_hash(&digest, line.as_bytes(), &mut LineBuffer::default()).unwrap(),
                })
                .collect();
            let expected = AcceptedLines { added: *added, deleted: *deleted, fingerprints };
            assert_eq!(AcceptedLines::of(diff, &digest), expected, "{diff}");
            let counted = AcceptedLines { fingerprints: Vec::new(), ..expected };
            assert_eq!(AcceptedLines::count(diff), counted, "{diff}");
        }
    }

    #[test]
    fn a_diff_is_told_by_its_headers() {
        let is_diff = |text: &str| {
            let mut fingerprinter = Fingerprinter::new(Sha2::default());
            lines(text.as_bytes()).for_each(|line| {
                fingerprinter.line(line);
            });
            fingerprinter.is_diff()
        };
        for header in ["diff --git a/x b/x", "diff --cc x", "diff --combined x", "+++ b/x", "@@ -1 +1 @@"] {
            assert!(is_diff(header), "{header}");
            assert!(is_diff(&std::format!("{header}\n@@ no ranges @@")), "it stays one");
        }
        for other in ["", "+alpha", "rename to x", "--- a/x", "@@ -1 @@"] {
            assert!(!is_diff(other), "{other}");
        }
    }

    #[test]
    fn content_is_not_shown() {
        let mut parser = DiffParser::default();
        let diff = b"+++ b/secret\n@@ -1 +1 @@\n-secret\n+secret";
        let shown: Vec<_> = lines(diff).map(|line| std::format!("{:?}", parser.line(line))).collect();
        assert_eq!(shown, ["File", "Other", "Deleted", "Added"]);
        assert_eq!(std::format!("{parser:?}"), "DiffParser");
        assert_eq!(DiffParser::default().line(b"x"), DiffLine::Other);
    }
}
