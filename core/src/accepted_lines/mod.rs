//! Accepted lines: what a diff added and deleted, as counts and hashes (`docs/contract/rules.md` 8).
//!
//! [`Fingerprinter`] takes a diff a line at a time and hashes what it adds; [`Chunker`] cuts the
//! hashes into events that fit a request. A host that has files in place of a diff hashes them with
//! [`path_hash`] and [`line_hash`].

mod chunk;
mod diff;
mod normalise;
mod path;

use alloc::vec::Vec;

pub use self::chunk::Chunker;
pub use self::diff::{DiffLine, DiffParser};
pub use self::normalise::LineBuffer;
use crate::digest::{Digest, DigestValue, Domain, fingerprint};
use crate::event::accepted_lines::LineFingerprint;
use crate::json::read::Read;
use crate::json::write::Write;

/// The hash of a file's path, relative to its repository's root, with `/` between its parts.
pub fn path_hash(digest: &impl Digest, path: &str) -> DigestValue {
    fingerprint(digest, Domain::Path, path)
}

/// The hash of a line's normal form (`docs/contract/rules.md` 8.4): its words with one space between.
/// `None` for a line of at most three bytes or without a word character: too many lines are like it.
pub fn line_hash(digest: &impl Digest, line: &[u8], buffer: &mut LineBuffer) -> Option<DigestValue> {
    normalise::normalise(line, buffer).map(|line| fingerprint(digest, Domain::Line, line))
}

/// Splits a text at its line ends (`docs/contract/rules.md` 8.2): LF, or CR and LF. A last line without
/// an end counts, unless it is empty.
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (line, next) = match memchr::memchr(b'\n', rest) {
            Some(end) => (&rest[..end], &rest[end + 1..]),
            None => (rest, &rest[rest.len()..]),
        };
        rest = next;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    })
}

/// Takes a diff a line at a time and hashes the lines that it adds.
#[derive(Clone, Debug)]
pub struct Fingerprinter<D> {
    digest: D,
    parser: DiffParser,
    path_hash: Option<DigestValue>,
    buffer: LineBuffer,
    added: u64,
    deleted: u64,
}

impl<D: Digest> Fingerprinter<D> {
    /// At the beginning of a diff.
    pub fn new(digest: D) -> Self {
        Self {
            digest,
            parser: DiffParser::default(),
            path_hash: None,
            buffer: LineBuffer::default(),
            added: 0,
            deleted: 0,
        }
    }

    /// Takes the next line of the diff, without its line end. Returns its fingerprint if the line is
    /// an added one that has one.
    pub fn line(&mut self, line: &[u8]) -> Option<LineFingerprint> {
        match self.parser.line(line) {
            DiffLine::Added(text) => {
                self.added += 1;
                let path_hash = self.path_hash?;
                let line_hash = line_hash(&self.digest, text, &mut self.buffer)?;
                return Some(LineFingerprint { path_hash, line_hash });
            }
            DiffLine::Deleted(_) => self.deleted += 1,
            DiffLine::File(path) => self.path_hash = path.map(|path| path_hash(&self.digest, path)),
            DiffLine::Other => {}
        }
        None
    }

    /// Whether a header of a diff was seen.
    pub fn is_diff(&self) -> bool {
        self.parser.is_diff()
    }

    /// How many lines the diff has added so far.
    pub fn added(&self) -> u64 {
        self.added
    }

    /// How many lines the diff has deleted so far.
    pub fn deleted(&self) -> u64 {
        self.deleted
    }
}

/// What is kept of a diff after its text is dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
pub(crate) struct AcceptedLines {
    pub(crate) added: u64,
    pub(crate) deleted: u64,
    pub(crate) fingerprints: Vec<LineFingerprint>,
}

impl AcceptedLines {
    /// Reads and hashes a diff.
    pub(crate) fn of(diff: &str, digest: &impl Digest) -> Self {
        let mut fingerprinter = Fingerprinter::new(digest);
        let fingerprints = lines(diff.as_bytes()).filter_map(|line| fingerprinter.line(line)).collect();
        Self { added: fingerprinter.added, deleted: fingerprinter.deleted, fingerprints }
    }

    /// Counts a diff that is too large to be hashed.
    pub(crate) fn count(diff: &str) -> Self {
        let mut counted = Self::default();
        let mut parser = DiffParser::default();
        for line in lines(diff.as_bytes()) {
            match parser.line(line) {
                DiffLine::Added(_) => counted.added += 1,
                DiffLine::Deleted(_) => counted.deleted += 1,
                DiffLine::File(_) | DiffLine::Other => {}
            }
        }
        counted
    }

    /// Whether nothing was added or deleted.
    pub(crate) fn is_empty(&self) -> bool {
        self.added == 0 && self.deleted == 0
    }

    /// Splits the fingerprints into events that fit a request (`docs/contract/rules.md` 8.8); the counts
    /// go with the first. Without fingerprints there is one event.
    pub(crate) fn into_chunks(self) -> impl Iterator<Item = Self> {
        let mut chunker = Chunker::default();
        let mut chunks: Vec<_> = self.fingerprints.into_iter().filter_map(|one| chunker.push(one)).collect();
        chunks.push(chunker.finish());
        let mut counts = (self.added, self.deleted);
        chunks.into_iter().map(move |fingerprints| {
            let (added, deleted) = core::mem::take(&mut counts);
            Self { added, deleted, fingerprints }
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::{AcceptedLines, lines};
    use crate::digest::DigestValue;
    use crate::event::accepted_lines::LineFingerprint;

    #[test]
    fn line_ends() {
        let split = |text: &'static str| lines(text.as_bytes()).map(|line| str::from_utf8(line).unwrap()).collect();
        let cases: [(&str, &[&str]); 6] = [
            ("", &[]),
            ("\n", &[""]),
            ("a\nb", &["a", "b"]),
            ("a\r\nb\r\n", &["a", "b"]),
            ("a\rb\r", &["a\rb"]),
            ("a\n\nb\n\n", &["a", "", "b", ""]),
        ];
        for (text, expected) in cases {
            let found: Vec<&str> = split(text);
            assert_eq!(found, expected, "{text:?}");
        }
    }

    /// The numbers of `docs/contract/rules.md` 8.8.
    #[test]
    fn chunks() {
        let sizes = |hash: &[u8], count| {
            let hash = DigestValue::new(hash);
            let fingerprints = vec![LineFingerprint { path_hash: hash, line_hash: hash }; count];
            let chunks: Vec<_> = AcceptedLines { added: 7, deleted: 3, fingerprints }.into_chunks().collect();
            let counts: Vec<_> = chunks.iter().map(|chunk| (chunk.added, chunk.deleted)).collect();
            let mut expected = vec![(0, 0); chunks.len()];
            expected[0] = (7, 3);
            assert_eq!(counts, expected);
            chunks.iter().map(|chunk| chunk.fingerprints.len()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[0; 32], 0), [0]);
        assert_eq!(sizes(&[0; 32], 13_019), [13_019]);
        assert_eq!(sizes(&[0; 32], 13_020), [13_019, 1]);
        assert_eq!(sizes(&[0; 32], 20_000), [13_019, 6_981]);
        assert_eq!(sizes(&[0; 20], 18_550), [18_549, 1]);
    }

    /// A chunk may be exactly as large as the limit, to the byte.
    #[test]
    fn chunks_to_the_byte() {
        // A fingerprint takes 161 bytes with long hashes and 113 with short ones, its comma included; the first has none.
        let chunks = |bytes: usize| {
            let left = bytes - 1024 + 1;
            let long = (0..113)
                .find(|long| (left - 161 * long).is_multiple_of(113))
                .expect("161 and 113 have no common divisor");
            let hashes = [(DigestValue::new(&[0; 32]), long), (DigestValue::new(&[0; 20]), (left - 161 * long) / 113)];
            let fingerprints = hashes.into_iter().flat_map(|(hash, count)| {
                core::iter::repeat_n(LineFingerprint { path_hash: hash, line_hash: hash }, count)
            });
            AcceptedLines { added: 0, deleted: 0, fingerprints: fingerprints.collect() }.into_chunks().count()
        };
        assert_eq!(chunks(2_097_152), 1);
        assert_eq!(chunks(2_097_153), 2);
    }
}
